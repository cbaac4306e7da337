"""Borders drawn as lines: a grid cut in two, a stretch of border drawn anew, a grid carved out."""

from __future__ import annotations

import numpy as np
import shapely
import shapely.ops
from django.utils.translation import gettext as _

from geo.problems import Problem
from grids.coverage import metric
from grids.models import Grid
from grids.planning.lattice import LATTICE, cut_up, edges_of, shared_lengths, slivers
from grids.planning.state import Draft
from grids.planning.strokes.overlay import recut, snapped
from grids.planning.strokes.stroke import Stroke, bad, kind_of, line, metres, polygon, whole_number, words

# An end of a line that misses a border by no more than this is taken to lie on it.
REACH_M = 5.0


def cut(draft: Draft, params: dict) -> Stroke:
    """``cut``: the largest part of the grid keeps its number, the others are new grids."""
    stroke = Stroke(draft)
    number = whole_number(params, "grid")
    grid = stroke.grid(number)
    shape = draft.shapes({grid.community_code})[number]
    course = snapped(stroke, grid.community_code, line(params), metres(params, "snap_m", 0))
    course = _to_border(course, shape, REACH_M)
    faces, _owner = cut_up([shape], [course])
    pieces = _regions(faces, shape)
    if len(pieces) < 2:
        raise Problem(_("The line does not cut %s in two.") % stroke.label(number))
    names = params.get("names") if isinstance(params.get("names"), list) else []
    numbers = [number]
    for order, _piece in enumerate(pieces[1:]):
        name = words({"name": names[order]}, "name") if order < len(names) else ""
        numbers.append(stroke.new_grid(grid.community_code, name=name, kind=grid.kind))
    _by_region(stroke, grid.community_code, [course], pieces, numbers, {number})
    stroke.named.add(number)
    stroke.summary = _("cut %(grid)s; new: %(others)s") % {
        "grid": stroke.label(number),
        "others": stroke.labels(numbers[1:]),
    }
    return stroke


def _to_border(course, shape, reach: float):
    """A line whose ends lie on a shape's border if they nearly do."""
    border = shapely.boundary(shape)
    xy = shapely.get_coordinates(course)
    for end in (0, -1):
        point = shapely.Point(xy[end])
        nearest = shapely.get_coordinates(shapely.shortest_line(border, point))[0]
        away = metric(shapely.LineString([nearest, xy[end]]), xy[end][1]).length
        if 0 < away <= reach:
            xy[end] = np.round(nearest, 8)
    return shapely.LineString(xy)


def _regions(faces, shape) -> list:
    """The parts that a line cut a grid into, the largest first; slivers go to their neighbour.

    A part of the grid that the line does not reach stays with the largest.
    """
    latitude = shapely.get_y(shapely.centroid(shape))
    thin = slivers(faces, latitude)
    shared = shared_lengths(faces, latitude)
    group = {}
    for one in np.flatnonzero(~thin).tolist():
        group[one] = [one]
    if not group:
        return []
    largest = max(group, key=lambda one: shapely.area(faces[one]))
    for one in np.flatnonzero(thin).tolist():
        near = {other: length for other, length in shared.get(one, {}).items() if other in group}
        group[max(near, key=near.get) if near else largest].append(one)
    for one in list(group):
        if one != largest and not shared.get(one):
            group[largest] += group.pop(one)
    regions = [shapely.multipolygons(faces[members]) for members in group.values()]
    return sorted(regions, key=lambda region: -shapely.area(region))


def _by_region(stroke: Stroke, community: str, lines, regions, numbers, givers: set[int]) -> None:
    """Cut blocks along lines; a face of a giver's block gets the grid of the region it lies in."""
    tree = shapely.STRtree([part for region in regions for part in shapely.get_parts(region)])
    of_part = [
        number for region, number in zip(regions, numbers, strict=True) for _ in shapely.get_parts(region)
    ]

    def assign(points, blocks):
        result = [block.grid for block in blocks]
        for face, part in zip(*tree.query(points, predicate="intersects").tolist(), strict=True):
            if blocks[face].grid in givers:
                result[face] = of_part[part]
        return result

    recut(stroke, community, lines, assign)


