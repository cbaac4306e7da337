"""Reads that only the desk needs: pictures of a page of cases, points for its map, people of a case."""

from __future__ import annotations

import contextlib

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Case, CaseAttachment
from grids.models import GridDuty

# More single points than this are drawn as counts per cell.
MOST_POINTS = 1500
# Of more rows than this the newest are counted: a map of all that ever was takes as long with every year.
MOST_COUNTED = 20_000


def with_pictures(cases: list[Case]) -> list[Case]:
    """Gives each case ``picture``, the uuid of its first photo or None: one query for a page."""
    first: dict[int, str] = {}
    for case_id, uuid in (
        CaseAttachment.objects.filter(case__in=cases, attachment__media_type__startswith="image/")
        .exclude(attachment__thumbnail="")
        .order_by("-id")
        .values_list("case_id", "attachment__uuid")
    ):
        first[case_id] = uuid
    for case in cases:
        case.picture = first.get(case.pk)
    return cases


# One statement: the newest rows, and what is drawn of them.
_POINTS = """
with newest as materialized ({rows}), many as (select count(*) > %s as yes, count(*) > %s as more from newest)
select number, state, due_at, ST_X(geom), ST_Y(geom), 1, false from newest, many where not yes
union all
(select null, null, null, avg(ST_X(geom)), avg(ST_Y(geom)), count(*), more from newest, many
 where yes group by round(ST_X(geom) / %s), round(ST_Y(geom) / %s), more)
"""


def points(rows: QuerySet, cell: float) -> dict:
    """What the map draws of ``rows``: single points, or counts per ``cell`` (degrees) when they are many.

    A GeoJSON FeatureCollection with ``binned``; points carry what their symbol needs. Of more than
    ``MOST_COUNTED`` rows the newest are drawn, and ``newest`` says how many; else it is null. One statement.
    """
    newest = rows.order_by("-reported_at", "-id").values("number", "state", "due_at", "geom")
    found = []
    with contextlib.suppress(EmptyResultSet), connection.cursor() as cursor:
        sql, values = newest[: MOST_COUNTED + 1].query.sql_with_params()
        cursor.execute(_POINTS.format(rows=sql), [*values, MOST_POINTS, MOST_COUNTED, cell, cell])
        found = cursor.fetchall()
    binned = any(number is None for number, *_rest in found)
    features = [
        _feature((lon, lat), n=count)
        if binned
        else _feature((lon, lat), number=number, state=state, due_at=due.timestamp() if due else None)
        for number, state, due, lon, lat, count, _more in found
    ]
    more = any(row[-1] for row in found)
    return {
        "type": "FeatureCollection",
        "features": features,
        "binned": binned,
        "newest": MOST_COUNTED if more else None,
    }


def _feature(coordinates, **properties) -> dict:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(part, 7) for part in coordinates]},
        "properties": properties,
    }


def people_of(case: Case, user) -> list[GridDuty]:
    """Who has duty in the case's grid today, the leader first; only for those who may see workers."""
    if case.grid_id is None:
        return []
    today = timezone.localdate()
    return list(
        GridDuty.objects.for_user(user)
        .filter(grid_id=case.grid_id, valid_from__lte=today)
        .filter(Q(valid_to=None) | Q(valid_to__gt=today))
        .select_related("worker")
        .order_by("role", "id")[:8]
    )
