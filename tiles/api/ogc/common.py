"""Links, errors and the documents that tell what there is."""

from __future__ import annotations

import functools
from urllib.parse import urlencode

from django.core.serializers.json import DjangoJSONEncoder
from django.http import JsonResponse
from django.utils.translation import gettext as _

from geo.problems import Problem
from geo.registry import Layer, layers
from tiles.api.callers import caller
from tiles.queries import visible_layers

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
MVT = "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

CONFORMANCE = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
]


def address(request, path: str, **query) -> str:
    """The absolute address of a path below ``/ogc/``."""
    url = request.build_absolute_uri(f"/ogc/{path}")
    return f"{url}?{urlencode(query)}" if query else url


def link(href: str, rel: str, kind: str = "application/json", title: str = "", **more) -> dict:
    made = {"href": href, "rel": rel, "type": kind}
    return made | ({"title": title} if title else {}) | more


def collections(user) -> list[Layer]:
    """The layers that are collections for a caller: without an account, open data only."""
    known = user is not None and user.is_authenticated
    return [layer for layer in visible_layers(user) if not layer.labels and (known or layer.open_data)]


def collection_for(name: str, user) -> Layer:
    """A collection by its id; a problem 404 if the caller has none of that name, 401 if an account might."""
    for layer in collections(user):
        if layer.id == name:
            return layer
    known = user is not None and user.is_authenticated
    if name in layers and not layers[name].labels and not known:
        raise Problem(_("Log in to see this layer."), status=401, kind="not-authenticated")
    raise Problem(_("There is no collection “%(id)s”.") % {"id": name}, status=404, kind="not-found")


def answer(body: dict, kind: str = "application/json", *, user=None) -> JsonResponse:
    """A document; what only some may see is not kept by caches in between."""
    response = JsonResponse(
        body, encoder=DjangoJSONEncoder, json_dumps_params={"ensure_ascii": False}, content_type=kind
    )
    known = user is not None and user.is_authenticated
    response["Cache-Control"] = "private, no-cache" if known else "public, max-age=60"
    response["Vary"] = "Accept, Cookie, Authorization"
    if not known:
        response["Access-Control-Allow-Origin"] = "*"
    return response


def exception(problem: Problem) -> JsonResponse:
    """An error in the standard's form, which newer clients read as problem details too."""
    body = {"code": problem.kind, "description": str(problem.detail), **problem.as_dict()}
    response = JsonResponse(body, status=problem.status, json_dumps_params={"ensure_ascii": False})
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="wangge", charset="UTF-8"'
    return response


def endpoint(view):
    """Let a view have the caller as its second argument, and turn its problems into exceptions."""

    @functools.wraps(view)
    def wrapped(request, *args, **kwargs):
        try:
            if request.method not in ("GET", "HEAD"):
                raise Problem(_("This is read only: ask with GET."), status=405, kind="method-not-allowed")
            return view(request, caller(request), *args, **kwargs)
        except Problem as problem:
            return exception(problem)

    return wrapped
