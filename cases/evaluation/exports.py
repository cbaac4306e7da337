"""Files of an evaluation: results as a workbook, the report as a Word document, the points of the sample.

Each is made by a job for whoever asked, within that person's scope at that moment.
"""

from __future__ import annotations

import csv
import tempfile
from datetime import timedelta
from pathlib import Path

import xlsxwriter
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from shapely import Point

from cases.evaluation import results, tasks, telling
from cases.models import EvaluationModel, EvaluationTask, SamplePoint, TaskSubject
from geo import audit, outputs
from geo.problems import Problem

KINDS = ("workbook", "report", "points-csv", "points-gpkg")
SUFFIX = {"workbook": "xlsx", "report": "docx", "points-csv": "csv", "points-gpkg": "gpkg"}


def write(output_id: int, task_id: int, kind: str) -> None:
    """Make one of the files for an output."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        task = EvaluationTask.objects.for_user(output.user).select_related("model").filter(pk=task_id).first()
        if task is None:
            raise Problem(_("There is no such task, or not within your scope."), status=404, kind="not-found")
        subjects = subjects_for(output.user, task)
        writer = {
            "workbook": _workbook,
            "report": _report,
            "points-csv": _points_csv,
            "points-gpkg": _points_gpkg,
        }[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"evaluation.{SUFFIX[kind]}"
            rows = writer(path, task, subjects)
            progress(rows, rows)
            audit.log(
                output.user, "evaluation_task.export", task, area_code=task.area_code, kind=kind, rows=rows
            )
            with path.open("rb") as file:
                name = f"evaluation-{task.pk}-{timezone.localtime():%Y%m%d-%H%M%S}.{SUFFIX[kind]}"
                outputs.finish(output, file, name)


def subjects_for(user, task: EvaluationTask) -> list[TaskSubject]:
    """The subjects of a task that a user may see; an assessor, while collecting, those of the own parts."""
    seen = TaskSubject.objects.for_user(user).filter(task=task)
    found = list(seen.select_related("unit", "user"))
    if found or task.state in EvaluationTask.TOLD:
        return found
    parts = list(task.assessors.filter(user=user).values_list("subject_id", flat=True))
    if None in parts:
        return list(task.subjects.select_related("unit", "user"))
    return list(task.subjects.filter(pk__in=parts).select_related("unit", "user"))


def period_words(task: EvaluationTask) -> str:
    """The first and the last day."""
    last = task.period_to - timedelta(days=1)
    return f"{date_format(task.period_from, 'Y-m-d')} – {date_format(last, 'Y-m-d')}"


def _safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _is_post(task) -> bool:
    return task.model.subject == EvaluationModel.Subject.POST


def _workbook(path: Path, task: EvaluationTask, subjects: list[TaskSubject]) -> int:
    columns, rows = telling.table(task, subjects)
    book = xlsxwriter.Workbook(str(path))
    head = book.add_format({"bold": True, "bg_color": "#e0efee", "text_wrap": True, "valign": "top"})
    figure = book.add_format({"num_format": "0.00"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(_("Result"))
    labels = [_("Rank"), pgettext("evaluation", "Subject"), _("Peer group"), _("Score")]
    labels += [f"{column['name']} ({column['weight']})" for column in columns]
    for at, label in enumerate(labels):
        sheet.write_string(0, at, label, head)
        sheet.set_column(at, at, 26 if at == 1 else 14)
    sheet.freeze_panes(1, 2)
    for at, row in enumerate(rows, start=1):
        subject = row.subject
        peers = tasks.peers_label(task.model.subject, subject.peers)
        values = [row.rank, _safe(subject.name), peers, row.score, *(cell["score"] for cell in row.cells)]
        for column, value in enumerate(values):
            if column in (0, *range(3, len(values))) and value != "—":
                sheet.write_number(at, column, float(value), None if column == 0 else figure)
            else:
                sheet.write_string(at, column, value)
    if _is_post(task):
        sheet.set_column(0, 0, None, None, {"hidden": True})
    detail = book.add_worksheet(_("Computation"))
    heads = [
        (pgettext("evaluation", "Subject"), 24),
        (_("Item"), 30),
        (_("Weight"), 8),
        (_("Value"), 14),
        (_("Score"), 10),
        (_("How"), 70),
    ]
    for at, (label, width) in enumerate(heads):
        detail.write_string(0, at, label, head)
        detail.set_column(at, at, width)
    detail.freeze_panes(1, 0)
    line_at, told = 1, telling.lines_of(task, subjects)
    for row in rows:
        for line in told[row.subject.pk]:
            detail.write_string(line_at, 0, _safe(row.subject.name))
            detail.write_string(line_at, 1, "　" * line.level + line.name)
            detail.write_number(line_at, 2, float(line.weight))
            detail.write_string(line_at, 3, _safe(line.value))
            if line.score == "—":
                detail.write_string(line_at, 4, "—")
            else:
                detail.write_number(line_at, 4, float(line.score), figure)
            detail.write_string(line_at, 5, line.missing or "\n".join(line.steps), wrapped)
            line_at += 1
    about = book.add_worksheet(_("Explanation"))
    about.set_column(0, 0, 18)
    about.set_column(1, 1, 60)
    for at, (label, value) in enumerate(_facts(task)):
        about.write_string(at, 0, label, head)
        about.write_string(at, 1, _safe(value))
    book.close()
    return len(rows)


def _facts(task: EvaluationTask) -> list[tuple[str, str]]:
    as_of = date_format(timezone.localtime(task.as_of), "Y-m-d H:i") if task.as_of else "—"
    return [
        (_("Task"), task.name),
        (_("Model"), str(task.model)),
        (_("Period"), period_words(task)),
        (_("State"), str(task.get_state_display())),
        (_("As of"), as_of),
    ]


def _report(path: Path, task: EvaluationTask, subjects: list[TaskSubject]) -> int:
    columns, rows = telling.table(task, subjects)
    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(11)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    document.core_properties.title = task.name
    title = document.add_heading(task.name, level=0)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    facts = document.add_table(rows=0, cols=2)
    for label, value in _facts(task)[1:]:
        cells = facts.add_row().cells
        cells[0].text, cells[1].text = label, value
    document.add_heading(_("Result"), level=1)
    post = _is_post(task)
    labels = [*([] if post else [_("Rank")]), pgettext("evaluation", "Subject"), _("Score")]
    labels += [one["name"] for one in columns]
    sheet = document.add_table(rows=1, cols=len(labels), style="Light Grid Accent 1")
    for cell, label in zip(sheet.rows[0].cells, labels, strict=True):
        cell.text = label
    group = None
    for row in rows:
        if row.subject.peers != group:
            group = row.subject.peers
            merged = sheet.add_row().cells
            merged[0].merge(merged[-1]).text = tasks.peers_label(task.model.subject, group)
        values = [*([] if post else [row.rank]), row.subject.name, row.score]
        cells = sheet.add_row().cells
        for cell, value in zip(cells, values + [one["score"] for one in row.cells], strict=True):
            cell.text = value
    seen = {row.subject.pk for row in rows}
    missing = results.gaps(task, seen)
    document.add_heading(_("Missing data"), level=1)
    if missing:
        for gap in missing:
            document.add_paragraph(
                f"{gap.subject} · {gap.item}: {telling.why_missing(gap.why)}", style="List Bullet"
            )
    else:
        document.add_paragraph(_("None: every item of every subject has data."))
    document.add_heading(_("Computation"), level=1)
    told = telling.lines_of(task, subjects)
    for row in rows:
        document.add_heading(f"{row.subject.name}  {row.score}", level=2)
        for line in told[row.subject.pk]:
            paragraph = document.add_paragraph()
            paragraph.paragraph_format.left_indent = Pt(14 * line.level)
            paragraph.paragraph_format.space_after = Pt(2)
            paragraph.add_run(f"{line.name} ({line.weight})  {line.score}").bold = not line.leaf
            if said := line.missing or "; ".join(line.steps):
                paragraph.add_run(f"\n{said}").font.size = Pt(9)
    document.save(path)
    return len(rows)


def _point_rows(task, subjects) -> list[dict]:
    points = (
        SamplePoint.objects.filter(task=task, subject__in=subjects)
        .select_related("subject", "grid", "item", "inspection")
        .order_by("subject__code", "grid__place", "item_id", "rule", "place")
    )
    return [
        {
            "subject": point.subject.name,
            "grid": point.grid.code,
            "item": point.item.name,
            "kind": str(point.get_of_display()),
            "code": point.code,
            "type": point.type_name,
            "address": point.address,
            "visited": "1" if getattr(point, "inspection", None) else "0",
            "lon": round(point.geom.x, 7),
            "lat": round(point.geom.y, 7),
        }
        for point in points
    ]


def _points_csv(path: Path, task, subjects) -> int:
    rows = _point_rows(task, subjects)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        names = ["subject", "grid", "item", "kind", "code", "type", "address", "visited", "lon", "lat"]
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _safe(v) if isinstance(v, str) else v for k, v in row.items()})
    return len(rows)


def _points_gpkg(path: Path, task, subjects) -> int:
    import geopandas
    import pyogrio

    rows = _point_rows(task, subjects)
    if not rows:
        raise Problem(_("No points have been drawn within your scope."), kind="empty")
    shapes = [Point(row.pop("lon"), row.pop("lat")) for row in rows]
    frame = geopandas.GeoDataFrame(rows, geometry=shapes, crs=4326)
    pyogrio.write_dataframe(frame, str(path), layer="sample_points", driver="GPKG")
    return len(rows)
