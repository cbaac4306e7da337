"""Models, tasks and results over HTTP, read only."""

from __future__ import annotations

from fractions import Fraction

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from cases.evaluation import exports, results, scoring, tasks, telling
from cases.models import EvaluationModel, EvaluationTask
from geo.problems import Problem
from geo.rest import ScopedViewSet


class EvaluationModelOut(serializers.ModelSerializer):
    """A version of an evaluation model."""

    class Meta:
        model = EvaluationModel
        fields = (
            "id",
            "code",
            "version",
            "name",
            "subject",
            "state",
            "area_code",
            "note",
            "changed_at",
            "published_at",
        )


class EvaluationModelDetail(EvaluationModelOut):
    """A version with its tree."""

    tree = serializers.SerializerMethodField()

    class Meta(EvaluationModelOut.Meta):
        fields = (*EvaluationModelOut.Meta.fields, "tree")

    def get_tree(self, model) -> list[dict]:
        return [_node(top) for top in results.nodes_of(model)]


def _node(node: scoring.Node) -> dict:
    return {
        "name": node.name,
        "weight": telling.plain(node.weight),
        "indicator": node.definition if node.is_leaf else None,
        "children": [_node(child) for child in node.children],
    }


class EvaluationModelViewSet(ScopedViewSet):
    """Evaluation models: indicators as a tree of weights."""

    queryset = EvaluationModel.objects.all()
    serializer_class = EvaluationModelOut
    lookup_field, lookup_value_regex = "pk", r"\d+"
    bbox_path = grid_path = ""
    search_fields = ("name", "code")
    ordering_fields = ("name", "changed_at")
    ordering = ("name",)

    def get_serializer_class(self):
        return EvaluationModelDetail if self.action == "retrieve" else EvaluationModelOut


class EvaluationTaskOut(serializers.ModelSerializer):
    """A task: a model over days, from the first up to, without, ``period_to``."""

    model = EvaluationModelOut(read_only=True)

    class Meta:
        model = EvaluationTask
        fields = (
            "id",
            "name",
            "model",
            "area_code",
            "period_from",
            "period_to",
            "collect_due",
            "review_due",
            "state",
            "seed",
            "drawn_at",
            "as_of",
            "published_at",
        )


class ScoreOut(serializers.Serializer):
    """An item's score for a subject, rounded to two decimals; none where data are missing."""

    item = serializers.CharField()
    level = serializers.IntegerField()
    weight = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    score = serializers.CharField(allow_null=True)
    missing = serializers.CharField(allow_blank=True)
    steps = serializers.ListField(child=serializers.CharField())


class SubjectOut(serializers.Serializer):
    """A subject's result. Persons have no rank."""

    name = serializers.CharField()
    code = serializers.CharField(allow_blank=True)
    peers = serializers.CharField()
    score = serializers.CharField(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    scores = ScoreOut(many=True)


class EvaluationTaskViewSet(ScopedViewSet):
    """Evaluation tasks and, once published, their results within the caller's scope."""

    queryset = EvaluationTask.objects.select_related("model")
    serializer_class = EvaluationTaskOut
    lookup_field, lookup_value_regex = "pk", r"\d+"
    bbox_path = grid_path = ""
    search_fields = ("name",)
    ordering_fields = ("name", "period_from")
    ordering = ("-period_from",)

    @extend_schema(responses=SubjectOut(many=True))
    @action(detail=True, pagination_class=None, filter_backends=())
    def results(self, request, pk):
        """Scores of the subjects within the scope, with every computation in words."""
        task = self.get_object()
        if task.state not in EvaluationTask.TOLD:
            detail = _("The results are not published.")
            raise Problem(detail, status=409, kind="not-published", state=task.state)
        subjects = exports.subjects_for(request.user, task)
        _columns, rows = telling.table(task, subjects)
        told = telling.lines_of(task, subjects)
        return Response(SubjectOut([_subject(task, row, told) for row in rows], many=True).data)


def _subject(task: EvaluationTask, row: telling.Row, told: dict) -> dict:
    subject = row.subject
    return {
        "name": subject.name,
        "code": subject.code,
        "peers": tasks.peers_label(task.model.subject, subject.peers),
        "score": scoring.shown(Fraction(subject.score)) if subject.score else None,
        "rank": subject.rank,
        "scores": [
            {
                "item": line.name,
                "level": line.level,
                "weight": line.weight,
                "value": line.value,
                "score": None if line.score == "—" else line.score,
                "missing": line.missing,
                "steps": line.steps,
            }
            for line in told[subject.pk]
        ],
    }