def carve(draft: Draft, params: dict) -> Stroke:
    """``carve``: what a polygon encloses becomes a grid of its own, exclusive unless said otherwise."""
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    shape = polygon(params, "polygon")
    ids = list(draft.blocks)
    geoms = np.array([draft.blocks[pk].geom for pk in ids], dtype=object)
    inside: dict[str, float] = {}
    for pk, area in zip(ids, shapely.area(shapely.intersection(geoms, shape)).tolist(), strict=True):
        if area > 0:
            community = draft.blocks[pk].community
            inside[community] = inside.get(community, 0.0) + area
    if not inside:
        raise Problem(_("There is no ground of this plan."))
    community = max(inside, key=inside.get)
    ring = snapped(stroke, community, shapely.boundary(shape), metres(params, "snap_m", 0))
    shape = shapely.union_all(shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.node(ring)))))
    if shape.is_empty:
        raise bad("polygon", _("%s encloses nothing.") % "polygon")
    kind = kind_of(params, Grid.Kind.EXCLUSIVE)
    number = stroke.new_grid(community, name=words(params, "name"), kind=kind)
    locked = {one for one, grid in draft.grids.items() if grid.locked}
    givers = {block.grid for block in draft.in_community(community)} - locked
    before = {block.grid for block in draft.in_community(community) if shapely.intersects(block.geom, shape)}
    _by_region(stroke, community, [ring], [shape], [number], givers)
    givers = stroke.losing()
    if not givers:
        held = stroke.labels(before & locked)
        raise Problem(_("%s is locked; unlock it first.") % held if held else _("Nothing would change."))
    stroke.summary = _("carved %(grid)s out of %(others)s") % {
        "grid": stroke.label(number),
        "others": stroke.labels(givers),
    }
    return stroke


def reshape(draft: Draft, params: dict) -> Stroke:
    """``reshape``: the border between two grids runs along a line from where it begins to where it ends."""
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    course = line(params)
    reach = metres(params, "tolerance_m", REACH_M)
    snap_m = metres(params, "snap_m", 0)
    one, other, chain = _chain(stroke, course, reach)
    community = stroke.grid(one).community_code
    course = snapped(stroke, community, course, snap_m)
    xy = shapely.get_coordinates(course)
    for end in (0, -1):
        on = shapely.line_locate_point(chain, shapely.Point(xy[end]))
        xy[end] = np.round(shapely.get_coordinates(shapely.line_interpolate_point(chain, on))[0], 8)
    course = shapely.remove_repeated_points(shapely.LineString(xy))
    lobes = min(_lobes(chain, course), key=lambda some: sum(map(shapely.area, some)), default=[])
    if not lobes:
        raise Problem(_("Nothing would change."), kind="nothing")
    tree = shapely.STRtree(lobes)
    turned = {one: other, other: one}
    strange = set()

    def assign(points, blocks):
        result = [block.grid for block in blocks]
        for face, _lobe in zip(*tree.query(points, predicate="intersects").tolist(), strict=True):
            if blocks[face].grid in turned:
                result[face] = turned[blocks[face].grid]
            else:
                strange.add(blocks[face].grid)
        return result

    recut(stroke, community, [course], assign)
    if strange:
        raise Problem(
            _("The line runs through %(strange)s; between %(one)s and %(other)s it must stay.")
            % {"strange": stroke.labels(strange), "one": stroke.label(one), "other": stroke.label(other)}
        )
    stroke.named |= {one, other}
    stroke.summary = _("drew the border of %(one)s and %(other)s anew") % {
        "one": stroke.label(min(one, other)),
        "other": stroke.label(max(one, other)),
    }
    return stroke


def _chain(stroke: Stroke, course, reach: float):
    """The two grids on whose common border both ends of a line lie, and that stretch of border."""
    shapes = stroke.draft.shapes()
    numbers, geoms = list(shapes), list(shapes.values())
    owner, low, high = edges_of(geoms)
    order = np.lexsort((high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    owner, low, high = owner[order], low[order], high[order]
    twin = np.flatnonzero((low[:-1] == low[1:]).all(axis=1) & (high[:-1] == high[1:]).all(axis=1))
    common: dict[tuple, list] = {}
    for edge in twin.tolist():
        pair = tuple(sorted((int(owner[edge]), int(owner[edge + 1]))))
        common.setdefault(pair, []).append(shapely.LineString([low[edge] * LATTICE, high[edge] * LATTICE]))
    xy = shapely.get_coordinates(course)
    ends = [shapely.Point(xy[0]), shapely.Point(xy[-1])]
    found = []
    for (a, b), edges in common.items():
        merged = shapely.line_merge(shapely.multilinestrings(edges))
        for chain in shapely.get_parts(merged):
            away = [metric(shapely.shortest_line(chain, end), xy[0][1]).length for end in ends]
            if max(away) <= reach:
                found.append((max(away), numbers[a], numbers[b], chain))
    if not found:
        raise Problem(_("Both ends of the line must lie on the border between the same two grids."))
    _away, one, other, chain = min(found, key=lambda row: row[:3])
    return one, other, chain


def _lobes(chain, course):
    """What a line and a stretch of border enclose; a border that is a ring can be followed both ways."""
    xy = shapely.get_coordinates(course)
    start, end = (shapely.line_locate_point(chain, shapely.Point(xy[one])) for one in (0, -1))
    first, last = min(start, end), max(start, end)
    stretches = [shapely.get_coordinates(shapely.ops.substring(chain, first, last))]
    if chain.is_closed:
        away = [shapely.ops.substring(chain, last, chain.length), shapely.ops.substring(chain, 0, first)]
        stretches.append(shapely.get_coordinates(away)[::-1])
    for stretch in stretches:
        back = stretch[::-1] if start <= end else stretch
        noded = shapely.node(shapely.LineString([*xy, *back, xy[0]]))
        yield list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
