"""Cases as a workbook: what the list shows, within the rights of whoever asked, without anybody's contact."""

from __future__ import annotations

import tempfile

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.filters import Filters
from cases.models import Case
from geo import audit, outputs
from geo.models import Area, Output

PERMISSION = "cases.export"
MOST = 200_000
STEP = 1000


def _columns() -> list[tuple[str, int]]:
    return [
        (_("Number"), 22),
        (_("State"), 10),
        (_("Type"), 20),
        (_("Type code"), 10),
        (_("Source"), 10),
        (_("Description"), 40),
        (_("Place"), 30),
        (_("District"), 12),
        (_("Street"), 12),
        (_("Community"), 14),
        (_("Grid"), 18),
        (_("Responsible unit"), 22),
        (_("Reported at"), 17),
        (_("Handling due"), 17),
        (_("Handled at"), 17),
        (_("Closed at"), 17),
        (_("Returned"), 8),
        (_("Reworked"), 8),
        (_("Longitude (WGS-84)"), 12),
        (_("Latitude (WGS-84)"), 12),
    ]


def safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _moment(when) -> str:
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M") if when else ""


def write_cases(output_id: int, query: dict[str, str]) -> None:
    """Make the workbook of an output; ``query`` is what the console's address said."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        rows = _rows(output, query)
        every = min(rows.order_by().count(), MOST)
        names = dict(Area.objects.filter(valid_to=None).values_list("code", "name"))
        with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
            book = xlsxwriter.Workbook(file.name, {"constant_memory": True})
            sheet = book.add_worksheet(_("Cases"))
            head = book.add_format({"bold": True, "bg_color": "#e0efee"})
            for at, (label, width) in enumerate(_columns()):
                sheet.write_string(0, at, label, head)
                sheet.set_column(at, at, width)
            sheet.freeze_panes(1, 1)
            done = 0
            for case in rows[:MOST].iterator(chunk_size=STEP):
                done += 1
                for at, value in enumerate(_values(case, names)):
                    if isinstance(value, str):
                        sheet.write_string(done, at, safe(value))
                    else:
                        sheet.write_number(done, at, value)
                if done % STEP == 0:
                    progress(done, every)
            book.close()
            progress(done, done)
            audit.log(output.user, "cases.export", output, rows=done, query=query)
            file.seek(0)
            outputs.finish(output, file, f"cases-{timezone.localtime():%Y%m%d-%H%M%S}.xlsx")


def _rows(output: Output, query: dict[str, str]):
    user = output.user
    filters = Filters.read(query, user)
    # Both the right to see and the right to take away, as they are when the file is made.
    rows = Case.objects.for_user(user).filter(pk__in=Case.objects.for_user(user, PERMISSION).values("pk"))
    rows = filters.tab(filters.narrow(rows), user)
    return rows.select_related("type", "grid", "holder_unit").defer("decision")


def _values(case: Case, names: dict[str, str]) -> list[str | float]:
    code = case.area_code
    return [
        case.number,
        str(case.get_state_display()),
        str(case.type or ""),
        case.type.full_code if case.type else "",
        str(case.get_source_display()),
        case.description,
        case.address,
        names.get(code[:6], ""),
        names.get(code[:9], ""),
        names.get(code, "") if len(code) == 12 else "",
        str(case.grid or ""),
        str(case.holder_unit or ""),
        _moment(case.reported_at),
        _moment(case.handle_due_at),
        _moment(case.handled_at),
        _moment(case.closed_at),
        case.return_count,
        case.rework_count,
        round(case.geom.x, 7),
        round(case.geom.y, 7),
    ]
