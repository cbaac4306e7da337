"""Landing page, conformance, API definition, collections and queryables."""

from django.shortcuts import render
from django.utils.translation import gettext as _

from geo.registry import Layer
from tiles import tree
from tiles.api.layers import city_extent
from tiles.api.ogc.common import (
    CONFORMANCE,
    CRS84,
    GEOJSON,
    MVT,
    OPENAPI,
    address,
    answer,
    collection_for,
    collections,
    endpoint,
    link,
)
from tiles.api.ogc.items import LIMIT, MOST, json_type
from tiles.matrix import SETS


def wants_html(request) -> bool:
    asked = request.GET.get("f")
    return asked == "html" or (asked is None and request.headers.get("Accept", "").startswith("text/html"))


@endpoint
def landing(request, user):
    """Where everything begins."""
    links = [
        link(address(request, ""), "self", title=_("This document")),
        link(address(request, "api"), "service-desc", OPENAPI, _("The API's definition")),
        link(address(request, "", f="html"), "service-doc", "text/html", _("The same for reading")),
        link(address(request, "conformance"), "conformance", title=_("What it conforms to")),
        link(address(request, "collections"), "data", title=_("Collections")),
        link(
            address(request, "tileMatrixSets"),
            "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
            title=_("Tile matrix sets"),
        ),
    ]
    if wants_html(request):
        shown = [describe(request, layer) for layer in collections(user)]
        return render(request, "tiles/ogc.html", {"links": links, "collections": shown})
    body = {
        "title": _("Wangge: what stands and happens in the city"),
        "description": _("OGC API – Features and – Tiles over every layer the caller may see, in WGS-84."),
        "links": links,
    }
    return answer(body, user=user)


@endpoint
def conformance(request, user):
    return answer({"conformsTo": CONFORMANCE})


def describe(request, layer: Layer) -> dict:
    """A collection."""
    path = f"collections/{layer.id}"
    west, south, east, north = city_extent()
    return {
        "id": layer.id,
        "title": str(layer.label),
        "description": str(tree.GROUPS.get(layer.group, layer.group)),
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "extent": {"spatial": {"bbox": [[west, south, east, north]], "crs": CRS84}}
        | ({"temporal": {"interval": [[None, None]]}} if layer.versions else {}),
        "links": [
            link(address(request, path), "self"),
            link(address(request, f"{path}/items"), "items", GEOJSON, str(layer.label)),
            link(
                address(request, f"{path}/queryables"),
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                "application/schema+json",
            ),
            link(
                address(request, f"{path}/tiles"),
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                title=_("Vector tiles"),
            ),
        ],
    }


@endpoint
def collection_list(request, user):
    body = {
        "links": [link(address(request, "collections"), "self")],
        "collections": [describe(request, layer) for layer in collections(user)],
    }
    return answer(body, user=user)


@endpoint
def collection(request, user, name):
    return answer(describe(request, collection_for(name, user)), user=user)


@endpoint
def queryables(request, user, name):
    """The properties that ``items`` takes as filters, as a JSON schema."""
    layer = collection_for(name, user)
    properties = {f.name: {"title": str(f.label), **json_type(layer, f)} for f in layer.fields}
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(request, f"collections/{layer.id}/queryables"),
        "type": "object",
        "title": str(layer.label),
        "properties": properties | {"geometry": {"format": f"geometry-{layer.shape}"}},
        "additionalProperties": False,
    }
    return answer(body, "application/schema+json", user=user)


def _operation(summary: str, kind: str, parameters=(), responses=None) -> dict:
    content = {"content": {kind: {"schema": {} if kind == MVT else {"type": "object"}}}}
    return {
        "get": {
            "summary": summary,
            "parameters": list(parameters),
            "responses": {
                "200": {"description": summary, **content},
                "400": {"description": "A parameter is wrong."},
                "401": {"description": "An account is needed."},
                "404": {"description": "There is no such thing, or not for this caller."},
            },
        }
    }


def _parameter(name: str, where: str = "path", **schema) -> dict:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": schema or {"type": "string"},
        **({"style": "form", "explode": False} if schema.get("type") == "array" else {}),
    }


@endpoint
def definition(request, user):
    """OpenAPI 3.0 of ``/ogc/``."""
    ids = [layer.id for layer in collections(user)]
    name = _parameter("collectionId", type="string", enum=ids)
    tile = [
        _parameter("tileMatrixSetId", type="string", enum=list(SETS)),
        *(_parameter(one, type="integer", minimum=0) for one in ("tileMatrix", "tileRow", "tileCol")),
    ]
    query = [
        _parameter("bbox", "query", type="array", items={"type": "number"}, minItems=4, maxItems=6),
        _parameter("limit", "query", type="integer", minimum=1, maximum=MOST, default=LIMIT),
        _parameter("offset", "query", type="integer", minimum=0),
        _parameter("cursor", "query"),
        _parameter("datetime", "query"),
        _parameter("area", "query", type="string", pattern="^[0-9]{2,12}$"),
    ]
    each = "/collections/{collectionId}"
    body = {
        "openapi": "3.0.3",
        "info": {"title": "Wangge OGC API", "version": "1.0.0"},
        "servers": [{"url": request.build_absolute_uri("/ogc")}],
        "paths": {
            "/": _operation("Landing page", "application/json"),
            "/conformance": _operation("Conformance", "application/json"),
            "/collections": _operation("Collections", "application/json"),
            each: _operation("A collection", "application/json", [name]),
            f"{each}/queryables": _operation("What can be filtered by", "application/schema+json", [name]),
            f"{each}/items": _operation("Features", GEOJSON, [name, *query]),
            f"{each}/items/{{featureId}}": _operation("A feature", GEOJSON, [name, _parameter("featureId")]),
            f"{each}/tiles": _operation("Tile sets", "application/json", [name]),
            f"{each}/tiles/{{tileMatrixSetId}}": _operation(
                "A tile set", "application/json", [name, tile[0]]
            ),
            f"{each}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": _operation(
                "A vector tile", MVT, [name, *tile]
            ),
            "/tileMatrixSets": _operation("Tile matrix sets", "application/json"),
            "/tileMatrixSets/{tileMatrixSetId}": _operation("A matrix set", "application/json", [tile[0]]),
        },
    }
    return answer(body, OPENAPI, user=user)
