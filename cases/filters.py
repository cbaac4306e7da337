"""What the console's list shows: read from the address, applied to a queryset, told as chips.

The address is the state: a link opens the same tab, filters, order and map box for whoever may see them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from django.contrib.gis.geos import GEOSException, Polygon
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import ItemType
from cases import columns, flow_data, queries
from cases.models import Case, Rating
from cases.statistics import link
from geo.models import Area, Organisation
from geo.rest import bad_parameter, parse_area, parse_bbox
from geo.scopes import in_area
from grids.models import Grid

S = Case.State

P = Case.Phase
# The tabs: phases that one pair of hands deals with, in every flow. "mine" and "all" are no phases.
PHASES: dict[str, tuple[str, ...]] = {
    "desk": (P.DESK,),
    "unit": (P.UNIT, P.PAUSED),
    "check": (P.CHECK,),
    "rating": (P.RATING,),
}
# Tabs of views that people saved when the city's cases were the only ones.
RENAMED = {"accept": "desk", "dispatch": "desk", "handle": "unit", "close": "desk"}
# Words that stand for states of the city's cases in the ``state`` parameter.
GROUPS: dict[str, tuple[str, ...]] = {
    "accept": (S.REPORTED, S.ACCEPTED, S.VERIFYING_BEFORE),
    "dispatch": (S.FILED,),
    "handle": (S.DISPATCHED, S.HANDLING, S.REWORK, S.SUSPENDED),
    "check": (S.HANDLED, S.VERIFYING_AFTER),
    "close": (S.VERIFIED,),
    "ended": Case.ENDED,
}
VIEWS = {
    "mine": gettext_lazy("To do"),
    "desk": gettext_lazy("Intake"),
    "unit": gettext_lazy("Handling"),
    "check": gettext_lazy("Checking"),
    "rating": gettext_lazy("Rating"),
    "all": gettext_lazy("All"),
}
DUE = {
    "late": gettext_lazy("Past this step's deadline"),
    "overdue": gettext_lazy("Handling overdue"),
    "soon": gettext_lazy("Due within 4 hours"),
    "today": gettext_lazy("Due today"),
}
REPORTED = {
    "today": gettext_lazy("Today"),
    "7d": gettext_lazy("Last 7 days"),
    "30d": gettext_lazy("Last 30 days"),
    "month": gettext_lazy("This month"),
}
CLOSED = {"today": gettext_lazy("Closed today"), "month": gettext_lazy("Closed this month")}
STEPS = {
    "accept": gettext_lazy("Accepting"),
    "dispatch": gettext_lazy("Dispatching"),
    "handle": gettext_lazy("Handling"),
    "check": gettext_lazy("Checking"),
    "close": gettext_lazy("Closing"),
    "ended": gettext_lazy("Ended"),
}
# Complaints whose call back was not content, and what somebody was not content with afterwards.
DISCONTENT = (
    Case.objects.filter(state=S.DISSATISFIED)
    .order_by()
    .values("pk")
    .union(Rating.objects.filter(Rating.BAD).order_by().values("case_id"))
)
MARKS = {
    "urgent": (gettext_lazy("Urgent"), Q(urgent=True)),
    "supervised": (gettext_lazy("Supervised"), Q(supervised=True)),
    "difficult": (gettext_lazy("Difficult"), Q(difficult=True)),
    "discontent": (gettext_lazy("Not satisfied"), Q(pk__in=DISCONTENT)),
    **{value: (label, Q(mark=value)) for value, label in Case.Mark.choices},
    "returned": (gettext_lazy("Returned before"), Q(return_count__gt=0)),
    "reworked": (gettext_lazy("Reworked"), Q(rework_count__gt=0)),
    "undecided": (
        gettext_lazy("Rules do not decide"),
        Q(state=S.FILED, decision__reason__in=["tie", "none"]),
    ),
    "nogrid": (gettext_lazy("Outside every grid"), Q(grid=None)),
}
# What a desk looks for many times a day, one press away: (parameter, value, label).
QUICK = (
    ("mark", "supervised", gettext_lazy("Supervised")),
    ("mark", "difficult", gettext_lazy("Difficult")),
    ("mark", "discontent", gettext_lazy("Not satisfied")),
    ("due", "today", gettext_lazy("Due today")),
    ("due", "overdue", gettext_lazy("Overdue")),
)
SORTS = {
    "due": gettext_lazy("Soonest due first"),
    "new": gettext_lazy("Newest first"),
    "changed": gettext_lazy("Last changed first"),
    "old": gettext_lazy("Oldest first"),
    "number": gettext_lazy("By number"),
}
NAMES = (
    "view",
    "flow",
    "state",
    "area",
    "type",
    "due",
    "reported",
    "closed",
    "holder",
    "source",
    "mark",
    "component",
    "q",
    "within",
    "bbox",
    "stat",
    "sort",
    "columns",
)
# How the rows are shown, not which.
SHOWN = ("view", "sort", "columns")


@dataclass
class Chip:
    """A filter that is on: what it says, and the address without it."""

    name: str
    label: str
    without: str


@dataclass
class Filters:
    """The console's filters. Unknown values are refused (400) rather than ignored."""

    params: dict[str, str] = field(default_factory=dict)
    # Who asks, where it is known: a figure's cases are those that were counted for him.
    user: object = None

    @classmethod
    def read(cls, data, user=None) -> Filters:
        filters = cls({name: data[name].strip() for name in NAMES if data.get(name, "").strip()}, user)
        if (view := filters.params.get("view")) in RENAMED:
            filters.params["view"] = RENAMED[view]
        filters._check()
        return filters

    def _check(self) -> None:
        for name, known in (
            ("view", VIEWS),
            ("due", DUE),
            ("closed", CLOSED),
            ("sort", SORTS),
            ("source", Case.Source.values),
        ):
            if (value := self.params.get(name)) and value not in known:
                raise bad_parameter(
                    name, _("%(name)s takes one of: %(known)s.") % {"name": name, "known": ", ".join(known)}
                )
        if (name := self.get("flow")) and flow_data.current(name) is None:
            raise bad_parameter("flow", _("There is no flow “%s”.") % name[:40])
        self.states()
        self._reported()
        columns.parse(self.get("columns"))
        if self.get("stat"):
            link.read(self.get("stat"))

    def get(self, name: str) -> str:
        return self.params.get(name, "")

    @property
    def view(self) -> str:
        """The tab; whoever comes with a filter of states or times from elsewhere gets all tabs' rows."""
        given = self.get("view")
        if given:
            return given
        return (
            "all"
            if any(
                self.get(name)
                for name in ("flow", "state", "due", "reported", "closed", "component", "q", "stat")
            )
            else "mine"
        )

    @property
    def sort(self) -> str:
        return self.get("sort") or ("new" if self.view == "all" else "due")

    def query(self, **changes) -> str:
        """The query string with some values changed; None removes. Empty when nothing is left."""
        from urllib.parse import urlencode

        params = {name: value for name, value in {**self.params, **changes}.items() if value}
        return f"?{urlencode(params, safe=',;:=|')}" if params else ""

    def cleared(self) -> str:
        """The query string of the same tab without filters, shown in the same columns."""
        return Filters({"view": self.view, "columns": self.get("columns")}).query()

    def states(self) -> tuple[str, ...]:
        """States by the ``state`` parameter: "open", a tab's name, or states with commas."""
        text = self.get("state")
        if not text:
            return ()
        if text == "open":
            return tuple(state for state in S.values if state not in Case.ENDED)
        if text in GROUPS:
            return GROUPS[text]
        states = tuple(text.split(","))
        known = {*S.values}
        if not known >= {*states}:
            known |= {state for table in flow_data.in_force() for state in table.states}
        if unknown := [state for state in states if state not in known]:
            raise bad_parameter("state", _("There is no state “%s”.") % unknown[0][:40])
        return states

    def _reported(self) -> tuple[datetime | None, datetime | None]:
        """From and until (exclusive) of the ``reported`` parameter: a word, a day, or two days with ".."."""
        text = self.get("reported")
        start, end = queries.today()
        if not text:
            return None, None
        if text == "today":
            return start, end
        if text in ("7d", "30d"):
            return start - timedelta(days=int(text[:-1]) - 1), end
        if text == "month":
            return queries.month_start(), end
        first, _dots, last = text.partition("..")
        try:
            days = [date.fromisoformat(day) if day else None for day in (first, last or first)]
        except ValueError:
            raise bad_parameter(
                "reported", _("reported takes a day or two as 2026-01-01..2026-01-31.")
            ) from None
        zone = timezone.get_current_timezone()
        midnight = [datetime(day.year, day.month, day.day, tzinfo=zone) if day else None for day in days]
        return midnight[0], midnight[1] + timedelta(days=1) if midnight[1] else None

    def narrow(self, rows: QuerySet, few: bool | None = None) -> QuerySet:
        """Everything but tab and state: what the tabs' counts count.

        ``few`` says that the rows are few already, as open ones are: their words are then read; else they are
        looked up. Unless told, it follows from the tab. The rows are the same either way.
        """
        rows = self._without_words(rows)
        if not self.get("q"):
            return rows
        few = self.view != "all" if few is None else few
        if few or self.found is None:
            return rows.filter(self._said(few=True))
        return rows.filter(pk__in=self.found)

    @cached_property
    def found(self) -> list[int] | None:
        """Ids of the user's cases with the words; None where they are too many, or nobody asks."""
        if self.user is None:
            return None
        parts = Case.objects.apart_for_user(self.user)
        return queries.looked_up([self._without_words(part).filter(self._said()) for part in parts])

    def _said(self, few: bool = False) -> Q:
        text = self.get("q")
        if number := queries.number_in(text):
            return Q(number__startswith=number)
        said = queries.said(text, few) | Q(type_id__in=self._types_named)
        return said | Q(number__startswith=text.upper()) if text.isascii() else said

    def _without_words(self, rows: QuerySet) -> QuerySet:
        if name := self.get("flow"):
            rows = rows.filter(flow=name)
        if area := self.get("area"):
            rows = rows.filter(in_area(parse_area(area)))
        if kind := self.get("type"):
            rows = rows.filter(self._type(kind))
        if due := self.get("due"):
            soon = timezone.now() + timedelta(hours=4)
            rows = rows.filter(
                {
                    "late": queries.late(),
                    "overdue": queries.overdue(),
                    "soon": queries.open_cases() & Q(due_at__gte=timezone.now(), due_at__lt=soon),
                    "today": queries.due_today(),
                }[due]
            )
        start, end = self._reported()
        if start:
            rows = rows.filter(reported_at__gte=start)
        if end:
            rows = rows.filter(reported_at__lt=end)
        if closed := self.get("closed"):
            since = queries.today()[0] if closed == "today" else queries.month_start()
            rows = rows.filter(queries.closed_since(since))
        if holder := self.get("holder"):
            if not holder.isdecimal():
                raise bad_parameter("holder", _("holder takes the number of a unit."))
            rows = rows.filter(holder_unit__path__contains=f"/{holder}/")
        if source := self.get("source"):
            rows = rows.filter(source=source)
        if component := self.get("component"):
            rows = rows.filter(component__code=component)
        for mark in filter(None, self.get("mark").split(",")):
            if mark not in MARKS:
                raise bad_parameter("mark", _("There is no mark “%s”.") % mark[:40])
            rows = rows.filter(MARKS[mark][1])
        if box := self.get("bbox"):
            rows = rows.filter(geom__intersects=parse_bbox(box))
        if ring := self.get("within"):
            rows = rows.filter(geom__intersects=parse_ring(ring))
        if stat := self.get("stat"):
            rows = link.narrow(rows, stat, self.user)
        return rows

    def tab(self, rows: QuerySet, user) -> QuerySet:
        """The rows of the tab, in the list's order."""
        from cases import todo

        if self.view == "mine":
            rows = rows.filter(todo.mine(user))
        elif self.view in PHASES:
            # Said twice: the index of open cases is by state.
            rows = rows.filter(queries.open_cases(), phase__in=PHASES[self.view])
        if states := self.states():
            rows = rows.filter(state__in=states)
        return rows.order_by(*ORDERS[self.sort])

    @cached_property
    def _types_named(self) -> list[int]:
        """Types with the words in their name: few, and read before, so that the cases go by their index."""
        return list(ItemType.objects.filter(name__icontains=self.get("q")).values_list("pk", flat=True))

    @staticmethod
    def _type(text: str) -> Q:
        """A type by its number, or a class as standard:kind:class."""
        if text.isdecimal():
            return Q(type_id=int(text))
        standard, _colon, rest = text.partition(":")
        kind, _colon, code = rest.partition(":")
        if standard not in ItemType.Standard.values or kind not in ItemType.Kind.values:
            raise bad_parameter("type", _("type takes the number of a type, or standard:kind:class."))
        found = Q(type__standard=standard, type__kind=kind)
        return found & Q(type__class_code=code) if code else found

    # --- In words -----------------------------------------------------------------------------------

    def chips(self) -> list[Chip]:
        """What is filtered, in words, in the order of the filter bar."""
        told = []
        for name in NAMES:
            if name in SHOWN or not (value := self.get(name)):
                continue
            told.append(Chip(name, self._words(name, value), self.query(**{name: None})))
        return told

    def quick(self) -> list[dict]:
        """The quick filters: label, whether on, and the address where it is the other way; same tab."""
        told = []
        for name, value, label in QUICK:
            values = [one for one in self.get(name).split(",") if one]
            on = value in values
            if name == "mark":
                values = [one for one in values if one != value] if on else [*values, value]
            else:
                values = [] if on else [value]
            query = self.query(**{name: ",".join(values) or None, "view": self.view})
            told.append({"label": label, "on": on, "query": query})
        return told

    def _words(self, name: str, value: str) -> str:
        if name == "area":
            if len(value) == 15:
                return str(Grid.objects.filter(code=value).first() or value)
            return str(Area.objects.filter(code=value, valid_to=None).first() or value)
        if name == "holder":
            return str(Organisation.objects.filter(pk=value).first() or value)
        if name == "type":
            return self._type_words(value)
        if name == "state":
            if value == "open":
                return _("Open")
            if value in GROUPS:
                return str(STEPS[value])
            table = flow_data.current(self.get("flow")) if self.get("flow") else None
            return " / ".join(state_words(state, table) for state in self.states())
        if name == "flow":
            return str(flow_data.current(value).label)
        if name == "mark":
            return " / ".join(str(MARKS[mark][0]) for mark in value.split(","))
        if name == "component":
            return _("Component %s") % value
        if name == "q":
            return f"“{value}”"
        if name == "stat":
            return link.words(value, self.user)
        if name == "within":
            return _("Drawn area")
        if name == "bbox":
            return _("As on the map")
        known = {"due": DUE, "reported": REPORTED, "closed": CLOSED, "source": dict(Case.Source.choices)}[
            name
        ]
        return str(known.get(value, value))

    @staticmethod
    def _type_words(value: str) -> str:
        if value.isdecimal():
            return str(ItemType.objects.filter(pk=value).first() or value)
        standard, kind, code = [*value.split(":"), "", ""][:3]
        if not code:
            return str(ItemType.Kind(kind).label)
        first = ItemType.objects.filter(standard=standard, kind=kind, class_code=code).first()
        return first.class_name if first else value


