"""What stands against a draft, each with its place on the map.

An ``error`` keeps the plan from being published, a ``warning`` should be looked at, a ``hint`` may be meant.
Gaps and overlaps cannot be drawn, because blocks are handed over whole; they are proved all the same.
"""

import functools
import json

import numpy as np
import shapely
from django.db import connection
from django.utils.translation import gettext as _

from geo import registry
from geo.models import Area
from grids.coverage import on_lattice
from grids.planning import figures
from grids.planning.workforce import LEADER
from grids.publication import to_shapely

ERROR, WARNING, HINT = "error", "warning", "hint"
# A part of a grid narrower than this (m) and at least so large (m²) is a sliver or a neck.
NARROW_M, NARROW_LEAST_M2 = 8.0, 40.0
# Less ground (m²), or narrower (m) than this is the rounding of a border.
LEAST_M2, LEAST_M = 0.01, 0.005
# A border may touch a building's wall: it cuts if it passes deeper than this (degrees, about 5 cm).
WALL = 5e-7
METRES_PER_DEGREE = 111_319.49

_CUT = """
select %(place)s, r.name, ST_AsGeoJSON(r.geom, 7), cut.n
from unnest(%%s::bytea[]) with ordinality as border(wkb, n)
cross join lateral (select ST_SetSRID(ST_GeomFromWKB(border.wkb), 4326) as geom, border.n) cut
join lateral (%(rows)s) r(geom, name) on r.geom && cut.geom
where ST_Dimension(r.geom) = 2 and ST_Intersects(ST_Buffer(r.geom, -%(wall)s), cut.geom)
"""


def of(draft, sums=None) -> list[dict]:
    """All faults of a draft, the gravest first.

    Each is {kind, severity, text, grid: number or None, grids: numbers, geometry: GeoJSON, bbox}.
    """
    if not draft.blocks:
        return []  # nothing has been drawn yet
    sums = sums or figures.sums(draft)
    shapes = {number: shape for number, shape in draft.shapes().items() if draft.grids[number].active}
    found = [
        *_coverage(draft),
        *_parts(draft, shapes),
        *_narrow(draft, shapes),
        *_cut(draft, shapes),
        *_people(draft, shapes, sums),
        *_standard(draft, shapes, sums),
    ]
    return sorted(found, key=lambda fault: (ERROR, WARNING, HINT).index(fault["severity"]))


def _fault(kind, severity, text, geometry, grid=None, grids=()) -> dict:
    """``geometry`` in WGS-84, or None."""
    return {
        "kind": kind,
        "severity": severity,
        "text": text,
        "grid": grid,
        "grids": list(grids) or ([grid] if grid is not None else []),
        "geometry": json.loads(shapely.to_geojson(geometry)) if geometry is not None else None,
        "bbox": [round(edge, 8) for edge in geometry.bounds] if geometry is not None else None,
    }


def name_of(grid) -> str:
    """A grid as planners call it: the last three digits of its code, and its name if it has one."""
    return f"{grid.code[-3:]} {grid.name}".strip()


# --- The coverage -----------------------------------------------------------------------------------


def _coverage(draft) -> list[dict]:
    """Gaps, overlaps, and ground outside the community."""
    outlines = {
        area.code: on_lattice(to_shapely(area.geom))
        for area in Area.objects.filter(
            code__in=draft.plan.communities, level=Area.Level.COMMUNITY, valid_to=None
        )
    }
    by_community: dict[str, list] = {code: [] for code in outlines}
    for block in draft.blocks.values():
        by_community.setdefault(block.community, []).append(block)
    found = []
    for code, blocks in sorted(by_community.items()):
        shapes = np.array([block.geom for block in blocks], dtype=object)
        found += _overlaps(draft, blocks, shapes)
        outline = outlines.get(code)
        if outline is None:
            continue
        unite = shapely.coverage_union_all if shapely.coverage_is_valid(shapes) else shapely.union_all
        union = unite(shapes) if len(shapes) else shapely.Polygon()
        if shapely.equals_identical(shapely.normalize(union), shapely.normalize(outline)):
            continue
        for part in _real(shapely.difference(outline, union)):
            text = _("Ground of %(community)s belongs to no grid: %(area)s m²")
            found.append(_fault("gap", ERROR, text % {"community": code, "area": _size(part)}, part))
        for part in _real(shapely.difference(union, outline)):
            text = _("Ground outside of %(community)s: %(area)s m²")
            found.append(_fault("outside", ERROR, text % {"community": code, "area": _size(part)}, part))
    return found


