"""Word reports from templates: the work bulletin (简报) and the public-concern report (民情分析报告).

What a report says is counted once, when it is made, and kept with it: the preview and the file tell the same.
Templates are Word files with docxtpl's marks; an operator's own takes the place of the shipped one.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext as _
from docxtpl import DocxTemplate
from jinja2.sandbox import SandboxedEnvironment

from cases.models import Case, Report, ReportTemplate
from cases.statistics import link, names, periods, sql, tables
from cases.statistics.counts import CITY, COMPLAINT, FLOWS
from geo import audit, outputs
from geo.models import Area
from geo.problems import Problem
from geo.scopes import in_area
from grids.models import CheckIn, Grid, GridDuty, Shift

FOLDER = Path(__file__).parent / "templates_docx"
MOST_LISTED = 50
K = ReportTemplate.Kind


def begin(user, kind: str, area: str, period: periods.Period) -> Report:
    """Count and keep a report, and ask for its file."""
    from cases import jobs

    if kind not in K.values:
        raise Problem(_("There is no such report."), status=400, kind="parameter")
    if not any(area.startswith(home) for home in user.scope.areas(sql.PERMISSION)):
        raise Problem(_("This area is not within your scope."), status=404, kind="not-found")
    if kind == K.CONCERN and len(area) < 12:
        raise Problem(
            _("A public-concern report is made for a grid or a community."),
            errors=[{"field": "area", "detail": _("Choose a grid or a community.")}],
        )
    content = (bulletin if kind == K.BULLETIN else concern)(user, area, period)
    report = Report.objects.create(
        kind=kind,
        title=content["title"][:120],
        area_code=area,
        start=period.first,
        end=period.last,
        content=content,
        made_by=user,
    )
    report.output = outputs.begin(
        user, report.title, lambda pk: jobs.make_report.defer(output_id=pk, report_id=report.pk)
    )
    report.save(update_fields=["output"])
    return report


def write(output_id: int, report_id: int) -> None:
    """Make the Word file of an output."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        report = Report.objects.get(pk=report_id)
        rows = sum(len(part["rows"]) for part in report.content["parts"]) + len(report.content["figures"])
        progress(0, rows)
        with tempfile.NamedTemporaryFile(suffix=".docx") as file:
            render(template_of(report.kind), report.content, file.name)
            progress(rows, rows)
            audit.log(output.user, "cases.report", output, rows=rows, report=report.pk)
            file.seek(0)
            name = f"{report.kind}-{report.area_code}-{report.start:%Y%m%d}-{report.end:%Y%m%d}.docx"
            outputs.finish(output, file, name)


def template_of(kind: str):
    """The operator's latest active template of a kind, else the shipped one."""
    own = ReportTemplate.objects.filter(kind=kind, active=True).first()
    return own.file.open("rb") if own else FOLDER / f"{kind}.docx"


def render(template, content: dict, path: str) -> None:
    """Fill a template. Its marks run in a sandbox: an uploaded file may ask for words, nothing else."""
    document = DocxTemplate(template)
    document.render(content, jinja_env=SandboxedEnvironment(autoescape=True), autoescape=True)
    document.save(path)


def check_template(kind: str, file) -> None:
    """Refuse (422) a Word file that cannot be filled with a report of this kind."""
    example = {
        "title": "T", "area": "A", "period": "P", "as_of": "2026-01-01 00:00", "author": "N",
        "labels": _labels(), "heading": "H",
        "figures": [{"label": "L", "value": "1", "change": ""}],
        "parts": [{"title": "T", "columns": ["A", "B"], "rows": [["1", "2"]], "empty": "-"}],
    }  # fmt: skip
    try:
        with tempfile.NamedTemporaryFile(suffix=".docx") as made:
            render(file, example, made.name)
    except Exception as error:
        detail = _("This file cannot be filled: %s") % str(error)[:200]
        raise Problem(detail, errors=[{"field": "file", "detail": detail}]) from None


def _labels() -> dict[str, str]:
    return {
        "area": _("Area"),
        "period": _("Period"),
        "as_of": _("As of"),
        "author": _("Made by"),
        "figures": _("Figures of the period"),
        "figure": _("Indicator"),
        "value": _("Number of the period"),
        "change": _("Change on the period before"),
    }


def _frame(user, title: str, area: str, period: periods.Period) -> dict:
    name = names.of("area", [area])[area]
    return {
        "title": f"{name} · {period.label} · {title}",
        "heading": title,
        "area": name,
        "period": _("%(first)s to %(last)s") % {"first": period.first, "last": period.last},
        "as_of": timezone.localtime().strftime("%Y-%m-%d %H:%M"),
        "author": str(user),
        "labels": _labels(),
        "figures": [],
        "parts": [],
    }


def _asked(user, area, period, table="overview", by="area", **more) -> tables.Asked:
    return tables.read({"table": table, "by": by, "period": period.text, "area": area, **more}, user)


