"""What a case can show in a column: the desk's table and its files read the same values from here.

A column says in words or numbers what the list of cases tells anyhow; none names who reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import flow, flow_data, inputs
from cases.models import Case, ColumnChoice, Supervision
from geo.models import Area, DictionaryItem
from geo.rest import bad_parameter
from geo.templatetags.times import deadline
from geo.words import in_language


class Names:
    """Names that cases have by code; each kind is read once, and only if a column asks for it."""

    def __init__(self, cases: Iterable[Case] | None = None):
        """Of some cases, or of all there may be."""
        self.codes = None if cases is None else {case.area_code for case in cases}
        self.desks = set() if cases is None else {case.desk_code for case in cases}

    @cached_property
    def areas(self) -> dict[str, str]:
        rows = Area.objects.filter(valid_to=None)
        if self.codes is not None:
            wanted = {code[:size] for code in self.codes for size in (6, 9, 12)} | self.desks
            rows = rows.filter(code__in=wanted)
        return dict(rows.values_list("code", "name"))

    def area(self, code: str, size: int) -> str:
        return self.areas.get(code[:size], "") if len(code) >= size else ""

    @cached_property
    def complaint_kinds(self) -> dict[str, str]:
        rows = DictionaryItem.objects.filter(dictionary__code="complaint_kind")
        return {row.code: in_language(row.name, row.name_en) for row in rows}

    @cached_property
    def complexities(self) -> dict[str, str]:
        return dict(inputs.choices(flow.COMPLEXITY))


@dataclass(frozen=True)
class Column:
    """A column by name: its heading, what it says of a case, and what has to be read for that.

    ``width`` in characters is a workbook's; ``sorts`` are the list's orders by this column, the first press
    first; ``related`` and ``many`` are read together with the cases.
    """

    name: str
    label: str
    width: int
    value: Callable[[Case, Names], str | float]
    sorts: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    number: bool = False


def _moment(name: str) -> Callable[[Case, Names], str]:
    def read(case: Case, names: Names) -> str:
        when = getattr(case, name)
        return timezone.localtime(when).strftime("%Y-%m-%d %H:%M") if when else ""

    return read


def _words(name: str) -> Callable[[Case, Names], str]:
    return lambda case, names: str(getattr(case, name) or "")


def _figure(name: str) -> Callable[[Case, Names], float]:
    return lambda case, names: getattr(case, name)


def _area(size: int) -> Callable[[Case, Names], str]:
    return lambda case, names: names.area(case.area_code, size)


def _flow(case: Case, names: Names) -> str:
    table = flow_data.find(case.flow, case.flow_version)
    return str(table.label if table else case.flow)


def _type(case: Case, names: Names) -> str:
    """The type; letters and complaints, which need none, say that they are one."""
    if case.type:
        return str(case.type)
    return "" if case.flow == flow.CITY else _flow(case, names)


def _left(case: Case, names: Names) -> str:
    """The running deadline as people say it."""
    return deadline(case.due_at, case.reported_at)[2] if case.is_open and case.due_at else ""


def _overdue_by(case: Case, names: Names) -> str | float:
    """Hours past the handling deadline until it was handled, or until now while it waits."""
    end = case.handled_at or (timezone.now() if case.is_open else None)
    if end is None or case.handle_due_at is None or end <= case.handle_due_at:
        return ""
    return round((end - case.handle_due_at).total_seconds() / 3600, 1)


def _supervision(case: Case, names: Names) -> str:
    if not case.supervised:
        return ""
    return str(dict(Supervision.Level.choices).get(case.supervision_level, case.supervision_level))


def _marks(case: Case, names: Names) -> str:
    on = [_("Urgent")] if case.urgent else []
    on += [_("Difficult")] if case.difficult else []
    on += [str(case.get_mark_display())] if case.mark else []
    return "、".join(on)


def _stars(case: Case, names: Names) -> str | float:
    given = [rating.stars for rating in case.ratings.all() if rating.stars]
    return given[-1] if given else ""


def _call_back(case: Case, names: Names) -> str:
    calls = [rating for rating in case.ratings.all() if rating.kind == rating.Kind.CALL_BACK]
    if not calls:
        return ""
    last = calls[-1]
    if not last.contacted:
        return _("Not reached")
    told = [_("Solved") if last.solved else _("Not solved")]
    told.append(_("Satisfied") if last.satisfied else _("Not satisfied"))
    return " · ".join(told)


def _limit(case: Case, names: Names) -> str:
    rule = case.filing_standard
    return f"{rule.limit} {rule.get_limit_unit_display()}" if rule else ""


_all = (
    Column("number", gettext_lazy("Number"), 22, _words("number"), ("number",)),
    Column("flow", gettext_lazy("Kind of case"), 12, _flow),
    Column("state", gettext_lazy("State"), 10, lambda case, names: str(case.get_state_display())),
    Column("phase", gettext_lazy("Phase"), 10, lambda case, names: str(case.get_phase_display())),
    Column("type", gettext_lazy("Type"), 20, _type, related=("type",)),
    Column(
        "type_code",
        gettext_lazy("Type code"),
        10,
        lambda case, names: case.type.full_code if case.type else "",
        related=("type",),
    ),
    Column("source", gettext_lazy("Source"), 10, lambda case, names: str(case.get_source_display())),
    Column("description", gettext_lazy("Description"), 40, _words("description")),
    Column("address", gettext_lazy("Place"), 30, _words("address")),
    Column("district", gettext_lazy("District"), 12, _area(6)),
    Column("street", gettext_lazy("Street"), 12, _area(9)),
    Column("community", gettext_lazy("Community"), 14, _area(12)),
    Column("grid", gettext_lazy("Grid"), 18, _words("grid"), related=("grid",)),
    Column(
        "grid_code",
        gettext_lazy("Grid code"),
        17,
        lambda case, names: case.grid.code if case.grid else "",
        related=("grid",),
    ),
    Column("filed_grid", gettext_lazy("Grid code when filed"), 17, _words("filed_grid_code")),
    Column("component", gettext_lazy("Component"), 18, _words("component"), related=("component",)),
    Column("holder", gettext_lazy("Responsible unit"), 22, _words("holder_unit"), related=("holder_unit",)),
    Column("lead", gettext_lazy("Accountable unit"), 22, _words("lead_unit"), related=("lead_unit",)),
    Column("desk", gettext_lazy("Handed to"), 14, lambda case, names: names.areas.get(case.desk_code, "")),
    Column("verifier", gettext_lazy("Verifier"), 10, _words("verifier"), related=("verifier",)),
    Column("reported_at", gettext_lazy("Reported at"), 17, _moment("reported_at"), ("new", "old")),
    Column("dispatched_at", gettext_lazy("Dispatched at"), 17, _moment("dispatched_at")),
    Column("due", gettext_lazy("Time left"), 12, _left, ("due",)),
    Column("due_at", gettext_lazy("Due"), 17, _moment("due_at"), ("due",)),
    Column("limit", gettext_lazy("Limit"), 12, _limit, related=("filing_standard",)),
    Column("handle_due_at", gettext_lazy("Handling due"), 17, _moment("handle_due_at")),
    Column("handled_at", gettext_lazy("Handled at"), 17, _moment("handled_at")),
    Column("overdue_by", gettext_lazy("Overdue by (hours)"), 10, _overdue_by, number=True),
    Column("closed_at", gettext_lazy("Closed at"), 17, _moment("closed_at")),
    Column("updated_at", gettext_lazy("Last change"), 17, _moment("updated_at"), ("changed",)),
    Column("supervision", gettext_lazy("Supervision"), 14, _supervision),
    Column("marks", gettext_lazy("Marks"), 14, _marks),
    Column("extended", gettext_lazy("Extensions"), 8, _figure("extended_count"), number=True),
    Column("returned", gettext_lazy("Returned"), 8, _figure("return_count"), number=True),
    Column("reworked", gettext_lazy("Reworked"), 8, _figure("rework_count"), number=True),
    Column("stars", gettext_lazy("Rating (stars)"), 8, _stars, many=("ratings",), number=True),
    Column("call_back", gettext_lazy("Call back"), 16, _call_back, many=("ratings",)),
    Column(
        "complaint_kind",
        gettext_lazy("Kind of complaint"),
        12,
        lambda case, names: names.complaint_kinds.get(case.complaint_kind, case.complaint_kind),
    ),
    Column(
        "complexity",
        gettext_lazy("How hard"),
        10,
        lambda case, names: str(names.complexities.get(case.complexity, case.complexity)),
    ),
    Column(
        "lon", gettext_lazy("Longitude (WGS-84)"), 12, lambda case, names: round(case.geom.x, 7), number=True
    ),
    Column(
        "lat", gettext_lazy("Latitude (WGS-84)"), 12, lambda case, names: round(case.geom.y, 7), number=True
    ),
)
COLUMNS: dict[str, Column] = {column.name: column for column in _all}

# What the table shows to whoever chose nothing.
USUAL = (
    *("number", "type", "state", "due", "marks", "community", "grid"),
    *("holder", "source", "reported_at", "extended"),
)
# What a file of the list has, where no columns are chosen.
OF_A_FILE = (
    *("number", "state", "type", "type_code", "source", "description", "address"),
    *("district", "street", "community", "grid", "holder"),
    *("reported_at", "handle_due_at", "handled_at", "closed_at", "returned", "reworked", "lon", "lat"),
)
# The way to the case; every table has it.
ALWAYS = "number"


def parse(text: str) -> list[Column]:
    """Columns by their names with commas, each once, the number among them; unknown ones are refused."""
    names = list(dict.fromkeys(filter(None, text.split(","))))
    if unknown := [name for name in names if name not in COLUMNS]:
        raise bad_parameter("columns", _("There is no column “%s”.") % unknown[0][:40])
    if names and ALWAYS not in names:
        names.insert(0, ALWAYS)
    return [COLUMNS[name] for name in names]


def of(user, text: str = "") -> list[Column]:
    """The columns that an address names, else those the user chose last, else the usual ones."""
    if text:
        return parse(text)
    kept = ColumnChoice.objects.filter(user=user).values_list("columns", flat=True).first() or ""
    # A column that is no more does not shut its table.
    return [COLUMNS[name] for name in kept.split(",") if name in COLUMNS] or [COLUMNS[name] for name in USUAL]


def remember(user, columns: list[Column]) -> None:
    """Keep the choice for the user's next table; no columns: the usual ones again."""
    if columns:
        text = joined(columns)
        ColumnChoice.objects.update_or_create(user=user, defaults={"columns": text})
    else:
        ColumnChoice.objects.filter(user=user).delete()


def joined(columns: list[Column]) -> str:
    """As an address has them."""
    return ",".join(column.name for column in columns)


def reading(rows: QuerySet, columns: list[Column]) -> QuerySet:
    """The rows with what these columns say of them, and no more."""
    related = dict.fromkeys(name for column in columns for name in column.related)
    many = dict.fromkeys(name for column in columns for name in column.many)
    rows = rows.select_related(*related) if related else rows
    return rows.prefetch_related(*many).defer("decision")
