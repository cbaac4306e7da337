"""Addresses of this app."""

from django.urls import include, path

from tiles import cockpit, pages
from tiles.api import basemaps, layers, mvt

urlpatterns = [
    path("cockpit/", cockpit.cockpit_page, name="cockpit"),
    path("api/measures/", cockpit.figures_view, name="api-measures"),
    path("api/measures/shapes", cockpit.shapes_view, name="api-measure-shapes"),
    path("api/measures/<slug:measure>/series", cockpit.series_view, name="api-measure-series"),
    path("api/layers/", layers.LayersView.as_view(), name="layers"),
    path("tiles/<slug:layer>.json", layers.tilejson, name="tilejson"),
    path(
        "tiles/<slug:layer>/<slug:matrix_set>/<int:z>/<int:x>/<int:y>.mvt", mvt.tile_view, name="vector-tile"
    ),
    path(
        "tiles/s/<int:expires>/<slug:signature>/<slug:scope>"
        "/<slug:layer>/<slug:matrix_set>/<int:z>/<int:x>/<int:y>.mvt",
        mvt.tile_view,
        name="signed-vector-tile",
    ),
    path("manage/basemaps/", pages.basemaps, name="manage-basemaps"),
    path("manage/basemaps/new", pages.basemap, name="manage-basemap-new"),
    path("manage/basemaps/<slug:name>/", pages.basemap, name="manage-basemap"),
    path("manage/basemaps/<slug:name>/check", pages.check, name="manage-basemap-check"),
    path("ogc/", include("tiles.api.ogc.routes")),
    path("api/basemaps/", basemaps.BaseMapsView.as_view(), name="basemaps"),
    path("basemaps/<slug:name>/wmts", basemaps.own_wmts, name="basemap-wmts"),
    path(
        "basemaps/<slug:name>/<slug:matrix_set>/<int:z>/<int:x>/<int:y>.png",
        basemaps.own_tile,
        name="basemap-tile",
    ),
]
