"""``/api/basemaps/``, and the pictures of our own base map."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.problems import Problem, problem_response
from tiles import drawing, wmts
from tiles.api.layers import city_extent
from tiles.matrix import WEB_MERCATOR, WORLD_CRS84
from tiles.models import BaseMap


def matrix_set_of(basemap: BaseMap):
    """The matrix set in which a base map is offered to maps."""
    return WORLD_CRS84 if basemap.projection == "EPSG:4326" else WEB_MERCATOR


def address(basemap: BaseMap) -> str:
    """The address of its pictures, with ``{z}``, ``{x}`` and ``{y}``: always our own proxy."""
    kind = "jpg" if "jp" in basemap.image_format else "png"
    return f"/basemaps/{basemap.name}/{matrix_set_of(basemap).id}/{{z}}/{{x}}/{{y}}.{kind}"


def why_not(basemap: BaseMap) -> str | None:
    """Why a base map cannot be shown, if so."""
    if "{key}" in basemap.url and not basemap.key:
        return _("It has no key yet: an administrator enters it.")
    return basemap.problem or None


def describe(basemap: BaseMap, *, vector: bool, first: bool) -> dict:
    """All that a map needs to show a base map; never the service's address or key."""
    own = basemap.service == BaseMap.Service.OWN
    labels = basemap.label_layer
    return {
        "id": basemap.name,
        "title": basemap.title,
        "kind": basemap.tone,
        "type": "own" if own and vector else "xyz",
        "layers": list(drawing.DRAWN) if own else [],
        "projection": basemap.projection,
        "matrix_set": matrix_set_of(basemap).id,
        "url": address(basemap),
        "wmts": f"/basemaps/{basemap.name}/wmts",
        "labels_url": address(labels) if labels is not None and labels.active else None,
        "min_level": basemap.min_level,
        "max_level": basemap.max_level,
        "extent": list(basemap.extent.extent) if basemap.extent else None,
        "opacity": basemap.opacity,
        "attribution": basemap.attribution,
        "approval_number": basemap.approval_number,
        "broken": why_not(basemap),
        "default": first,
    }


class BaseMapsView(APIView):
    """Base maps to choose from, and where the city lies."""

    permission_classes = [AllowAny]

    @extend_schema(summary="Base maps", responses={200: OpenApiTypes.OBJECT}, tags=["layers"])
    def get(self, request):
        maps = BaseMap.objects.for_user(request.user).filter(is_overlay=False).select_related("label_layer")
        # Our own data are drawn by the browser where it may have them, else come as pictures.
        vector = request.user.is_authenticated and request.user.can("assets.view")
        good = [one for one in maps if not why_not(one)]
        west, south, east, north = city_extent()
        return Response(
            {
                "basemaps": [
                    describe(one, vector=vector, first=bool(good) and one == good[0]) for one in maps
                ],
                "extent": [west, south, east, north],
                "center": [(west + east) / 2, (south + north) / 2],
            }
        )


def own_map(name: str) -> BaseMap:
    """An active base map of our own data by its name; a problem 404 if there is none."""
    found = BaseMap.objects.filter(name=name, service=BaseMap.Service.OWN, active=True).first()
    if found is None:
        raise Problem(
            _("There is no base map “%(name)s” here.") % {"name": name}, status=404, kind="not-found"
        )
    return found


def own_tile(request, name, matrix_set, z, x, y):
    """A picture of our own base map: PNG, 256 pixels."""
    try:
        found = own_map(name)
        quad, level = wmts.matrix_set_for(matrix_set, z, x, y)
    except wmts.NoSuchTile:
        known = ", ".join(wmts.ALIASES)
        text = _("There is no such tile; matrix sets are %(known)s.") % {"known": known}
        return problem_response(Problem(text, status=404, kind="not-found"))
    except Problem as problem:
        return problem_response(problem)
    picture = drawing.picture(found.name, found.tone, quad, level, x, y)
    response = HttpResponse(picture, content_type="image/png")
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response


def own_wmts(request, name):
    """WMTS 1.0.0 of our own base map: GetCapabilities and GetTile by key-value pairs."""
    try:
        found = own_map(name)
        west, south, east, north = city_extent()
        asked = wmts.parse(request.GET.items(), name)
        if asked is None:
            offer = wmts.Offer(
                found.name,
                found.title,
                found.attribution,
                tuple(wmts.ALIASES),
                found.min_level,
                found.max_level,
                (west, south, east, north),
            )
            base = request.build_absolute_uri(f"/basemaps/{name}")
            return HttpResponse(wmts.capabilities(offer, base), content_type="application/xml")
    except wmts.ServiceException as error:
        return HttpResponse(error.xml(), status=error.status, content_type="application/xml")
    except Problem as problem:
        return problem_response(problem)
    matrix_set, z, x, y = asked
    return own_tile(request, name, matrix_set, z, x, y)
