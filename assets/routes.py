"""Addresses of this app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from assets import api, exchange_api, exchange_pages, pages
from assets.listings import LISTINGS

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

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/exports/", exchange_api.ExportList.as_view(), name="export-list"),
    path("api/exports/<uuid:uuid>/", exchange_api.ExportDetail.as_view(), name="export-detail"),
    path("data/imports/", exchange_pages.imports, name="imports"),
    path("data/imports/<uuid:uuid>/", exchange_pages.import_page, name="import"),
    path("data/exports/", exchange_pages.exports, name="exports"),
    path("data/<uuid:uuid>/state", exchange_pages.exchange_state, name="exchange-state"),
    path("data/<uuid:uuid>/<slug:what>", exchange_pages.download, name="exchange-download"),
    # Each list has a name of its own, so that menu and figures can point at it.
    *(path(f"assets/{kind}/", pages.asset_list, {"kind": kind}, name=f"list-{kind}") for kind in LISTINGS),
    path("assets/<slug:kind>/<str:code>/", pages.asset_page, name="asset-page"),
    path("buildings/<str:code>/", pages.asset_page, {"kind": "buildings"}, name="building-page"),
    path("components/<str:code>/", pages.asset_page, {"kind": "components"}, name="component-page"),
]
