"""New borders through blocks: blocks are cut where a line runs, and each piece is told its grid.

Pieces that stay together are put together again, blocks beside the line only get its nodes, and what is left
as a sliver joins a neighbour of its grid; so a border drawn with a free hand leaves no litter behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo.problems import Problem
from grids.coverage import METRES_PER_DEGREE, metric, on_lattice
from grids.planning.lattice import NEAR, cut_up, parts, shared_lengths, slivers, squeeze, union
from grids.planning.strokes.stroke import Piece, Stroke

# What is narrower comes from two lines that nearly run together, not from anybody's wish.
CRUMB_M = 0.5


def recut(stroke: Stroke, community: str, lines: list, assign: Callable) -> None:
    """Cut the blocks of a community along lines; ``assign(points, blocks)`` names each face's grid.

    ``points`` lie in the faces, ``blocks`` are those that the faces are part of; a block that no line meets
    is a face of its own.
    """
    blocks = stroke.draft.in_community(community)
    geoms = np.array([block.geom for block in blocks], dtype=object)
    course = shapely.union_all(np.array(lines, dtype=object))
    near = np.flatnonzero(shapely.dwithin(geoms, course, 2 * NEAR))
    if not len(near):
        raise Problem(_("The line meets no ground of this plan."))
    latitude = shapely.get_y(shapely.centroid(geoms[0]))
    for chosen in (near, np.arange(len(blocks))):
        faces, owner = cut_up(geoms[chosen], lines)
        owner = chosen[owner]
        numbers = assign(shapely.point_on_surface(faces), [blocks[number] for number in owner])
        made = _pieces(blocks, faces, owner, numbers)
        untouched = np.setdiff1d(np.arange(len(blocks)), chosen)
        final = [*(shape for _block, _grid, shape in made), *geoms[untouched]]
        if shapely.coverage_is_valid(np.array(final, dtype=object)):
            break
    else:
        raise Problem(_("The line cannot be drawn here; draw it a little beside."), kind="ground")
    beside = [blocks[number] for number in untouched]
    numbers = assign(shapely.point_on_surface(geoms[untouched]), beside) if beside else []
    made += [(block, grid, block.geom) for block, grid in zip(beside, numbers, strict=True)]
    _take(stroke, blocks, made, latitude)


def _pieces(blocks, faces, owner, numbers) -> list[tuple]:
    """(block, grid, shape): a block's faces that go to the same grid and hang together are one piece."""
    groups: dict[tuple, list[int]] = defaultdict(list)
    for face, (number, grid) in enumerate(zip(owner.tolist(), numbers, strict=True)):
        groups[number, grid].append(face)
    made = []
    for (number, grid), members in sorted(groups.items()):
        if len(members) == 1:
            made.append((blocks[number], grid, faces[members[0]]))
            continue
        near = shared_lengths(faces[members], 0.0)
        for group in parts(range(len(members)), near):
            made.append((blocks[number], grid, union(faces[[members[one] for one in sorted(group)]])))
    return made


def _take(stroke: Stroke, blocks, made, latitude: float) -> None:
    """Note what changes: moves, pieces with known figures, pieces to be counted; slivers absorbed."""
    count: dict[int, int] = defaultdict(int)
    for block, _grid, _shape in made:
        count[block.id] += 1
    shapes: dict[object, tuple] = {}
    for order, (block, grid, shape) in enumerate(made):
        whole = count[block.id] == 1
        if whole and shapely.equals_identical(shapely.normalize(shape), shapely.normalize(block.geom)):
            shapes[block.id] = (block.geom, grid, block, block.figures)
        else:
            # A block that only got nodes is the same ground: its figures hold.
            shapes["piece", order] = (shape, grid, block, block.figures if whole else None)
    closed = {number for number, grid in stroke.draft.grids.items() if grid.locked}
    _absorb(shapes, latitude, closed)
    for key, (shape, grid, block, figures) in shapes.items():
        if isinstance(key, int):
            if grid != block.grid:
                stroke.moves[key] = grid
        else:
            stroke.pieces.append(Piece(shape, grid, block.community, block.estate, figures))
    stroke.removed |= {block.id for block in blocks if block.id not in shapes}


def _absorb(shapes: dict, latitude: float, closed: set[int]) -> None:
    """Pieces that are slivers join the neighbour of their grid with which they share most border.

    A crumb (narrower than ``CRUMB_M``) without one goes to another grid's piece beside it, unless that grid
    is among the ``closed``.
    """
    pieces = [key for key in shapes if not isinstance(key, int) and shapes[key][3] is None]
    if not pieces:
        return
    thin = slivers([shapes[key][0] for key in pieces], latitude)
    waiting = sorted(
        (key for key, is_thin in zip(pieces, thin, strict=True) if is_thin),
        key=lambda key: shapely.area(shapes[key][0]),
    )
    while waiting:
        key = waiting.pop(0)
        shape, grid, _block, _figures = shapes[key]
        others = [other for other in shapes if other != key]
        near = [other for other in others if shapely.intersects(shapes[other][0], shape)]
        shared = shared_lengths([shape, *(shapes[other][0] for other in near)], latitude).get(0, {})
        same = [number for number in shared if shapes[near[number - 1]][1] == grid]
        if not same and shapely.is_empty(shapely.buffer(metric(shape, latitude), -CRUMB_M / 2)):
            same = [number for number in shared if shapes[near[number - 1]][1] not in closed]
            alone = not any(shapes[other][1] == grid for other in others)
            same = [] if alone else same
        if not same:
            continue
        heir = near[max(same, key=lambda number: (round(shared[number], 3), -number)) - 1]
        whole, heirs, block, _figures = shapes.pop(heir)
        del shapes[key]
        joined = "piece", "joined", *_name(key), *_name(heir)
        shapes[joined] = (union([shape, whole]), heirs, block, None)
        if heir in waiting:
            waiting.remove(heir)
            if slivers([shapes[joined][0]], latitude)[0]:
                waiting.append(joined)


def _name(key) -> tuple:
    return key if isinstance(key, tuple) else (key,)


# --- Snapping ---------------------------------------------------------------------------------------


def snapped(stroke: Stroke, community: str, line, metres: float):
    """A line whose vertices were moved to the nearest corner, or else the nearest edge, of a block."""
    if not metres:
        return line
    geoms = [block.geom for block in stroke.draft.in_community(community)]
    latitude = shapely.get_y(shapely.centroid(geoms[0]))
    scale = np.array([squeeze(latitude), METRES_PER_DEGREE])
    corners = np.unique(shapely.get_coordinates(geoms), axis=0)
    corner_tree = shapely.STRtree(shapely.points(corners * scale))
    edges = shapely.transform(shapely.boundary(np.array(geoms, dtype=object)), lambda xy: xy * scale)
    edge_tree = shapely.STRtree(edges)

    def move(xy):
        result = []
        for place in xy:
            point = shapely.Point(place * scale)
            near = corner_tree.query_nearest(point, max_distance=metres)
            if len(near):
                result.append(corners[near[0]])
                continue
            near = edge_tree.query_nearest(point, max_distance=metres)
            if len(near):
                edge = edges[near[0]]
                on = shapely.line_interpolate_point(edge, shapely.line_locate_point(edge, point))
                result.append(np.round(shapely.get_coordinates(on)[0] / scale, 8))
                continue
            result.append(place)
        return np.array(result)

    moved = on_lattice(shapely.transform(line, move))
    # Two places may have met on one corner.
    return shapely.remove_repeated_points(moved)
