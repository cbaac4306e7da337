"""``/api/layers/`` and TileJSON."""

from django.conf import settings
from django.core.cache import cache
from django.http import JsonResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.models import Area
from geo.problems import Problem
from tiles import links, tree
from tiles.api.callers import caller, refused
from tiles.matrix import WEB_MERCATOR
from tiles.queries.access import layer_for


class LayersView(APIView):
    """The layer tree: what the caller may see, with legend, scales and addresses of tiles."""

    permission_classes = [AllowAny]

    @extend_schema(summary="Layers the caller may see", responses={200: OpenApiTypes.OBJECT}, tags=["layers"])
    def get(self, request):
        response = Response(tree.tree(request.user))
        # The addresses of scoped tiles in it run out.
        response["Cache-Control"] = "private, no-store"
        return response


def city_extent() -> tuple[float, float, float, float]:
    """West, south, east, north of the city in degrees; around nothing, the whole country."""
    extent = cache.get("tiles:extent")
    if extent is None:
        city = Area.objects.filter(code=settings.CITY_CODE, valid_to=None, geom__isnull=False).first()
        extent = city.geom.extent if city else (73.0, 18.0, 135.5, 53.6)
        cache.set("tiles:extent", extent, 60)
    return extent


def tilejson(request, layer):
    """TileJSON 3.0 of a layer in WebMercatorQuad, as that standard presumes."""
    try:
        user = caller(request)
        found = layer_for(layer, user)
    except Problem as problem:
        return refused(problem)
    west, south, east, north = city_extent()
    template = request.build_absolute_uri("/")[:-1] + links.template(found, WEB_MERCATOR, user)
    least, most = tree.min_zoom(found, WEB_MERCATOR), WEB_MERCATOR.max_level
    fields = {f.name: str(f.label) for f in found.fields}
    if found.binned:
        fields["n"] = _("count")
    body = {
        "tilejson": "3.0.0",
        "name": str(found.label),
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": least,
        "maxzoom": most,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, min(max(least, 12), most)],
        "vector_layers": [
            {
                "id": found.id,
                "description": str(found.label),
                "fields": fields,
                "minzoom": least,
                "maxzoom": most,
            }
        ],
    }
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = "private, no-store"
    if found.public:
        response["Access-Control-Allow-Origin"] = "*"
    return response
