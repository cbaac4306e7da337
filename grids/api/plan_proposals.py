"""Proposals of a plan: asked for, looked at, stopped, applied."""

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from geo.idempotency import Idempotent
from geo.problems import Problem
from grids.api.plans import FRESH, ChangeOut, PlanView, answer, key_of
from grids.models import Plan, PlanProposal
from grids.planning import proposals

MOST_LISTED = 50


class ProposalIn(serializers.Serializer):
    """What is wanted for a community. ``grids`` counts locked and exclusive grids, which stay as they are."""

    community = serializers.CharField(max_length=12)
    grids = serializers.IntegerField(min_value=1, max_value=proposals.MOST_GRIDS)
    measure = serializers.CharField(max_length=40, default=proposals.HOMES)
    tolerance = serializers.FloatField(
        min_value=proposals.LEAST_TOLERANCE,
        max_value=proposals.MOST_TOLERANCE,
        default=0.1,
        help_text="how far a grid may be off the mean: 0.1 is ten per cent",
    )
    keep_weight = serializers.FloatField(
        min_value=0, max_value=1, default=0.5, help_text="how much present borders count: 0 not at all"
    )
    alternatives = serializers.IntegerField(min_value=1, max_value=proposals.MOST_ALTERNATIVES, default=3)
    seed = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        allow_null=True,
        help_text="the same seed on the same draft gives the same proposals",
    )


class AlternativeOut(serializers.Serializer):
    """One way to draw the grids, best first. Lengths in metres, shares from 0 to 1."""

    index = serializers.IntegerField()
    within = serializers.BooleanField(help_text="whether every grid is within the tolerance")
    deviation = serializers.FloatField(help_text="of the grid that is furthest off the mean")
    kept = serializers.FloatField(help_text="share of homes that stay in their grid")
    compactness = serializers.FloatField(help_text="mean over the grids (Polsby-Popper)")
    cut_length_m = serializers.FloatField(help_text="borders between the grids")
    grids = serializers.ListField(
        child=serializers.DictField(child=serializers.JSONField(allow_null=True)),
        help_text="sums by measure id, and the number of the present grid that each continues (null: new)",
    )


class ProposalOut(serializers.ModelSerializer):
    """A proposal: what was asked, how far it is, and what was found."""

    community = serializers.CharField(source="community_code")
    measure_label = serializers.SerializerMethodField()
    state_label = serializers.CharField(source="get_state_display")
    alternatives_wanted = serializers.IntegerField(source="wanted")
    created_by = serializers.CharField(source="created_by.name")
    alternatives = serializers.SerializerMethodField()

    class Meta:
        model = PlanProposal
        fields = (
            "id",
            "community",
            "grids",
            "measure",
            "measure_label",
            "tolerance",
            "keep_weight",
            "alternatives_wanted",
            "seed",
            "revision",
            "state",
            "state_label",
            "progress",
            "message",
            "created_by",
            "created_at",
            "finished_at",
            "alternatives",
        )

    def get_measure_label(self, row) -> str:
        labels = self.context.setdefault("measures", proposals.measures())
        return str(labels.get(row.measure, row.measure))

    @extend_schema_field(AlternativeOut(many=True))
    def get_alternatives(self, row):
        return [self.alternative(index, one) for index, one in enumerate(row.alternatives)]

    def alternative(self, index: int, one: dict) -> dict:
        return AlternativeOut({**one, "index": index, "grids": one["figures"]}).data


class DrawnAlternativeOut(AlternativeOut):
    """With the ground: the place in ``grids`` of every block that is divided."""

    blocks = serializers.DictField(child=serializers.IntegerField())


class ProposalDetailOut(ProposalOut):
    """A proposal with the ground of its alternatives."""

    @extend_schema_field(DrawnAlternativeOut(many=True))
    def get_alternatives(self, row):
        return super().get_alternatives(row)

    def alternative(self, index: int, one: dict) -> dict:
        return {**super().alternative(index, one), "blocks": one["grids"]}


class ProposalsOut(serializers.Serializer):
    """Proposals of a plan, newest first, and what grids can be balanced on."""

    proposals = ProposalOut(many=True)
    measures = serializers.DictField(child=serializers.CharField())


class ApplyIn(serializers.Serializer):
    """Which alternative is taken, and the revision of the draft that the planner stands on."""

    alternative = serializers.IntegerField(min_value=0, max_value=proposals.MOST_ALTERNATIVES, default=0)
    base = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    client_key = serializers.UUIDField(required=False, allow_null=True)


class _OfPlan(PlanView):
    def proposal(self, plan: Plan, pk: int) -> PlanProposal:
        rows = plan.proposals.select_related("created_by", "plan")
        found = rows.filter(pk=pk).first() if pk < 2**63 else None
        if found is None:
            raise Problem(_("There is no such proposal."), status=404, kind="not-found")
        return found


class ProposalsView(Idempotent, _OfPlan):
    """What was proposed for a plan, and asking for more."""

    @extend_schema(operation_id="plans_proposals", responses=ProposalsOut)
    def get(self, request, plan: int):
        """The newest fifty, without their ground."""
        rows = self.plan(plan).proposals.select_related("created_by")[:MOST_LISTED]
        answer = {"proposals": rows, "measures": proposals.measures()}
        return Response(ProposalsOut(answer).data, headers=FRESH)

    @extend_schema(operation_id="plans_propose", request=ProposalIn, responses={202: ProposalDetailOut})
    def post(self, request, plan: int):
        """Ask for a proposal. One at a time for each community of a plan."""
        found = self.plan(plan, "grids.plan")
        body = ProposalIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = proposals.ask(found, request.user, proposals.Asked(**body.validated_data))
        return Response(ProposalDetailOut(asked).data, status=202)


class ProposalView(_OfPlan):
    """One proposal."""

    @extend_schema(operation_id="plans_proposal", responses=ProposalDetailOut)
    def get(self, request, plan: int, proposal: int):
        """How far it is, and what was found so far, with its ground."""
        found = self.proposal(self.plan(plan), proposal)
        return Response(ProposalDetailOut(found).data, headers=FRESH)


class StopProposalView(_OfPlan):
    """Enough searched."""

    @extend_schema(operation_id="plans_proposal_stop", request=None, responses=ProposalDetailOut)
    def post(self, request, plan: int, proposal: int):
        """Stop the search within two seconds; what was found so far stays."""
        found = self.proposal(self.plan(plan, "grids.plan"), proposal)
        return Response(ProposalDetailOut(proposals.stop(found)).data)


class ApplyProposalView(_OfPlan):
    """Take it."""

    @extend_schema(operation_id="plans_proposal_apply", request=ApplyIn, responses=ChangeOut)
    def post(self, request, plan: int, proposal: int):
        """Make the draft what an alternative says, as one stroke; continued grids keep their numbers.

        409 ``conflict`` when the draft of the community changed since the proposal was made.
        """
        row = self.plan(plan, "grids.plan")
        found = self.proposal(row, proposal)
        body = ApplyIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        return answer(
            proposals.apply(
                row, request.user, found, data["alternative"], data["base"], key_of(request, data)
            )
        )


urlpatterns = [
    path("<int:plan>/proposals/", ProposalsView.as_view(), name="plan-proposals"),
    path("<int:plan>/proposals/<int:proposal>/", ProposalView.as_view(), name="plan-proposal"),
    path("<int:plan>/proposals/<int:proposal>/stop/", StopProposalView.as_view(), name="plan-proposal-stop"),
    path(
        "<int:plan>/proposals/<int:proposal>/apply/", ApplyProposalView.as_view(), name="plan-proposal-apply"
    ),
]
