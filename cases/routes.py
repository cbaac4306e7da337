"""Addresses of this app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from cases.api.views import CaseViewSet

router = SimpleRouter()
router.register("cases", CaseViewSet, "case")

urlpatterns = [
    path("api/", include(router.urls)),
    path("m/", include("cases.phone")),
]
