"""What a stroke wants to change, before it is written; and how its parameters are read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import shapely
from django.utils.translation import gettext as _

from geo.problems import Problem
from grids.models import Grid
from grids.planning import codes
from grids.planning.models import PlanGrid
from grids.planning.state import Block, Draft

MOST_POINTS = 20_000


class Gone(Problem):
    """A block or a grid that the stroke names is not there (any more)."""


@dataclass
class Piece:
    """Ground that takes the place of a block. ``figures`` when they are known: it is the same ground."""

    geom: shapely.Polygon
    grid: int
    community: str
    estate: str = ""
    figures: dict | None = None


@dataclass
class Stroke:
    """Changes to a draft: blocks that change grid or give way to pieces, grids' attributes, new grids."""

    draft: Draft
    moves: dict[int, int] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    pieces: list[Piece] = field(default_factory=list)
    attributes: dict[int, dict] = field(default_factory=dict)
    born: dict[int, PlanGrid] = field(default_factory=dict)
    # Grids that the stroke names although their ground may not change: another's change of them conflicts.
    named: set[int] = field(default_factory=set)
    allow_parts: bool = False
    summary: str = ""

    def grid(self, number) -> PlanGrid:
        """An active grid of the draft or one born in this stroke."""
        found = self.born.get(number) or self.draft.grids.get(number)
        if found is None or not (found.active or number in self.born):
            raise Gone(_("The plan has no grid %s.") % str(number)[:20])
        return found

    def new_grid(self, community: str, *, name: str = "", kind: str = Grid.Kind.BASIC, code: str = "") -> int:
        """A grid that was not there, with a code that was never used; returns its number."""
        planned = [grid.code for grid in (*self.draft.grids.values(), *self.born.values())]
        code = code or codes.free(community, kind, codes.used(community, planned))
        number = max([0, *self.draft.grids, *self.born]) + 1
        self.born[number] = PlanGrid(
            plan=self.draft.plan,
            number=number,
            community_code=community,
            code=code,
            name=name,
            kind=kind,
            active=False,
        )
        return number

    def give(self, ids, number: int) -> int:
        """Hand blocks to a grid of their community; returns how many change hands."""
        grid, count = self.grid(number), 0
        for pk in ids:
            block = self.block(pk)
            if block.community != grid.community_code:
                raise Problem(
                    _("%(grid)s belongs to another community; ground stays in its community.")
                    % {"grid": self.label(number)}
                )
            if block.grid != number:
                self.moves[pk] = number
                count += 1
        return count

    def block(self, pk) -> Block:
        """An active block of the draft."""
        found = self.draft.blocks.get(pk)
        if found is None:
            raise Gone(_("The plan has no block %s.") % str(pk)[:20])
        return found

    def set(self, number: int, **values) -> None:
        """Change attributes of a grid; what stays as it is, is no change."""
        grid = self.grid(number)
        changed = {name: value for name, value in values.items() if getattr(grid, name) != value}
        if changed:
            self.attributes.setdefault(number, {}).update(changed)

    def label(self, number: int) -> str:
        """What the planner calls a grid."""
        grid = self.born.get(number) or self.draft.grids[number]
        return codes.short(grid.code) if len(self.draft.plan.communities) == 1 else grid.code

    def labels(self, numbers) -> str:
        """Several grids, by their codes."""
        return ", ".join(sorted({self.label(number) for number in numbers}))

    def losing(self) -> set[int]:
        """Grids that lose ground."""
        lost = {self.draft.blocks[pk].grid for pk in self.moves}
        return lost | self._traded()[0]

    def gaining(self) -> set[int]:
        """Grids that gain ground."""
        return set(self.moves.values()) | self._traded()[1]

    def _traded(self) -> tuple[set[int], set[int]]:
        """Grids whose ground among the replaced blocks is not what it was: losing, gaining."""
        before: dict[int, float] = {}
        after: dict[int, float] = {}
        for pk in self.removed:
            block = self.draft.blocks[pk]
            before[block.grid] = before.get(block.grid, 0.0) + block.geom.area
        for piece in self.pieces:
            after[piece.grid] = after.get(piece.grid, 0.0) + piece.geom.area
        losing, gaining = set(), set()
        for number in {*before, *after}:
            change = after.get(number, 0.0) - before.get(number, 0.0)
            # Noding moves a border by less than a cell: over its whole length that is less than 0.1 m².
            if change < -1e-11:
                losing.add(number)
            elif change > 1e-11:
                gaining.add(number)
        return losing, gaining


