"""Noded polygons on the lattice of 1e-8 degrees: faces, shared borders, and nodes that carry no shape.

Pure: knows no database. All in WGS-84 degrees; lengths and areas in metres on the local plane.
"""

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import shapely

from grids.coverage import LATTICE, METRES_PER_DEGREE, metric, on_lattice

# How far noding may have moved a point of an edge: half a cell's diagonal, twice over.
IDLE = 2e-8
# A line that passes a corner of a border at less than this (about 10 cm) passes through it.
NEAR = 1e-6
SLIVER_M, SLIVER_M2 = 3.0, 50.0


def cut_up(shapes, lines) -> tuple[np.ndarray, np.ndarray]:
    """Cut polygons of a coverage along lines: the faces, and the number of the polygon each belongs to.

    Everything is noded on the lattice, loose ends of lines are dropped. A border moves by less than a cell
    where a line meets it, so a point cannot tell where a narrow face lies: the borders are followed from
    vertex to vertex instead, and a face is of the polygon on whose side it has them.
    """
    shapes = shapely.orient_polygons(np.asarray(list(shapes), dtype=object))
    corners = shapely.multipoints(np.unique(shapely.get_coordinates(shapes), axis=0))
    lines = shapely.snap(np.asarray(list(lines), dtype=object), corners, NEAR)
    every = np.array([*shapely.boundary(shapes), *lines], dtype=object)
    noded = on_lattice(shapely.union_all(every, grid_size=LATTICE))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    firm = _followed(shapes, noded)
    owner: dict[int, int] = {}
    sides: dict[tuple, int] = {}
    neighbours: dict[int, set] = defaultdict(set)
    number, start, end = steps_of(shapely.orient_polygons(faces))
    for face, step in zip(number.tolist(), map(tuple, np.hstack([start, end]).tolist()), strict=True):
        if step in firm:
            owner[face] = firm[step]
            continue
        back = step[2:] + step[:2]
        if back in firm:
            continue
        if back in sides:
            neighbours[face].add(sides[back])
            neighbours[sides[back]].add(face)
        sides[step] = face
    belongs = np.full(len(faces), -1)
    for group in parts(range(len(faces)), neighbours):
        # Nothing but what lies outside all polygons has none of their borders on its side.
        belongs[sorted(group)] = next((owner[face] for face in sorted(group) if face in owner), -1)
    return faces[belongs >= 0], belongs[belongs >= 0]


def _cells(geometry) -> list[tuple[int, int]]:
    return list(map(tuple, np.rint(shapely.get_coordinates(geometry) / LATTICE).astype(np.int64).tolist()))


def _followed(shapes, noded) -> dict[tuple[int, int, int, int], int]:
    """The noded edges that the borders of polygons have become, from start to end, by polygon."""
    links: dict[tuple, set] = defaultdict(set)
    for line in shapely.get_parts(noded):
        cells = _cells(line)
        for here, there in pairwise(cells):
            links[here].add(there)
            links[there].add(here)
    firm, bent = {}, []
    number, start, end = steps_of(shapes)
    for shape, a, b in zip(
        number.tolist(), map(tuple, start.tolist()), map(tuple, end.tolist()), strict=True
    ):
        if b in links[a]:
            firm[(*a, *b)] = shape
        elif a != b:
            bent.append((a, b, shape))
    if not bent:
        return firm
    nodes = list(links)
    tree = shapely.STRtree(shapely.points(np.array(nodes, dtype=float)))
    lines = shapely.linestrings(np.array([(a, b) for a, b, _shape in bent], dtype=float))
    near: dict[int, set] = defaultdict(set)
    for segment, node in zip(*tree.query(lines, predicate="dwithin", distance=1.5).tolist(), strict=True):
        near[segment].add(nodes[node])
    for line, (a, b, shape) in enumerate(bent):
        # Both sides of a border are followed the same way, or they would part.
        for here, there in _path(min(a, b), max(a, b), near[line], links):
            firm[(*here, *there) if a < b else (*there, *here)] = shape
    return firm


def _path(a, b, near, links):
    """From node to node along a straight border, each step as far forward as an edge goes."""
    ahead = np.subtract(b, a)

    def along(cell):
        return float(np.dot(np.subtract(cell, a), ahead))

    came, reach = {a: None}, [a]
    while reach and b not in came:
        here = max(reach, key=along)
        reach.remove(here)
        for there in links[here]:
            if there in near and there not in came:
                came[there] = here
                reach.append(there)
    steps, here = [], b
    while came.get(here) is not None:
        steps.append((came[here], here))
        here = came[here]
    return steps


def squeeze(latitude: float) -> float:
    """Metres of a degree of longitude at a latitude."""
    return METRES_PER_DEGREE * math.cos(math.radians(latitude))


def steps_of(polygons) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every edge of polygons as their rings go: number of the polygon, start and end as lattice cells."""
    single, of_part = shapely.get_parts(np.asarray(polygons, dtype=object), return_index=True)
    rings, of_ring = shapely.get_rings(single, return_index=True)
    of_ring = of_part[of_ring]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    cells = np.rint(xy / LATTICE).astype(np.int64)
    same = ring[:-1] == ring[1:]
    return of_ring[ring[:-1][same]], cells[:-1][same], cells[1:][same]


def edges_of(polygons) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every edge of polygons: number of its polygon, and its two ends in the order of cells."""
    number, a, b = steps_of(polygons)
    swap = ((a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1])))[:, None]
    return number, np.where(swap, b, a), np.where(swap, a, b)


