"""Results in words: what a score was made of, and where data are missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from django.utils.translation import gettext as _

from cases.evaluation import results, scoring, sources
from cases.evaluation.scoring import shown
from cases.models import EvaluationModel, EvaluationTask, TaskScore, TaskSubject


def why_missing(why: str) -> str:
    """Why there is no score."""
    return {
        results.NO_FIGURE: _("Nothing to count in the period"),
        results.NO_VALUE: _("Not filled in"),
        results.NOT_REVIEWED: _("Filled in, not reviewed"),
        results.NOT_VISITED: _("Not looked at on the spot"),
        results.BELOW: _("Data are missing below"),
    }.get(why, _("No data"))


@dataclass
class Line:
    """One item of a subject's result, as the drill-down shows it."""

    id: int
    level: int
    name: str
    weight: str
    score: str
    value: str = ""
    missing: str = ""
    leaf: bool = False
    kind: str = ""
    steps: list[str] = field(default_factory=list)


def plain(value: Fraction) -> str:
    """Exact where two decimals say it, else rounded to four."""
    return f"{shown(value, 2 if (value * 100).denominator == 1 else 4)}".rstrip("0").rstrip(".") or "0"


def lines_of(task: EvaluationTask, subjects: list[TaskSubject]) -> dict[int, list[Line]]:
    """The whole tree of each subject (by its id), from the top down, each figure with its computation."""
    rows: dict[int, dict] = {subject.pk: {} for subject in subjects}
    for row in TaskScore.objects.filter(task=task, subject__in=subjects):
        rows[row.subject_id][row.item_id] = row
    tops, known = results.nodes_of(task.model), sources.known()
    return {subject.pk: _lines(tops, rows[subject.pk], known) for subject in subjects}


def _lines(tops: list[scoring.Node], rows: dict, known: dict) -> list[Line]:
    found: list[Line] = []

    def tell(node: scoring.Node, level: int) -> None:
        row = rows.get(node.id)
        score = Fraction(row.score) if row and row.score else None
        line = Line(node.id, level, node.name, plain(node.weight), shown(score), leaf=node.is_leaf)
        if row is not None:
            line.missing = "" if row.score else why_missing(row.how.get("missing", ""))
            if node.is_leaf:
                line.kind = node.definition["kind"]
                value = Fraction(row.value) if row.value else None
                line.value = f"{shown(value)} {node.definition['unit']}".strip() if value is not None else ""
                line.steps = _leaf_steps(node, row, value, score, known)
            elif score is not None:
                line.steps = [_sum_of(node, rows, score)]
        found.append(line)
        for child in node.children:
            tell(child, level + 1)

    for top in tops:
        tell(top, 0)
    return found


def _sum_of(node: scoring.Node, rows: dict, score: Fraction) -> str:
    parts = [f"{plain(child.weight)} × {shown(Fraction(rows[child.id].score))}" for child in node.children]
    return f"({' + '.join(parts)}) ÷ 100 = {shown(score)}"


def total_of(task: EvaluationTask, subject: TaskSubject) -> str:
    """How the whole was added up; empty where it could not be."""
    if not subject.score:
        return ""
    rows = {row.item_id: row for row in TaskScore.objects.filter(task=task, subject=subject)}
    top = scoring.Node(0, "", scoring.FULL, children=results.nodes_of(task.model))
    return _sum_of(top, rows, Fraction(subject.score))


def _leaf_steps(node: scoring.Node, row: TaskScore, value, score, known: dict) -> list[str]:
    definition, how, told = node.definition, row.how, []
    if definition["kind"] == "computed":
        statistic = known.get(definition["source"])
        if statistic is not None:
            told.append(f"{statistic[0].label}: {statistic[0].definition}")
        if how.get("denominator"):
            told.append(f"{how['numerator']} ÷ {how['denominator']} = {shown(value)} %")
    elif definition["kind"] == "reported" and how.get("reported"):
        reported = plain(Fraction(how["reported"]))
        if how.get("reviewed"):
            words = _("Filled in: %(reported)s; after review: %(reviewed)s.")
            told.append(words % {"reported": reported, "reviewed": plain(Fraction(how["reviewed"]))})
        else:
            told.append(_("Filled in: %s.") % reported)
    elif definition["kind"] == "field":
        return told + _field_steps(how, score)
    if value is not None and score is not None:
        told.append(_by_scale(definition, value, score))
    return told


def _by_scale(definition: dict, value: Fraction, score: Fraction) -> str:
    lower, unit = definition["direction"] == "lower", definition["unit"]
    if definition["steps"]:
        for threshold, points in definition["steps"]:
            edge = Fraction(threshold)
            if value <= edge if lower else value >= edge:
                sign = "≤" if lower else "≥"
                return _("Step table: %(rule)s gives %(points)s.") % {
                    "rule": f"{plain(value)} {sign} {threshold} {unit}".strip(),
                    "points": points,
                }
        return _("Step table: beyond the last step, 0.")
    full, zero = Fraction(definition["full_value"]), Fraction(definition["zero_value"])
    text = f"({plain(value)} − {plain(zero)}) ÷ ({plain(full)} − {plain(zero)}) × 100 = {shown(score)}"
    raw = (value - zero) / (full - zero) * 100
    return f"{text} {_('(cut to 0–100)')}" if raw != score else text


def _field_steps(how: dict, score) -> list[str]:
    words = _("%(seen)d inspections; %(points)d points drawn, %(left)d of them not visited yet.")
    numbers = {"seen": how.get("inspections", 0), "points": how.get("points", 0), "left": how.get("left", 0)}
    told = [words % numbers]
    for line in how.get("lines", []):
        each, counted, points = (Fraction(line[key]) for key in ("each", "counted", "points"))
        text = f"{line['name']}: {line['count']} × {plain(each)} = −{plain(counted)}"
        told.append(f"{text}, {_('capped at')} −{plain(points)}" if counted != points else text)
    if score is not None:
        lost = sum((Fraction(line["points"]) for line in how.get("lines", [])), Fraction(0))
        told.append(f"100 − {plain(lost)} = {shown(score)}")
    return told


@dataclass
class Row:
    """One subject of the result's table."""

    subject: TaskSubject
    rank: str
    score: str
    cells: list[dict]
    fraction: Fraction | None


def table(task: EvaluationTask, subjects: list[TaskSubject]) -> tuple[list[dict], list[Row]]:
    """The table of results: columns (the top items) and rows by rank; persons stand by name, without rank."""
    tops = results.nodes_of(task.model)
    columns = [{"id": top.id, "name": top.name, "weight": plain(top.weight)} for top in tops]
    scores = {
        (row.subject_id, row.item_id): row
        for row in TaskScore.objects.filter(
            task=task, item__in=[top.id for top in tops], subject__in=subjects
        ).defer("how")
    }
    rows = []
    for subject in subjects:
        cells = []
        for top in tops:
            row = scores.get((subject.pk, top.id))
            cells.append(
                {"name": top.name, "score": shown(Fraction(row.score)) if row and row.score else "—"}
            )
        whole = Fraction(subject.score) if subject.score else None
        rows.append(Row(subject, str(subject.rank or "—"), shown(whole), cells, whole))
    if task.model.subject == EvaluationModel.Subject.POST:
        rows.sort(key=lambda row: (row.subject.peers, row.subject.name))
    else:
        rows.sort(key=lambda row: (row.subject.peers, row.subject.rank or 10**6, row.subject.name))
    return columns, rows
