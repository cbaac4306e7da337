"""Plans of the tiny city made by hand: each community is cut into squares, whatever stands there."""

from geo.models import User
from grids.models import Grid, Plan, PlanBlock, PlanGrid
from grids.planning.state import Draft
from tests.factories import LAT, LON, SIDE, box, make_user

WEST = "990101001001"  # the south-west community


def make_squares(*communities: str, parts: int = 4, user: User | None = None, name: str = "方案") -> Plan:
    """A draft of the grids in force, each community of ``parts`` x ``parts`` blocks (an even number)."""
    communities = communities or (WEST,)
    plan = Plan.objects.create(
        name=name,
        communities=list(communities),
        area_code=communities[0] if len(communities) == 1 else communities[0][:4],
        start=Plan.Start.IN_FORCE,
        state=Plan.State.DRAFT,
        created_by=user or make_user(),
    )
    number, side = 0, SIDE / parts
    for community in communities:
        west = LON + SIDE * {"990101001": 0, "990101002": 1, "990102001": 2}[community[:9]]
        south = LAT + SIDE * (int(community[9:]) - 1)
        grids = []
        for grid in Grid.objects.filter(community_code=community).order_by("code"):
            number += 1
            grids.append(
                PlanGrid.objects.create(
                    plan=plan, number=number, community_code=community, grid=grid, code=grid.code
                )
            )
        PlanBlock.objects.bulk_create(
            PlanBlock(
                plan=plan,
                grid=grids[row * 2 // parts * 2 + column * 2 // parts],
                community_code=community,
                geom=box(west + column * side, south + row * side, side),
            )
            for row in range(parts)
            for column in range(parts)
        )
    return plan


def block_at(plan: Plan, place) -> PlanBlock:
    """The block around a point."""
    return plan.blocks.get(geom__contains=place, active=True)


def give(plan: Plan, number: int, *places) -> None:
    """Hand the blocks at these points to a grid."""
    grid = PlanGrid.objects.get(plan=plan, number=number)
    for place in places:
        PlanBlock.objects.filter(pk=block_at(plan, place).pk).update(grid=grid)


def new_grid(plan: Plan, number: int, code: str = "", community: str = WEST, **values) -> PlanGrid:
    return PlanGrid.objects.create(
        plan=plan, number=number, community_code=community, code=code or f"{community}{number:03d}", **values
    )


def draft_of(plan: Plan) -> Draft:
    return Draft.load(Plan.objects.get(pk=plan.pk))