def _figures(user, area, period, table: str) -> list[dict]:
    answer = tables.answer(_asked(user, area, period, table=table, by="source", compare="1"))
    return [
        {"label": str(cell.indicator.label), "value": cell.text, "change": cell.change_text}
        for cell in answer.total.cells
    ]


def _part(title: str, columns: list, rows: list, empty: str = "") -> dict:
    return {
        "title": title,
        "columns": [str(one) for one in columns],
        "rows": [[str(cell) for cell in row] for row in rows],
        "empty": empty or _("None."),
    }


# --- The bulletin -------------------------------------------------------------------------------------


def bulletin(user, area: str, period: periods.Period) -> dict:
    """Period counts, top classes, areas, units, what is overdue, who is dissatisfied (001/54)."""
    content = _frame(user, _("Work bulletin"), area, period)
    content["figures"] = _figures(user, area, period, "overview")
    content["parts"] = [
        _frequent(user, area, period, "class", _("Classes")),
        _frequent(user, area, period, "type", _("Types")),
        _by(
            user,
            area,
            period,
            "area",
            _("Areas"),
            ("reported", "filed", "closed_rate", "closed_on_time_rate"),
        ),
        _by(
            user,
            area,
            period,
            "unit",
            _("Units"),
            ("due_handle", "handled", "handled_on_time_rate", "pending_overdue"),
        ),
        _listed(user, area, period, CITY, "pending_overdue", _("Overdue cases")),
        _complaints(user, area, period),
        _listed(user, area, period, COMPLAINT, "dissatisfied", _("Dissatisfied complaints")),
    ]
    return content


def _frequent(user, area, period, by: str, title: str) -> dict:
    rows = tables.frequent(_asked(user, area, period, by=by), most=10, by=by)
    return _part(
        title,
        [title, _("Filed"), _("Share"), _("Change on the period before")],
        [[row.label, row.filed, row.share_text, row.change_text] for row in rows],
    )


def _by(user, area, period, by: str, title: str, codes: tuple[str, ...]) -> dict:
    answer = tables.answer(_asked(user, area, period, by=by))
    at = [answer.asked.table.columns.index(code) for code in codes]
    columns = [names.DIMENSIONS[by], *(answer.asked.indicators[one].label for one in at)]
    shown = [row for row in answer.rows if row.figures][:20]
    return _part(title, columns, [[row.label, *(row.cells[one].text for one in at)] for row in shown])


def _complaints(user, area, period) -> dict:
    answer = tables.answer(_asked(user, area, period, table="complaints", by="source"))
    rows = [[cell.indicator.label, cell.text] for cell in answer.total.cells]
    return _part(_("Complaints"), [_("Indicator"), _("Number of the period")], rows)


def _listed(user, area, period, flow: str, code: str, title: str) -> dict:
    """The cases behind a figure, the longest overdue first; without the reporter and his words."""
    question = sql.Question(flow, (period,), user, of={"area": area}, until=timezone.now())
    rows = link.narrow(Case.objects.for_user(user), link.token(question, code), user)
    every = rows.count()
    listed = rows.select_related("type", "holder_unit").order_by("handle_due_at", "id")[:MOST_LISTED]
    shown = [
        [
            case.number,
            case.type or "",
            case.address,
            case.holder_unit or "",
            timezone.localtime(case.handle_due_at).strftime("%Y-%m-%d %H:%M") if case.handle_due_at else "",
            case.get_state_display(),
        ]
        for case in listed
    ]
    if every > MOST_LISTED:
        title = _("%(title)s (the first %(shown)d of %(every)d)") % {
            "title": title,
            "shown": MOST_LISTED,
            "every": every,
        }
    columns = [_("Number"), _("Type"), _("Place"), _("Responsible unit"), _("Handling due"), _("State")]
    return _part(title, columns, shown)


# --- The public-concern report ------------------------------------------------------------------------


def concern(user, area: str, period: periods.Period) -> dict:
    """Of a grid or a community: people on duty, what they did, problems by class, handled and open, the list.

    Nothing in it is about a resident: problems are counted by type and place.
    """
    content = _frame(user, _("Public-concern report"), area, period)
    found = {flow: _problems(user, area, period, flow) for flow in FLOWS}
    every = {
        code: sum(one.get(code, 0) for one in found.values()) for code in ("reported", "handled", "open")
    }
    duty = _duty(area, period) if user.scope.covers("grids.view_workers", area) else None
    content["figures"] = [
        {"label": _("Problems found"), "value": str(every["reported"]), "change": ""},
        {"label": _("Of these handled"), "value": str(every["handled"]), "change": ""},
        {"label": _("Of these open"), "value": str(every["open"]), "change": ""},
    ]
    if duty is not None:
        content["figures"] += [
            {"label": _("Days on duty"), "value": str(duty["days"]), "change": ""},
            {"label": _("Hours on duty"), "value": f"{duty['hours']:.1f}", "change": ""},
        ]
        content["parts"].append(
            _part(
                _("On the ground"), [_("Kind"), _("Times")], duty["marks"], _("No check-ins in the period.")
            )
        )
    classes: dict[str, int] = {}
    for flow in FLOWS:
        for key, number in _classes(user, area, period, flow).items():
            classes[key] = classes.get(key, 0) + number
    order = sorted(classes, key=lambda key: -classes[key])
    words = names.of("class", order)
    content["parts"].append(
        _part(
            _("Problems by class"), [_("Class"), _("Problems")], [[words[key], classes[key]] for key in order]
        )
    )
    content["parts"].append(_problem_list(user, area, period))
    return content


