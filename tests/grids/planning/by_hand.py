"""Plans made by hand: a community of 8 x 8 square blocks, each given to a grid."""

import itertools

from geo.models import Area
from grids.models import Grid, Plan, PlanBlock, PlanGrid
from grids.planning import ground
from tests.factories import LAT, LON, SIDE, box

HOME = "990101001001"
STEPS = 8


def corner(community: str) -> tuple[float, float]:
    """South-west corner of a community of the tiny city."""
    geom = Area.objects.get(code=community, valid_to=None).geom
    west, south, _east, _north = geom.extent
    return round(west, 8), round(south, 8)


def quarters(column: int, row: int) -> str:
    """The grids in force: 001 south-west, 002 south-east, 003 north-west, 004 north-east."""
    return f"{1 + (column >= STEPS // 2) + 2 * (row >= STEPS // 2):03d}"


def make_squares(user, owner=quarters, communities=(HOME,), state="draft", **values) -> Plan:
    """A plan in which ``owner(column, row)`` names the grid (its sequence) of each block."""
    plan = Plan.objects.create(
        name=values.pop("name", "方案"),
        communities=list(communities),
        area_code=values.pop("area_code", communities[0]),
        start="in_force",
        state=state,
        created_by=user,
        basis=ground.generations(list(communities)),
        **values,
    )
    numbers = itertools.count(1)
    for community in communities:
        west, south = corner(community)
        grids: dict[str, PlanGrid] = {}
        blocks = []
        for column, row in itertools.product(range(STEPS), range(STEPS)):
            code = f"{community}{owner(column, row)}"
            if code not in grids:
                now = Grid.objects.filter(code=code, retired_on=None).first()
                grids[code] = PlanGrid.objects.create(
                    plan=plan,
                    number=next(numbers),
                    community_code=community,
                    code=code,
                    grid=now,
                    name=now.name if now else f"新{code[-3:]}",
                    kind=now.kind if now else "basic",
                    colour=now.colour if now else "#123456",
                )
            side = SIDE / STEPS
            blocks.append(
                PlanBlock(
                    plan=plan,
                    grid=grids[code],
                    community_code=community,
                    geom=box(west + column * side, south + row * side, side),
                )
            )
        PlanBlock.objects.bulk_create(blocks)
    return plan


def give(plan: Plan, column: int, row: int, sequence: str, community: str = HOME) -> None:
    """Hand the block at a column and row to another grid of the plan."""
    west, south = corner(community)
    side = SIDE / STEPS
    middle = box(west + column * side, south + row * side, side).centroid
    grid = plan.grids.get(code=f"{community}{sequence}")
    assert plan.blocks.filter(active=True, geom__contains=middle).update(grid=grid) == 1


__all__ = ["HOME", "LAT", "LON", "STEPS", "corner", "give", "make_squares", "quarters"]
