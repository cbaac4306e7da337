"""Accepting, filing, merging."""

from __future__ import annotations

from django.db import connection

from cases import deadlines
from cases.effects.registry import effect
from cases.models import Transition


@effect("accepted")
def _accepted(run, line):
    """Notes when it was accepted, once."""
    run.case.accepted_at = run.case.accepted_at or run.now


@effect("filed")
def _filed(run, line):
    """Type, filing rule, and the snapshot of where it is that statistics keep."""
    case, given = run.case, run.given
    case.type = given.type or case.type
    case.filing_standard = deadlines.standard_for(case.type_id, given.standard)
    case.filed_at = case.filed_at or run.now
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(g.code, ''), coalesce(u.code, ''), coalesce(d.code, '')"
            " from (select %s::bigint as grid, ST_SetSRID(ST_MakePoint(%s, %s), 4326) as point) as here"
            " left join grids_grid g on g.id = here.grid"
            " left join lateral (select code, duty_grid_id from grids_unitgrid"
            "   where community_code = %s and retired_on is null and ST_Intersects(geom, here.point)"
            "   order by code limit 1) as u on true"
            " left join grids_dutygrid d on d.id = u.duty_grid_id",
            [case.grid_id, case.geom.x, case.geom.y, case.area_code],
        )
        codes = cursor.fetchone()
    case.filed_community_code = case.area_code
    case.filed_grid_code, case.filed_unit_grid_code, case.filed_duty_grid_code = codes


@effect("merged")
def _merged(run, line):
    """It lives on in another case."""
    run.case.duplicate_of = run.given.original
    line.detail["duplicate_of"] = run.given.original.number


@effect("unmerged")
def _unmerged(run, line):
    """It lives on its own again; the other case's log says so."""
    case, other = run.case, run.case.duplicate_of
    line.detail["duplicate_of"] = other.number
    case.duplicate_of = None
    case.closed_at = None
    run.later(
        lambda: Transition.objects.create(
            case=other,
            action="unmerged",
            from_state=other.state,
            to_state=other.state,
            actor=run.user,
            unit=run.user.organisation,
            at=run.now,
            reason=line.reason,
            detail={"case": case.number},
        )
    )