def state_words(state: str, table=None) -> str:
    """A state in the words of a flow, else of whichever has it."""
    if table is not None and (label := table.state_label(state)):
        return label
    return str(S(state).label) if state in S.values else state


# Each by an index and unique at the end, so that a page can begin where the last one ended.
ORDERS = {
    "due": (F("due_at").asc(nulls_last=True), "id"),
    "new": ("-reported_at", "-id"),
    "old": ("reported_at", "id"),
    "changed": ("-updated_at", "-id"),
    "number": ("number", "id"),
}
# The field that an order goes by, and where the rows after a value lie.
KEYS = {
    "due": ("due_at", "gt"),
    "new": ("reported_at", "lt"),
    "old": ("reported_at", "gt"),
    "changed": ("updated_at", "lt"),
    "number": ("number", "gt"),
}


# Before the cursor of a page that ends among what stands on top.
TOP = "top|"
# Orders in which what is supervised and not done stands on top.
TOPPED = ("due", "new")


def parts(rows: QuerySet, sort: str) -> list[QuerySet]:
    """All rows in the order in which ``page`` gives them out, one query after the other."""
    return [rows.filter(queries.urged()), rows.exclude(queries.urged())] if sort in TOPPED else [rows]


def page(rows: QuerySet, sort: str, after: str, size: int) -> tuple[list[Case], str]:
    """A page of rows after a cursor, and the cursor of the next ("" at the end).

    What is supervised and not done stands on top by deadline and by newness. It is read for
    itself, by an index of these few, so that the rest goes by the order's own index.
    """
    if sort not in TOPPED:
        return _page(rows, sort, after, size)
    found: list[Case] = []
    if not after or after.startswith(TOP):
        found, after = _page(rows.filter(queries.urged()), sort, after.removeprefix(TOP), size)
        if after or len(found) == size:
            return found, TOP + (after or _cursor(found[-1], sort))
    rest, after = _page(rows.exclude(queries.urged()), sort, after, size - len(found))
    return found + rest, after


