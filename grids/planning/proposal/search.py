"""A division of a graph, what it costs, and moves that make it better. Plain Python, no library.

The cost weighs four things: weight outside the tolerance (by far the dearest), borders (metres, so that grids
are compact), homes that change their grid, and present borders that are left or newly drawn.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grids.planning.proposal.graph import Graph

# Prices. Borders are in units of sqrt(area x grids), of which a city's blocks need about two or three.
OUTSIDE, OUTSIDE_SQUARED = 100.0, 500.0
UNEVEN = 3.0
MOVED = 6.0
LEFT_BORDER = 0.5


class Stopped(Exception):
    """Somebody asked to stop."""


@dataclass(frozen=True)
class Aim:
    """What one region's parts should be: ``ideal`` weight each, within ``tolerance`` (a share of it)."""

    ideal: float
    tolerance: float
    keep: float
    span: float

    @classmethod
    def of(cls, graph: Graph, grids: int, tolerance: float, keep: float) -> "Aim":
        """For all free ground: every part is held to the same mean."""
        span = math.sqrt(max(sum(graph.area), 1e-9) * grids)
        return cls(sum(graph.weight) / grids, tolerance, keep, span)

    def uneven(self, weight: float, stern: float = 1.0) -> float:
        """The price of a part's weight."""
        share = abs(weight - self.ideal) / self.ideal
        over = max(0.0, share - self.tolerance)
        return UNEVEN * share * share + stern * over * (OUTSIDE + OUTSIDE_SQUARED * over)


class Division:
    """Parts of a region's nodes, kept connected move by move. Parts are numbered 0..count-1.

    ``home`` is the present grid that each part continues (or None): the one it shares most homes with.
    """

    def __init__(
        self, graph: Graph, nodes: Sequence[int], part: dict[int, int], count: int, aim: Aim, edges=None
    ):
        self.graph, self.nodes, self.count, self.aim = graph, nodes, count, aim
        self.part = dict(part)
        self.weight = [0.0] * count
        self.size = [0] * count
        for node in self.nodes:
            self.weight[self.part[node]] += graph.weight[node]
            self.size[self.part[node]] += 1
        self.edges = edges or [(a, b) for a in nodes for b in graph.near[a] if a < b]
        self.all_homes = max(sum(graph.homes), 1e-9)
        self.home: list[int | None] = [None] * count
        # How much of the price of being outside the tolerance is asked.
        self.stern = 1.0
        self.settle()

    def settle(self) -> None:
        """Decide anew which present grid each part continues: greatest shared homes first."""
        shares: dict[tuple[int, int], float] = {}
        for node in self.nodes:
            key = (self.part[node], self.graph.present[node])
            shares[key] = shares.get(key, 0.0) + self.graph.homes[node] + 1e-6 * self.graph.area[node]
        self.home = [None] * self.count
        taken = set()
        for (part, number), _share in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
            if self.home[part] is None and number not in taken:
                self.home[part] = number
                taken.add(number)

    def border(self, one: int, other: int, length: float, apart: bool) -> float:
        """The price of a shared border that is cut (``apart``) or not."""
        keep = self.aim.keep
        present = self.graph.present[one] != self.graph.present[other]
        if apart:
            return length * (1.0 - keep) if present else length
        return length * keep * LEFT_BORDER if present else 0.0

    def cost(self) -> float:
        """The price of the division as it is."""
        graph, total = self.graph, 0.0
        for one, other in self.edges:
            apart = self.part[one] != self.part[other]
            total += self.border(one, other, graph.near[one][other], apart) / self.aim.span
        total += sum(self.aim.uneven(weight, self.stern) for weight in self.weight)
        moved = sum(
            graph.homes[node] for node in self.nodes if self.home[self.part[node]] != graph.present[node]
        )
        return total + MOVED * self.aim.keep * moved / self.all_homes

    def change(self, node: int, target: int) -> float:
        """By how much the cost changes when a node goes to another part (contiguity is not looked at)."""
        graph, source, change = self.graph, self.part[node], 0.0
        for other, length in graph.near[node].items():
            side = self.part[other]
            if side == source:
                change += self.border(node, other, length, True) - self.border(node, other, length, False)
            elif side == target:
                change += self.border(node, other, length, False) - self.border(node, other, length, True)
        change /= self.aim.span
        weight, uneven = graph.weight[node], self.aim.uneven
        if weight:
            stern, given, taken = self.stern, self.weight[source], self.weight[target]
            change += uneven(given - weight, stern) - uneven(given, stern)
            change += uneven(taken + weight, stern) - uneven(taken, stern)
        if self.aim.keep and graph.homes[node]:
            price = MOVED * self.aim.keep * graph.homes[node] / self.all_homes
            present = graph.present[node]
            change += price * ((self.home[source] == present) - (self.home[target] == present))
        return change

    def can_leave(self, node: int) -> bool:
        """Whether a node's part stays connected (and is not empty) without it."""
        source = self.part[node]
        if self.size[source] == 1:
            return False
        near, part = self.graph.near, self.part
        wanted = {other for other in near[node] if part[other] == source}
        if len(wanted) <= 1:
            return True
        start = min(wanted)
        seen, queue = {node, start}, [start]
        wanted.discard(start)
        while queue:
            for other in near[queue.pop()]:
                if other not in seen and part[other] == source:
                    wanted.discard(other)
                    if not wanted:
                        return True
                    seen.add(other)
                    queue.append(other)
        return False

    def move(self, node: int, target: int) -> None:
        source, weight = self.part[node], self.graph.weight[node]
        self.weight[source] -= weight
        self.weight[target] += weight
        self.size[source] -= 1
        self.size[target] += 1
        self.part[node] = target

    def assign(self, part: dict[int, int]) -> None:
        """Take another division over."""
        for node in self.nodes:
            if self.part[node] != part[node]:
                self.move(node, part[node])
        self.settle()


