"""The one statement behind a table, and the one behind a figure's list of cases.

``Question`` says what is asked: which flow, which periods, by what, of what, for whom. A statement reads the
cases that lived in a period (by the index over their lives), each with its standing as of the period's end,
and counts everything at once; looks on the spot and returns, which are rows of their own, are added in the
same statement. A chart's many periods are one statement too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

import psycopg
from django.db import connection

from cases.models import CaseFact
from cases.statistics.counts import COMPLAINT, COUNTS, LETTER, Count
from cases.statistics.periods import Period

CHILD_LENGTH = {2: 4, 4: 6, 6: 9, 9: 12, 12: 15}
NONE = ""  # the key of what belongs to nothing: no area, no unit, no type


@dataclass(frozen=True)
class Question:
    """What is asked. ``of`` narrows by dimension: {"area": "650203", "source": "public"}.

    ``by`` is a key of ``DIMENSIONS``; ``borders`` a day by whose grids cases are placed anew, None for where
    they were filed. ``edition`` counts types of the older standard as their successors.
    """

    flow: str
    periods: tuple[Period, ...]
    user: object
    by: str = "all"
    of: dict[str, str] = field(default_factory=dict)
    borders: date | None = None
    edition: bool = False
    # Of a period that still runs, the moment that stands for its end.
    until: datetime | None = None
    cut: int = 0  # digits of an area's code in the rows; by default those of the children

    def asked(self, **changes) -> Question:
        return replace(self, **changes)


# Expressions over the row ``r`` and its type ``t``; the area's needs the length of a child's code.
DIMENSIONS = {
    "all": "''",
    "area": "case when length(r.place) >= %(child)s then left(r.place, %(child)s) else '' end",
    "source": "r.source",
    "source_kind": "r.source || '|' || coalesce(t.type_kind, '')",
    "kind": "coalesce(t.type_kind, '')",
    "class": "coalesce(t.type_class, '')",
    "type": "coalesce(t.type_no::text, '')",
    "unit": "coalesce(r.unit::text, '')",
    "person": "coalesce(r.person_id::text, '')",
    "company": "coalesce(r.company_id::text, '')",
}
_FILTERS = {
    "area": "r.place like %(of_area)s || '%%'",
    "source": "r.source = %(of_source)s",
    "kind": "t.type_kind = %(of_kind)s",
    "class": "t.type_class = %(of_class)s",
    "type": "t.type_no = %(of_type)s::bigint",
    "unit": "r.unit in (select id from geo_organisation where path like '%%/' || %(of_unit)s || '/%%')",
    "person": "r.person_id = %(of_person)s::bigint",
    "company": "r.company_id = %(of_company)s::bigint",
}
FILTERS = tuple(_FILTERS)

# What every kind of row tells of its case; the longer of the grid's and the area's code is its place.
_CASE = "f.source, f.type_id, f.here_code, f.desk_code, {place} as place"
_FIRSTS = [
    name.name
    for name in CaseFact._meta.concrete_fields
    if name.name.endswith("_at")
    and name.name not in ("began_at", "ended_at", "handle_due_at", "close_due_at", "handled_at", "done_at")
]
_RATINGS = """
    left join lateral (
        select sum(stars) filter (where g.kind = 'outer') as outer_stars,
            count(stars) filter (where g.kind = 'outer') as outer_n,
            sum(stars) filter (where g.kind = 'inner') as inner_stars,
            count(stars) filter (where g.kind = 'inner') as inner_n
        from cases_rating g where g.case_id = f.case_id and g.at >= p.a and g.at < p.b
    ) g on true
"""
_CALLS = """
    left join lateral (
        select true as called, contacted, solved, satisfied from cases_rating g
        where g.case_id = f.case_id and g.kind = 'call_back' and g.at >= p.a and g.at < p.b
        order by g.id desc limit 1
    ) g on true
