"""Reads of cases: lists, counts, what is near."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Concat
from django.utils import timezone

from assets.models import Component, ItemType
from cases import flow
from cases.models import Case, CaseAttachment, Transition
from geo.models import Organisation
from geo.nearness import within_metres
from geo.pairs import said_in
from geo.rest import COUNT_TO

S = Case.State
PHASE = Case.Phase

# Fewer digits than those of its county may be a building's name.
DIGITS = 6
_NUMBER = re.compile(rf"[A-Z]{{1,2}}[0-9]{{{DIGITS},}}")


def number_in(text: str) -> str:
    """The text as the beginning of a case's number (letters of its flow, digits); empty where it is none."""
    number = text.strip().upper()
    return number if _NUMBER.fullmatch(number) else ""


def said(text: str, few: bool = False) -> Q:
    """The text stands in the description or the address; ``few`` as in ``said_in``, for open cases."""
    return said_in(text, "description", "address", few=few)


def looked_up(apart: list[QuerySet], most: int = COUNT_TO) -> list[int] | None:
    """Ids of the rows of querysets that have none in common; None where there are more than ``most``.

    What few rows have (words, a number) is looked up before they are sorted. In one statement with a list's
    order PostgreSQL may walk that order to its end, for rows that are not there: a unit's cases about
    something that it has nothing to do with. Where there are many the order is the right way, and soon full.
    """
    if not apart:
        return []
    first, *rest = [part.order_by().values_list("pk")[: most + 1] for part in apart]
    found = [pk for (pk,) in (first.union(*rest, all=True) if rest else first)]
    return found if len(found) <= most else None


def open_cases() -> Q:
    return ~Q(state__in=Case.ENDED)


def today() -> tuple[datetime, datetime]:
    """Midnight to midnight, Asia/Shanghai."""
    start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)


def closed_since(start: datetime) -> Q:
    """Brought to their end since then: closed, and of letters and complaints archived."""
    return Q(state__in=(Case.State.CLOSED, Case.State.ARCHIVED), closed_at__gte=start)


def month_start() -> datetime:
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def urged() -> Q:
    """Supervised and not done: on top of the lists."""
    return Q(supervised=True) & open_cases()


def urged_first():
    """The first order of a list that is short enough to be sorted."""
    return ExpressionWrapper(urged(), BooleanField()).desc()


def overdue() -> Q:
    """Open, past its handling deadline (extensions included), not yet handled: the figure of the cockpit."""
    return open_cases() & Q(handle_due_at__lt=timezone.now(), handled_at=None)


def late() -> Q:
    """Past the deadline of the step it is in, whatever the step."""
    return open_cases() & Q(due_at__lt=timezone.now())


def due_today() -> Q:
    """The running deadline ends today or has ended."""
    return open_cases() & Q(due_at__lt=today()[1])


def listed() -> QuerySet:
    """Cases with what a row of a list shows, in one statement; ``picture`` is its first photo's uuid."""
    first = CaseAttachment.objects.filter(
        case=OuterRef("pk"), attachment__media_type__startswith="image/"
    ).exclude(attachment__thumbnail="")
    return (
        Case.objects.select_related("type", "grid", "holder_unit", "verifier", "filing_standard")
        .defer("decision")
        .annotate(picture=Subquery(first.order_by("id").values("attachment__uuid")[:1]))
    )


def told() -> QuerySet:
    """Cases with what a detail shows."""
    return Case.objects.select_related(
        "type",
        "component",
        "component__type",
        "grid",
        "unit_grid",
        "holder_unit",
        "lead_unit",
        "verifier",
        "reporter",
        "filing_standard",
        "duplicate_of",
        "lead_unit",
        "parent",
        "reopened_from",
    )


