"""A table of statistics as a workbook or a PDF, made by a job within the rights of whoever asked."""

from __future__ import annotations

import tempfile

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import exports
from cases.statistics import names, tables, titles
from cases.statistics.indicators import rounded
from geo import audit, outputs


def write(output_id: int, query: dict[str, str], kind: str) -> None:
    """Make the file of an output; ``query`` is what the page's address said, ``kind`` xlsx or pdf."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        user = output.user
        # The right to see the figures, as it is when the file is made; nothing in them is of a resident.
        asked = tables.read(query, user)
        answer = tables.answer(asked)
        title = titles.title(asked)
        every = len(answer.rows) + 1
        progress(0, every)
        with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
            if kind == "xlsx":
                workbook(answer, title, file.name)
            else:
                from cases.statistics import pdf

                pdf.write(answer, title, str(user), file.name)
            progress(every, every)
            audit.log(user, "cases.export_statistics", output, rows=every, query=query)
            file.seek(0)
            outputs.finish(output, file, f"statistics-{timezone.localtime():%Y%m%d-%H%M%S}.{kind}")


def workbook(answer: tables.Answer, title: str, path: str) -> None:
    """The table on one sheet, what its columns mean on another; rates are numbers with a format."""
    asked = answer.asked
    book = xlsxwriter.Workbook(path)
    bold = book.add_format({"bold": True, "bg_color": "#e0efee", "text_wrap": True, "valign": "top"})
    strong = {"bold": True, "top": 1}
    formats = {
        (unit, last): book.add_format({"num_format": form, **(strong if last else {})})
        for unit, form in (("", "#,##0"), ("%", "0.00%"), ("stars", "0.00"))
        for last in (False, True)
    }
    words = book.add_format(strong)
    sheet = book.add_worksheet(_("Statistics"))
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 13}))
    as_of = timezone.localtime(answer.as_of).strftime("%Y-%m-%d %H:%M:%S")
    sheet.write_string(1, 0, _("As of %s") % as_of)
    sheet.write_string(2, 0, str(names.DIMENSIONS[asked.by]), bold)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, len(asked.indicators), 12)
    for column, one in enumerate(asked.indicators, 1):
        sheet.write_string(2, column, str(one.label), bold)
    sheet.freeze_panes(3, 1)
    rows = [*answer.rows, answer.total]
    for number, row in enumerate(rows, 3):
        last = row is answer.total
        sheet.write_string(number, 0, exports.safe(row.label), words if last else None)
        for column, cell in enumerate(row.cells, 1):
            form = formats[cell.indicator.unit, last]
            if cell.value is None:
                sheet.write_string(number, column, cell.text, form)
            elif cell.indicator.unit == "%":
                # Rounded as it is shown: the exact fraction stays in its two counts beside it.
                sheet.write_number(number, column, float(rounded(cell.value * 100)) / 100, form)
            else:
                sheet.write_number(number, column, float(cell.value), form)
    meaning = book.add_worksheet(_("Definitions"))
    meaning.set_column(0, 1, 26)
    meaning.set_column(2, 2, 100)
    for column, label in enumerate((_("Indicator"), _("Formula"), _("Definition"))):
        meaning.write_string(0, column, label, bold)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for number, one in enumerate(asked.indicators, 1):
        for column, told in enumerate((str(one.label), one.formula, one.explained)):
            meaning.write_string(number, column, told, wrap)
    book.close()
