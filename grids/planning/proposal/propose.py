"""Finding some distinct proposals: GerryChain's seeds and chains, polished, judged, the best of each kept.

The work is counted in steps, never in seconds, so that the same seed and the same draft give the same
proposals on any machine. Imports GerryChain.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from grids.planning.proposal import judge
from grids.planning.proposal.graph import Graph, Ground, build, share_out
from grids.planning.proposal.recom import Region
from grids.planning.proposal.search import Aim, Division, Stopped, divide, from_present, polish

# Proposals that differ in less than this share of homes (half homes, half ground) are the same.
DISTINCT = 0.05
# Trials for each proposal that is wanted, before fewer are offered: more where they cost little.
TRIALS, TRIALS_SMALL, SMALL = 2, 4, 800
# With present borders to keep, trials take them ever more lightly, so that there is something to choose.
TASTES = (1.0, 0.7, 0.4, 0.2)
# Of a trial: recombinations per grid, and tries to hand a node over, per node.
STEPS, TRIES = 3, 200
FEWEST_TRIES, MOST_TRIES = 20_000, 1_000_000
# Turns of chain and polish; while the tolerance is not met, so many more.
TURNS, MORE_TURNS = 2, 3
WARMTH = 0.03
HALVING_TREES = 8


@dataclass(frozen=True)
class Wish:
    """What is asked for. ``grids`` counts only those that are to be drawn, without the fixed ones."""

    grids: int
    tolerance: float
    keep: float
    wanted: int
    seed: int


@dataclass
class Outlook:
    """What can be said before the search: the graph, how many grids each region gets, and why it may fail.

    ``reason`` is empty or "regions" (more pieces of ground than grids), "nodes" (fewer blocks than grids),
    "nothing" (nothing to balance). ``least`` is a deviation that no proposal can be below.
    """

    graph: Graph
    counts: list[int] = field(default_factory=list)
    reason: str = ""
    least: float = 0.0
    heaviest: int | None = None


@dataclass
class Found:
    """A proposal: the part of each free block, by index of the ground, and what the judge says."""

    blocks: np.ndarray
    parts: np.ndarray
    cost: float
    facts: dict


def look(ground: Ground, wish: Wish) -> Outlook:
    """Build the graph and see what is out of reach from the start."""
    free = ~np.isin(ground.present, list(ground.fixed))
    whole = float(ground.weights[free].sum())
    ideal = whole / max(wish.grids, 1)
    graph = build(ground, ideal * (1 + wish.tolerance))
    outlook = Outlook(graph)
    if not len(graph) or wish.grids < 1:
        outlook.reason = "nodes"
        return outlook
    if whole <= 0:
        outlook.reason = "nothing"
        return outlook
    weights = [sum(graph.weight[node] for node in nodes) for nodes in graph.regions]
    counts = share_out(weights, [len(nodes) for nodes in graph.regions], wish.grids)
    if counts is None:
        outlook.reason = "regions" if len(graph.regions) > wish.grids else "nodes"
        return outlook
    outlook.counts = counts
    means = [abs(weight / count - ideal) / ideal for weight, count in zip(weights, counts, strict=True)]
    heaviest = max(range(len(graph)), key=lambda node: graph.weight[node])
    over = graph.weight[heaviest] / ideal - 1
    outlook.least = max(*means, over, 0.0)
    if over > wish.tolerance:
        outlook.heaviest = heaviest
    return outlook


def propose(
    ground: Ground, wish: Wish, outlook: Outlook, tick: Callable[[float], None], measures: dict
) -> Iterator[list[Found]]:
    """The best proposals so far, each time there is another or a better one.

    ``tick(progress)`` is called often; it may raise ``Stopped``.
    """
    graph = outlook.graph
    aim = Aim.of(graph, wish.grids, wish.tolerance, wish.keep)
    # The first trial is a quick one, so that there is something to look at.
    trials = 1 + wish.wanted * (TRIALS_SMALL if len(graph) <= SMALL else TRIALS)
    blocks = np.array([index for members in graph.members for index in members])
    worth = ground.homes[blocks] / max(ground.homes[blocks].sum(), 1e-9)
    area = np.concatenate(
        [np.full(len(m), a / len(m)) for m, a in zip(graph.members, graph.area, strict=True)]
    )
    worth = worth + area / area.sum()
    found: list[Found] = []
    regions = [Region(graph, nodes, aim) for nodes in graph.regions]
    for trial in range(trials):
        # One trial more than were wanted may still find something better; then that is it.
        if trial > wish.wanted + 1 and len(found) == wish.wanted and _within(found[-1], wish):
            break
        rng = random.Random(f"{wish.seed}:{trial}")
        begun, parts, cost, first = trial / trials, [0] * len(graph), 0.0, 0
        for region, count in zip(regions, outlook.counts, strict=True):
            share = len(region.nodes) / len(graph) / trials
            region.aim = replace(aim, keep=wish.keep * TASTES[max(0, trial - 1) % len(TASTES)])
            part = _trial(region, count, trial, rng, partial(_told, tick, begun, share)).part
            division = Division(graph, region.nodes, part, count, aim)
            begun += share
            for node, part in division.part.items():
                parts[node] = first + part
            cost += division.cost()
            first += count
        chosen = np.repeat(parts, [len(members) for members in graph.members])
        facts = judge.assess(chosen, ground, blocks, measures)
        if _keep(found, Found(blocks, chosen, cost, facts), worth, wish):
            yield list(found)
    tick(1.0)


def _told(tick, begun: float, share: float, part: float) -> None:
    tick(min(1.0, begun + share * part))


def _within(found: Found, wish: Wish) -> bool:
    return found.facts["deviation"] <= wish.tolerance + 1e-9


def _rank(found: Found, wish: Wish):
    return (not _within(found, wish), found.facts["deviation"] if not _within(found, wish) else 0, found.cost)


def _keep(found: list[Found], new: Found, worth, wish: Wish) -> bool:
    """Take a new proposal in, if it is distinct or better than the one it is like. Best first."""
    alike = [old for old in found if judge.difference(old.parts, new.parts, worth) < DISTINCT]
    if any(_rank(old, wish) <= _rank(new, wish) for old in alike):
        return False
    rest = [old for old in found if not any(old is one for one in alike)]
    ranked = sorted([*rest, new], key=lambda one: _rank(one, wish))
    # What is off is offered only while there is nothing better.
    found[:] = [one for one in ranked if _within(one, wish) or not _within(ranked[0], wish)][: wish.wanted]
    return any(one is new for one in found)


def _trial(region: Region, count: int, trial: int, rng, at: Callable[[float], None]) -> Division:
    """One division of a region: a beginning, a chain, a polish; for the next trial another beginning."""
    graph, nodes, aim = region.graph, region.nodes, region.aim
    if count == 1:
        return Division(graph, nodes, dict.fromkeys(nodes, 0), 1, aim)

    region.tick = still = partial(at, 0.0)
    # The more the present borders weigh, the more likely a trial begins with them.
    start = None
    if aim.keep and (trial <= 1 or rng.random() < aim.keep):
        start = from_present(graph, nodes, count, rng, HALVING_TREES, still)
    if start is None:
        start = region.seed(count, rng)
    if start is None:
        start = divide(graph, nodes, count, rng, aim.keep, HALVING_TREES, still)
    tries = min(MOST_TRIES, max(FEWEST_TRIES, TRIES * len(nodes)))
    division = Division(graph, nodes, start, count, aim)
    # With the present borders in hand the first trials go no further than it must.
    heat = 0.3 if trial <= 1 and aim.keep else 1.5
    polish(division, rng, tries, heat, partial(at, 0.1))
    turns = TURNS
    for turn in range(TURNS + MORE_TURNS if trial else 0):
        if turn >= turns and _meets(division, aim):
            break
        region.tick = partial(at, 0.2 + 0.7 * min(turn, turns) / (turns + 1))
        part = region.chain(division, STEPS * count, WARMTH, rng)
        division.assign(part)
        polish(division, rng, tries, heat / 2, region.tick)
    return division


def _meets(division: Division, aim: Aim) -> bool:
    return all(abs(weight - aim.ideal) <= aim.tolerance * aim.ideal + 1e-9 for weight in division.weight)


__all__ = ["Found", "Outlook", "Stopped", "Wish", "look", "propose"]
