"""Reads that only the desk needs: what is mine to do, pictures of a page of cases, points for its map."""

from __future__ import annotations

import contextlib

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases import flow, flow_data, queries
from cases.models import Case, CaseAttachment, OwnerQuestion
from geo.scopes import scope_filter
from grids.models import GridDuty

# More single points than this are drawn as counts per cell.
MOST_POINTS = 1500
# Of more rows than this the newest are counted: a map of all that ever was takes as long with every year.
MOST_COUNTED = 20_000


def mine(user) -> Q:
    """Cases whose next main step is the user's: by right at the desk, by holding unit, by verifying.

    Follows from the tables of the flows: whoever gets a right gets the tab's rows with it.
    """
    wanted = Q(pk__in=[])
    for (permission, by), steps in _steps().items():
        if not user.can(permission):
            continue
        here = Q(pk__in=[])
        for name, states in steps.items():
            here |= Q(flow=name, state__in=states)
        if by == flow.SCOPE:
            condition = scope_filter(Case, user, permission)
            if condition is not None:
                # What was handed to another desk is not this one's any more.
                elsewhere = Q(phase=Case.Phase.DESK) & ~Q(desk_code="")
                for code in user.scope.areas(permission):
                    elsewhere &= ~Q(desk_code__startswith=code)
                condition &= ~elsewhere
                wanted |= Q(pk__in=Case.objects.filter(condition & here).values("pk"))
        elif by == flow.HOLDER:
            wanted |= here & queries.held_by(user, permission)
        elif by == flow.ASKED:
            units = user.scope.units(permission)
            asked = OwnerQuestion.objects.filter(answer="", unit_id__in=units)
            wanted |= here & Q(pk__in=asked.values("case_id"))
        elif by == flow.VERIFIER:
            wanted |= queries.to_verify(user)
    if not any({*Case.ENDED} & states for steps in _steps().values() for states in steps.values()):
        # Said twice: the indexes of open cases are by state.
        wanted &= queries.open_cases()
    return wanted


def _steps() -> dict[tuple[str, str], dict[str, set[str]]]:
    """By permission and actor: in which states of which flow their main step is."""
    steps: dict[tuple[str, str], dict[str, set[str]]] = {}
    for table in flow_data.in_force():
        for move in table.moves:
            if move.main and move.permission:
                of_flow = steps.setdefault((move.permission, move.by), {})
                of_flow.setdefault(table.name, set()).update(move.start)
    return steps


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
