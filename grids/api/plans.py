"""Boundary plans: their list, their drafts, strokes, undo and redo."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.idempotency import HEADER
from geo.models import Area
from geo.problems import Problem
from geo.rest import KeysetPages, ScopedMixin, bad_parameter
from grids.models import Plan, PlanEdit
from grids.planning import changes, draft, edits, figures
from grids.planning.state import Draft
from grids.planning.strokes import OPERATIONS

MOST_UPLOAD = 64 * 1024 * 1024
FRESH = {"Cache-Control": "private, no-cache"}
SINCE = OpenApiParameter("since", int, description="a revision; what changed after it")


# --- What goes in and out ----------------------------------------------------------------------------


class CommunityOut(serializers.Serializer):
    """A community by code and name."""

    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)


class StandardOut(serializers.Serializer):
    """Households that a grid should have."""

    low = serializers.IntegerField(min_value=0, max_value=100_000)
    high = serializers.IntegerField(min_value=1, max_value=100_000)


@extend_schema_field(OpenApiTypes.OBJECT)
class Plain(serializers.JSONField):
    """An object whose members are described in words."""


class LogStepOut(serializers.Serializer):
    """The stroke that undo or redo is about."""

    number = serializers.IntegerField()
    summary = serializers.CharField()
    user = serializers.CharField()


class EditOut(serializers.Serializer):
    """A stroke of the log; ``undone`` ones can be done again until they are ``dropped``."""

    number = serializers.IntegerField()
    op = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    user = serializers.CharField()
    at = serializers.DateTimeField()
    undone = serializers.BooleanField()
    dropped = serializers.BooleanField()
    revision = serializers.IntegerField()


class PlanGridOut(serializers.Serializer):
    """A grid of a plan; ``geometry`` is its border without the nodes that only blocks need."""

    number = serializers.IntegerField()
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    kind = serializers.CharField()
    colour = serializers.CharField(allow_blank=True)
    locked = serializers.BooleanField()
    community_code = serializers.CharField()
    in_force = serializers.CharField(allow_null=True, help_text="code of the grid in force that it continues")
    active = serializers.BooleanField()
    blocks = serializers.IntegerField()
    bbox = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    label = serializers.ListField(child=serializers.FloatField(), allow_null=True, help_text="lon, lat")
    geometry = Plain(allow_null=True)


class PlanLine(serializers.Serializer):
    """A plan in the list."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    state = serializers.CharField()
    state_label = serializers.CharField()
    revision = serializers.IntegerField()
    communities = CommunityOut(many=True)
    area_code = serializers.CharField()
    start = serializers.CharField()
    standard = StandardOut()
    effective_on = serializers.DateField(allow_null=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    problem = serializers.CharField(allow_blank=True)


class PlanOut(PlanLine):
    """A plan with its grids. ``findings`` are repairs and faults of what it was started from."""

    findings = serializers.ListField(child=Plain())
    can = serializers.DictField(child=serializers.BooleanField())
    undo = LogStepOut(allow_null=True)
    redo = LogStepOut(allow_null=True)
    grids = PlanGridOut(many=True)


class BlocksOut(serializers.Serializer):
    """Blocks as a GeoJSON FeatureCollection; ``removed`` are ids of blocks gone since the revision asked."""

    type = serializers.CharField()
    revision = serializers.IntegerField()
    features = serializers.ListField(child=Plain())
    removed = serializers.ListField(child=serializers.IntegerField())


class ChangedBlocks(serializers.Serializer):
    """Blocks that are new or back, that are gone, and that changed grid (id: grid number)."""

    added = serializers.ListField(child=Plain())
    removed = serializers.ListField(child=serializers.IntegerField())
    moved = serializers.DictField(child=serializers.IntegerField())


class ChangeOut(serializers.Serializer):
    """What changed after a revision. ``figures`` come with the answer to a stroke."""

    revision = serializers.IntegerField()
    blocks = ChangedBlocks()
    grids = PlanGridOut(many=True)
    edits = EditOut(many=True)
    undo = LogStepOut(allow_null=True)
    redo = LogStepOut(allow_null=True)
    figures = Plain(required=False, allow_null=True)


class PlanIn(serializers.Serializer):
    """A new plan. ``from`` names the plan to start from, ``file`` any vector file GDAL reads."""

    name = serializers.CharField(max_length=100)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    communities = serializers.ListField(
        child=serializers.RegexField(r"^[0-9]{12}$"), min_length=1, max_length=draft.MOST_COMMUNITIES
    )
    start = serializers.ChoiceField(Plan.Start.choices, default=Plan.Start.IN_FORCE)
    grids = serializers.IntegerField(required=False, min_value=1, max_value=draft.MOST_GRIDS, default=1)
    file = serializers.FileField(required=False, allow_null=True)
    crs = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    layer = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    code_field = serializers.CharField(required=False, allow_blank=True, default="", max_length=80)
    name_field = serializers.CharField(required=False, allow_blank=True, default="", max_length=80)
    encoding = serializers.CharField(required=False, allow_blank=True, default="", max_length=20)
    client_key = serializers.UUIDField(required=False, allow_null=True)

    def get_fields(self):
        fields = super().get_fields()
        # "from" is a word of Python's.
        fields["from"] = serializers.IntegerField(
            required=False, allow_null=True, min_value=1, max_value=2**62
        )
        return fields


class PlanPatch(serializers.Serializer):
    """What may be changed of a plan at any time before its review."""

    name = serializers.CharField(required=False, max_length=100)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    standard = StandardOut(required=False)

    def validate_standard(self, value):
        if value["low"] > value["high"]:
            raise serializers.ValidationError(_("The fewest households must not be more than the most."))
        return value


class StrokeIn(serializers.Serializer):
    """A stroke: what to do with what, and the revision that the planner stands on."""

    op = serializers.ChoiceField(sorted(OPERATIONS))
    base = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    client_key = serializers.UUIDField(required=False, allow_null=True)
    params = Plain()


class LogStepIn(serializers.Serializer):
    """Undo or redo; with ``number`` all strokes down or up to that one."""

    base = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    client_key = serializers.UUIDField(required=False, allow_null=True)
    number = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**31 - 1)


