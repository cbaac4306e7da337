"""Where problems pile up: hot, hard, blocked and legacy spots (热点、难点、堵点、遗留), with their evidence.

Found by place and type of public problem only, never by reporter, household or home: types that name a home
or are about a person in need are left out. Hot spots are clusters of reports of one type in a period
(``ST_ClusterDBSCAN`` in the city's projected system, distances in metres); hard ones were returned again and
again; blocked ones have no clear owner; legacy ones were promised and wait (domain reference, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from assets.models import ItemType
from cases import queries
from cases.models import Case

PERMISSION = "cases.mark"
MOST = 200
# Of a cluster so many cases are named; the list behind it has them all.
NAMED = 12

_HOT = """
with problem as (
    select c.id, c.number, c.type_id, c.area_code, c.reported_at, c.state, c.geom,
           ST_Transform(c.geom, %(srid)s) as place
    from cases_case c where c.id in ({scoped})
),
clustered as (
    select problem.*, ST_ClusterDBSCAN(place, %(eps)s, %(least)s) over (partition by type_id) as cluster
    from problem
)
select type_id, count(*) as count,
       count(*) filter (where state not in ('rejected', 'closed', 'void', 'archived')) as open,
       min(reported_at) as first, max(reported_at) as last,
       mode() within group (order by area_code) as area_code,
       ST_X(ST_Centroid(ST_Collect(geom))) as lon, ST_Y(ST_Centroid(ST_Collect(geom))) as lat,
       (ST_MinimumBoundingRadius(ST_Collect(place))).radius as radius_m,
       (array_agg(number order by reported_at desc))[1:%(named)s] as numbers
from clustered where cluster is not null
group by type_id, cluster
order by count(*) desc, type_id, min(id) limit %(most)s
"""


@dataclass(frozen=True)
class Hot:
    """A cluster: so many reports of one type within ``radius_m`` of a point (EPSG:4326), and when."""

    type: ItemType
    count: int
    open: int
    first: object
    last: object
    area_code: str
    lon: float
    lat: float
    radius_m: float
    numbers: list[str]


def _public(user) -> QuerySet:
    """Problems of public space within the user's scope, each counted once."""
    return Case.objects.for_user(user).filter(
        type__names_a_home=False, type__no_photo=False, duplicate_of=None, parent=None
    )


def hot(user, *, days: int | None = None, metres: float | None = None, least: int | None = None) -> list[Hot]:
    """Clusters of a type in the last ``days``: ``least`` reports or more, each ``metres`` from another.

    One statement over the cases of the period; voided and rejected ones do not count.
    """
    days = days or settings.CASE_HOT["days"]
    rows = _public(user).filter(reported_at__gte=timezone.now() - timedelta(days=days))
    rows = rows.exclude(state__in=[Case.State.VOID, Case.State.REJECTED]).order_by().values("pk")
    scoped, values = rows.query.sql_with_params()
    names = {f"p{number}": value for number, value in enumerate(values)}
    scoped = scoped.replace("%s", "{}").format(*(f"%({name})s" for name in names))
    with connection.cursor() as cursor:
        cursor.execute(
            _HOT.format(scoped=scoped),
            {
                **names,
                "srid": settings.CITY_SRID,
                "eps": metres or settings.CASE_HOT["metres"],
                "least": least or settings.CASE_HOT["least"],
                "named": NAMED,
                "most": MOST,
            },
        )
        columns = [column.name for column in cursor.description]
        found = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    types = ItemType.objects.in_bulk({row["type_id"] for row in found})
    return [Hot(type=types[row.pop("type_id")], **row) for row in found]


def hard(user) -> QuerySet:
    """Open cases that units returned twice or more, or reworked twice without mending them."""
    many = Q(return_count__gte=settings.CASE_DIFFICULT_RETURNS) | Q(
        rework_count__gte=settings.CASE_DIFFICULT_REWORKS
    )
    marked = Q(mark=Case.Mark.HARD)
    return _listed(user).filter(queries.open_cases() & many | marked).order_by("-return_count", "due_at")


def without_owner() -> Q:
    """No clear owner: rules do not decide for two days, a difficult case without a unit, or marked so."""
    old = timezone.now() - timedelta(days=settings.CASE_BLOCKED_DAYS)
    undecided = Q(
        state=Case.State.FILED, decision__reason__in=["tie", "none"], filed_at__lt=old
    ) | queries.open_cases() & Q(difficult=True, holder_unit=None)
    return undecided | Q(mark=Case.Mark.BLOCKED)


def blocked(user) -> QuerySet:
    """Open cases without a clear owner, and what a meeting found none for."""
    return _listed(user).filter(without_owner()).order_by("reported_at")


def legacy(user) -> QuerySet:
    """Promised, but conditions do not allow it now: marked as legacy, by the promised day."""
    return _listed(user).filter(mark=Case.Mark.LEGACY).order_by("handle_due_at", "reported_at")


def _listed(user) -> QuerySet:
    return _public(user).select_related("type", "holder_unit", "grid").defer("decision")