def _rows_of(user, area, period, flow: str | None = None):
    """Problems reported in the period in the area, whatever their flow, within the user's scope."""
    start, end = period.bounds
    rows = Case.objects.for_user(user).filter(reported_at__gte=start, reported_at__lt=end)
    filed = Q(filed_community_code__startswith=area) if len(area) < 15 else Q(filed_grid_code=area)
    rows = rows.filter(Q(filed_community_code="") & in_area(area) | ~Q(filed_community_code="") & filed)
    return rows.filter(flow=flow) if flow else rows


def _problems(user, area, period, flow: str) -> dict[str, int]:
    rows = _rows_of(user, area, period, flow).order_by()
    done = Q(handled_at__isnull=False) & ~Q(phase=Case.Phase.UNIT)
    return rows.aggregate(
        reported=Count("pk"),
        handled=Count("pk", filter=done | Q(self_handled=True, phase=Case.Phase.ENDED)),
        open=Count("pk", filter=~Q(phase=Case.Phase.ENDED)),
    )


def _classes(user, area, period, flow: str) -> dict[str, int]:
    rows = _rows_of(user, area, period, flow).order_by()
    counted = rows.values_list("type__standard", "type__kind", "type__class_code").annotate(n=Count("pk"))
    return {":".join(key) if all(key) else "": n for *key, n in counted}


def _problem_list(user, area, period) -> dict:
    rows = _rows_of(user, area, period).select_related("type").order_by("reported_at", "id")
    every = rows.count()
    shown = [
        [
            case.number,
            timezone.localtime(case.reported_at).strftime("%m-%d %H:%M"),
            case.type or "",
            case.address,
            case.get_state_display(),
        ]
        for case in rows[: 2 * MOST_LISTED]
    ]
    title = _("Problems")
    if every > len(shown):
        title = _("%(title)s (the first %(shown)d of %(every)d)") % {
            "title": title,
            "shown": len(shown),
            "every": every,
        }
    return _part(title, [_("Number"), _("Reported at"), _("Type"), _("Place"), _("State")], shown)


def _duty(area: str, period: periods.Period) -> dict:
    """Days and hours that those with a duty in the grids were punched in, and their marks; no names."""
    start, end = period.bounds
    grids = Grid.objects.filter(code__startswith=area)
    duties = GridDuty.objects.filter(grid__in=grids, valid_from__lte=period.last)
    workers = duties.filter(Q(valid_to=None) | Q(valid_to__gt=period.first)).values("worker_id")
    shifts = Shift.objects.filter(worker__in=workers, punched_in_at__lt=end, punched_in_at__isnull=False)
    until = Least(Coalesce("punched_out_at", timezone.now()), end)
    told = shifts.filter(Q(punched_out_at=None) | Q(punched_out_at__gt=start)).aggregate(
        days=Count("pk"), time=Sum(until - Greatest("punched_in_at", start))
    )
    marks = CheckIn.objects.filter(grid__in=grids, area_code__startswith=area[:12])
    marks = marks.filter(created_at__gte=start, created_at__lt=end).order_by()
    words = dict(CheckIn.Kind.choices)
    return {
        "days": told["days"],
        "hours": (told["time"] or timedelta()).total_seconds() / 3600,
        "marks": [
            [str(words.get(kind, kind)), number]
            for kind, number in marks.values_list("kind").annotate(n=Count("pk")).order_by("kind")
        ],
    }


def grids_of(user) -> list[Grid]:
    """Grids a public-concern report can be made of, where the user's area is small enough to list."""
    found = Grid.objects.none()
    for code in user.scope.areas(sql.PERMISSION):
        if len(code) >= 9:
            found |= Grid.objects.filter(code__startswith=code, retired_on=None)
    return list(found.order_by("code").only("code", "name")[:500])


def areas_of(user) -> list[Area]:
    """Areas a report can be made of: the user's own and those below, down to communities."""
    found = Area.objects.none()
    for code in user.scope.areas(sql.PERMISSION):
        found |= Area.objects.filter(code__startswith=code, valid_to=None)
    return list(found.order_by("code").only("code", "name", "level"))