def key_of(request, data) -> uuid.UUID | None:
    """The client's key from the body or the header."""
    if key := data.get("client_key"):
        return key
    try:
        return uuid.UUID(request.headers.get(HEADER, ""))
    except ValueError:
        return None


def since_of(request) -> int | None:
    """The revision that a planner stands on."""
    text = request.query_params.get("since", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise bad_parameter("since", _("since takes a revision of the plan."))
    return int(text)


# --- Views -------------------------------------------------------------------------------------------


class PlanView(APIView):
    """A view of one plan within the asker's scope."""

    permission_classes = (IsAuthenticated,)

    def plan(self, pk: int, permission: str | None = None) -> Plan:
        """The plan, if the user may see it (404) and, with a permission, do that with it (403)."""
        if pk >= 2**63:
            raise Problem(_("There is no such plan."), status=404, kind="not-found")
        rows = Plan.objects.for_user(self.request.user).select_related("created_by")
        plan = rows.filter(pk=pk).first()
        if plan is None:
            raise Problem(_("There is no such plan."), status=404, kind="not-found")
        if permission and not self.request.user.scope.covers(permission, area_code=plan.area_code):
            raise Problem(_("You may see this plan but not change it."), status=403, kind="forbidden")
        return plan


class PlansView(ScopedMixin, APIView):
    """Plans of the communities in one's scope."""

    queryset = Plan.objects.select_related("created_by")
    write_permission = "grids.plan"
    pagination_class = KeysetPages
    bbox_path = grid_path = ""

    @extend_schema(
        operation_id="plans_list",
        parameters=[
            OpenApiParameter("state", str, enum=Plan.State.values),
            OpenApiParameter("area", str, description="code of an area"),
            OpenApiParameter("cursor", str),
            OpenApiParameter("limit", int),
        ],
        responses=PlanLine(many=True),
    )
    def get(self, request):
        """The list, what changed last first."""
        rows = self.get_queryset().defer("findings", "basis").order_by("-changed_at", "-pk")
        if state := request.query_params.get("state"):
            if state not in Plan.State.values:
                raise bad_parameter("state", _("state takes one of: %s.") % ", ".join(Plan.State.values))
            rows = rows.filter(state=state)
        else:
            rows = rows.exclude(state=Plan.State.WITHDRAWN)
        if area := request.query_params.get("area"):
            if not area.isascii() or not area.isdigit():
                raise bad_parameter("area", _("area takes the code of an area."))
            rows = rows.filter(area_code__startswith=area)
        pages = KeysetPages()
        page = pages.paginate_queryset(rows, request, self)
        codes = {code for plan in page for code in plan.communities}
        names = dict(Area.objects.filter(code__in=codes, valid_to=None).values_list("code", "name"))
        return pages.get_paginated_response([changes.plan_line(plan, names) for plan in page])

    @extend_schema(operation_id="plans_create", request=PlanIn, responses={201: PlanOut, 200: PlanOut})
    def post(self, request):
        """Begin a plan. Small ones are ready at once; others are ``preparing`` until a job is done."""
        body = PlanIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        source, file = None, data.get("file")
        if number := data.get("from"):
            source = Plan.objects.for_user(request.user).filter(pk=number).first()
            if source is None:
                raise Problem(_("There is no such plan."), errors=[{"pointer": "/from"}])
        if file is not None and file.size > MOST_UPLOAD:
            raise Problem(_("The file is too big."), status=413, kind="too-big")
        names = ("crs", "layer", "code_field", "name_field", "encoding", "grids")
        plan, is_new = draft.start(
            request.user,
            name=data["name"],
            note=data["note"],
            communities=data["communities"],
            start=data["start"],
            source=source,
            file=file,
            options={name: data[name] for name in names if data.get(name)},
            client_key=key_of(request, data),
        )
        return Response(detail(plan, request.user), status=201 if is_new else 200, headers=FRESH)


def detail(plan: Plan, user) -> dict:
    """A plan with its grids."""
    undo, redo = changes.next_steps(plan)
    return {
        **changes.plan_row(plan, user),
        "undo": undo,
        "redo": redo,
        "grids": changes.grid_rows(Draft.load(plan)),
    }


class PlanDetailView(PlanView):
    """A plan."""

    @extend_schema(operation_id="plans_read", responses=PlanOut)
    def get(self, request, plan: int):
        """The plan with its grids, and what the asker may do."""
        return Response(detail(self.plan(plan), request.user), headers=FRESH)

    @extend_schema(operation_id="plans_change", request=PlanPatch, responses=PlanOut)
    def patch(self, request, plan: int):
        """Change name, note or standard."""
        row = self.plan(plan, "grids.plan")
        body = PlanPatch(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        with transaction.atomic():
            row = Plan.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=row.pk)
            if row.state not in Plan.OPEN:
                detail_ = _("This plan takes no changes: %s.") % row.get_state_display()
                raise Problem(detail_, status=409, kind="state")
            row.name = data.get("name", row.name)
            row.note = data.get("note", row.note)
            if standard := data.get("standard"):
                row.standard_low, row.standard_high = standard["low"], standard["high"]
            row.save(update_fields=["name", "note", "standard_low", "standard_high", "changed_at"])
            draft.tell(row)
        return Response(detail(row, request.user), headers=FRESH)

    @extend_schema(operation_id="plans_lay_aside", responses={200: PlanOut})
    def delete(self, request, plan: int):
        """Lay a draft aside; it can be taken back."""
        row = draft.withdraw(self.plan(plan, "grids.plan"), request.user)
        return Response(detail(row, request.user), headers=FRESH)


class RestoreView(PlanView):
    """A plan that was laid aside comes back."""

    @extend_schema(operation_id="plans_restore", request=None, responses=PlanOut)
    def post(self, request, plan: int):
        """Take a withdrawn plan back."""
        row = draft.restore(self.plan(plan, "grids.plan"), request.user)
        return Response(detail(row, request.user), headers=FRESH)


class BlocksView(PlanView):
    """The blocks of a draft."""

    @extend_schema(operation_id="plans_blocks", parameters=[SINCE], responses=BlocksOut)
    def get(self, request, plan: int):
        """Active blocks as GeoJSON."""
        since = since_of(request)
        return Response(changes.block_features(Draft.load(self.plan(plan)), since), headers=FRESH)


class ChangesView(PlanView):
    """What others did meanwhile."""

    @extend_schema(operation_id="plans_changes", parameters=[SINCE], responses=ChangeOut)
    def get(self, request, plan: int):
        """What changed after a revision, merged."""
        return Response(changes.changes(Draft.load(self.plan(plan)), since_of(request) or 0), headers=FRESH)


class EditsView(PlanView):
    """The log of strokes."""

    pagination_class = KeysetPages

    @extend_schema(
        operation_id="plans_edits_list",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses=EditOut(many=True),
    )
    def get(self, request, plan: int):
        """The log, the last stroke first."""
        rows = PlanEdit.objects.filter(plan=self.plan(plan)).select_related("user").defer("delta", "params")
        pages = KeysetPages()
        page = pages.paginate_queryset(rows.order_by("-number"), request, self)
        return pages.get_paginated_response([changes.edit_row(edit) for edit in page])

    @extend_schema(operation_id="plans_stroke", request=StrokeIn, responses=ChangeOut)
    def post(self, request, plan: int):
        """Make a stroke. 409 ``conflict`` carries ``changes_since`` when others changed the same ground."""
        row = self.plan(plan, "grids.plan")
        body = StrokeIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        change = edits.stroke(
            row, request.user, data["op"], data["params"], data["base"], key_of(request, data)
        )
        return answer(change)


class _StepView(PlanView):
    step = staticmethod(edits.undo)

    def post(self, request, plan: int):
        """Step back or forth in the log."""
        row = self.plan(plan, "grids.plan")
        body = LogStepIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        change = self.step(row, request.user, data["base"], key_of(request, data), data.get("number"))
        return answer(change)


class UndoView(_StepView):
    """Undo."""

    @extend_schema(operation_id="plans_undo", request=LogStepIn, responses=ChangeOut)
    def post(self, request, plan: int):
        """Undo the last stroke, or all down to a number."""
        return super().post(request, plan)


class RedoView(_StepView):
    """Redo."""

    step = staticmethod(edits.redo)

    @extend_schema(operation_id="plans_redo", request=LogStepIn, responses=ChangeOut)
    def post(self, request, plan: int):
        """Do again what was undone last, or all up to a number."""
        return super().post(request, plan)


def answer(change: edits.Change) -> Response:
    """What a stroke changed, with the figures as they are now."""
    data = changes.changes(change.draft, change.since) | {"figures": figures.of(change.draft)}
    return Response(data, headers=FRESH)


urlpatterns = [
    path("", PlansView.as_view(), name="plans"),
    path("<int:plan>/", PlanDetailView.as_view(), name="plan"),
    path("<int:plan>/restore/", RestoreView.as_view(), name="plan-restore"),
    path("<int:plan>/blocks/", BlocksView.as_view(), name="plan-blocks"),
    path("<int:plan>/changes/", ChangesView.as_view(), name="plan-changes"),
    path("<int:plan>/edits/", EditsView.as_view(), name="plan-edits"),
    path("<int:plan>/undo/", UndoView.as_view(), name="plan-undo"),
    path("<int:plan>/redo/", RedoView.as_view(), name="plan-redo"),
]
