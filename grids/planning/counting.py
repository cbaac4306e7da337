"""What stands in each block: one statement per measure, by index, whatever the number of blocks.

Counted are all measures of the registry whose rows have a place (their ``grid`` path ends in "grid"), and
places that no measure counts. Every number is kept per block and, under ``from``, per grid in force, so that
today's figures, a plan's figures and what moves between them are sums of the same numbers.
"""

import json
from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.contrib.gis.geos import Polygon
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import Count, F
from django.utils import timezone

from geo import registry, tallies
from geo.registry import Measure, Place
from grids.models import PlanBlock, Publication

AREA, PATROL, FROM, COUNTED = "area_m2", "patrol_m", "from", "counted"
YEAR = timedelta(days=365)
# A road this near to a border (m) runs along it and counts half on either side.
ALONG_M = 1.0
# A row on a border is looked up this far beside it (degrees; less than the lattice of borders), in the first
# of these directions that stays inside its present grid.
BESIDE = 3e-9
DIRECTIONS = ((1, 0.37), (-1, 0.37), (-0.37, -1), (0.37, -1), (0.1, 1), (-0.1, 1), (1, -0.1), (-1, -0.1))

_FIRST = f"ST_Translate(ground.point, {DIRECTIONS[0][0] * BESIDE!r}, {DIRECTIONS[0][1] * BESIDE!r})"
_SHIFTS = ", ".join(f"({n}, {x * BESIDE!r}, {y * BESIDE!r})" for n, (x, y) in enumerate(DIRECTIONS))
BESIDE_ROWS = f"""
with ground(point, own, v) as materialized (%s),
-- Materialized, or the place is worked out for every pair of row and block.
beside as materialized (
    select ground.own, ground.v, coalesce(
        case when g.geom is null or ST_Covers(g.geom, {_FIRST}) then {_FIRST} end,
        (
            select ST_Translate(ground.point, s.x, s.y) from (values {_SHIFTS}) s(n, x, y)
            where ST_Covers(g.geom, ST_Translate(ground.point, s.x, s.y)) order by s.n limit 1
        ),
        {_FIRST}
    ) as point
    from ground left join grids_grid g on g.code = ground.own and g.retired_on is null
)
"""
_PER_BLOCK = (
    BESIDE_ROWS
    + """
select b.id, coalesce(beside.own, ''), sum(beside.v)::float8
from beside
cross join lateral (
    select b.id from grids_planblock b
    where b.id = any(%%s) and b.geom && beside.point and ST_Covers(b.geom, beside.point) order by b.id limit 1
) b
group by 1, 2
"""
)

# The blocks, cut along the grids in force, and the roads in them; square metres and metres.
_GROUND = """
with block as materialized (
    select b.id, b.community_code, b.geom from grids_planblock b where b.id = any(%%s)
),
inside as materialized (
    select b.id, g.code,
        case when ST_CoveredBy(b.geom, g.geom) then b.geom
             else ST_CollectionExtract(ST_Intersection(b.geom, g.geom), 3) end as geom
    from block b join grids_grid g
        on g.community_code = b.community_code and g.retired_on is null and ST_Intersects(g.geom, b.geom)
),
rest as (
    select b.id, '' as code,
        case when u.geom is null then b.geom
             else ST_CollectionExtract(ST_Difference(b.geom, u.geom), 3) end as geom
    from block b cross join lateral (select ST_Union(i.geom) as geom from inside i where i.id = b.id) u
    where not coalesce(ST_CoveredBy(b.geom, u.geom), false)
),
piece as materialized (
    select id, code, geom, ST_Transform(geom, %(srid)s) as flat
    from (select * from inside union all select * from rest) p where not ST_IsEmpty(geom)
),
wide as materialized (
    select id, code, geom,
        ST_Buffer(flat, %(along)s, 'quad_segs=2') as outer_, ST_Buffer(flat, -%(along)s) as inner_
    from piece
),
line(geom) as (%(lines)s),
road as (
    select w.id, w.code, sum(
        ST_Length(ST_Intersection(f.geom, w.outer_)) + ST_Length(ST_Intersection(f.geom, w.inner_))
    ) / 2 as metres
    from wide w join line l on l.geom && ST_Expand(w.geom, 0.00002)
    cross join lateral (select ST_Transform(l.geom, %(srid)s) as geom) f
    group by 1, 2
)
select p.id, p.code, sum(ST_Area(p.flat)), coalesce(max(r.metres), 0)
from piece p left join road r using (id, code) group by 1, 2
"""


def counted() -> list[Measure]:
    """The measures that are counted per block, in their order: those whose rows have a place of their own."""
    found = [m for m in registry.measures.values() if m.grid.split("__")[-1] == "grid" and _anchored(m)]
    return sorted(found, key=lambda measure: measure.order)


