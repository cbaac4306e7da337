"""The work in grids: who I am, my shift, check-ins."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.idempotency import HEADER, Idempotent
from geo.models import Area
from geo.problems import Problem
from geo.rest import GeometryOut, PlacedSerializer, ScopedViewSet
from grids import actions, queries
from grids.api.locate import read_point
from grids.models import CheckIn, RawPosition, Shift

# --- Who I am ---------------------------------------------------------------------------------------


class LeaderOut(serializers.Serializer):
    """The leader of a grid."""

    name = serializers.CharField()
    phone = serializers.CharField(allow_blank=True)


class NamedArea(serializers.Serializer):
    """An area by code and name."""

    code = serializers.CharField()
    name = serializers.CharField()


class MyGrid(serializers.Serializer):
    """A grid in which I am on duty."""

    code = serializers.CharField()
    name = serializers.CharField()
    community = NamedArea()
    role = serializers.CharField()
    role_label = serializers.CharField()
    leader = LeaderOut(allow_null=True)
    geometry = GeometryOut()


class ShiftOut(serializers.ModelSerializer):
    """A shift; it runs when it has a punch-in and no punch-out."""

    class Meta:
        model = Shift
        fields = ("id", "area_code", "planned_start", "planned_end", "punched_in_at", "punched_out_at")


class WorkerOut(serializers.Serializer):
    """The grid worker behind the account."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    staff_kind = serializers.CharField()
    staff_kind_label = serializers.CharField(source="get_staff_kind_display")


class OrganisationOut(serializers.Serializer):
    """An organisation by id, code and name."""

    id = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()


class MeOut(serializers.Serializer):
    """Who is asking: roles, permissions, areas, duties, and the shift that runs or comes next."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    language = serializers.CharField(allow_blank=True)
    organisation = OrganisationOut(allow_null=True)
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    areas = NamedArea(many=True, help_text="the areas of the grants")
    worker = WorkerOut(allow_null=True)
    grids = MyGrid(many=True)
    shift = ShiftOut(allow_null=True)
    on_shift = serializers.BooleanField()


class MeView(APIView):
    """Who I am, for the phone's first screen."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="me", responses=MeOut)
    def get(self, request):
        """Duties, grids with their borders, shift, permissions."""
        user = request.user
        worker = getattr(user, "worker", None)
        shift = queries.shift_now(worker) if worker else None
        codes = sorted({code for part in user.scope.parts for code in part.areas})
        data = {
            "id": user.pk,
            "username": user.username,
            "name": str(user),
            "language": user.language,
            "organisation": user.organisation,
            "roles": sorted(user.scope.roles),
            "permissions": sorted(user.scope.permissions),
            "areas": Area.objects.filter(code__in=codes, valid_to=None).order_by("code"),
            "worker": worker,
            "grids": queries.duties_of(worker) if worker else [],
            "shift": shift,
            "on_shift": bool(shift and shift.punched_in_at and not shift.punched_out_at),
        }
        return Response(MeOut(data).data, headers={"Cache-Control": "private, no-cache"})


# --- Shifts and check-ins ---------------------------------------------------------------------------


class TargetIn(serializers.Serializer):
    """What a check-in is compared with: "grid" or a kind of thing with a place, and its code."""

    kind = serializers.CharField(max_length=20)
    code = serializers.CharField(max_length=40)


class FixIn(serializers.Serializer):
    """A position with its accuracy (68 % radius, metres), the time of the fix and the device's time."""

    client_key = serializers.UUIDField(required=False)
    lon = serializers.FloatField(required=False)
    lat = serializers.FloatField(required=False)
    crs = serializers.CharField(required=False, default="wgs84")
    accuracy_m = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1e6)
    position_source = serializers.ChoiceField(RawPosition.Source.choices, required=False, default="browser")
    fix_at = serializers.DateTimeField(required=False, allow_null=True)
    device_at = serializers.DateTimeField(required=False, allow_null=True)

    def fix(self, required: bool = False) -> actions.Fix | None:
        """The position in EPSG:4326, or none where none was sent."""
        data = self.validated_data
        if not required and data.get("lon") is None and data.get("lat") is None:
            return None
        point, crs = read_point(data)
        return actions.Fix(
            point=point,
            raw_lon=data["lon"],
            raw_lat=data["lat"],
            crs=crs,
            source=data["position_source"],
            accuracy_m=data.get("accuracy_m"),
            fix_at=data.get("fix_at"),
            device_at=data.get("device_at"),
        )

    def key(self, request) -> uuid.UUID:
        """The client's key from the body or the header; a new one where there is neither."""
        if key := self.validated_data.get("client_key"):
            return key
        try:
            return uuid.UUID(request.headers.get(HEADER, ""))
        except ValueError:
            return uuid.uuid4()


