"""What a plan's grids hold, what changes against today or another plan, and all of it as a file."""

from django.urls import path, reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo import outputs
from geo.idempotency import Idempotent
from geo.problems import Problem
from geo.rest import bad_parameter
from grids import jobs
from grids.models import Plan
from grids.planning import compare, figures, report
from grids.planning.state import Draft

# --- The form of the answers ------------------------------------------------------------------------


class PlanMeasureOut(serializers.Serializer):
    """A column of figures: what it is called and how it is counted."""

    id = serializers.CharField()
    label = serializers.CharField()
    definition = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    group = serializers.CharField(allow_blank=True)
    decimals = serializers.IntegerField()


class PlanFlowOut(serializers.Serializer):
    """What moves from a grid in force (null: from no grid) to a grid of the plan, by measure id."""

    to = serializers.IntegerField()

    def get_fields(self):
        # "from" is no name for an attribute.
        return {"from": serializers.CharField(allow_null=True), **super().get_fields()}


class PlanFaultOut(serializers.Serializer):
    """What stands against the plan, and where."""

    kind = serializers.CharField(
        help_text="gap, overlap, outside, multipart, empty, sliver, cut, no_leader, under, over"
    )
    severity = serializers.ChoiceField(["error", "warning", "hint"])
    text = serializers.CharField()
    grid = serializers.IntegerField(allow_null=True)
    grids = serializers.ListField(child=serializers.IntegerField())
    geometry = serializers.JSONField(allow_null=True)
    bbox = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class PlanFiguresOut(serializers.Serializer):
    """Figures of each grid of the plan (by number) and of each grid in force (by code), by measure id."""

    revision = serializers.IntegerField()
    counted_at = serializers.CharField(allow_blank=True)
    measures = PlanMeasureOut(many=True)
    grids = serializers.DictField(child=serializers.JSONField())
    today = serializers.DictField(child=serializers.JSONField())
    total = serializers.DictField(child=serializers.JSONField())
    flows = PlanFlowOut(many=True)
    faults = PlanFaultOut(many=True)


class SideOut(serializers.Serializer):
    """One of two that are compared; ``id`` is null for the grids in force."""

    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()


class PlanMoveOut(serializers.Serializer):
    """What changes hands between two grids, by measure id and in a sentence."""

    from_name = serializers.CharField()
    to = serializers.CharField()
    to_name = serializers.CharField()
    sentence = serializers.CharField()
    households = serializers.IntegerField()
    people = serializers.IntegerField()
    cases_open = serializers.IntegerField()
    workers = serializers.IntegerField()
    area_m2 = serializers.FloatField()

    def get_fields(self):
        return {"from": serializers.CharField(allow_null=True), **super().get_fields()}


class ComparedGridOut(serializers.Serializer):
    """A grid before (``a``) and after (``b``), by measure id; null where there is none."""

    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    fate = serializers.ChoiceField(["same", "changed", "new", "gone"])
    a = serializers.JSONField(allow_null=True)
    b = serializers.JSONField(allow_null=True)


class OneSidedOut(serializers.Serializer):
    """A grid that only one of the two has."""

    code = serializers.CharField()
    name = serializers.CharField()


class ComparisonOut(serializers.Serializer):
    """From ``a`` (today, or another plan) to ``b`` (the plan)."""

    a = SideOut()
    b = SideOut()
    measures = PlanMeasureOut(many=True)
    moves = PlanMoveOut(many=True)
    grids = ComparedGridOut(many=True)
    changed = serializers.JSONField(help_text="GeoJSON: the ground that changes hands")
    only_a = OneSidedOut(many=True)
    only_b = OneSidedOut(many=True)


class PlanExportIn(serializers.Serializer):
    """What file is wanted; ``with`` is "today" or the number of another plan."""

    format = serializers.ChoiceField(list(report.FORMATS))

    def get_fields(self):
        base = serializers.CharField(required=False, default=compare.TODAY, max_length=20)
        return {**super().get_fields(), "with": base}


class PlanExportOut(serializers.Serializer):
    """The file that is being made, and the page where it can be fetched."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.CharField()


# --- Views ------------------------------------------------------------------------------------------

WITH = OpenApiParameter("with", str, description="“today” (default) or the number of another plan")


class _OfPlan(APIView):
    permission_classes = (IsAuthenticated,)

    def plan(self, pk: int) -> Plan:
        """The plan, if the caller may see it."""
        found = Plan.objects.for_user(self.request.user).filter(pk=pk).first()
        if found is None:
            raise Problem(_("There is no such plan."), status=404, kind="not-found")
        return found

    def drawn(self, pk: int) -> Plan:
        """The plan, if there is a draft to be read."""
        found = self.plan(pk)
        if found.state in (Plan.State.PREPARING, Plan.State.FAILED):
            raise Problem(
                _("“%s” has no grids yet: it is still being prepared, or could not be.") % found.name,
                status=409,
                kind="not-prepared",
            )
        return found

    def base(self, text: str) -> Plan | None:
        """The other side of a comparison; None for the grids in force."""
        if text in ("", compare.TODAY):
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise bad_parameter(
                "with", _("with takes “today” or the number of a plan, not “%s”.") % text[:40]
            )
        return self.drawn(int(text))


class PlanFiguresView(_OfPlan):
    """Figures of a plan's grids, today's beside them, what moves, and what stands against it."""

    @extend_schema(operation_id="plans_figures", responses=PlanFiguresOut)
    def get(self, request, plan: int):
        """Figures older than an hour, or than the borders in force, are counted anew first."""
        draft = Draft.load(self.plan(plan))
        figures.refresh(draft)
        return Response(figures.of(draft), headers={"Cache-Control": "private, no-cache"})


class PlanCompareView(_OfPlan):
    """A plan against the grids in force or against another plan."""

    @extend_schema(
        operation_id="plans_compare",
        parameters=[WITH],
        responses=ComparisonOut,
    )
    def get(self, request, plan: int):
        """What moves from where to where, each grid before and after, and the ground that changes hands."""
        found, base = self.drawn(plan), self.base(request.query_params.get("with", ""))
        drafts = [Draft.load(one) if one else None for one in (found, base)]
        for draft in filter(None, drafts):
            figures.refresh(draft)
        return Response(compare.told(compare.of(*drafts)), headers={"Cache-Control": "private, no-cache"})


class PlanExportsView(Idempotent, _OfPlan):
    """A plan as a file: a report with maps, a workbook, or a GeoPackage."""

    @extend_schema(operation_id="plans_export", request=PlanExportIn, responses={202: PlanExportOut})
    def post(self, request, plan: int):
        """Begin to make the file; it appears among the caller's files."""
        body = PlanExportIn(data=request.data)
        found = self.drawn(plan)
        body.is_valid(raise_exception=True)
        base = self.base(body.validated_data["with"])
        format = body.validated_data["format"]
        output = outputs.begin(
            request.user,
            f"{found.name} · {report.FORMATS[format]}",
            lambda pk: jobs.export_plan.defer(
                output_id=pk, plan_id=found.pk, format=format, base_id=base.pk if base else None
            ),
        )
        answer = {"id": output.pk, "title": output.title, "url": reverse("outputs")}
        return Response(PlanExportOut(answer).data, status=202)


urlpatterns = [
    path("<int:plan>/figures/", PlanFiguresView.as_view(), name="plan-figures"),
    path("<int:plan>/compare/", PlanCompareView.as_view(), name="plan-compare"),
    path("<int:plan>/exports/", PlanExportsView.as_view(), name="plan-exports"),
]