def shared_lengths(polygons, latitude: float) -> dict[int, dict[int, float]]:
    """Metres of border that each pair of noded polygons shares, by their numbers."""
    shared: dict[int, dict[int, float]] = defaultdict(dict)
    if not len(polygons):
        return shared
    owner, low, high = edges_of(polygons)
    order = np.lexsort((high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    owner, low, high = owner[order], low[order], high[order]
    twin = np.flatnonzero((low[:-1] == low[1:]).all(axis=1) & (high[:-1] == high[1:]).all(axis=1))
    step = (high[twin] - low[twin]) * LATTICE
    metres = np.hypot(step[:, 0] * squeeze(latitude), step[:, 1] * METRES_PER_DEGREE)
    for one, other, length in zip(
        owner[twin].tolist(), owner[twin + 1].tolist(), metres.tolist(), strict=True
    ):
        if one != other:
            shared[one][other] = shared[one].get(other, 0.0) + length
            shared[other][one] = shared[one][other]
    return shared


def slivers(polygons, latitude: float) -> np.ndarray:
    """Which polygons are narrower than 3 m everywhere or smaller than 50 m²."""
    flat = metric(np.asarray(polygons, dtype=object), latitude)
    thin = shapely.is_empty(shapely.buffer(flat, -SLIVER_M / 2, quad_segs=2))
    return thin | (shapely.area(flat) < SLIVER_M2)


def union(polygons):
    """The union of noded polygons: a Polygon where they hang together by edges."""
    whole = shapely.coverage_union_all(np.asarray(list(polygons), dtype=object))
    if whole.geom_type != "Polygon" and shapely.get_num_geometries(whole) == 1:
        whole = shapely.get_geometry(whole, 0)
    return whole


def parts(numbers, neighbours) -> list[set]:
    """Numbers in groups that hang together by shared borders; a shared corner is not one."""
    waiting, groups = set(numbers), []
    while waiting:
        group, reach = set(), [min(waiting)]
        while reach:
            one = reach.pop()
            if one in waiting:
                waiting.discard(one)
                group.add(one)
                reach.extend(other for other in neighbours.get(one, ()) if other in waiting)
        groups.append(group)
    return groups


def without_idle_nodes(shapes: dict, keep=()) -> dict:
    """Shapes of a coverage without the nodes that noding left in straight borders.

    A node stays where three borders meet, where it is one of ``keep`` (integer lattice cells), and wherever
    the border would move by more than ``IDLE`` without it. Both sides of a border lose the same nodes.
    """
    ends: dict[tuple, set] = defaultdict(set)
    rings = {}
    for key, shape in shapes.items():
        rings[key] = []
        for polygon in shapely.get_parts(shape):
            loops = []
            for ring in (polygon.exterior, *polygon.interiors):
                cells = np.rint(shapely.get_coordinates(ring) / LATTICE).astype(np.int64)
                loop = list(map(tuple, cells[:-1].tolist()))
                for here, there in zip(loop, loop[1:] + loop[:1], strict=True):
                    ends[here].add(there)
                    ends[there].add(here)
                loops.append(loop)
            rings[key].append(loops)
    firm = {cell for cell, others in ends.items() if len(others) > 2} | set(keep)
    idle: dict[tuple, bool] = {}
    for polygons in rings.values():
        for loops in polygons:
            for loop in loops:
                for chain in _chains(loop, firm):
                    _judge(chain, idle)

    def ring_of(loop):
        left = [cell for cell in loop if not idle.get(cell, False)]
        return [(x / 1e8, y / 1e8) for x, y in (left if len(left) > 2 else loop)]

    result = {}
    for key, polygons in rings.items():
        made = [
            shapely.Polygon(ring_of(loops[0]), [ring_of(loop) for loop in loops[1:]]) for loops in polygons
        ]
        result[key] = on_lattice(made[0] if len(made) == 1 else shapely.MultiPolygon(made))
    return result


def _chains(loop, firm):
    """The stretches of a ring between firm nodes, each in the order that does not depend on the ring's."""
    starts = [number for number, cell in enumerate(loop) if cell in firm]
    if not starts:
        # A ring on its own: its two extreme corners hold it.
        starts = sorted({loop.index(min(loop)), loop.index(max(loop))})
    for start, end in zip(starts, [*starts[1:], starts[0] + len(loop)], strict=True):
        chain = [loop[number % len(loop)] for number in range(start, end + 1)]
        if len(chain) > 2:
            yield (
                chain
                if chain[0] < chain[-1] or (chain[0] == chain[-1] and chain[1] < chain[-2])
                else chain[::-1]
            )


def _judge(chain, idle) -> None:
    if chain[1] in idle:
        return
    # Douglas and Peucker on whole cells, so that no rounding decides.
    line = shapely.simplify(shapely.LineString(chain), IDLE / LATTICE, preserve_topology=False)
    left = set(map(tuple, shapely.get_coordinates(line).astype(np.int64).tolist()))
    for cell in chain[1:-1]:
        idle[cell] = cell not in left