class CheckInIn(FixIn):
    """A check-in. Without a target the nearest grid on duty is meant."""

    kind = serializers.ChoiceField(CheckIn.Kind.choices, required=False, default=CheckIn.Kind.ARRIVE)
    target = TargetIn(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class ReasonOut(serializers.Serializer):
    """Why a result is what it is: a code with its words."""

    code = serializers.ChoiceField(list(CheckIn.REASONS))
    label = serializers.CharField()


class CheckInOut(PlacedSerializer):
    """A check-in: server time ``created_at``, device time ``device_at``, distances in metres."""

    result_label = serializers.CharField(source="get_result_display", read_only=True)
    kind_label = serializers.CharField(source="get_kind_display", read_only=True)
    reasons = serializers.SerializerMethodField()
    worker_name = serializers.CharField(source="worker.name", read_only=True)

    class Meta:
        model = CheckIn
        fields = (
            "id",
            "worker",
            "worker_name",
            "shift",
            "kind",
            "kind_label",
            "target_kind",
            "target_code",
            "target_name",
            "result",
            "result_label",
            "reasons",
            "distance_m",
            "radius_m",
            "accuracy_m",
            "flagged",
            "note",
            "fix_at",
            "device_at",
            "created_at",
            *PlacedSerializer.PLACE,
        )

    @extend_schema_field(ReasonOut(many=True))
    def get_reasons(self, row):
        return [{"code": code, "label": str(CheckIn.REASONS.get(code, code))} for code in row.reasons]


class PunchView(Idempotent, APIView):
    """Begin or end a shift. The position that may come with it is kept as a check-in."""

    permission_classes = (IsAuthenticated,)
    verb = staticmethod(actions.punch_in)

    def post(self, request):
        """Punch; a shift that runs already is given back as it is."""
        body = FixIn(data=request.data)
        body.is_valid(raise_exception=True)
        pressed = body.validated_data.get("device_at")
        shift = self.verb(request.user, body.fix(), body.key(request), pressed)
        return Response(ShiftOut(shift).data)


@extend_schema_view(post=extend_schema(operation_id="shifts_punch_in", request=FixIn, responses=ShiftOut))
class PunchInView(PunchView):
    """Begin the shift planned for now, or an unplanned one."""


@extend_schema_view(post=extend_schema(operation_id="shifts_punch_out", request=FixIn, responses=ShiftOut))
class PunchOutView(PunchView):
    """End the running shift; from then on no position is taken."""

    verb = staticmethod(actions.punch_out)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("flagged", bool),
            OpenApiParameter("result", str, enum=CheckIn.Result.values),
            OpenApiParameter("worker", int),
        ]
    )
)
class CheckInViewSet(Idempotent, ScopedViewSet):
    """Check-ins (打卡): one's own, and those of the workforce for those who may see them."""

    queryset = CheckIn.objects.select_related("worker", "grid")
    serializer_class = CheckInOut
    permission_classes = (IsAuthenticated,)
    lookup_field, lookup_value_regex = "pk", r"\d+"
    http_method_names = ("get", "head", "options", "post")
    filterset_fields = ("flagged", "result", "worker", "kind")
    ordering_fields = ("created_at",)
    ordering = ("-id",)

    def get_queryset(self):
        user = self.request.user
        seen = CheckIn.objects.for_user(user).values("pk") if user.can("grids.view_check_ins") else ()
        return queries.check_ins_of(self.queryset.all(), user, seen)

    @extend_schema(request=CheckInIn, responses={201: CheckInOut, 200: CheckInOut})
    def create(self, request):
        """Check in. Kept whatever the result; outside a shift refused (409) and nothing stored."""
        body = CheckInIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        for name in ("lon", "lat"):
            if data.get(name) is None:
                detail = _("A check-in needs a position.")
                raise Problem(detail, errors=[{"pointer": f"/{name}", "detail": detail}])
        target = data.get("target") or {}
        mark, is_new = actions.check_in(
            request.user,
            body.fix(required=True),
            client_key=body.key(request),
            kind=data["kind"],
            target_kind=target.get("kind", ""),
            target_code=target.get("code", ""),
            note=data["note"],
        )
        return Response(
            CheckInOut(mark, context=self.get_serializer_context()).data, status=201 if is_new else 200
        )
