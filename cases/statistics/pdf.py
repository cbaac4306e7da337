"""A table of statistics on paper: A4 across, as many columns to a page as can be read, names repeated."""

from __future__ import annotations

import html

from django.utils import timezone
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from cases.statistics import names, tables
from grids.planning.report_pdf import FAINT, HEAD, INK, LINE, font

PAGE, MARGIN = landscape(A4), 14 * mm
WIDTH = PAGE[0] - 2 * MARGIN
COLUMNS = 11
NAME = 44 * mm


def _style(size, colour=INK, align=0, bold=False) -> ParagraphStyle:
    return ParagraphStyle(
        f"t{size}{colour}{align}{bold}",
        fontName=font(),
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(colour),
        alignment=align,
        wordWrap="CJK",
    )


def _text(text, size=7.5, colour=INK, align=0) -> Paragraph:
    return Paragraph(html.escape(str(text)).replace("\n", "<br/>"), _style(size, colour, align))


def write(answer: tables.Answer, title: str, author: str, path: str) -> None:
    """Write the table, and under it what its columns mean."""
    made = timezone.localtime(answer.as_of).strftime("%Y-%m-%d %H:%M:%S")

    def foot(canvas, document):
        canvas.setFont(font(), 7)
        canvas.setFillColor(HexColor(FAINT))
        words = _("Made %(when)s by %(who)s") % {"when": made, "who": author}
        canvas.drawString(MARGIN, 8 * mm, f"{title} · {words}"[:160])
        canvas.drawRightString(PAGE[0] - MARGIN, 8 * mm, _("Page %d") % document.page)

    document = BaseDocTemplate(
        path, pagesize=PAGE, leftMargin=MARGIN, rightMargin=MARGIN, title=title, author=author
    )
    frame = Frame(MARGIN, 13 * mm, WIDTH, PAGE[1] - 24 * mm, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=foot)])
    parts = [_text(title, 13), Spacer(1, 2 * mm), _text(_("As of %s") % made, 8, FAINT), Spacer(1, 4 * mm)]
    count = len(answer.asked.indicators)
    for start in range(0, count, COLUMNS):
        parts += [_table(answer, start, min(start + COLUMNS, count)), Spacer(1, 5 * mm)]
    parts += _meanings(answer)
    document.build(parts)


def _table(answer: tables.Answer, start: int, end: int) -> Table:
    asked = answer.asked
    head = [_text(names.DIMENSIONS[asked.by])]
    head += [_text(one.label, 7, align=2) for one in asked.indicators[start:end]]
    rows = [
        [_text(row.label), *(_text(cell.text, align=2) for cell in row.cells[start:end])]
        for row in (*answer.rows, answer.total)
    ]
    wide = (WIDTH - NAME) / COLUMNS
    table = Table([head, *rows], [NAME, *[wide] * (end - start)], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), HexColor(HEAD)),
                ("BACKGROUND", (0, -1), (-1, -1), HexColor("#f5f8f8")),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
                ("LINEABOVE", (0, -1), (-1, -1), 0.8, HexColor(FAINT)),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _meanings(answer: tables.Answer) -> list:
    found = [_text(_("What the columns mean"), 10), Spacer(1, 2 * mm)]
    for one in answer.asked.indicators:
        head = f"{one.label}: {one.formula}" if one.formula else str(one.label)
        found.append(KeepTogether([_text(head, 8), _text(one.explained, 7.5, FAINT), Spacer(1, 1.5 * mm)]))
    return found
