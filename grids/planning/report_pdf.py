"""A plan's report: maps, figures before and after, what moves, faults (A4, landscape)."""

import html
from functools import cache
from pathlib import Path

import shapely
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from grids.planning import figures, report
from grids.planning.report_map import BEFORE, BORDER, PlanMap, colours, ground, middle
from tiles.drawing import FONTS

PAGE, MARGIN = landscape(A4), 14 * mm
WIDTH = PAGE[0] - 2 * MARGIN
INK, FAINT, LINE, HEAD = "#1b262d", "#5c6b75", "#d5dbdf", "#e0efee"
# Columns of the table of grids, besides code and name.
SHOWN = (
    "households",
    "people",
    "buildings",
    "components",
    "shops",
    "cases_reported",
    "cases_open",
    "workers",
)
# Sentences beside the map of changes.
MOST_LINES = 24
MOVED = ("households", "people", "buildings", "components", "shops", "cases_open", "workers", "area_m2")


@cache
def font() -> str:
    """A font with Chinese: the first of the system's that can be embedded, else one that readers have."""
    for path in FONTS:
        if Path(path).exists():
            try:
                pdfmetrics.registerFont(TTFont("report", path, subfontIndex=0))
                return "report"
            except TTFError:
                continue
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    return "STSong-Light"


def _style(size, *, colour=INK, lead=1.35, after=0, align=0, wrap=None) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}{colour}{align}{wrap}",
        fontName=font(),
        fontSize=size,
        leading=size * lead,
        textColor=HexColor(colour),
        spaceAfter=after,
        wordWrap=wrap,
        alignment=align,
    )


def _text(text, size=8, **style) -> Paragraph:
    text = str(text)
    # Chinese may break anywhere, numbers and English words may not.
    wrap = "CJK" if any(letter > "\u2e80" for letter in text) else None
    return Paragraph(html.escape(text).replace("\n", "<br/>"), _style(size, wrap=wrap, **style))


def write_pdf(found: report.Content, path: str) -> None:
    """Write the report to a file."""
    made = timezone.localtime().strftime("%Y-%m-%d %H:%M")

    def furniture(canvas, document):
        canvas.setFont(font(), 7)
        canvas.setFillColor(HexColor(FAINT))
        by = _("Made %(when)s by %(who)s") % {"when": made, "who": found.author} if found.author else made
        canvas.drawString(MARGIN, 8 * mm, f"{found.title} · {by}"[:150])
        canvas.drawRightString(PAGE[0] - MARGIN, 8 * mm, _("Page %d") % document.page)

    document = BaseDocTemplate(
        path,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=12 * mm,
        bottomMargin=14 * mm,
        title=found.title,
        author=found.author,
    )
    frame = Frame(MARGIN, 13 * mm, WIDTH, PAGE[1] - 24 * mm, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=furniture)])
    maps = _Maps(found)
    document.build(
        [
            *_cover(found, maps),
            PageBreak(),
            *_changes(found, maps),
            PageBreak(),
            *_grids(found),
            *_moves(found),
            *_faults(found),
            *_definitions(found),
        ]
    )


class _Maps:
    """Both sides' shapes in metres, and what lies under them."""

    def __init__(self, found: report.Content):
        a, b = found.comparison.a, found.comparison.b
        self.before = {code: figures.flat(shape) for code, shape in a.shapes.items()}
        self.after = {code: figures.flat(shape) for code, shape in b.shapes.items()}
        self.names = {code: b.name(code) for code in b.shapes}
        outline = shapely.union_all(list(b.shapes.values()))
        self.under = ground(found.plan.communities, outline)
        self.extent = figures.flat(outline).bounds
        chosen = colours(self.after)
        own = {code: grid.colour for code, grid in b.grids.items() if getattr(grid, "colour", "")}
        self.colours = chosen | {code: colour for code, colour in own.items() if code in chosen}

    def labels(self, shapes):
        for code, shape in shapes.items():
            if not shapely.is_empty(shape):
                name = self.names.get(code, "")
                yield middle(shape), [code[-3:], *([name] if name and name != code else [])]

    def plan(self, width, height) -> PlanMap:
        return PlanMap(
            width,
            height,
            self.extent,
            under=self.under,
            fills=[(shape, self.colours[code], 0.55) for code, shape in self.after.items()],
            lines=[(shapely.boundary(shape), BORDER, 1.2, ()) for shape in self.after.values()],
            labels=list(self.labels(self.after)),
            font=font(),
        )

    def changes(self, width, height, changed) -> PlanMap:
        return PlanMap(
            width,
            height,
            self.extent,
            under=self.under,
            fills=[(figures.flat(shape), self.colours[new], 0.85) for _old, new, shape in changed],
            lines=[
                *((shapely.boundary(shape), BORDER, 1.0, ()) for shape in self.after.values()),
                *((shapely.boundary(shape), BEFORE, 0.8, (3, 2)) for shape in self.before.values()),
            ],
            labels=[
                (middle(figures.flat(shape)), [str(number)])
                for number, (_old, _new, shape) in enumerate(changed, start=1)
            ],
            font=font(),
        )


def _cover(found, maps) -> list:
    homes = sum(move["households"] for move in found.told["moves"])
    people = sum(move["workers"] for move in found.told["moves"])
    errors = sum(fault["severity"] == "error" for fault in found.figures["faults"])
    facts = [*found.facts()[1:], (_("Households that change grids"), f"{homes:,}")]
    facts += [(_("Workers who change grids"), str(people)), (_("Errors"), str(errors))]
    left = 78 * mm
    table = Table(
        [[_text(label, 8, colour=FAINT), _text(value, 9)] for label, value in facts if value],
        colWidths=[left * 0.42, left * 0.58],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor(LINE)),
            ]
        ),
    )
    height = PAGE[1] - 24 * mm - 26 * mm
    whole = Table(
        [[table, maps.plan(WIDTH - left - 6 * mm, height)]],
        colWidths=[left + 6 * mm, WIDTH - left - 6 * mm],
        style=_bare(),
    )
    subtitle = _("Boundary plan: the grids as they shall be")
    note = _("Borders in WGS-84; areas and lengths in EPSG:%d.") % settings.CITY_SRID
    return [
        _text(found.title, 18),
        _text(subtitle, 10, colour=FAINT, after=6),
        whole,
        _text(note, 7, colour=FAINT),
    ]


