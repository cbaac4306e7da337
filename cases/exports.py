"""Cases as a file: what the list shows, within the rights of whoever asked, without anybody's contact."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable
from itertools import chain, islice

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import columns
from cases.filters import Filters, parts
from cases.models import Case
from geo import audit, outputs
from geo.models import Output

PERMISSION = "cases.export"
MOST = 200_000
STEP = 1000


def safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def write_cases(output_id: int, query: dict[str, str], kind: str = "xlsx") -> None:
    """Make the file of an output: the rows and columns that ``query`` names, as the desk's address does."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        chosen = columns.parse(query.get("columns", "") or ",".join(columns.OF_A_FILE))
        filters = Filters.read(query, output.user)
        rows = columns.reading(_rows(output, filters), chosen)
        every = min(rows.order_by().count(), MOST)
        names = columns.Names()
        done = 0

        def lines():
            nonlocal done
            ordered = (part.iterator(chunk_size=STEP) for part in parts(rows, filters.sort))
            for case in islice(chain.from_iterable(ordered), MOST):
                done += 1
                yield [column.value(case, names) for column in chosen]
                if done % STEP == 0:
                    progress(done, every)

        with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
            FORMATS[kind](file, chosen, lines())
            progress(done, done)
            audit.log(output.user, "cases.export", output, rows=done, query=query, format=kind)
            file.seek(0)
            outputs.finish(output, file, f"cases-{timezone.localtime():%Y%m%d-%H%M%S}.{kind}")


def _workbook(file, chosen: list[columns.Column], lines: Iterable[list]) -> None:
    book = xlsxwriter.Workbook(file.name, {"constant_memory": True})
    sheet = book.add_worksheet(_("Cases"))
    head = book.add_format({"bold": True, "bg_color": "#e0efee"})
    for at, column in enumerate(chosen):
        sheet.write_string(0, at, str(column.label), head)
        sheet.set_column(at, at, column.width)
    sheet.freeze_panes(1, 1)
    for row, line in enumerate(lines, 1):
        for at, value in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(row, at, safe(value))
            else:
                sheet.write_number(row, at, value)
    book.close()


def _csv(file, chosen: list[columns.Column], lines: Iterable[list]) -> None:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    sheet = csv.writer(text)
    sheet.writerow([str(column.label) for column in chosen])
    for line in lines:
        sheet.writerow([safe(value) if isinstance(value, str) else value for value in line])
    text.detach()


FORMATS = {"xlsx": _workbook, "csv": _csv}


def _rows(output: Output, filters: Filters):
    user = output.user
    # Both the right to see and the right to take away, as they are when the file is made.
    rows = Case.objects.for_user(user).filter(pk__in=Case.objects.for_user(user, PERMISSION).values("pk"))
    return filters.tab(filters.narrow(rows), user)