# --- Parameters --------------------------------------------------------------------------------------


def bad(name: str, detail: str) -> Problem:
    """The problem of a stroke's parameter."""
    return Problem(detail, errors=[{"pointer": f"/params/{name}", "detail": detail}])


def whole_number(params: dict, name: str) -> int:
    """A whole number that a stroke needs."""
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise bad(name, _("%s takes a whole number.") % name)
    return value


def numbers(params: dict, name: str, most: int = 10_000) -> list[int]:
    """A list of whole numbers, each once."""
    value = params.get(name)
    if not isinstance(value, list) or not value or len(value) > most:
        raise bad(name, _("%s takes a list of whole numbers.") % name)
    if any(isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < 2**63 for one in value):
        raise bad(name, _("%s takes a list of whole numbers.") % name)
    return list(dict.fromkeys(value))


def words(params: dict, name: str, most: int = 100) -> str:
    """A text that may be missing."""
    value = params.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most or "\x00" in value:
        raise bad(
            name, _("%(name)s takes a text of at most %(most)d characters.") % {"name": name, "most": most}
        )
    return value.strip()


def kind_of(params: dict, default=Grid.Kind.BASIC) -> str:
    """The kind of a new grid."""
    value = params.get("kind") or default
    if value not in Grid.Kind.values:
        raise bad("kind", _("kind takes one of: %s.") % ", ".join(Grid.Kind.values))
    return value


def metres(params: dict, name: str, default: float, most: float = 100.0) -> float:
    """A length in metres."""
    value = params.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise bad(name, _("%(name)s takes metres from 0 to %(most)g.") % {"name": name, "most": most})
    return float(value)


def place(value, name: str) -> tuple[float, float]:
    """A longitude and latitude (WGS-84)."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise bad(name, _("%s takes a longitude and a latitude.") % name)
    lon, lat = value[0], value[1]
    for one, most in ((lon, 180), (lat, 90)):
        if (
            isinstance(one, bool)
            or not isinstance(one, int | float)
            or not math.isfinite(one)
            or abs(one) > most
        ):
            raise bad(name, _("%s takes a longitude and a latitude.") % name)
    return round(float(lon), 8), round(float(lat), 8)


def line(params: dict, name: str = "line") -> shapely.LineString:
    """A GeoJSON LineString on the lattice."""
    value = params.get(name)
    coordinates = value.get("coordinates") if isinstance(value, dict) else None
    if (
        not isinstance(coordinates, list)
        or value.get("type") != "LineString"
        or len(coordinates) > MOST_POINTS
    ):
        raise bad(name, _("%s takes a GeoJSON LineString.") % name)
    points = list(dict.fromkeys(place(one, name) for one in coordinates))
    if len(points) < 2:
        raise bad(name, _("A line needs two places at least."))
    if coordinates[0] == coordinates[-1] and len(points) > 2:
        points.append(points[0])
    return shapely.LineString(points)


def polygon(params: dict, name: str) -> shapely.Polygon:
    """A GeoJSON Polygon on the lattice, valid."""
    value = params.get(name)
    rings = value.get("coordinates") if isinstance(value, dict) else None
    if not isinstance(rings, list) or not rings or value.get("type") != "Polygon" or len(rings) > 100:
        raise bad(name, _("%s takes a GeoJSON Polygon.") % name)
    made = []
    for ring in rings:
        if not isinstance(ring, list) or not 4 <= len(ring) <= MOST_POINTS:
            raise bad(name, _("%s takes a GeoJSON Polygon.") % name)
        made.append([place(one, name) for one in ring])
    shape = shapely.Polygon(made[0], made[1:])
    if not shape.is_valid:
        # A lasso may cross itself: what it goes round counts.
        shape = shapely.make_valid(shape)
        shape = max(
            (p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"), key=shapely.area, default=None
        )
    if shape is None or shape.is_empty or shape.area == 0:
        raise bad(name, _("%s encloses nothing.") % name)
    return shape
