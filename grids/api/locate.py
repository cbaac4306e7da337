"""Where a point is."""

from __future__ import annotations

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from geo.coordinates import CoordinateError, to_wgs84
from geo.problems import Problem
from geo.rest import bad_parameter
from grids import queries
from grids.models import GridDuty


class AreaOut(serializers.Serializer):
    """One link of the chain of areas."""

    level = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()


class GridOut(serializers.Serializer):
    """A governance grid."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(required=False)


class BorderOut(serializers.Serializer):
    """The grid on the other side of a line that is nearer than 5 m."""

    code = serializers.CharField()
    name = serializers.CharField()
    distance_m = serializers.FloatField()


class DutyGridOut(serializers.Serializer):
    """The beat the point lies in."""

    code = serializers.CharField()
    name = serializers.CharField()


class ResponsibleOut(serializers.Serializer):
    """Somebody responsible for the grid."""

    id = serializers.IntegerField(help_text="of the grid worker")
    name = serializers.CharField()
    role = serializers.ChoiceField(GridDuty.Role.choices)
    role_label = serializers.SerializerMethodField()
    on_shift = serializers.BooleanField()
    phone = serializers.CharField(required=False, help_text="for those who see the workforce there")

    def get_role_label(self, person) -> str:
        return str(GridDuty.Role(person["role"]).label)


class OutsideOut(serializers.Serializer):
    """How far outside the city the point is."""

    text = serializers.CharField()
    code = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    distance_m = serializers.FloatField(allow_null=True)


class BuildingNear(serializers.Serializer):
    """The nearest building within 50 m."""

    code = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    distance_m = serializers.FloatField()


class ComponentNear(serializers.Serializer):
    """A component within 30 m."""

    code = serializers.CharField()
    name = serializers.CharField()
    type = serializers.IntegerField()
    type_name = serializers.CharField()
    state = serializers.CharField()
    lon = serializers.FloatField()
    lat = serializers.FloatField()
    distance_m = serializers.FloatField()


class LocateOut(serializers.Serializer):
    """Where a point is: longitude and latitude in WGS-84, the chain of areas, the grid."""

    lon = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.CharField(help_text="the system the point arrived in")
    inside = serializers.BooleanField(help_text="whether the point is in the city")
    text = serializers.CharField(help_text="the place in words")
    area_code = serializers.CharField(allow_blank=True)
    areas = AreaOut(many=True)
    grid = GridOut(allow_null=True)
    border = BorderOut(allow_null=True)
    outside = OutsideOut(allow_null=True)
    unit_grid = serializers.CharField(allow_null=True, required=False, help_text="staff only")
    duty_grid = DutyGridOut(allow_null=True, required=False, help_text="staff only")
    people = ResponsibleOut(many=True, required=False, help_text="staff only")
    building = BuildingNear(allow_null=True, required=False, help_text="staff only")
    components = ComponentNear(many=True, required=False, help_text="staff only")

    STAFF = ("unit_grid", "duty_grid", "people", "building", "components")

    def to_representation(self, answer):
        """A key that was not asked for is missing, not null."""
        data = super().to_representation(answer)
        return {name: value for name, value in data.items() if name in answer or name not in self.STAFF}


def located_out(answer: queries.Located, crs: str, staff: bool) -> dict:
    """A ``locate`` answer as ``LocateOut`` tells it."""
    data = {
        "lon": answer.point.x,
        "lat": answer.point.y,
        "crs": crs,
        "inside": answer.inside,
        "text": answer.in_words() if answer.inside else answer.outside_in_words(),
        "area_code": answer.area_code,
        "areas": answer.areas,
        "grid": answer.grid,
        "border": answer.border,
        "outside": None,
    }
    if not answer.inside:
        nearest = answer.nearest or {"code": None, "name": None, "distance_m": None}
        data["outside"] = {"text": answer.outside_in_words(), **nearest}
    if staff:
        data |= {"unit_grid": answer.unit_grid, "duty_grid": answer.duty_grid, "people": answer.people}
        data |= {"building": None, "components": []} | answer.things
    return LocateOut(data).data


class AnonymousLocate(AnonRateThrottle):
    """Enough for a person with a map, not for copying the city's borders point by point."""

    rate = "60/min"
    scope = "locate"


class LocateView(APIView):
    """The areas and the grid a point belongs to; for staff also the people, the building, the components."""

    permission_classes = (AllowAny,)
    throttle_classes = (AnonymousLocate,)

    @extend_schema(
        operation_id="locate",
        parameters=[
            OpenApiParameter("lon", float, required=True),
            OpenApiParameter("lat", float, required=True),
            OpenApiParameter("crs", str, enum=["wgs84", "cgcs2000", "gcj02", "bd09"], default="wgs84"),
        ],
        responses=LocateOut,
    )
    def get(self, request):
        """Locate a point given in the query."""
        return self._answer(request, request.query_params)

    @extend_schema(
        operation_id="locate_post",
        request={
            "application/json": {
                "type": "object",
                "required": ["lon", "lat"],
                "properties": {
                    "lon": {"type": "number"},
                    "lat": {"type": "number"},
                    "crs": {"type": "string", "default": "wgs84"},
                },
            }
        },
        responses=LocateOut,
    )
    def post(self, request):
        """Locate a point given in the body, which leaves no trace in access logs."""
        return self._answer(request, request.data)

    def _answer(self, request, data):
        point, crs = read_point(data)
        answer = queries.locate(point, request.user)
        staff = request.user.is_authenticated and request.user.can("grids.view")
        return Response(located_out(answer, crs, staff), headers={"Cache-Control": "private, no-store"})


def read_point(data) -> tuple[Point, str]:
    """The WGS-84 point and its system's name from ``lon``, ``lat``, ``crs`` of a query or body, or a 400."""
    if not hasattr(data, "get"):
        raise bad_parameter("lon", _("lon and lat are needed: longitude and latitude in degrees."))
    values = []
    for name in ("lon", "lat"):
        try:
            if isinstance(data.get(name), bool):
                raise ValueError
            values.append(float(data.get(name)))
        except (TypeError, ValueError):
            raise bad_parameter(name, _("%s takes a number.") % name) from None
    crs = str(data.get("crs") or "wgs84").lower()
    try:
        return Point(*to_wgs84(*values, crs), srid=4326), crs
    except CoordinateError as error:
        raise Problem(
            str(error), status=400, kind="coordinate", errors=[{"field": "lon", "detail": str(error)}]
        ) from None
