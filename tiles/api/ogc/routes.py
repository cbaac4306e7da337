"""Addresses below ``/ogc/``."""

from django.urls import path

from tiles.api.ogc import documents, items, tilesets

each = "collections/<slug:name>"
urlpatterns = [
    path("", documents.landing, name="ogc"),
    path("conformance", documents.conformance, name="ogc-conformance"),
    path("api", documents.definition, name="ogc-api"),
    path("collections", documents.collection_list, name="ogc-collections"),
    path(each, documents.collection, name="ogc-collection"),
    path(f"{each}/queryables", documents.queryables, name="ogc-queryables"),
    path(f"{each}/items", items.items, name="ogc-items"),
    path(f"{each}/items/<str:code>", items.item, name="ogc-item"),
    path(f"{each}/tiles", tilesets.tilesets, name="ogc-tilesets"),
    path(f"{each}/tiles/<slug:matrix_set>", tilesets.tileset, name="ogc-tileset"),
    path(f"{each}/tiles/<slug:matrix_set>/<int:z>/<int:row>/<int:column>", tilesets.tile, name="ogc-tile"),
    path("tileMatrixSets", tilesets.matrix_sets, name="ogc-matrix-sets"),
    path("tileMatrixSets/<slug:matrix_set>", tilesets.matrix_set, name="ogc-matrix-set"),
]
