"""The system administrator's pages about keys, below ``/manage/open311/``."""

from django.urls import path

from cases.open311 import pages

urlpatterns = [
    path("", pages.key_list, name="manage-open311"),
    path("new", pages.key, name="manage-open311-new"),
    path("<int:pk>/", pages.key, name="manage-open311-key"),
    path("<int:pk>/revoke", pages.revoke, name="manage-open311-revoke"),
]
