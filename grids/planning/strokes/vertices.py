"""Corners of borders dragged to another place: every grid that meets there moves with them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import shapely
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.problems import Problem
from grids.coverage import LATTICE, METRES_PER_DEGREE
from grids.planning.lattice import cut_up, edges_of, squeeze
from grids.planning.state import Draft
from grids.planning.strokes.overlay import recut, snapped
from grids.planning.strokes.stroke import Stroke, bad, metres, place

# A corner is meant when it is named to within this.
FOUND_M = 0.5
MOST_MOVES = 200


def move_vertices(draft: Draft, params: dict) -> Stroke:
    """``move_vertices``: corners go from where they are to another place, and their borders with them.

    A place on a border that is no corner becomes one. Where a border meets the community's outline it
    slides along the outline, which itself never moves.
    """
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    moves = params.get("moves")
    if not isinstance(moves, list) or not 0 < len(moves) <= MOST_MOVES:
        raise bad("moves", _("moves takes a list of from and to."))
    pairs = []
    for move in moves:
        if not isinstance(move, dict):
            raise bad("moves", _("moves takes a list of from and to."))
        pairs.append((place(move.get("from"), "moves"), place(move.get("to"), "moves")))
    community = _community(draft, pairs[0][0])
    network = Network(draft, community)
    snap_m = metres(params, "snap_m", 0)
    moved = {}
    for start, to in pairs:
        corner = network.corner(start)
        if snap_m:
            line = snapped(stroke, community, shapely.LineString([to, corner]), snap_m)
            to = tuple(shapely.get_coordinates(line)[0])
        moved[corner] = network.kept_to_outline(corner, to)
    lines, shapes = network.redrawn(moved)
    numbers = list(shapes)
    tree = shapely.STRtree([shapes[number] for number in numbers])

    def assign(points, blocks):
        result = [block.grid for block in blocks]
        for face, shape in zip(*tree.query(points, predicate="intersects").tolist(), strict=True):
            result[face] = numbers[shape]
        return result

    recut(stroke, community, lines, assign)
    touched = network.grids_at(moved)
    stroke.named |= touched
    stroke.summary = ngettext(
        "moved %(count)d corner of %(grids)s", "moved %(count)d corners of %(grids)s", len(moved)
    ) % {"count": len(moved), "grids": stroke.labels(touched)}
    return stroke


def _community(draft: Draft, spot) -> str:
    blocks = list(draft.blocks.values())
    if not blocks:
        raise Problem(_("There is no ground of this plan."))
    near = shapely.STRtree([block.geom for block in blocks]).nearest(shapely.Point(spot))
    return blocks[int(near)].community


class Network:
    """The borders of a community's grids as edges between corners, each with the grids beside it."""

    def __init__(self, draft: Draft, community: str):
        self.shapes = draft.borders({community})
        self.numbers = list(self.shapes)
        owner, low, high = edges_of([self.shapes[number] for number in self.numbers])
        self.edges: dict[tuple, set[int]] = defaultdict(set)
        for number, a, b in zip(owner.tolist(), low.tolist(), high.tolist(), strict=True):
            self.edges[tuple(a), tuple(b)].add(self.numbers[number])
        self.outline = {edge for edge, beside in self.edges.items() if len(beside) == 1}
        self.on_outline = {corner for edge in self.outline for corner in edge}
        latitude = shapely.get_y(shapely.centroid(next(iter(self.shapes.values()))))
        self.scale = np.array([squeeze(latitude), METRES_PER_DEGREE])

    def corner(self, spot) -> tuple[float, float]:
        """The corner at a place, made there if a border passes it; longitude and latitude."""
        cells = list({corner for edge in self.edges for corner in edge})
        away = np.hypot(*((np.array(cells) * LATTICE - spot) * self.scale).T)
        nearest = int(away.argmin())
        if away[nearest] <= FOUND_M:
            return _degrees(cells[nearest])
        edges = [edge for edge in self.edges if edge not in self.outline]
        lines = shapely.linestrings([np.array(edge) * LATTICE * self.scale for edge in edges])
        point = shapely.Point(np.array(spot) * self.scale)
        if len(lines):
            away = shapely.distance(lines, point)
            nearest = int(away.argmin())
            if away[nearest] <= FOUND_M:
                cell = tuple(np.rint(np.array(spot) / LATTICE).astype(int).tolist())
                a, b = edges[nearest]
                beside = self.edges.pop((a, b))
                self.edges[min(a, cell), max(a, cell)] = set(beside)
                self.edges[min(b, cell), max(b, cell)] = set(beside)
                return _degrees(cell)
        raise Problem(
            _("No border of this plan has a corner at %(x).6f, %(y).6f.") % {"x": spot[0], "y": spot[1]}
        )

    def kept_to_outline(self, corner, to) -> tuple[float, float]:
        """Where a corner may go: on the outline it can but slide, and only where a border ends there."""
        cell = _cell(corner)
        if cell not in self.on_outline:
            if not any(shapely.intersects(shape, shapely.Point(to)) for shape in self.shapes.values()):
                raise Problem(_("A border cannot leave its community."))
            return to
        if not any(cell in edge and edge not in self.outline for edge in self.edges):
            raise Problem(_("This corner belongs to the community's outline, which a plan does not move."))
        outline = shapely.multilinestrings([np.array(edge) * LATTICE for edge in self.outline])
        nearest = shapely.get_coordinates(shapely.shortest_line(outline, shapely.Point(to)))[0]
        return tuple(np.round(nearest, 8).tolist())

    def grids_at(self, corners) -> set[int]:
        """The grids that meet at corners."""
        cells = {_cell(corner) for corner in corners}
        return {number for edge, beside in self.edges.items() if cells & set(edge) for number in beside}

    def redrawn(self, moved: dict) -> tuple[list, dict]:
        """The borders that are new, and the shapes of the grids between all borders as they are then."""
        to = {_cell(corner): _cell(place) for corner, place in moved.items()}
        lines, left = [], []
        for (a, b), beside in self.edges.items():
            if len(beside) == 1 or not ({a, b} & set(to)):
                if len(beside) > 1:
                    left.append(_line(a, b))
                continue
            here, there = to.get(a, a), to.get(b, b)
            if here != there:
                lines.append(_line(here, there))
        whole = shapely.coverage_union_all(np.array(list(self.shapes.values()), dtype=object))
        faces, _owner = cut_up(np.array(shapely.get_parts(whole)), [*left, *lines])
        return lines, self._matched(faces)

    def _matched(self, faces) -> dict:
        """Which face is which grid: each has as many as before, or borders have crossed."""
        found: dict[int, list] = defaultdict(list)
        for face in faces:
            shares = {n: shapely.area(shapely.intersection(shape, face)) for n, shape in self.shapes.items()}
            found[max(shares, key=shares.get)].append(face)
        for number, shape in self.shapes.items():
            if len(found[number]) != shapely.get_num_geometries(shape):
                raise Problem(_("The border would run across another one here."), kind="crossed")
        return {number: shapely.multipolygons(np.array(some)) for number, some in found.items()}


def _cell(xy) -> tuple[int, int]:
    return tuple(np.rint(np.array(xy) / LATTICE).astype(np.int64).tolist())


def _degrees(cell) -> tuple[float, float]:
    return cell[0] / 1e8, cell[1] / 1e8


def _line(a, b):
    return shapely.LineString([_degrees(a), _degrees(b)])