PHASES = 12


def polish(
    division: Division,
    rng: random.Random,
    tries: int,
    heat: float,
    tick: Callable[[], None],
    among: set[int] | None = None,
) -> None:
    """Hand nodes over borders, ``tries`` times in all, ever colder; in the end nothing is worse than before.

    ``heat`` is in borders of usual length. While it is warm the tolerance is taken lightly, so that parts can
    pass weight on through their neighbours; from the last third on it is meant. ``among`` names the
    parts that may change; all, if it is left out.
    """
    edges, part = division.edges, division.part
    if among is not None:
        edges = [edge for edge in edges if part[edge[0]] in among and part[edge[1]] in among]
    if not edges or division.count < 2:
        return
    graph, span = division.graph, division.aim.span
    usual = sum(graph.near[one][other] for one, other in edges) / len(edges) / span
    division.stern = 1.0
    best, best_cost, cost = dict(part), division.cost(), None
    pick, count = rng.random, len(edges)
    for phase in range(PHASES):
        cool = phase / PHASES
        warmth = heat * usual * (1.0 - cool) ** 2 if phase < PHASES - 1 else 0.0
        division.stern = 1.0 if cool >= 0.66 or not heat else 0.01 ** (1.0 - cool / 0.66)
        meant = division.stern == 1.0
        if among is None:
            division.settle()
        if meant and (cost is None or among is None):
            cost = division.cost()
        for number in range(max(1, tries // PHASES)):
            if number % 500 == 0:
                tick()
            one, other = edges[int(pick() * count)]
            if part[one] == part[other]:
                continue
            if pick() < 0.5:
                one, other = other, one
            change = division.change(one, part[other])
            if change > 0 and (warmth <= 0 or pick() >= math.exp(-change / warmth)):
                continue
            if division.can_leave(one):
                division.move(one, part[other])
                if meant:
                    cost += change
        if meant and cost < best_cost - 1e-9:
            best, best_cost = dict(part), cost
    division.assign(best)


# --- Divisions to begin with --------------------------------------------------------------------------


def random_tree(graph: Graph, nodes: Sequence[int], rng: random.Random, surcharge: float):
    """A spanning tree of connected nodes as (order from the root, parent), over present borders last."""
    inside = set(nodes)
    present = graph.present
    edges = []
    for one in nodes:
        for other in graph.near[one]:
            if one < other and other in inside:
                extra = surcharge if present[one] != present[other] else 0.0
                edges.append((rng.random() + extra, one, other))
    edges.sort()
    leader = {node: node for node in nodes}

    def find(node):
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    links: dict[int, list[int]] = {node: [] for node in nodes}
    for _weight, one, other in edges:
        first, second = find(one), find(other)
        if first != second:
            leader[first] = second
            links[one].append(other)
            links[other].append(one)
    root = nodes[0]
    order, parent = [root], {root: None}
    for node in order:
        for other in links[node]:
            if other != parent[node]:
                parent[other] = node
                order.append(other)
    return order, parent


def halve(
    graph: Graph, nodes: Sequence[int], count: int, rng: random.Random, surcharge: float, trees: int
) -> tuple[list[int], int, list[int], int]:
    """Two connected halves of connected nodes, for ``count`` (at least 2) grids in all, and each one's grids.

    The best of ``trees`` random spanning trees' edges: each half close to a whole number of mean grids.
    There always is one, because every tree has leaves.
    """
    whole = sum(graph.weight[node] for node in nodes)
    best = None
    for _ in range(trees):
        order, parent = random_tree(graph, nodes, rng, surcharge)
        below_weight = {node: graph.weight[node] for node in order}
        below_size = dict.fromkeys(order, 1)
        for node in reversed(order[1:]):
            below_weight[parent[node]] += below_weight[node]
            below_size[parent[node]] += below_size[node]
            size, weight = below_size[node], below_weight[node]
            low = max(1, count - (len(nodes) - size))
            high = min(count - 1, size)
            share = weight / whole * count if whole else size / len(nodes) * count
            # As equal halves as can be: with many grids any cut is near some whole number.
            for grids in {min(max(round(share), low), high), min(max(count // 2, low), high)}:
                off = abs(share - grids) / min(grids, count - grids)
                uneven = 0.02 * abs(2 * grids - count) / count
                key = (off + uneven, node)
                if best is None or key < best[0]:
                    best = (key, node, grids, order, parent)
    _key, top, grids, order, parent = best
    side = {top}
    for node in order:
        if parent[node] in side:
            side.add(node)
    inner = [node for node in nodes if node in side]
    rest = [node for node in nodes if node not in side]
    return inner, grids, rest, count - grids


def divide(graph: Graph, nodes, count: int, rng, surcharge: float, trees: int, tick) -> dict[int, int]:
    """``count`` connected parts, as balanced as halving gets them. Needs at least ``count`` nodes."""
    part: dict[int, int] = {}
    queue, number = [(sorted(nodes), count)], 0
    while queue:
        tick()
        piece, grids = queue.pop()
        if grids == 1:
            part.update(dict.fromkeys(piece, number))
            number += 1
            continue
        inner, first, rest, second = halve(graph, piece, grids, rng, surcharge, trees)
        queue += [(inner, first), (rest, second)]
    return part


def from_present(graph: Graph, nodes, count: int, rng, trees: int, tick) -> dict[int, int]:
    """The present grids, the heaviest halved or the lightest merged until there are ``count``."""
    inside = set(nodes)
    parts: list[list[int]] = []
    seen: set[int] = set()
    for node in sorted(nodes):
        if node in seen:
            continue
        # A present grid may lie in pieces of free ground: each is a part.
        piece, queue = [node], [node]
        seen.add(node)
        while queue:
            for other in graph.near[queue.pop()]:
                if other in inside and other not in seen and graph.present[other] == graph.present[node]:
                    seen.add(other)
                    piece.append(other)
                    queue.append(other)
        parts.append(sorted(piece))

    def heft(piece):
        return sum(graph.weight[node] for node in piece)

    while len(parts) > count:
        tick()
        lightest = min(parts, key=lambda piece: (heft(piece), piece[0]))
        parts.remove(lightest)
        owner = {node: index for index, piece in enumerate(parts) for node in piece}
        shared: dict[int, float] = {}
        for node in lightest:
            for other, length in graph.near[node].items():
                if other in owner:
                    shared[owner[other]] = shared.get(owner[other], 0.0) + length
        heir = min(shared, key=lambda index: (heft(parts[index]), index))
        parts[heir] = sorted(parts[heir] + lightest)
    while len(parts) < count:
        tick()
        able = [piece for piece in parts if len(piece) > 1]
        heaviest = max(able, key=lambda piece: (heft(piece), -piece[0]))
        parts.remove(heaviest)
        inner, _first, rest, _second = halve(graph, heaviest, 2, rng, 0.0, trees)
        parts += [inner, rest]
    return {node: index for index, piece in enumerate(parts) for node in piece}
