"""Addresses of this app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from assets import api

router = SimpleRouter()
router.register("components", api.ComponentViewSet, "component")
router.register("types", api.ItemTypeViewSet, "item-type")
router.register("estates", api.EstateViewSet, "estate")
router.register("buildings", api.BuildingViewSet, "building")
router.register("shops", api.ShopViewSet, "shop")
router.register("enterprises", api.EnterpriseViewSet, "enterprise")
router.register("resident-units", api.ResidentUnitViewSet, "resident-unit")
router.register("facilities", api.FacilityViewSet, "facility")
router.register("service-centers", api.ServiceCenterViewSet, "service-center")
router.register("risk-points", api.RiskPointViewSet, "risk-point")
router.register("reference-lines", api.ReferenceLineViewSet, "reference-line")

urlpatterns = [path("api/", include(router.urls))]
