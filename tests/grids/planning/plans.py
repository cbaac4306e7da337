"""Plans of the tiny city for tests.

``make_plan()`` is a draft of community 990101001001 from its four grids. With ``streets`` a community gets
that many streets in each direction, none on a grid's border: 2 make 16 blocks, four in each grid.
"""

import itertools

import shapely
from django.contrib.gis.geos import LineString, Polygon

from assets.models import Building, Estate, ReferenceLine
from geo.models import Area
from grids.models import Plan, PlanBlock
from grids.planning import draft
from grids.planning.lattice import union
from grids.planning.state import Draft
from grids.publication import Border, NewBorders, publish, to_shapely
from tests.factories import SIDE, at, box, make_user

HOME = "990101001001"
_serial = itertools.count(1)


def origin(community: str) -> tuple[int, int]:
    """Column and row of a community of the tiny city."""
    column = {"990101001": 0, "990101002": 1, "990102001": 2}[community[:9]]
    return column, int(community[-3:]) - 1


def make_line(*points, kind: str = "road", rank: int = 3) -> ReferenceLine:
    """A reference line through places given by community columns and rows (see ``factories.at``)."""
    number = next(_serial)
    line = LineString([at(x, y).coords for x, y in points], srid=4326)
    return ReferenceLine.objects.create(
        code=f"plan-line-{number}", name=f"路{number}", kind=kind, rank=rank, geom=line
    )


def make_streets(community: str = HOME, count: int = 2) -> None:
    """``count`` streets in each direction at odd steps, so that none is a grid's border."""
    x, y = origin(community)
    for number in range(count):
        share = (2 * number + 1) / (2 * count)
        if share == 0.5:
            share = 0.45
        make_line((x + share, y - 0.05), (x + share, y + 1.05))
        make_line((x - 0.05, y + share), (x + 1.05, y + share))


def make_building(x: float, y: float, width: float = 0.02, height: float | None = None) -> Building:
    """A building whose south-west corner is at (x, y); 0.02 are about 20 m."""
    number, corner = next(_serial), at(x, y)
    shape = box(corner.x, corner.y, width * SIDE, (height or width) * SIDE)
    return Building.objects.create(code=f"plan-b-{number}", name=f"楼{number}", geom=shape)


def make_estate(x: float, y: float, width: float, height: float | None = None) -> Estate:
    """An estate whose south-west corner is at (x, y)."""
    number, corner = next(_serial), at(x, y)
    shape = box(corner.x, corner.y, width * SIDE, (height or width) * SIDE)
    return Estate.objects.create(code=f"plan-e-{number}", name=f"小区{number}", geom=shape)


def make_plan(user=None, communities=(HOME,), *, start: str = "in_force", streets: int = 2, **values) -> Plan:
    """A plan as a planner would begin it; ready, unless it is refused."""
    user = user or make_user(role="planner", area="9901")
    for community in communities if streets else ():
        make_streets(community, streets)
    plan, _is_new = draft.start(
        user, name=values.pop("name", "方案"), communities=list(communities), start=start, **values
    )
    return plan


def load(plan: Plan) -> Draft:
    """The draft as the database has it."""
    return Draft.load(Plan.objects.get(pk=plan.pk))


def block_at(plan: Plan, x: float, y: float) -> PlanBlock:
    """The active block at a place given by community columns and rows."""
    return PlanBlock.objects.select_related("grid").get(plan=plan, active=True, geom__intersects=at(x, y))


def number_of(plan: Plan, sequence: str, community: str = HOME) -> int:
    """The number of the active grid with a sequence ("003")."""
    return plan.grids.get(code=f"{community}{sequence}", active=True).number


def polygon(*points) -> dict:
    """GeoJSON of a polygon by community columns and rows."""
    ring = [at(x, y).coords for x, y in points]
    return {"type": "Polygon", "coordinates": [[list(one) for one in (*ring, ring[0])]]}