def counts(rows: QuerySet, apart: list[QuerySet] | None = None) -> dict:
    """How many of ``rows`` there are per state and per deadline, in one statement, each to 10,000.

    {"states": {state: n}, "phases": {phase: n}, "open": n, "overdue": n, "late": n, "due_today": n,
    "all": n}; a figure of 10,001 means "more than 10,000". Open cases, which are few, are read once for all
    their figures; of ended ones, which are nearly all, no more are read than are told. ``apart`` are the same
    rows as querysets without a row in common (``apart_for_user``): each is counted by its own index.
    """
    clocks = {"overdue": overdue(), "late": late(), "due_today": due_today()}
    opened, ended = _counted(
        rows, clocks, [rows] if apart is None else apart, {state: Q(state=state) for state in Case.ENDED}
    )
    states, phases = Counter(ended), Counter({PHASE.ENDED: sum(ended.values())})
    for state, phase, n, *_clocks in opened:
        states[state] += n
        phases[phase] += n
    states = {state: states[state] for state in {**dict.fromkeys(S.values), **states}}
    figures = {name: sum(row[at] for row in opened) for at, name in enumerate(["open", *clocks], 2)}
    told = {"states": _told(states), "phases": _told({phase: phases[phase] for phase in PHASE.values})}
    return {**told, **_told(figures), "all": sum(told["states"].values())}


def counts_of_phases(rows: QuerySet, apart: list[QuerySet] | None = None) -> dict:
    """How many open ones of ``rows`` there are per phase, and how many rows, as ``counts`` has them:
    {phase: n, "all": n}.
    """
    opened, figures = _counted(rows, {}, [rows] if apart is None else apart, {"all": Q()})
    figures = Counter(figures)
    for _state, phase, n in opened:
        figures[phase] += n
    return _told({name: figures[name] for name in [*PHASE.values, "all"]})


def _told(figures: dict) -> dict:
    return {name: min(n, COUNT_TO + 1) for name, n in figures.items()}


def _counted(rows, clocks: dict[str, Q], apart: list[QuerySet], groups: dict[str, Q]) -> tuple[list, dict]:
    """Open cases as (state, phase, n, n of each clock), and how many are in each group, in one statement.

    Of each group no more than 10,001 of a part are read.
    """
    opened = (
        rows.filter(open_cases())
        .order_by()
        .values("state", "phase")
        .annotate(n=Count("pk"), **{name: Count("pk", filter=when) for name, when in clocks.items()})
    )
    parts = [("select * from ({}) r", [], opened)]
    zeros = ", 0" * len(clocks)
    for name, group in groups.items():
        for part in apart:
            # No column is asked for, so that an index alone will do.
            to_there = part.filter(group).order_by().values(one=Value(1))[: COUNT_TO + 1]
            parts.append((f"select %s, null, count(*){zeros} from ({{}}) r", [name], to_there))
    texts, values = [], []
    for text, named, part in parts:
        with contextlib.suppress(EmptyResultSet):
            inner, its = part.query.sql_with_params()
            texts.append(text.format(inner))
            values += [*named, *its]
    found = []
    if texts:
        with connection.cursor() as cursor:
            cursor.execute(" union all ".join(texts), values)
            found = cursor.fetchall()
    counted = Counter()
    for name, phase, n, *_zeros in found:
        if phase is None:
            counted[name] += n
    return [row for row in found if row[1] is not None], counted


def likely_duplicates(
    user, point: Point, *, type: ItemType | None = None, component: Component | None = None, limit: int = 10
) -> list[Case]:
    """Open cases that may be the same problem: by component first, then type and class by nearness.

    The same component wherever it was pinned; the same type within 20 m; the same class within 50 m. Each row
    has ``distance_m`` and ``why`` (component | type | class). Two statements, both by index.
    """
    seen: list[Case] = []
    shown = listed().for_user(user).filter(open_cases(), duplicate_of=None)
    if component is not None:
        seen = list(within_metres(shown.filter(component=component), point, 20_000_000)[:limit])
        for case in seen:
            case.why = "component"
    if type is None and component is not None:
        type = component.type
    if type is None or len(seen) >= limit:
        return seen
    metres = settings.CASE_DUPLICATE_METRES
    same_class = Q(type__standard=type.standard, type__kind=type.kind, type__class_code=type.class_code)
    rows = list(
        within_metres(shown.filter(same_class), point, metres["class"]).exclude(
            pk__in=[case.pk for case in seen]
        )[: limit * 5]
    )
    for case in rows:
        same = case.type_id == type.pk and case.distance_m <= metres["type"]
        case.why = "type" if same else "class"
    rows.sort(key=lambda case: (case.why != "type", case.distance_m))
    return [*seen, *rows][:limit]


