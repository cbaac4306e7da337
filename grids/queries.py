"""Reads of the grids, ``locate`` first: from a point to the areas, grids and people it belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.gis.geos import Point
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.models import Area
from geo.prepared import fetchone
from geo.problems import Problem
from geo.registry import places
from grids.models import GridDuty, Shift

# Nearer to another grid than this, the answer names that grid and how far away the line is.
BORDER_METRES = 5.0

# One row. The point's own grid is found as the trigger of ``Located`` finds it: the community with the lowest
# code, then the grid with the lowest code, so that a report lands where locate said it would.
_LOCATE = """
with place as (select ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) as point),
deepest as (select coalesce(wangge_area_at(point), '') as code from place),
own as (
    select g.id, g.code, g.name, g.kind from grids_grid g, place, deepest
    where g.community_code = deepest.code and g.retired_on is null and ST_Intersects(g.geom, place.point)
    order by g.code limit 1
),
neighbour as (
    -- A box a little larger than the circle uses the index; the distance is geodesic.
    select g.code, g.name, ST_Distance(g.geom::geography, place.point::geography) as distance_m
    from grids_grid g, place
    where g.retired_on is null
      and g.geom && ST_Expand(place.point, %(border_lon)s, %(border_lat)s)
      and ST_DWithin(g.geom::geography, place.point::geography, %(border)s)
      and g.id is distinct from (select id from own)
    order by distance_m, g.code limit 1
),
cell as (
    select u.code, d.code as duty_code, d.name as duty_name
    from grids_unitgrid u cross join place cross join deepest
    left join grids_dutygrid d on d.id = u.duty_grid_id and d.retired_on is null
    where u.community_code = deepest.code and u.retired_on is null and ST_Intersects(u.geom, place.point)
    order by u.code limit 1
),
people as (
    select w.id, w.name, w.phone, duty.role,
           exists (select 1 from grids_shift s where s.worker_id = w.id
                   and s.punched_in_at is not null and s.punched_out_at is null) as on_shift
    from grids_gridduty duty join grids_worker w on w.id = duty.worker_id and w.active
    where %(people)s and duty.grid_id = (select id from own)
      and duty.valid_from <= %(today)s and (duty.valid_to is null or duty.valid_to > %(today)s)
),
nearest as (
    select a.code, a.name, ST_Distance(a.geom::geography, place.point::geography) as distance_m
    from geo_area a, place
    where (select code from deepest) = '' and a.valid_to is null and a.level = 'community'
    order by a.geom <-> place.point limit 1
)
select (select code from deepest),
       (select json_agg(json_build_object('level', a.level, 'code', a.code, 'name', a.name)
                        order by length(a.code))
        from geo_area a, deepest where a.valid_to is null
        and a.code in (left(deepest.code, 4), left(deepest.code, 6), left(deepest.code, 9), deepest.code)),
       (select row_to_json(own) from own),
       (select row_to_json(neighbour) from neighbour),
       (select row_to_json(cell) from cell),
       (select json_agg(row_to_json(people) order by role, id) from people),
       (select row_to_json(nearest) from nearest)