"""


def _cases(question: Question) -> str:
    """Cases that lived in a period, with their standing as of its end."""
    extra, more = "", ""
    if question.flow == LETTER:
        extra, more = _RATINGS, ", g.outer_stars, g.outer_n, g.inner_stars, g.inner_n"
    if question.flow == COMPLAINT:
        extra = _CALLS
        more = (
            ", coalesce(g.called, false) as called, coalesce(g.contacted, false) as contacted,"
            " coalesce(g.solved, false) as solved, coalesce(g.satisfied, false) as satisfied"
        )
    as_of = {
        "kind": "kind",
        "unit": "unit_id",
        "hdue": "handle_due_at",
        "cdue": "close_due_at",
        "handled": "handled_at",
        "done": "done_at",
    }

    firsts = ", ".join(f"f.{name}" for name in _FIRSTS)

    def part(row: str, join: str, when: str) -> str:
        standing = ", ".join(f"{row}.{column} as {name}" for name, column in as_of.items())
        return f"""
            select p.n, p.a, p.b, f.case_id, {_CASE}, f.person_id, f.company_id,
                f.self_handled, f.auto_dispatched, {firsts}, {standing} {more}
            from {{periods}}
            join cases_casefact f on tstzrange(f.began_at, f.ended_at, '[]') && tstzrange(p.a, p.b, '[)')
                and f.flow = %(flow)s and f.began_at < p.b and {when}
            {join} {{placed}} {extra}
        """

    # Most have not changed since the period's end; of the others an earlier standing tells.
    spell = "join cases_casespell s on s.case_id = f.case_id and s.since < p.b and s.until >= p.b"
    return f"{part('f', '', 'f.since < p.b')} union all {part('s', spell, 'f.since >= p.b')}"


_CHECKS = """
    select p.n, p.a, p.b, k.case_id, {case}, k.person_id, k.company_id, k.unit_id as unit,
        k.kind as check_kind, k.due_at, k.done_at
    from {periods}
    join cases_casecheck k on k.due_at >= p.a and k.due_at < p.b and coalesce(k.cancelled_at >= p.b, true)
    join cases_casefact f on f.case_id = k.case_id and f.flow = %(flow)s
    {placed}
"""
_BACKS = """
    select p.n, p.a, p.b, l.case_id, {case}, f.person_id, f.company_id,
        (l.detail->>'returned_by')::bigint as unit
    from {periods}
    join cases_transition l on l.action in ('return_back', 'return_order') and l.at >= p.a and l.at < p.b
        and l.detail ? 'returned_by'
        -- Returned by the unit itself; what the dispatcher took back from it is not the unit's doing.
        and exists (select from geo_organisation o where o.id = l.unit_id
            and o.path like '%%/' || (l.detail->>'returned_by') || '/%%')
    join cases_casefact f on f.case_id = l.case_id and f.flow = %(flow)s
    {placed}
"""
# By the borders of a day: the grid around the point then, the lowest code of several.
_PLACED = """
    left join lateral (
        select b.code from cases_case c
        join grids_gridversion v on ST_Intersects(v.geom, c.anchor)
            and v.valid_from <= %(borders)s and (v.valid_to is null or v.valid_to > %(borders)s)
        join grids_grid b on b.id = v.grid_id
        where c.id = f.case_id order by b.code limit 1
    ) o on true