def line(*points) -> dict:
    """GeoJSON of a line by community columns and rows."""
    return {"type": "LineString", "coordinates": [list(at(x, y).coords) for x, y in points]}


def spot(x: float, y: float) -> list[float]:
    """Longitude and latitude of a place given by community columns and rows."""
    return list(at(x, y).coords)


def snapshot(plan: Plan) -> dict:
    """Everything of a draft that undo must bring back exactly."""
    grids = plan.grids.order_by("number").values_list(
        "number", "community_code", "grid_id", "code", "name", "kind", "colour", "locked", "active"
    )
    blocks = PlanBlock.objects.filter(plan=plan, active=True).order_by("pk")
    return {
        "grids": [row for row in grids if row[-1]],
        "blocks": [(b.pk, b.grid_id, b.geom.wkb.hex(), b.estate, b.figures) for b in blocks],
    }


def check(plan: Plan) -> Draft:
    """The invariants of every draft; returns it."""
    found = load(plan)
    for community in found.plan.communities:
        outline = to_shapely(Area.objects.get(code=community, valid_to=None).geom)
        shapes = [block.geom for block in found.in_community(community)]
        assert shapely.coverage_is_valid(shapes)
        assert all(shape.geom_type == "Polygon" and shape.is_valid for shape in shapes)
        whole = union(shapes)
        # A new node on a slanting outline lies on the lattice, less than one of its cells off the line.
        corners = set(map(tuple, shapely.get_coordinates(outline)))
        assert corners <= set(map(tuple, shapely.get_coordinates(whole)))
        assert shapely.hausdorff_distance(shapely.boundary(whole), shapely.boundary(outline)) < 2e-8
        for xy in shapely.get_coordinates(shapes):
            assert (xy == xy.round(8)).all()
    active = found.active
    held = {block.grid for block in found.blocks.values()}
    assert held == set(active), "no empty grid is active, and no block is in one that is not"
    for block in found.blocks.values():
        assert active[block.grid].community_code == block.community
    assert len({grid.code for grid in active.values()}) == len(active)
    return found


def square(x: float, y: float, width: float, height: float | None = None) -> Polygon:
    """A rectangle whose south-west corner is at (x, y)."""
    corner = at(x, y)
    return box(corner.x, corner.y, width * SIDE, (height or width) * SIDE)


def make_slanted(community: str = HOME) -> None:
    """Grids in force whose borders slant, so that no street meets them on the lattice; and such streets."""
    column, row = origin(community)
    outline = to_shapely(Area.objects.get(code=community, valid_to=None).geom)
    rings = [
        ((0, 0), (0.4321, 0), (0.5678, 0.51), (0, 0.47)),
        ((0.4321, 0), (1, 0), (1, 0.6123), (0.5678, 0.51)),
        ((0, 0.47), (0.5678, 0.51), (0.333, 1), (0, 1)),
        ((0.5678, 0.51), (1, 0.6123), (1, 1), (0.333, 1)),
    ]
    borders = {
        f"{community}{number:03d}": Border(shapely.Polygon([at(column + x, row + y).coords for x, y in ring]))
        for number, ring in enumerate(rings, start=1)
    }
    nodes = [at(column + x, row + y).coords for x, y in ((0.4321, 0), (1, 0.6123), (0.333, 1), (0, 0.47))]
    publish([NewBorders(community, borders, outline, shapely.get_coordinates(shapely.MultiPoint(nodes)))])
    for points in (
        ((-0.1, 0.113), (0.31, 0.2271), (1.1, 0.1931)),
        ((-0.1, 0.713), (0.51, 0.8271), (1.1, 0.7931)),
        ((0.1931, -0.1), (0.2317, 0.477), (0.1733, 1.1)),
        ((0.7931, -0.1), (0.7317, 0.477), (0.8733, 1.1)),
        ((0.6, -0.1), (0.123, 1.1)),
    ):
        make_line(*((column + x, row + y) for x, y in points))