def _overlaps(draft, blocks, shapes) -> list[dict]:
    if not len(shapes) or shapely.coverage_is_valid(shapes):
        return []
    found = []
    for a, b in zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects"), strict=True):
        if a < b:
            for part in _real(shapely.intersection(shapes[a], shapes[b])):
                pair = sorted({blocks[a].grid, blocks[b].grid})
                text = _("Two blocks overlap: %(area)s m² (%(grids)s)") % {
                    "area": _size(part),
                    "grids": ", ".join(name_of(draft.grids[number]) for number in pair),
                }
                found.append(_fault("overlap", ERROR, text, part, pair[0], pair))
    return found


def _real(geometry) -> list:
    """Polygons of a geometry that are more than the rounding of a border."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    found = []
    for part in parts:
        area, around = figures.measured(part)
        if area >= LEAST_M2 and 2 * area / around >= LEAST_M:
            found.append(part)
    return found


def _size(part) -> str:
    area, _around = figures.measured(part)
    return f"{area:.2f}" if area < 10 else f"{area:,.0f}"


# --- The shape of each grid -------------------------------------------------------------------------


def _parts(draft, shapes) -> list[dict]:
    found = []
    for number, grid in draft.grids.items():
        if grid.active and shapely.is_empty(shapes.get(number, shapely.Polygon())):
            found.append(_fault("empty", ERROR, _("%s has no ground") % name_of(grid), None, number))
    for number, shape in shapes.items():
        parts = sorted(shapely.get_parts(shape), key=shapely.area, reverse=True)
        for part in parts[1:]:
            text = _("%(grid)s has a part apart from the rest: %(area)s m²")
            words = {"grid": name_of(draft.grids[number]), "area": _size(part)}
            found.append(_fault("multipart", ERROR, text % words, part, number))
    return found


def _narrow(draft, shapes) -> list[dict]:
    found = []
    for number, shape in shapes.items():
        for wkb in _narrow_places(shapely.to_wkb(shape)):
            text = _("%(grid)s is narrower than %(width)g m here")
            words = {"grid": name_of(draft.grids[number]), "width": NARROW_M}
            found.append(_fault("sliver", WARNING, text % words, shapely.from_wkb(wkb), number))
    return found


@functools.lru_cache(maxsize=2048)
def _narrow_places(wkb: bytes) -> tuple[bytes, ...]:
    """Parts of a polygon (WGS-84) that a disc of ``NARROW_M`` metres does not fit through."""
    shape = shapely.from_wkb(wkb)
    if shapely.is_empty(shape):
        return ()
    middle = shapely.centroid(shape)
    # A local plane: there and back again without a projection's rounding.
    scale = np.array([METRES_PER_DEGREE * np.cos(np.radians(middle.y)), METRES_PER_DEGREE])
    origin = np.array([middle.x, middle.y])
    plane = shapely.transform(shape, lambda xy: (xy - origin) * scale)
    plane = shapely.simplify(plane, 0.05)
    thin = shapely.buffer(plane, -NARROW_M / 2, join_style="mitre")
    # Mitred joins give corners back whole; the rest of a border's bends is smaller than what counts.
    wide = shapely.buffer(thin, NARROW_M / 2 + 0.1, join_style="mitre", mitre_limit=8)
    left = [
        part
        for part in shapely.get_parts(shapely.difference(plane, wide))
        if part.geom_type == "Polygon" and shapely.area(part) >= NARROW_LEAST_M2
    ]
    return tuple(shapely.to_wkb(shapely.transform(part, lambda xy: xy / scale + origin)) for part in left)


# --- Buildings --------------------------------------------------------------------------------------


def _cut(draft, shapes) -> list[dict]:
    """Places that no border may cut and one does: one statement for all of them, along the borders."""
    places = [place for place in registry.places.values() if place.ground == "whole"]
    borders = inner_borders(list(shapes.values()))
    if not places or not borders:
        return []
    parts, values = [], []
    wkb = [shapely.to_wkb(line) for line in borders]
    for place in places:
        rows = place.model_class._base_manager.order_by().filter(area_code__in=draft.plan.communities)
        title = "name" if _has(place.model_class, "name") else "pk"
        sql, params = rows.values_list("geom", title).query.sql_with_params()
        parts.append(_CUT % {"rows": sql, "place": "%s", "wall": WALL})
        values += [place.id, wkb, *params]
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(parts), values)
        cut = {(place, geometry): name for place, name, geometry, _border in cursor.fetchall()}
    numbers = list(shapes)
    tree = shapely.STRtree([shapes[number] for number in numbers])
    found = []
    for (place, geometry), name in cut.items():
        outline = shapely.from_geojson(geometry)
        pair = sorted(numbers[at] for at in tree.query(outline, predicate="intersects"))
        text = _("A border cuts “%(name)s” (%(place)s): %(grids)s") % {
            "place": registry.places[place].label,
            "name": name,
            "grids": ", ".join(name_of(draft.grids[number]) for number in pair),
        }
        found.append(_fault("cut", WARNING, text, outline, pair[0] if pair else None, pair))
    return found


def _has(model, name: str) -> bool:
    return any(field.name == name for field in model._meta.get_fields())


def inner_borders(shapes) -> list:
    """Lines along which two polygons of a coverage meet, one per stretch between junctions."""
    segments = []
    for line in shapely.get_parts(shapely.boundary(np.array(shapes, dtype=object))):
        xy = shapely.get_coordinates(line)
        segments.append(np.hstack([xy[:-1], xy[1:]]))
    if not segments:
        return []
    pairs = np.vstack(segments)
    turned = (pairs[:, 0] > pairs[:, 2]) | ((pairs[:, 0] == pairs[:, 2]) & (pairs[:, 1] > pairs[:, 3]))
    pairs[turned] = pairs[turned][:, [2, 3, 0, 1]]
    pairs, uses = np.unique(pairs, axis=0, return_counts=True)
    shared = pairs[uses > 1]
    if not len(shared):
        return []
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(shared.reshape(-1, 2, 2))))
    return list(shapely.get_parts(merged))


# --- People and size --------------------------------------------------------------------------------


def _people(draft, shapes, sums) -> list[dict]:
    found = []
    for number, shape in shapes.items():
        grid = draft.grids[number]
        if LEADER not in sums.people.then.get(grid.code, {}).values():
            text = _("%s will have no leader") % name_of(grid)
            found.append(_fault("no_leader", WARNING, text, shape, number))
    return found


def _standard(draft, shapes, sums) -> list[dict]:
    found, plan = [], draft.plan
    for number, shape in shapes.items():
        grid = draft.grids[number]
        homes = sums.plan[number][figures.HOMES]
        stands = figures.status(homes, grid, plan)
        words = {"grid": name_of(grid), "homes": homes, "low": plan.standard_low, "high": plan.standard_high}
        if stands == "under":
            text = _("%(grid)s has %(homes)s households, fewer than %(low)s") % words
        elif stands == "over":
            text = _("%(grid)s has %(homes)s households, more than %(high)s") % words
        else:
            continue
        found.append(_fault(stands, HINT, text, shape, number))
    return found
