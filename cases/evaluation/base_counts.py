"""The counts that come with evaluation itself: filed, closing, on-time handling and rework, in one statement.

Formulas are those of the domain reference, section 5, over [a, b): suspended and void cases are outside the
denominators, self-handled ones outside closing. An area's cases are those filed in it; a unit's those that it
or one below it holds (the last holder, once closed); a post's those that the person took a step in
within the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from fractions import Fraction

from django.db import connection
from django.utils import timezone

from cases.evaluation.sources import STATISTICS, Figure, Period, ratio
from geo.models import Organisation

_JOINS = {
    "area": (
        "join wanted w on c.filed_community_code ~>=~ w.key and c.filed_community_code ~<~ (w.key || ':')"
    ),
    "unit": (
        "join geo_organisation o on o.id = c.holder_unit_id join wanted w on o.path like w.path || '%%'"
    ),
    "post": (
        "join (select distinct t.case_id, t.actor_id from cases_transition t"
        " where t.actor_id = any(%(ids)s) and t.at >= %(a)s and t.at < %(b)s) who on who.case_id = c.id"
        " join wanted w on w.key = who.actor_id::text"
    ),
}

# Only cases that were alive in the period are looked at; an ended one stays where it ended.
_SQL = """
with wanted as materialized (select * from unnest(%(keys)s::text[], %(paths)s::text[]) as u(key, path)),
one as (
    select w.key, c.filed_at, c.rework_count,
        c.dispatched_at < %(b)s and (c.handled_at is null or c.handled_at >= %(a)s)
            and (c.handle_due_at < %(b)s or c.handled_at < %(b)s) as due_handle,
        c.handled_at, c.handle_due_at,
        c.filed_at < %(b)s and not c.self_handled and (c.closed_at is null or c.closed_at >= %(a)s)
            and (c.close_due_at < %(b)s or c.closed_at < %(b)s) as due_close,
        c.closed_at
    from cases_case c {join}
    where c.flow = 'city_management' and c.filed_at < %(b)s and (c.closed_at is null or c.closed_at >= %(a)s)
        and c.phase <> 'paused' and c.state not in ('rejected', 'void')
)
select key,
    count(*) filter (where filed_at >= %(a)s),
    count(*) filter (where due_close), count(*) filter (where due_close and closed_at < %(b)s),
    count(*) filter (where due_handle),
    count(*) filter (where due_handle and handled_at < %(b)s and handled_at <= handle_due_at),
    count(*) filter (where due_handle and handled_at < %(b)s),
    count(*) filter (where due_handle and handled_at < %(b)s and rework_count > 0)
from one group by key
"""


class BaseCounts:
    """A provider (``cases.evaluation.sources``)."""

    def statistics(self):
        return STATISTICS

    def figures(self, codes: Sequence[str], period: Period, by: str, keys: Sequence):
        if not keys:
            return {}
        paths = [""] * len(keys)
        if by == "unit":
            known = dict(Organisation.objects.filter(pk__in=keys).values_list("pk", "path"))
            # A unit that is no more is told apart from one that did nothing: it has no figures at all.
            keys = [key for key in keys if key in known]
            paths = [known[key] for key in keys]
        given = {
            "keys": [str(key) for key in keys],
            "paths": paths,
            "ids": [int(key) for key in keys] if by == "post" else [],
            "a": _begin(period.first),
            "b": _begin(period.after),
        }
        with connection.cursor() as cursor:
            cursor.execute(_SQL.format(join=_JOINS[by]), given)
            counted = {row[0]: row[1:] for row in cursor.fetchall()}
        found = {}
        for key in keys:
            filed, due_close, closed, due_handle, on_time, handled, reworked = counted.get(str(key), (0,) * 7)
            each = {
                "filed": Figure(Fraction(filed)),
                "close_rate": ratio(closed, due_close),
                "on_time_rate": ratio(on_time, due_handle),
                "rework_rate": ratio(reworked, handled),
            }
            found |= {(code, key): each[code] for code in codes}
        return found


def _begin(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
