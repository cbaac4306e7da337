"""GerryChain's part: a seed division, and a chain of recombinations (ReCom) under the cost of ``search``.

Every split draws at most a fixed number of spanning trees, and every tree looks whether to stop. Imported by
the job alone: the library costs a second and 100 MB.
"""

import math
import random
from collections.abc import Callable
from functools import partial

import networkx
from gerrychain import Graph as ChainGraph
from gerrychain import MarkovChain, Partition
from gerrychain.constraints import no_vanishing_districts
from gerrychain.partition import recursive_tree_part
from gerrychain.proposals import build_recom_proposal_fn
from gerrychain.proposals.tree_proposals import MetagraphError
from gerrychain.tree import (
    BalanceError,
    PopulationBalanceError,
    ReselectException,
    bipartition_tree,
    random_spanning_tree,
)

from grids.planning.proposal.graph import Graph
from grids.planning.proposal.search import Aim, Division, polish

SEED_TREES = 40
STEP_TREES = 12
# What crossing an estate's border costs a tree (edges weigh 0 to 1).
ESTATE = 0.3
# Tries per node of the two grids that a step drew anew.
SMOOTHING = 60
NO_SPLIT = (RuntimeError, BalanceError, PopulationBalanceError, ReselectException, MetagraphError)


class Region:
    """A connected region of the graph as GerryChain wants it: nodes 0..n-1 in the order of ``nodes``."""

    tick: Callable[[], None]

    def __init__(self, graph: Graph, nodes: list[int], aim: Aim):
        self.graph, self.nodes, self.aim = graph, nodes, aim
        self.tick = lambda: None
        place = {node: index for index, node in enumerate(nodes)}
        network = networkx.Graph()
        for index, node in enumerate(nodes):
            network.add_node(
                index,
                weight=graph.weight[node],
                present=graph.present[node],
                estate=graph.estate[node],
            )
        for node in nodes:
            for other in graph.near[node]:
                if node < other:
                    network.add_edge(place[node], place[other])
        self.network = network
        self.chain_graph = ChainGraph.from_networkx(network)

    @property
    def surcharge(self) -> dict[str, float]:
        """Trees cross present borders (and those of parted estates) last, so that cuts run along them."""
        return {"present": self.aim.keep, "estate": ESTATE}

    def _tree(self, graph, region_surcharge=None, *, rng):
        self.tick()
        if len(graph.node_indices) < 2:
            # A wide tolerance may have left one node for two grids; the library expects an edge.
            raise BalanceError
        return random_spanning_tree(graph, region_surcharge, rng=rng)

    def _split(self, trees: int, reselect: bool):
        return partial(
            bipartition_tree,
            max_attempts=trees,
            warn_attempts=trees + 1,
            allow_pair_reselection=reselect,
            spanning_tree_fn=self._tree,
        )

    def seed(self, count: int, rng: random.Random) -> dict[int, int] | None:
        """A division of the region within the tolerance, or within a wider one; None when there is none."""
        whole = sum(self.graph.weight[node] for node in self.nodes)
        for wider in (1, 1.5, 2.5):
            split = self._split(SEED_TREES, False)
            try:
                found = recursive_tree_part(
                    self.chain_graph,
                    range(count),
                    whole / count,
                    "weight",
                    min(0.9, self.aim.tolerance * wider),
                    bipartition_tree_fn=partial(split, region_surcharge=self.surcharge),
                    rng=rng,
                )
            except NO_SPLIT:
                continue
            return {self.nodes[index]: part for index, part in found.items()}
        return None

    def chain(self, division: Division, steps: int, heat: float, rng: random.Random) -> dict[int, int]:
        """The best division of a chain of ``steps`` recombinations that begins with ``division``.

        A step joins two neighbours and splits them anew (ReCom); these are polished before the cost decides.
        """
        count = division.count
        place = {node: index for index, node in enumerate(self.nodes)}
        prepared: list[Division] = [division]
        # An updater's value is kept by the state; what a step polished is at hand for it.
        start = Partition(
            self.chain_graph,
            {place[node]: part for node, part in division.part.items()},
            {"cost": lambda _state: prepared[-1].cost()},
        )
        spread = max(abs(weight - self.aim.ideal) / self.aim.ideal for weight in division.weight)
        recombine = build_recom_proposal_fn(
            pop_col="weight",
            pop_target=self.aim.ideal,
            # A start outside the tolerance is let in; the cost pulls it back.
            epsilon=min(0.95, max(self.aim.tolerance, spread)),
            region_surcharge=self.surcharge,
            bipartition_tree_fn=self._split(STEP_TREES, True),
        )

        def propose(state: Partition, *, rng: random.Random) -> Partition:
            found = recombine(state, rng=rng).assignment.mapping
            parts = {self.nodes[index]: part for index, part in found.items()}
            fresh = Division(self.graph, self.nodes, parts, count, self.aim, division.edges)
            before = state.assignment.mapping
            pair = {fresh.part[node] for node in self.nodes if fresh.part[node] != before[place[node]]}
            prepared[-1] = fresh
            if not pair:
                return state
            size = sum(fresh.size[part] for part in pair)
            polish(fresh, rng, SMOOTHING * size, 1.0, self.tick, pair)
            flips = {place[node]: part for node, part in fresh.part.items() if part != before[place[node]]}
            return state.flip(flips)

        warmth = [heat]

        def accept(state: Partition, *, rng: random.Random) -> bool:
            change = state["cost"] - state.parent["cost"] if state.parent else 0.0
            return change <= 0 or rng.random() < math.exp(-change / max(warmth[0], 1e-9))

        walk = MarkovChain(propose, [no_vanishing_districts], accept, start, steps + 1, rng=rng)
        best, best_cost = dict(division.part), division.cost()
        try:
            for number, state in enumerate(walk):
                warmth[0] = heat * (1 - number / (steps + 1))
                if state["cost"] < best_cost - 1e-9:
                    best_cost = state["cost"]
                    best = {self.nodes[index]: part for index, part in state.assignment.mapping.items()}
        except NO_SPLIT:
            pass  # No pair of neighbours can be split anew: the best so far stands.
        return best
