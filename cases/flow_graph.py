"""A flow as a picture: states in columns by how far they are from the beginning, moves as arrows.

Layered drawing in the manner of Sugiyama: columns by the shortest way, order within a column by the mean of
the neighbours (some sweeps), arrows back below the others. Units are pixels of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cases import flow
from cases.flow import Flow, State

WIDTH, HEIGHT = 150, 54
GAP_X, GAP_Y = 64, 30
MARGIN = 24
SWEEPS = 6


@dataclass
class Node:
    """A state with its place; ``stays`` are the moves that leave it as it is."""

    state: State
    number: int
    x: float = 0
    y: float = 0
    stays: list[str] = field(default_factory=list)

    @property
    def crowded(self) -> bool:
        """Whether the name is wider than the box; a Chinese sign takes the room of two letters."""
        return sum(1 if ord(sign) < 0x2E80 else 2 for sign in str(self.state.label)) > 19

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + WIDTH / 2, self.y + HEIGHT / 2


@dataclass
class Edge:
    """All moves from one state to another, as one arrow: an SVG path, and what they are called."""

    start: str
    end: str
    labels: list[str]
    path: str = ""
    back: bool = False
    by_system: bool = False


@dataclass
class Graph:
    """The picture: nodes, edges, and its size."""

    nodes: list[Node]
    edges: list[Edge]
    width: float
    height: float


def draw(table: Flow) -> Graph:
    """Lay out a flow."""
    nodes = {code: Node(state, number) for number, (code, state) in enumerate(table.states.items())}
    edges: dict[tuple[str, str], Edge] = {}
    for move in table.moves:
        for start in move.start:
            if start not in nodes:
                continue
            if move.end == flow.SAME:
                if str(move.label) not in nodes[start].stays:
                    nodes[start].stays.append(str(move.label))
                continue
            ends = _before(table, start) if move.end == flow.BEFORE else [move.end]
            for end in ends:
                if end in nodes and end != start:
                    edge = edges.setdefault((start, end), Edge(start, end, []))
                    if str(move.label) not in edge.labels:
                        edge.labels.append(str(move.label))
                    edge.by_system = edge.by_system or move.by == flow.SYSTEM
    columns = _columns(table, nodes, edges)
    _order(columns, edges)
    tallest = max(len(column) for column in columns)
    for at, column in enumerate(columns):
        free = (tallest - len(column)) * (HEIGHT + GAP_Y) / 2
        for row, code in enumerate(column):
            nodes[code].x = MARGIN + at * (WIDTH + GAP_X)
            nodes[code].y = MARGIN + free + row * (HEIGHT + GAP_Y)
    place = {code: at for at, column in enumerate(columns) for code in column}
    for edge in edges.values():
        edge.back = place[edge.end] <= place[edge.start]
        edge.path = _path(nodes[edge.start], nodes[edge.end], edge.back)
    width = 2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + tallest * (HEIGHT + GAP_Y) + GAP_Y
    return Graph(list(nodes.values()), list(edges.values()), width, height)


def _before(table: Flow, state: str) -> list[str]:
    """Where a check may have begun: the states from which it is entered."""
    return list(dict.fromkeys(s for move in table.moves if move.end == state for s in move.start if s))


def _columns(table: Flow, nodes: dict, edges: dict) -> list[list[str]]:
    far: dict[str, int] = {}
    front = [move.end for move in table.start("") if move.end in nodes]
    depth = 0
    while front:
        for code in front:
            far.setdefault(code, depth)
        onward = [end for (start, end) in edges if start in front and end not in far]
        front, depth = list(dict.fromkeys(onward)), depth + 1
    # Ends stand in the last column; what nothing leads to, in the first.
    last = max(far.values(), default=0)
    ended = [code for code, node in nodes.items() if node.state.phase == "ended"]
    columns: list[list[str]] = [[] for _n in range(last + 2)]
    for code in nodes:
        columns[last + 1 if code in ended else far.get(code, 0)].append(code)
    return [column for column in columns if column]


def _order(columns: list[list[str]], edges: dict) -> None:
    near: dict[str, set[str]] = {}
    for start, end in edges:
        near.setdefault(start, set()).add(end)
        near.setdefault(end, set()).add(start)
    for sweep in range(SWEEPS):
        rows = {code: row / max(1, len(column)) for column in columns for row, code in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(
                key=lambda code: (
                    sum(rows[other] for other in near.get(code, ()) if other in rows)
                    / max(1, len(near.get(code, ()))),
                    code,
                )
            )
            rows |= {code: row / len(column) for row, code in enumerate(column)}


def _path(start: Node, end: Node, back: bool) -> str:
    (x1, y1), (x2, y2) = start.middle, end.middle
    if back:
        if start.x == end.x:
            side = start.x + WIDTH
            bend = side + GAP_X * 0.55
            return f"M{side:.0f},{y1:.0f} C{bend:.0f},{y1:.0f} {bend:.0f},{y2:.0f} {side:.0f},{y2:.0f}"
        below = max(start.y, end.y) + HEIGHT + GAP_Y * 1.2
        return (
            f"M{x1:.0f},{start.y + HEIGHT:.0f} C{x1:.0f},{below:.0f} {x2:.0f},{below:.0f}"
            f" {x2:.0f},{end.y + HEIGHT:.0f}"
        )
    left, right = start.x + WIDTH, end.x
    bend = min(GAP_X * 0.6, (right - left) / 2)
    return (
        f"M{left:.0f},{y1:.0f} C{left + bend:.0f},{y1:.0f} {right - bend:.0f},{y2:.0f} {right:.0f},{y2:.0f}"
    )
