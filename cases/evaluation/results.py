"""Scoring a task: gathers what was counted, filled in and seen, scores it, keeps how it came about."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Count, Q
from django.utils import timezone

from cases.evaluation import scoring, sources
from cases.models import (
    EvaluationModel,
    EvaluationTask,
    Inspection,
    ModelItem,
    ReportedValue,
    SamplePoint,
    TaskScore,
    TaskSubject,
)

# Why there is no score; the words are in ``cases.evaluation.telling``.
NO_FIGURE, NO_VALUE, NOT_REVIEWED, NOT_VISITED, BELOW = (
    "no_figure",
    "no_value",
    "not_reviewed",
    "not_visited",
    "below",
)


@dataclass
class Leaf:
    """A value, its score, and how it came about (JSON)."""

    value: Fraction | None
    score: Fraction | None
    how: dict


def nodes_of(model: EvaluationModel) -> list[scoring.Node]:
    return scoring.tree(ModelItem.objects.filter(model=model).select_related("indicator"))


def key_of(subject: TaskSubject):
    return subject.code or subject.unit_id or subject.user_id


def compute(task: EvaluationTask) -> None:
    """Count and score everything anew; the caller saves the task. A handful of statements in all."""
    subjects = list(task.subjects.order_by("pk"))
    tops = nodes_of(task.model)
    nodes = [node for top in tops for node in top.walk()]
    leaves = [node for node in nodes if node.is_leaf]
    kinds: dict[str, list[scoring.Node]] = defaultdict(list)
    for node in leaves:
        kinds[node.definition["kind"]].append(node)
    found: dict[tuple[int, int], Leaf] = {}
    found |= _computed(task, kinds["computed"], subjects)
    found |= _reported(task, kinds["reported"], subjects)
    found |= _field(task, kinds["field"], subjects)

    rows, totals = [], {}
    for subject in subjects:
        mine = {node.id: found[node.id, subject.pk] for node in leaves}
        scores = scoring.score_tree(tops, {key: leaf.score for key, leaf in mine.items()})
        for node in nodes:
            leaf = mine.get(node.id) or Leaf(None, scores[node.id], _parent_how(node, scores))
            rows.append(
                TaskScore(
                    task=task,
                    subject=subject,
                    item_id=node.id,
                    value=_text(leaf.value),
                    score=_text(leaf.score),
                    how=leaf.how,
                )
            )
        totals[subject.pk] = scores[0]
        subject.score = _text(scores[0])
    _rank(task, subjects, totals)
    TaskScore.objects.filter(task=task).delete()
    TaskScore.objects.bulk_create(rows, batch_size=1000)
    TaskSubject.objects.bulk_update(subjects, ["score", "rank"], batch_size=500)
    task.as_of = timezone.now()


def _text(value: Fraction | None) -> str:
    return "" if value is None else str(value)


def _parent_how(node: scoring.Node, scores: dict) -> dict:
    missing = [child.name for child in node.children if scores[child.id] is None]
    return {"missing": BELOW, "children": missing} if missing else {}


def _rank(task: EvaluationTask, subjects: list[TaskSubject], totals: dict) -> None:
    """Ranks within each peer group. Persons are never ranked."""
    groups: dict[str, dict] = defaultdict(dict)
    for subject in subjects:
        subject.rank = None
        groups[subject.peers][subject.pk] = totals[subject.pk]
    if task.model.subject == EvaluationModel.Subject.POST:
        return
    placed = {key: rank for group in groups.values() for key, rank in scoring.ranks(group).items()}
    for subject in subjects:
        subject.rank = placed.get(subject.pk)


def _computed(task, nodes, subjects) -> dict:
    if not nodes:
        return {}
    period = sources.Period(task.period_from, task.period_to)
    codes = [node.definition["source"] for node in nodes]
    figures = sources.figures(codes, period, task.model.subject, [key_of(one) for one in subjects])
    found = {}
    for node in nodes:
        code = node.definition["source"]
        for subject in subjects:
            figure = figures.get((code, key_of(subject)), sources.Figure(None))
            how = {"source": code, "numerator": figure.numerator, "denominator": figure.denominator}
            if figure.value is None:
                how["missing"] = NO_FIGURE
            found[node.id, subject.pk] = _scored(node, figure.value, how)
    return found


def _scored(node: scoring.Node, value: Fraction | None, how: dict) -> Leaf:
    score = None if value is None else scoring.of_value(node.definition, value)
    return Leaf(value, score, how)


def _reported(task, nodes, subjects) -> dict:
    if not nodes:
        return {}
    rows = {
        (row.item_id, row.subject_id): row
        for row in ReportedValue.objects.filter(task=task).exclude(state=ReportedValue.State.RETURNED)
    }
    found = {}
    for node in nodes:
        for subject in subjects:
            row = rows.get((node.id, subject.pk))
            if row is None:
                found[node.id, subject.pk] = Leaf(None, None, {"missing": NO_VALUE})
            elif row.state == ReportedValue.State.PENDING:
                how = {"missing": NOT_REVIEWED, "reported": str(row.value)}
                found[node.id, subject.pk] = Leaf(None, None, how)
            else:
                how = {"reported": str(row.value), "reviewed": str(row.reviewed_value)}
                found[node.id, subject.pk] = _scored(node, Fraction(row.reviewed_value), how)
    return found


def _field(task, nodes, subjects) -> dict:
    if not nodes:
        return {}
    counts: dict[tuple[int, int], Counter] = defaultdict(Counter)
    visits: Counter = Counter()
    for item, subject, lines, unreachable in Inspection.objects.filter(task=task).values_list(
        "item_id", "subject_id", "found", "unreachable"
    ):
        if not unreachable:
            visits[item, subject] += 1
        for line in lines:
            counts[item, subject][line["code"]] += line["count"]
    drawn = {
        (row["item_id"], row["subject_id"]): (row["n"], row["open"])
        for row in SamplePoint.objects.filter(task=task)
        .order_by()
        .values("item_id", "subject_id")
        .annotate(n=Count("pk"), open=Count("pk", filter=Q(inspection=None)))
    }
    found = {}
    for node in nodes:
        for subject in subjects:
            key = (node.id, subject.pk)
            points, left = drawn.get(key, (0, 0))
            how = {"inspections": visits[key], "points": points, "left": left}
            if left or not visits[key]:
                found[key] = Leaf(None, None, how | {"missing": NOT_VISITED})
                continue
            score, lines = scoring.of_field(node.definition, counts[key])
            how["lines"] = [
                {
                    "name": line.name,
                    "count": line.count,
                    "each": str(line.each),
                    "counted": str(line.counted),
                    "points": str(line.points),
                }
                for line in lines
            ]
            found[key] = Leaf(score, score, how)
    return found


@dataclass
class Gap:
    """A place without data."""

    subject: str
    item: str
    why: str
    subject_id: int
    item_id: int


def gaps(task: EvaluationTask, subjects=None) -> list[Gap]:
    """Where data are missing, by subject and item; parents, which only follow, are left out."""
    rows = TaskScore.objects.filter(task=task, score="").exclude(how__missing=BELOW)
    if subjects is not None:
        rows = rows.filter(subject__in=subjects)
    rows = rows.select_related("subject", "item").order_by("subject__peers", "subject__code", "subject__name")
    return [
        Gap(row.subject.name, row.item.name, row.how.get("missing", ""), row.subject_id, row.item_id)
        for row in rows
    ]
