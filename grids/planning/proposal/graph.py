"""Blocks of a community as a graph: what must stay together is one node, what must not change is left out."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely

from grids.coverage import metric
from grids.planning.lattice import shared_lengths

# A border shorter than this (metres) is a corner, not a border.
CORNER_M = 0.05


@dataclass
class Ground:
    """The blocks of one community, by index: WGS-84 polygons noded with each other, and what stands in them.

    ``weights`` is the measure to balance, ``homes`` what "kept" is counted in, ``present`` the number of each
    block's grid, ``fixed`` the grids that must not change. ``shared`` may bring the metres of border that
    blocks share (by index) when they are known already. ``closed`` lists pairs of blocks that nobody can
    cross between (a river without a bridge).
    """

    ids: list[int]
    shapes: np.ndarray
    weights: np.ndarray
    homes: np.ndarray
    present: np.ndarray
    estates: list[str]
    fixed: frozenset[int] = frozenset()
    shared: dict[int, dict[int, float]] | None = None
    closed: frozenset[tuple[int, int]] = frozenset()


@dataclass
class Graph:
    """Free ground as nodes 0..n-1. Lengths in metres, areas in square metres, on the local plane.

    ``regions`` are the nodes' connected components, heaviest first. ``estate`` is each node's
    estate; ``parted`` are estates that could not be one node, with the reason ("heavy" or "apart").
    """

    members: list[list[int]]
    weight: list[float]
    homes: list[float]
    area: list[float]
    outer: list[float]
    present: list[int]
    near: list[dict[int, float]]
    estate: list[str]
    regions: list[list[int]] = field(default_factory=list)
    parted: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.members)

    def blocks(self, ground: Ground, parts: list[int]) -> dict[int, int]:
        """Block id > part, from one part per node."""
        return {
            ground.ids[index]: int(part)
            for members, part in zip(self.members, parts, strict=True)
            for index in members
        }


def build(ground: Ground, heaviest: float) -> Graph:
    """The graph of the free blocks. An estate heavier than ``heaviest`` is no node: no grid could hold it."""
    latitude = float(np.mean(shapely.get_y(shapely.centroid(ground.shapes)))) if len(ground.ids) else 0.0
    shared = ground.shared if ground.shared is not None else shared_lengths(ground.shapes, latitude)
    free = [index for index in range(len(ground.ids)) if int(ground.present[index]) not in ground.fixed]
    inside = set(free)
    links = {
        index: {
            other: length
            for other, length in sorted(shared.get(index, {}).items())
            if length >= CORNER_M and other in inside
        }
        for index in free
    }
    members, parted = _contract(ground, free, _open(links, ground.closed), heaviest)
    node_of = {index: node for node, indexes in enumerate(members) for index in indexes}
    flat = metric(ground.shapes, latitude)
    area, perimeter = shapely.area(flat), shapely.length(shapely.boundary(flat))
    near: list[dict[int, float]] = [defaultdict(float) for _ in members]
    passable: list[set[int]] = [set() for _ in members]
    outer = [0.0] * len(members)
    for index in free:
        node = node_of[index]
        outer[node] += float(perimeter[index]) - sum(links[index].values())
        for other, length in links[index].items():
            if node_of[other] == node:
                continue
            near[node][node_of[other]] += length
            if not _closed(index, other, ground.closed):
                passable[node].add(node_of[other])
    graph = Graph(
        members=members,
        weight=[float(ground.weights[indexes].sum()) for indexes in members],
        homes=[float(ground.homes[indexes].sum()) for indexes in members],
        area=[float(area[indexes].sum()) for indexes in members],
        outer=outer,
        present=[_mostly(ground, indexes, area) for indexes in members],
        # Where nobody can pass, a border is drawn for nothing: it counts as outer border, not as a link.
        near=[
            {other: links[other] for other in sorted(links) if other in passable[node]}
            for node, links in enumerate(near)
        ],
        estate=[ground.estates[indexes[0]] for indexes in members],
        parted=parted,
    )
    for node, links in enumerate(near):
        graph.outer[node] += sum(length for other, length in links.items() if other not in passable[node])
    graph.regions = regions(graph)
    return graph


def _closed(one: int, other: int, closed) -> bool:
    return ((one, other) if one < other else (other, one)) in closed


def _open(links, closed):
    if not closed:
        return links
    return {
        index: {other: length for other, length in found.items() if not _closed(index, other, closed)}
        for index, found in links.items()
    }


def _contract(ground: Ground, free, links, heaviest) -> tuple[list[list[int]], dict[str, str]]:
    """Groups of blocks that are one node: each estate as one piece of ground, every other block by itself."""
    by_estate = defaultdict(list)
    for index in free:
        if ground.estates[index]:
            by_estate[ground.estates[index]].append(index)
    joined: dict[int, list[int]] = {}
    parted = {}
    for estate, indexes in sorted(by_estate.items()):
        if len(indexes) > 1 and float(ground.weights[indexes].sum()) > heaviest:
            parted[estate] = "heavy"
            continue
        pieces = _pieces(indexes, links)
        if len(pieces) > 1:
            parted[estate] = "apart"
        for piece in pieces:
            joined[piece[0]] = piece
    taken = {index for piece in joined.values() for index in piece}
    groups = sorted([*joined.values(), *([index] for index in free if index not in taken)])
    return groups, parted


def _pieces(indexes: list[int], links) -> list[list[int]]:
    """Connected pieces of some blocks, each sorted, in order of their first block."""
    left, found = set(indexes), []
    for start in sorted(indexes):
        if start not in left:
            continue
        left.discard(start)
        piece, queue = [start], [start]
        while queue:
            for other in links[queue.pop()]:
                if other in left:
                    left.discard(other)
                    piece.append(other)
                    queue.append(other)
        found.append(sorted(piece))
    return found


def _mostly(ground: Ground, indexes, area) -> int:
    """The grid that most homes of a node are in; by area where there are none."""
    share: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for index in indexes:
        number = int(ground.present[index])
        homes, ground_area = share[number]
        share[number] = (homes + float(ground.homes[index]), ground_area + float(area[index]))
    return max(sorted(share), key=lambda number: share[number])


def regions(graph: Graph) -> list[list[int]]:
    """Connected components of the free ground, heaviest first."""
    found = _pieces(list(range(len(graph))), graph.near)
    return sorted(found, key=lambda nodes: (-sum(graph.weight[node] for node in nodes), nodes[0]))


def share_out(weights: list[float], sizes: list[int], grids: int) -> list[int] | None:
    """How many of ``grids`` each region gets (whole numbers, at least one, at most its nodes).

    The numbers with the least deviation from the mean; None when there are more regions than grids or more
    grids than nodes.
    """
    if grids < len(weights) or grids > sum(sizes):
        return None
    mean = sum(weights) / grids
    counts = [1] * len(weights)

    def off(region: int, count: int) -> float:
        return abs(weights[region] / count - mean)

    for _ in range(grids - len(weights)):
        # The next grid goes where the mean grid is heaviest: least greatest deviation above the mean.
        able = [region for region in range(len(weights)) if counts[region] < sizes[region]]
        heaviest = max(able, key=lambda region: (weights[region] / counts[region], -region))
        counts[heaviest] += 1
    # Then moves of one grid while they lower the greatest deviation.
    while True:
        worst = max(off(region, counts[region]) for region in range(len(weights)))
        best = None
        for giver in range(len(weights)):
            for taker in range(len(weights)):
                if giver == taker or counts[giver] == 1 or counts[taker] >= sizes[taker]:
                    continue
                tried = [*counts]
                tried[giver] -= 1
                tried[taker] += 1
                found = max(off(region, tried[region]) for region in range(len(weights)))
                if found < worst - 1e-9 and (best is None or found < best[0]):
                    best = (found, tried)
        if best is None:
            return counts
        counts = best[1]