"""


@dataclass
class Located:
    """Where a point is. Distances in metres; codes as text; ``people`` only when they were asked for."""

    point: Point
    area_code: str
    areas: list[dict]
    grid: dict | None
    border: dict | None
    unit_grid: str | None
    duty_grid: dict | None
    people: list[dict] = field(default_factory=list)
    nearest: dict | None = None
    things: dict = field(default_factory=dict)

    @property
    def inside(self) -> bool:
        """Whether the point is in the city at all."""
        return bool(self.area_code)

    @property
    def grid_id(self) -> int | None:
        return self.grid["id"] if self.grid else None

    @property
    def community_code(self) -> str:
        return self.area_code if len(self.area_code) == 12 else ""

    def in_words(self) -> str:
        """The place from the district down, with its grid."""
        names = [area["name"] for area in self.areas if area["level"] != "city"]
        if self.grid:
            names.append(self.grid["name"] or self.grid["code"])
        return " / ".join(names)

    def outside_in_words(self) -> str:
        """What to tell somebody whose point is not in the city."""
        if not self.nearest:
            return _("This place is outside the city.")
        return _("This place is outside the city: the nearest part of it, %(name)s, is %(far)s away.") % {
            "name": self.nearest["name"],
            "far": distance_in_words(self.nearest["distance_m"]),
        }


def distance_in_words(metres: float) -> str:
    """Metres below a kilometre, else kilometres."""
    if metres < 1000:
        return _("%d m") % round(metres)
    return _("%.1f km") % (metres / 1000) if metres < 100_000 else _("%d km") % round(metres / 1000)


def find(point: Point, *, people: bool = False) -> Located:
    """The chain of areas and grids at ``point`` (EPSG:4326), in one statement, whoever asks."""
    values = {
        "lon": point.x,
        "lat": point.y,
        "border": BORDER_METRES,
        "border_lat": BORDER_METRES / 110_000,
        "border_lon": BORDER_METRES / 110_000 / max(0.1, math.cos(math.radians(point.y))),
        "people": people,
        "today": timezone.localdate(),
    }
    code, areas, own, neighbour, cell, persons, nearest = fetchone(_LOCATE, values)
    return Located(
        point=point,
        area_code=code,
        areas=areas or [],
        grid=own,
        border=neighbour,
        unit_grid=cell["code"] if cell else None,
        duty_grid={"code": cell["duty_code"], "name": cell["duty_name"]}
        if cell and cell["duty_code"]
        else None,
        people=persons or [],
        nearest=nearest,
    )


def locate(point: Point, user=None) -> Located:
    """Where ``point`` (EPSG:4326) is and, for staff, who and what is there.

    Anybody gets the areas and the governance grid. Staff whose scope covers the place also get the unit grid,
    the duty grid, the responsible people (phone numbers with ``grids.view_workers``) and what the tables
    registered in ``places`` add: one statement each at most.
    """
    staff = user is not None and user.is_authenticated and user.can("grids.view")
    answer = find(point, people=staff)
    if not staff:
        answer.unit_grid = answer.duty_grid = None
        return answer
    covered = answer.inside and user.scope.covers("grids.view", answer.area_code, grid_id=answer.grid_id)
    phones = answer.inside and user.scope.covers("grids.view_workers", answer.area_code)
    if not covered:
        answer.people = []
    for person in answer.people:
        if not phones:
            person.pop("phone")
    if answer.inside:
        for place in places.values():
            if place.locate:
                answer.things |= place.locate(user, point, answer)
    return answer


def require_inside(point: Point) -> Located:
    """``find``, or a problem that says how far outside the city the point is."""
    answer = find(point)
    if not answer.inside:
        nearest = answer.nearest or {}
        raise Problem(
            answer.outside_in_words(),
            kind="outside-city",
            title=_("Outside the city"),
            errors=[{"pointer": "/lon", "detail": answer.outside_in_words()}],
            nearest=nearest,
        )
    return answer


# --- The workforce ----------------------------------------------------------------------------------


def shift_now(worker) -> Shift | None:
    """The running shift; else the next one planned for today."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    rows = Shift.objects.filter(worker=worker)
    running = rows.filter(punched_in_at__isnull=False, punched_out_at=None).first()
    return running or (
        rows.filter(punched_in_at=None, planned_end__gt=now, planned_start__lt=midnight)
        .order_by("planned_start")
        .first()
    )


def on_shift(user) -> bool:
    """Whether the user is a worker between punch-in and punch-out: only then may a position be kept."""
    return Shift.objects.filter(
        worker__user_id=user.pk, punched_in_at__isnull=False, punched_out_at=None
    ).exists()


def duties_of(worker) -> list[dict]:
    """The grids in which a worker is on duty today, with community, leader and border; three statements."""
    today = timezone.localdate()
    in_force = Q(valid_to=None) | Q(valid_to__gt=today)
    own = list(
        GridDuty.objects.filter(in_force, worker=worker, valid_from__lte=today)
        .select_related("grid")
        .order_by("role", "grid__code")
    )
    leaders = {
        duty.grid_id: duty.worker
        for duty in GridDuty.objects.filter(
            in_force, grid__in=[duty.grid_id for duty in own], role="leader", valid_from__lte=today
        ).select_related("worker")
    }
    codes = {duty.grid.community_code for duty in own}
    communities = {
        area.code: area
        for area in Area.objects.filter(code__in=codes, valid_to=None).defer("geom", "geom_3857")
    }
    return [
        {
            "code": duty.grid.code,
            "name": duty.grid.name,
            "community": communities.get(duty.grid.community_code)
            or {"code": duty.grid.community_code, "name": ""},
            "role": duty.role,
            "role_label": duty.get_role_display(),
            "leader": leaders.get(duty.grid_id),
            "geometry": duty.grid.geom,
        }
        for duty in own
    ]


def check_ins_of(rows, user, seen):
    """Check-ins that are the user's own or among those ``seen`` by scope."""
    condition = Q(worker__user_id=user.pk)
    if seen != ():
        condition |= Q(pk__in=seen)
    return rows.filter(condition)
