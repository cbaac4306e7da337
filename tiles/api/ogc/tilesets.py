"""Tiles and tile matrix sets. Here a tile is named level, row, column, as the standard has it."""

from django.utils.translation import gettext as _

from geo.problems import Problem
from geo.registry import Layer
from tiles import tree
from tiles.api import mvt
from tiles.api.layers import city_extent
from tiles.api.ogc.common import CRS84, MVT, address, answer, collection_for, endpoint, link
from tiles.matrix import METRES_PER_DEGREE, SETS, TILE_PIXELS, MatrixSet
from tiles.wmts import scale_denominator


def _matrix_set(name: str) -> MatrixSet:
    if name not in SETS:
        raise Problem(
            _("There is no matrix set “%(id)s”; there are %(known)s.")
            % {"id": name, "known": ", ".join(SETS)},
            status=404,
            kind="not-found",
        )
    return SETS[name]


def _describe(request, layer: Layer, matrix_set: MatrixSet, *, full: bool) -> dict:
    """A layer's tile set in a matrix set; ``full`` with its properties and limits."""
    path = f"collections/{layer.id}/tiles/{matrix_set.id}"
    body = {
        "title": str(layer.label),
        "dataType": "vector",
        "crs": matrix_set.crs,
        "tileMatrixSetURI": matrix_set.uri,
        "links": [
            link(address(request, path), "self"),
            link(
                address(request, f"tileMatrixSets/{matrix_set.id}"),
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
            ),
            link(
                address(request, path) + "/{tileMatrix}/{tileRow}/{tileCol}",
                "item",
                MVT,
                templated=True,
            ),
        ],
    }
    if not full:
        return body
    extent = city_extent()
    least = tree.min_zoom(layer, matrix_set)
    limits = []
    for z in range(least, matrix_set.max_level + 1):
        west, east, north, south = matrix_set.cover(z, extent)
        limits.append(
            {
                "tileMatrix": str(z),
                "minTileRow": north,
                "maxTileRow": south,
                "minTileCol": west,
                "maxTileCol": east,
            }
        )
    kinds = {"point": 0, "line": 1, "polygon": 2}
    return body | {
        "tileMatrixSetLimits": limits,
        "boundingBox": {"lowerLeft": list(extent[:2]), "upperRight": list(extent[2:]), "crs": CRS84},
        "layers": [
            {
                "id": layer.id,
                "title": str(layer.label),
                "dataType": "vector",
                "geometryDimension": kinds[layer.shape],
                "minTileMatrix": str(least),
                "maxTileMatrix": str(matrix_set.max_level),
                "propertiesSchema": {
                    "type": "object",
                    "properties": {f.name: {"title": str(f.label)} for f in layer.fields},
                },
            }
        ],
    }


@endpoint
def tilesets(request, user, name):
    layer = collection_for(name, user)
    body = {
        "links": [link(address(request, f"collections/{layer.id}/tiles"), "self")],
        "tilesets": [_describe(request, layer, one, full=False) for one in SETS.values()],
    }
    return answer(body, user=user)


@endpoint
def tileset(request, user, name, matrix_set):
    layer = collection_for(name, user)
    return answer(_describe(request, layer, _matrix_set(matrix_set), full=True), user=user)


@endpoint
def tile(request, user, name, matrix_set, z, row, column):
    layer = collection_for(name, user)
    quad = mvt.matrix_set_for(matrix_set, z, column, row)
    day = None
    if asked := request.GET.get("datetime"):
        day = mvt.day_of(asked, layer)
    return mvt.answer(request, mvt.tile_bytes(layer, quad, z, column, row, user, day), public=layer.public)


@endpoint
def matrix_sets(request, user):
    listed = [
        {
            "id": one.id,
            "title": one.title,
            "uri": one.uri,
            "crs": one.crs,
            "links": [link(address(request, f"tileMatrixSets/{one.id}"), "self")],
        }
        for one in SETS.values()
    ]
    return answer({"tileMatrixSets": listed})


@endpoint
def matrix_set(request, user, matrix_set):
    """The definition of a matrix set (OGC 17-083r4)."""
    found = _matrix_set(matrix_set)
    per_unit = 1 if found.srid == 3857 else METRES_PER_DEGREE
    matrices = []
    for z in range(found.max_level + 1):
        columns, rows = found.size(z)
        denominator = scale_denominator(found, z)
        matrices.append(
            {
                "id": str(z),
                "scaleDenominator": denominator,
                "cellSize": denominator * 0.00028 / per_unit,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": list(found.origin),
                "tileWidth": TILE_PIXELS,
                "tileHeight": TILE_PIXELS,
                "matrixWidth": columns,
                "matrixHeight": rows,
            }
        )
    body = {
        "id": found.id,
        "title": found.title,
        "uri": found.uri,
        "crs": found.crs,
        "orderedAxes": ["X", "Y"] if found.srid == 3857 else ["Lon", "Lat"],
        "tileMatrices": matrices,
    }
    return answer(body)
