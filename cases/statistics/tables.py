"""A table of statistics as a page, a file or the API shows it: what was asked, its rows, their sum."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.statistics import link, names, periods, sql
from cases.statistics.counts import COUNTS
from cases.statistics.indicators import INDICATORS, TABLES, Indicator, Table, rounded, text
from geo import measures
from geo.models import Area, Organisation
from geo.rest import bad_parameter, parse_area, parse_date, parse_pk
from grids.models import Grid

PERMISSION = sql.PERMISSION
# What narrows a table, besides its period and area.
NARROWS = ("source", "kind", "class", "type", "unit", "person", "company")


@dataclass(frozen=True)
class Asked:
    """A table as an address asks for it."""

    user: object
    table: Table
    by: str
    period: periods.Period
    of: dict[str, str]
    borders: date | None = None
    edition: bool = False
    compare: bool = False
    as_of: datetime = field(default_factory=timezone.now)

    @property
    def question(self) -> sql.Question:
        return sql.Question(
            self.table.flow,
            (self.period,),
            self.user,
            self.by,
            self.of,
            self.borders,
            self.edition,
            self.as_of,
        )

    @property
    def area(self) -> str:
        return self.of.get("area", "")

    @property
    def indicators(self) -> list[Indicator]:
        return [INDICATORS[code] for code in self.table.columns]

    @property
    def codes(self) -> list[str]:
        """The base counts that the columns need, each once."""
        return list(dict.fromkeys(code for one in self.indicators for code in one.counts))

    def params(self, **changes) -> dict[str, str]:
        """What the address says, with some of it changed; None removes."""
        said = {
            "table": self.table.code,
            "by": self.by,
            "period": self.period.text,
            **self.of,
            "borders": self.borders.isoformat() if self.borders else "",
            "edition": "new" if self.edition else "",
            "compare": "1" if self.compare else "",
        }
        return {name: value for name, value in (said | changes).items() if value}


def read(data, user) -> Asked:
    """What an address asks for; unknown values are refused (400), and who may not count (403)."""
    if not user.can(PERMISSION):
        raise PermissionDenied(_("Your roles see no statistics."))
    table = _choice("table", data.get("table") or "overview", TABLES)
    by = _choice("by", data.get("by") or "area", names.DIMENSIONS)
    said = data.get("period", "").strip()
    period = periods.read(said) if said else periods.of("month", timezone.localdate())
    of = {name: data[name].strip() for name in NARROWS if data.get(name, "").strip()}
    for name in ("type", "unit", "person", "company"):
        if name in of:
            parse_pk(name, of[name])
    area = data.get("area", "").strip()
    of["area"] = parse_area(area) if area else home(user)
    if not user.scope.areas(PERMISSION):
        of.setdefault("unit", str(_own_unit(user)))
    borders = data.get("borders", "").strip()
    day = None
    if borders:
        day = timezone.localdate() if borders == "today" else parse_date("borders", borders)
        if day > timezone.localdate():
            raise bad_parameter("borders", _("No borders are known of days to come."))
    return Asked(user, table, by, period, of, day, data.get("edition") == "new", bool(data.get("compare")))


def _choice(name, value, known):
    if value not in known:
        raise bad_parameter(
            name, _("%(name)s takes one of: %(known)s.") % {"name": name, "known": ", ".join(known)}
        )
    return known[value] if known is TABLES else value


def home(user) -> str:
    """The area that a user's tables begin with: the first one granted, else the city."""
    areas = user.scope.areas(PERMISSION)
    return areas[0] if areas else settings.CITY_CODE


def _own_unit(user) -> int:
    """The highest unit that a user without areas counts for."""
    units = user.scope.units(PERMISSION)
    return (
        Organisation.objects.filter(pk__in=units).order_by("path").values_list("pk", flat=True).first() or 0
    )


@dataclass
class Cell:
    """A figure of a row: its exact value, its text, where its cases are, the change since before."""

    indicator: Indicator
    value: Fraction | None
    text: str
    stat: str = ""
    change: Fraction | None = None

    @property
    def change_text(self) -> str:
        """Percentage points for rates, percent for counts, with the sign."""
        if self.change is None:
            return ""
        points = self.indicator.unit == "%"
        if self.indicator.unit == "stars":
            return f"{sign(self.change)}{rounded(abs(self.change))}"
        unit = _("pt") if points else "%"
        return f"{sign(self.change)}{rounded(abs(self.change) * 100)} {unit}"

    @property
    def tone(self) -> str:
        """Whether the change is for the better, where that can be said."""
        if not self.change or not self.indicator.direction:
            return ""
        return "better" if (self.change > 0) == (self.indicator.direction == "up") else "worse"


def sign(value) -> str:
    return "+" if value > 0 else "−" if value < 0 else "±"


@dataclass
class Row:
    key: str
    label: str
    figures: dict[str, int]
    cells: list[Cell] = field(default_factory=list)
    deeper: str = ""  # the area that a click opens

    @property
    def is_none(self) -> bool:
        return self.key == sql.NONE