"""


_TYPES = (
    "select id as type_no, kind as type_kind, standard || ':' || kind || ':' || class_code as type_class"
    " from assets_itemtype"
)


def _rows(kind: str, question: Question, head: str) -> str:
    """Rows of a kind as ``r`` with their type ``t``, within the user's scope and the question's filters."""
    text = {"case": _cases(question), "check": _CHECKS, "back": _BACKS}[kind]
    text = text.replace("{case}", _CASE).replace("{periods}", head)
    if question.borders is None:
        text = text.replace("{placed}", "").replace("{place}", "f.place")
    else:
        text = text.replace("{placed}", _PLACED).replace("{place}", "coalesce(o.code, '')")
    types = "r.type_id"
    if question.edition:
        types = "coalesce((select successor_id from assets_itemtype where id = r.type_id), r.type_id)"
    typed = {"source_kind", "kind", "class", "type"} & {question.by, *question.of}
    types = f" left join ({_TYPES}) t on t.type_no = {types}" if typed else ""
    conditions = [_seen(question.user), *(_FILTERS[name] for name in question.of)]
    return f"from ({text}) r{types} where {' and '.join(conditions)}"


PERMISSION = CaseFact.scope.permission


def _seen(user) -> str:
    """The scope of a user: as ``CaseFact.objects.for_user`` has it, but by the unit as of the period's end.

    The door is the same (``CaseFact.scope``): areas over the present place and the desk, units over what they
    hold. Those who have neither see nothing.
    """
    areas = user.scope.areas(PERMISSION)
    parts = [f"r.here_code like %(see{number})s" for number in range(len(areas))]
    # Whoever has a whole city has its desks as well (as geo.scopes has it).
    desks = [f"r.desk_code like %(see{number})s" for number, code in enumerate(areas) if len(code) > 4]
    if user.scope.units(PERMISSION):
        parts.append("r.unit = any(%(see_units)s)")
    return f"({' or '.join([*parts, *desks])})" if parts else "false"


def _values(question: Question) -> dict:
    areas = question.user.scope.areas(PERMISSION)
    values = {
        "flow": question.flow,
        "see_units": sorted(question.user.scope.units(PERMISSION)),
        "child": question.cut or CHILD_LENGTH.get(len(question.of.get("area", "")), 15),
        "borders": question.borders,
    }
    values |= {f"see{number}": f"{code}%" for number, code in enumerate(areas)}
    return values | {f"of_{name}": value for name, value in question.of.items()}


def bounds(period: Period, until: datetime | None) -> tuple[datetime, datetime]:
    """a and b; of a period that runs at ``until``, that moment is b: nobody is late by a deadline to come."""
    a, b = period.bounds
    return a, until if until is not None and a < until < b else b


def _periods(question: Question) -> tuple[str, dict]:
    rows, values = [], {}
    for number, period in enumerate(question.periods):
        values[f"a{number}"], values[f"b{number}"] = bounds(period, question.until)
        rows.append(f"({number}, %(a{number})s::timestamptz, %(b{number})s::timestamptz)")
    # Where it is read: of a single row the planner makes constants, and knows how many cases to expect.
    return f"(values {', '.join(rows)}) as p(n, a, b)", values


def statement(question: Question, codes) -> tuple[str, dict]:
    """The statement of a table, and its values: rows (period, key, a value per code in their order)."""
    codes = list(codes)
    by = DIMENSIONS[question.by]
    head, values = _periods(question)
    parts = []
    for kind in ("case", "check", "back"):
        if not any(COUNTS[code].rows == kind for code in codes):
            continue
        columns = [_aggregate(COUNTS[code]) if COUNTS[code].rows == kind else "0" for code in codes]
        parts.append(
            f"select r.n, {by} as k, {', '.join(columns)} {_rows(kind, question, head)} group by 1, 2"
        )
    names = [f"c{number}" for number in range(len(codes))]
    sums = ", ".join(f"sum({name})::bigint" for name in names)
    text = f"select n, k, {sums} from ({' union all '.join(parts)}) u(n, k, {', '.join(names)}) group by n, k"
    return text, values | _values(question)


def _aggregate(count: Count) -> str:
    if count.value:
        return f"coalesce(sum({count.value}) filter (where {count.sql}), 0)"
    return f"count(*) filter (where {count.sql})"


def figures(question: Question, codes) -> list[dict[str, dict[str, int]]]:
    """Per period {key: {code: value}} in one statement; keys without any row are left out."""
    codes = list(codes)
    text, values = statement(question, codes)
    found: list[dict[str, dict[str, int]]] = [{} for _period in question.periods]
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        for number, key, *numbers in cursor.fetchall():
            if any(numbers):
                found[number][key] = dict(zip(codes, numbers, strict=True))
    return found


def cases_of(question: Question, code: str, key: str | None = None) -> str:
    """SQL of the ids of the cases behind a figure of the first period, literals in place.

    ``key`` is the row of the table (of ``by``); None for its total.
    """
    count = COUNTS[code]
    head, values = _periods(question)
    wanted = f"({count.sql})"
    values |= _values(question)
    if key is not None:
        wanted += f" and {DIMENSIONS[question.by]} = %(key)s"
        values["key"] = key
    text = f"select r.case_id {_rows(count.rows, question, head)} and r.n = 0 and {wanted}"
    connection.ensure_connection()
    with psycopg.ClientCursor(connection.connection) as cursor:
        return cursor.mogrify(text, values)
