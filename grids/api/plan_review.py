"""Review and publication of boundary plans: steps, remarks, consequences."""

from __future__ import annotations

from django.contrib.gis.geos import Point
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.idempotency import Idempotent
from grids.models import Plan, PlanRemark, PlanStep
from grids.planning import publish, review


class StepIn(serializers.Serializer):
    """What goes with a step."""

    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    client_key = serializers.UUIDField(required=False)


class PublishIn(StepIn):
    """When a plan comes into force: today, or on a later day."""

    effective_on = serializers.DateField(required=False, allow_null=True, default=None)


class PlanState(serializers.ModelSerializer):
    """Where a plan stands after a step; ``can`` are the steps open to the caller now."""

    state_label = serializers.CharField(source="get_state_display", read_only=True)
    can = serializers.SerializerMethodField()

    class Meta:
        model = Plan
        fields = (
            "id",
            "name",
            "state",
            "state_label",
            "revision",
            "effective_on",
            "problem",
            "publication",
            "undoing",
            "can",
        )

    def get_can(self, plan) -> dict[str, bool]:
        return review.can(self.context["request"].user, plan)


class PlanStepOut(serializers.ModelSerializer):
    """A step: who did what when, in which role, and what was said."""

    label = serializers.SerializerMethodField()
    user = serializers.CharField(source="user.name", default=None)

    class Meta:
        model = PlanStep
        fields = ("id", "action", "label", "user", "role", "at", "note", "revision")

    def get_label(self, step) -> str:
        return str(review.ACTIONS.get(step.action, step.action))


class RemarkIn(serializers.Serializer):
    """A remark at a place (WGS-84)."""

    lon = serializers.FloatField(min_value=-180, max_value=180)
    lat = serializers.FloatField(min_value=-90, max_value=90)
    text = serializers.CharField(max_length=2000)
    client_key = serializers.UUIDField(required=False)


class PlanRemarkOut(serializers.ModelSerializer):
    """A remark pinned to a place."""

    lon = serializers.FloatField(source="point.x")
    lat = serializers.FloatField(source="point.y")
    user = serializers.CharField(source="user.name")
    resolved_by = serializers.CharField(source="resolved_by.name", default=None)

    class Meta:
        model = PlanRemark
        fields = ("id", "lon", "lat", "text", "user", "at", "revision", "resolved_by", "resolved_at")


class _OfPlan(Idempotent, APIView):
    permission_classes = (IsAuthenticated,)
    key_in_body = True

    def plan(self, request, pk: int) -> Plan:
        return get_object_or_404(Plan.objects.for_user(request.user), pk=pk)


class _Step(_OfPlan):
    serializer_class = StepIn

    def take(self, user, pk: int, **values) -> Plan:
        raise NotImplementedError

    def post(self, request, plan: int):
        self.plan(request, plan)
        given = self.serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        values = {key: value for key, value in given.validated_data.items() if key != "client_key"}
        done = self.take(request.user, plan, **values)
        return Response(PlanState(done, context={"request": request}).data)


def _step(name: str, function, words: str, given=StepIn):
    """A view that takes one step of the way to publication."""

    class View(_Step):
        serializer_class = given
        take = staticmethod(function)

        @extend_schema(operation_id=f"plans_{name}", request=given, responses=PlanState)
        def post(self, request, plan: int):
            return super().post(request, plan)

    View.__name__ = f"Plan{name.title().replace('_', '')}View"
    View.__doc__ = words
    return View.as_view()


class StepsView(_OfPlan):
    """What happened to a plan, oldest first."""

    @extend_schema(operation_id="plans_steps", responses=PlanStepOut(many=True))
    def get(self, request, plan: int):
        """Steps of a plan."""
        steps = self.plan(request, plan).steps.select_related("user")
        return Response({"steps": PlanStepOut(steps, many=True).data})


class RemarksView(_OfPlan):
    """Remarks pinned to places of a plan."""

    @extend_schema(operation_id="plans_remarks", responses=PlanRemarkOut(many=True))
    def get(self, request, plan: int):
        """Remarks of a plan, oldest first."""
        remarks = self.plan(request, plan).remarks.select_related("user", "resolved_by")
        return Response({"remarks": PlanRemarkOut(remarks, many=True).data})

    @extend_schema(operation_id="plans_remark", request=RemarkIn, responses={201: PlanRemarkOut})
    def post(self, request, plan: int):
        """Pin a remark."""
        given = RemarkIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        point = Point(data["lon"], data["lat"], srid=4326)
        made = review.remark(request.user, plan, point, data["text"])
        return Response(PlanRemarkOut(made).data, status=status.HTTP_201_CREATED)


class ResolveView(_OfPlan):
    """Settle a remark."""

    @extend_schema(operation_id="plans_resolve_remark", request=None, responses=PlanRemarkOut)
    def post(self, request, plan: int, pk: int):
        """Settle a remark; settled twice it stays as it was."""
        return Response(PlanRemarkOut(review.resolve(request.user, plan, pk)).data)


class ConsequencesView(_OfPlan):
    """What publishing a plan would mean: the one page before it."""

    @extend_schema(operation_id="plans_consequences", responses=OpenApiTypes.OBJECT)
    def get(self, request, plan: int):
        """Grids with their lineage, what moves from where to where, duties, and what stands against it."""
        return Response(publish.consequences(self.plan(request, plan)))


urlpatterns = [
    path("<int:plan>/submit/", _step("submit", review.submit, "Hand a draft in."), name="plan-submit"),
    path("<int:plan>/return/", _step("return", review.send_back, "Return a plan."), name="plan-return"),
    path("<int:plan>/approve/", _step("approve", review.approve, "Approve a plan."), name="plan-approve"),
    path("<int:plan>/withdraw/", _step("withdraw", review.withdraw, "Take back."), name="plan-withdraw"),
    path("<int:plan>/rebase/", _step("rebase", review.rebase, "Check again."), name="plan-rebase"),
    path(
        "<int:plan>/publish/",
        _step("publish", publish.publish, "Publish now or on a day.", PublishIn),
        name="plan-publish",
    ),
    path(
        "<int:plan>/undo-publication/",
        _step("undo_publication", publish.undo, "Put the borders before in force again."),
        name="plan-undo-publication",
    ),
    path("<int:plan>/steps/", StepsView.as_view(), name="plan-steps"),
    path("<int:plan>/remarks/", RemarksView.as_view(), name="plan-remarks"),
    path("<int:plan>/remarks/<int:pk>/resolve/", ResolveView.as_view(), name="plan-remark-resolve"),
    path("<int:plan>/consequences/", ConsequencesView.as_view(), name="plan-consequences"),
]
