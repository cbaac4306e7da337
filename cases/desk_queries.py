"""Reads that only the desk needs: pictures of a page of cases, points for its map, people of a case."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Case, CaseAttachment
from grids.models import GridDuty

# More single points than this are drawn as counts per cell.
MOST_POINTS = 1500


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


def points(rows: QuerySet, cell: float) -> dict:
    """What the map draws of ``rows``: single points, or counts per ``cell`` (degrees) when they are many.

    A GeoJSON FeatureCollection with ``binned``; points carry what their symbol needs.
    """
    found = list(rows.order_by("-id").values_list("number", "state", "due_at", "geom")[: MOST_POINTS + 1])
    if len(found) <= MOST_POINTS:
        return _collection(
            [
                _feature(place.coords, number=number, state=state, due_at=due.timestamp() if due else None)
                for number, state, due, place in found
            ],
            binned=False,
        )
    sql, values = rows.order_by().values("geom").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"select avg(ST_X(geom)), avg(ST_Y(geom)), count(*) from ({sql}) as row"
            " group by round(ST_X(geom) / %s), round(ST_Y(geom) / %s)",
            [*values, cell, cell],
        )
        bins = cursor.fetchall()
    return _collection([_feature((lon, lat), n=count) for lon, lat, count in bins], binned=True)


def _collection(features: list[dict], binned: bool) -> dict:
    return {"type": "FeatureCollection", "features": features, "binned": binned}


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