def _cursor(case: Case, sort: str) -> str:
    value = getattr(case, KEYS[sort][0])
    return f"{value if isinstance(value, str) else value.isoformat() if value else ''}|{case.pk}"


def _page(rows: QuerySet, sort: str, after: str, size: int) -> tuple[list[Case], str]:
    """However far down the list, the index is entered where the page begins."""
    name, beyond = KEYS[sort]
    ranges = [rows]
    if after:
        text, _bar, last = after.rpartition("|")
        try:
            value = text if name == "number" else datetime.fromisoformat(text) if text else None
            pk = int(last)
        except ValueError:
            raise bad_parameter("after", _("This list cannot go on from here; open it anew.")) from None
        # Rows without a deadline stand at the end of their list, and have a range of their own there.
        if value is None:
            ranges = [rows.filter(**{name: None, "pk__gt": pk})]
        else:
            next_ones = Q(**{f"{name}__{beyond}": value}) | Q(**{name: value, f"pk__{beyond}": pk})
            ranges = [rows.filter(next_ones, **{f"{name}__{beyond}e": value})]
            if sort == "due":
                ranges.append(rows.filter(due_at=None))
    found: list[Case] = []
    for part in ranges:
        if len(found) <= size:
            found += part[: size + 1 - len(found)]
    if len(found) <= size:
        return found, ""
    return found[:size], _cursor(found[size - 1], sort)


def parse_ring(text: str) -> Polygon:
    """``lon,lat;lon,lat;…`` in WGS-84 degrees, at most 200 corners, as a polygon (EPSG:4326)."""
    try:
        corners = [tuple(float(part) for part in pair.split(",")) for pair in text.split(";")]
        if corners[0] != corners[-1]:
            corners.append(corners[0])
        if len(corners) > 201 or any(len(corner) != 2 for corner in corners):
            raise ValueError
        ring = Polygon(corners, srid=4326)
        west, south, east, north = ring.extent
        if not (ring.valid and -180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError
    except (ValueError, GEOSException):
        raise bad_parameter(
            "within",
            _("within takes the corners of an area that does not cross itself: lon,lat;lon,lat;lon,lat"),
        ) from None
    return ring