def _bare() -> TableStyle:
    return TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
        ]
    )


def _changes(found, maps) -> list:
    changed = found.comparison.changed()
    moves = {(move["from"] or "", move["to"]): move for move in found.told["moves"]}
    height = PAGE[1] - 24 * mm - 18 * mm
    left = 92 * mm
    lines = [
        _text(f"{number}. {moves[old, new]['sentence']}", 9, after=4)
        for number, (old, new, _ground) in enumerate(changed[:MOST_LINES], start=1)
    ]
    if len(changed) > MOST_LINES:
        lines.append(_text(_("%d more in the table.") % (len(changed) - MOST_LINES), 8, colour=FAINT))
    if not changed:
        lines = [_text(_("No ground changes hands."), 9)]
    whole = Table(
        [[lines, maps.changes(WIDTH - left - 6 * mm, height, changed)]],
        colWidths=[left + 6 * mm, WIDTH - left - 6 * mm],
        style=_bare(),
    )
    legend = _(
        "Solid: the plan. Dashed: %s. Filled: ground that changes hands, in the colour of its new grid."
    )
    title = _("What changes against: %s") % found.comparison.a.title
    return [_text(title, 14, after=6), whole, _text(legend % found.comparison.a.title, 7, colour=FAINT)]


def _table(head, rows, widths, *, numbers_from) -> Table:
    def cell(value, at, size=8, colour=INK):
        align = TA_RIGHT if at >= numbers_from else TA_LEFT
        return _text(value, size, colour=colour, align=align)

    cells = [[cell(label, at, 7, FAINT) for at, label in enumerate(head)]]
    cells += [[cell(value, at) for at, value in enumerate(row)] for row in rows]
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(HEAD)),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, HexColor("#fafbfb")]),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    return Table(cells, colWidths=widths, repeatRows=1, style=TableStyle(style))


def number(value, decimals=0) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def _change(a, b, decimals=0) -> str:
    """ "120 → 140", or one number where nothing changes."""
    if a is None or b is None or a == b:
        return number(b if a is None or b is not None else a, decimals)
    return f"{number(a, decimals)} → {number(b, decimals)}"


def _grids(found) -> list:
    labels = {column["id"]: column["label"] for column in found.told["measures"]}
    shown = [name for name in SHOWN if name in labels]
    head = [
        _("Grid"),
        pgettext("of a grid", "Change"),
        *(labels[name] for name in shown),
        labels["load_per_worker"],
        _("Area (ha)"),
        _("Patrol (km)"),
        labels["compactness"],
        _("Standard"),
    ]
    rows = []
    for grid in found.told["grids"]:
        a, b = grid["a"] or {}, grid["b"] or {}
        rows.append(
            [
                f"{grid['code'][-3:]} {grid['name']}",
                report.fates()[grid["fate"]],
                *(_change(a.get(n, 0) if a else None, b.get(n, 0) if b else None) for n in shown),
                _change(a.get("load_per_worker"), b.get("load_per_worker"), 1),
                number(b["area_m2"] / 10_000 if b else None, 2),
                number(b["patrol_m"] / 1000 if b else None, 2),
                number(b["compactness"] if b else None, 2),
                report.stands()[b.get("status")],
            ]
        )
    count = len(head) - 2
    first, second = 36 * mm, 16 * mm
    widths = [first, second, *[(WIDTH - first - second) / count] * count]
    title = _("The grids, before → after")
    return [_text(title, 14, after=6), _table(head, rows, widths, numbers_from=2), Spacer(1, 8 * mm)]


def _moves(found) -> list:
    if not found.told["moves"]:
        return []
    labels = {column["id"]: column["label"] for column in found.told["measures"]}
    shown = [name for name in MOVED if name in labels]
    labels["area_m2"] = _("Area (m²)")
    head = [pgettext("grid", "From"), pgettext("grid", "To"), *(labels[name] for name in shown)]
    rows = [
        [
            f"{(move['from'] or '')[-3:]} {move['from_name']}".strip(),
            f"{move['to'][-3:]} {move['to_name']}",
            *(number(move.get(name, 0)) for name in shown),
        ]
        for move in found.told["moves"]
    ]
    name = 42 * mm
    widths = [name, name, *[(WIDTH - 2 * name) / len(shown)] * len(shown)]
    return [
        _text(_("What moves"), 14, after=6),
        _table(head, rows, widths, numbers_from=2),
        Spacer(1, 8 * mm),
    ]


def _faults(found) -> list:
    if not found.figures["faults"]:
        return []
    rows = [[report.severities()[fault["severity"]], fault["text"]] for fault in found.figures["faults"]]
    table = _table([_("Gravity"), _("What")], rows, [24 * mm, WIDTH - 24 * mm], numbers_from=9)
    return [_text(_("To be looked at"), 14, after=6), table, Spacer(1, 8 * mm)]


def _definitions(found) -> list:
    rows = [[column["label"], column["definition"]] for column in found.told["measures"]]
    table = _table([_("Figure"), _("How it is counted")], rows, [46 * mm, WIDTH - 46 * mm], numbers_from=9)
    return [_text(pgettext("of figures", "Definitions"), 14, after=6), table]