@dataclass
class Answer:
    """Rows and their sum, which is exactly that: every case is in one row."""

    asked: Asked
    rows: list[Row]
    total: Row
    as_of: datetime


def answer(asked: Asked) -> Answer:
    """Count a table: one statement, and one for the words of its rows."""
    question, codes = asked.question, asked.codes
    shown = (asked.period, asked.period.before) if asked.compare else (asked.period,)
    found = sql.figures(question.asked(periods=shown), codes)
    now, before = found[0], found[1] if asked.compare else None
    keys = dict.fromkeys([*_children(asked), *now])
    words = names.of(asked.by, keys, question)
    rows = [Row(key, words[key], now.get(key, {})) for key in keys]
    rows = _in_order(asked, rows)
    total = Row("", _("Together"), _sum(now.values()))
    for row in rows:
        row.cells = _cells(asked, row.figures, row.key, None if before is None else before.get(row.key, {}))
        if asked.by == "area" and 2 < len(row.key) < 15:
            row.deeper = row.key
    total.cells = _cells(asked, total.figures, None, None if before is None else _sum(before.values()))
    return Answer(asked, rows, total, asked.as_of)


def _sum(rows) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        for code, number in row.items():
            found[code] = found.get(code, 0) + number
    return found


def _cells(asked: Asked, figures, key, before) -> list[Cell]:
    cells = []
    for one in asked.indicators:
        value = one.of(figures)
        stat = ""
        if figures.get(one.top):
            stat = link.token(asked.question, one.top, key)
        cell = Cell(one, value, one.text(value), stat)
        if before is not None:
            cell.change = _change(one, value, one.of(before))
        cells.append(cell)
    return cells


def _change(one: Indicator, value, before) -> Fraction | None:
    """Rates and stars: the difference. Counts: the share of the period before; None when that had none."""
    if value is None or before is None:
        return None
    if one.is_rate:
        return value - before
    return (value - before) / before if before else None


def _children(asked: Asked) -> list[str]:
    """The rows of an area's table are all its children, also those without a case."""
    if asked.by != "area":
        return []
    if len(asked.area) == 12:
        rows = Grid.objects.filter(community_code=asked.area, retired_on=None).order_by("code")
        return list(rows.values_list("code", flat=True)) if asked.borders is None else []
    if len(asked.area) == 15:
        return []
    return list(measures.children_of(asked.area).values_list("code", flat=True))


def _in_order(asked: Asked, rows: list[Row]) -> list[Row]:
    if asked.by == "area":
        return sorted(rows, key=lambda row: (row.is_none, row.key))
    lead = asked.indicators[0].top
    return sorted(rows, key=lambda row: (row.is_none, -row.figures.get(lead, 0), row.label))


def series(asked: Asked, code: str) -> list[tuple[periods.Period, Fraction | None]]:
    """An indicator over the pieces of the period, for a chart; one statement."""
    one = INDICATORS[code]
    pieces = asked.period.pieces()
    if not pieces:
        return []
    question = asked.question.asked(periods=tuple(pieces), by="all")
    found = sql.figures(question, one.counts)
    return [(piece, one.of(row.get("", {}))) for piece, row in zip(pieces, found, strict=True)]


@dataclass
class Ranked:
    """A type in the list of frequent problems (高发): filed, its share, the change on the period before."""

    key: str
    label: str
    filed: int
    share: Fraction
    before: int
    change: Fraction | None
    stat: str

    @property
    def share_text(self) -> str:
        return text(self.share, "%")

    @property
    def change_text(self) -> str:
        return "—" if self.change is None else f"{sign(self.change)}{rounded(abs(self.change) * 100)} %"


def frequent(asked: Asked, most: int = 20, by: str = "type") -> list[Ranked]:
    """Types by how many cases were filed in the period, both kinds, most first; one statement."""
    question = asked.question.asked(by=by, periods=(asked.period, asked.period.before))
    now, before = sql.figures(question, ("filed",))
    every = sum(row["filed"] for row in now.values())
    order = sorted(now, key=lambda key: (-now[key]["filed"], key))[:most]
    words = names.of(by, order, question)
    found = []
    for key in order:
        number, earlier = now[key]["filed"], before.get(key, {}).get("filed", 0)
        change = Fraction(number - earlier, earlier) if earlier else None
        stat = link.token(asked.question.asked(by=by), "filed", key)
        found.append(Ranked(key, words[key], number, Fraction(number, every), earlier, change, stat))
    return found


def area_of(asked: Asked) -> Area | None:
    return Area.objects.filter(code=asked.area[:12], valid_to=None).defer("geom", "geom_3857").first()


def explained(asked: Asked) -> list[dict]:
    """The columns with their definitions, for whoever clicks one."""
    return [
        {
            "code": one.code,
            "label": str(one.label),
            "unit": one.unit,
            "direction": one.direction,
            "formula": one.formula,
            "definition": one.explained,
            "choices": [str(COUNTS[choice].label) for choice in one.choices],
        }
        for one in asked.indicators
    ]