def _anchored(measure: Measure) -> bool:
    """Whether the table at the end of the measure's path to its grid keeps an ``anchor``."""
    model = measure.model_class
    try:
        for step in measure.grid.split("__")[:-1]:
            model = model._meta.get_field(step).related_model
        model._meta.get_field("anchor")
    except (FieldDoesNotExist, AttributeError):
        return False
    return True


def uncounted_places() -> list[Place]:
    """Places whose table no counted measure is about; they count as ``place:<id>``."""
    models = {measure.model for measure in counted()}
    return [place for place in registry.places.values() if place.model not in models]


def stamp(communities: list[str]) -> int:
    """The latest publication in these communities; figures counted before it are out of date."""
    rows = Publication.objects.filter(communities__has_any_keys=list(communities))
    return rows.order_by("-id").values_list("id", flat=True).first() or 0


def count(blocks: list[PlanBlock]) -> None:
    """Count all that stands in saved blocks of one plan and keep it in their ``figures``."""
    if not blocks:
        return
    ids = [block.pk for block in blocks]
    communities = sorted({block.community_code for block in blocks})
    box = _extent(blocks)
    found: dict[int, dict] = {pk: {FROM: {}} for pk in ids}
    with connection.cursor() as cursor:
        _ground(cursor, ids, found)
        for measure in counted():
            _rows(cursor, measure.id, measured(measure, communities, box), ids, found)
        for place in uncounted_places():
            _rows(cursor, f"place:{place.id}", _placed(place, communities, box), ids, found)
        now = [timezone.now().isoformat(timespec="seconds"), stamp(communities)]
        for block in blocks:
            block.figures = _summed(found[block.pk]) | {COUNTED: now}
        cursor.execute(
            "update grids_planblock b set figures = v.figures::jsonb"
            " from unnest(%s::bigint[], %s::text[]) v(id, figures) where b.id = v.id",
            [ids, [json.dumps(block.figures) for block in blocks]],
        )


def measured(measure: Measure, communities: list[str], box: Polygon | None = None):
    """A measure's rows in communities as (point, own: code of the grid in force, v); of a year, if it has a
    time."""
    place = measure.grid[:-4]
    rows = tallies.rows(measure).filter(**{f"{measure.area}__in": communities})
    if box is not None:
        rows = rows.filter(**{f"{place}geom__bboverlaps": box})
    if measure.time:
        rows = rows.filter(**{f"{measure.time}__gte": timezone.now() - YEAR})
    rows = rows.annotate(point=F(f"{place}anchor"), own=F(measure.grid_code)).values("point", "own")
    return rows.annotate(v=tallies.value(measure))


def _placed(place: Place, communities, box):
    rows = place.model_class._base_manager.order_by()
    rows = rows.filter(area_code__in=communities, geom__bboverlaps=box)
    return (
        rows.annotate(point=F("anchor"), own=F("grid__code")).values("point", "own").annotate(v=Count("pk"))
    )


def _extent(blocks) -> Polygon:
    """The box around blocks, a little larger (EPSG:4326)."""
    extents = [block.geom.extent for block in blocks]
    west, south = (min(e[n] for e in extents) - 1e-7 for n in (0, 1))
    east, north = (max(e[n] for e in extents) + 1e-7 for n in (2, 3))
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 4326
    return box


def _ground(cursor, ids, found) -> None:
    """Area and roads of each block."""
    lines, values = [], []
    for place in registry.places.values():
        if place.patrol is not None:
            rows = place.model_class._base_manager.order_by().filter(place.patrol()).values("geom")
            sql, params = rows.query.sql_with_params()
            lines.append(sql)
            values += params
    sql = _GROUND % {
        "srid": settings.CITY_SRID,
        "along": ALONG_M,
        "lines": " union all ".join(lines) or "select null::geometry where false",
    }
    cursor.execute(sql, [ids, *values])
    for pk, code, area, metres in cursor.fetchall():
        # Slivers of rounding along a border are nobody's ground.
        if area >= 0.01:
            found[pk][FROM].setdefault(code, {})[AREA] = round(area, 2)
            if metres >= 0.05:
                found[pk][FROM][code][PATROL] = round(metres, 1)


def _rows(cursor, name, queryset, ids, found) -> None:
    """The sums of a queryset (point, own, v) per block and grid in force."""
    sql, params = queryset.query.sql_with_params()
    cursor.execute(_PER_BLOCK % sql, [*params, ids])
    for pk, code, value in cursor.fetchall():
        if value:
            found[pk][FROM].setdefault(code, {})[name] = int(value) if value == int(value) else value


def _summed(figures: dict) -> dict:
    """A block's figures from its parts by grid in force."""
    sums: dict[str, float] = defaultdict(int)
    for part in figures[FROM].values():
        for name, value in part.items():
            sums[name] += value
    return {
        name: round(value, 2) if value != int(value) else int(value) for name, value in sums.items()
    } | figures