def nearby_open(user, case: Case, metres: float = 200, limit: int = 8) -> list[Case]:
    """Other open cases around one, nearest first, each with ``distance_m``."""
    rows = listed().for_user(user).filter(open_cases()).exclude(pk=case.pk)
    return list(within_metres(rows, case.geom, metres)[:limit])


def recent_types(user, limit: int = 6) -> list[ItemType]:
    """The types this user reported last, latest first, each once."""
    last = (
        Case.objects.filter(reporter=user, type__active=True)
        .order_by()
        .values("type")
        .annotate(last=Max("reported_at"))
        .order_by("-last")[:limit]
    )
    order = [row["type"] for row in last]
    rows = ItemType.objects.in_bulk(order)
    return [rows[pk] for pk in order]


def matching_types(text: str, standard: str, limit: int = 20) -> list[ItemType]:
    """Types of a standard (and local ones) by pinyin initials, name or code; beginnings first."""
    text = text.lower()
    rows = ItemType.objects.filter(active=True, standard__in=(standard, ItemType.Standard.LOCAL))
    if text.isdecimal():
        rows = rows.annotate(full=Concat("class_code", "type_code")).filter(full__startswith=text)
    elif text.isascii():
        rows = rows.filter(Q(initials__contains=text) | Q(name_en__icontains=text))
    else:
        rows = rows.filter(Q(name__contains=text) | Q(class_name__contains=text))

    def rank(row: ItemType) -> tuple:
        begins = row.initials.startswith(text) or row.name.startswith(text)
        return (not begins, len(row.initials), row.kind, row.full_code)

    return sorted(rows, key=rank)[:limit]


def units_for(case: Case, user=None) -> QuerySet:
    """Units a case can be dispatched to: active ones of the place or of an area around it.

    With a user also those within the user's scope, wherever they are: a city's dispatcher may choose any, and
    a street's desk chooses among the departments of its city.
    """
    around = Q(area_code="") | Q(
        area_code__in=[case.area_code[:length] for length in (2, 4, 6, 9, 12) if case.area_code[:length]]
    )
    if user is not None:
        around |= Q(pk__in=Organisation.objects.for_user(user).order_by().values("pk"))
    return Organisation.objects.filter(around, active=True).order_by("kind", "path")


# Whose work it is to receive what people report; they may know who did.
RECEIVERS = {
    flow.CITY: ("cases.accept", "cases.dispatch"),
    flow.LETTER: ("cases.community", "cases.street"),
    flow.COMPLAINT: ("cases.complaints",),
}

# Lines of the log whose actor is a witness, hidden from the unit complained about.
WITNESSED = ("report", "supplement")


def hides_actor(user, line: Transition, case: Case, sees: bool) -> bool:
    """Whether a line's actor is left out for this user; ``sees`` is what ``sees_reporter`` said."""
    witness = line.action in WITNESSED or line.actor_id == case.reporter_id
    return line.actor_id is not None and witness and line.actor_id != user.pk and not sees


def sees_reporter(user, case: Case) -> bool:
    """Whether the reporter's name may be shown: to the reporter and to the desks that deal with it there.

    Never to the unit complained about.
    """
    if case.reporter_id == user.pk:
        return True
    if flow.holds(user, case, "cases.handle"):
        return False
    desks = RECEIVERS.get(case.flow, RECEIVERS[flow.CITY])
    codes = filter(None, (case.area_code, case.desk_code))
    return any(user.scope.covers(permission, code) for code in codes for permission in desks)


def may_reveal(user, case: Case) -> bool:
    """Whether the user may ask for the reporter's contact: by right over the place, and not a party to it."""
    if flow.holds(user, case, "cases.handle"):
        return False
    return any(user.scope.covers("cases.reveal", code) for code in (case.area_code, case.desk_code) if code)
