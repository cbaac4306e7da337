"""The whole tiny city redrawn at once: every row stands where a recount from the geometry puts it."""

import random
from io import StringIO

import pytest
import shapely
from django.core.management import call_command

from geo.models import Area
from grids import assignment
from grids.models import Grid, GridVersion
from grids.planning import publish, review
from grids.publication import to_shapely
from tests.factories import at, make_case, make_component, make_type, make_user
from tests.grids.planning.by_hand import STEPS, make_squares
from tests.grids.planning.test_publish_property import partition

pytestmark = pytest.mark.django_db
GRIDS = 11


def scattered(chance: random.Random) -> None:
    """Rows all over the city: inside, on old and new borders, on corners, on the outline, and outside."""
    kind = make_type()
    for number in range(240):
        x, y = chance.uniform(-0.05, 3.05), chance.uniform(-0.05, 2.05)
        if number % 3 == 0:  # on a line where blocks, hence grids, may meet
            x = round(x * STEPS) / STEPS
        if number % 6 == 0:
            y = round(y * STEPS) / STEPS
        make_component(at(x, y), type=kind)
        if number % 4 == 0:
            make_case(at(x, y), type=kind)


def recounted() -> dict:
    """For every row of every table with a place the code of its grid, by shapely from geometry alone."""
    grids = list(Grid.objects.filter(retired_on=None).order_by("code"))
    shapes = [to_shapely(grid.geom) for grid in grids]
    areas = {area.code: to_shapely(area.geom) for area in Area.objects.filter(level="community")}
    tree = shapely.STRtree(shapes)
    found = {}
    for model in assignment.located_models():
        for row in model.objects.exclude(anchor=None):
            point = to_shapely(row.anchor)
            homes = sorted(code for code, shape in areas.items() if shape.intersects(point))
            here = sorted(
                grids[number].code
                for number in tree.query(point, predicate="intersects")
                if homes and grids[number].community_code == homes[0]
            )
            found[model._meta.label, row.pk] = here[0] if here else None
    return found


def standing() -> dict:
    return {
        (model._meta.label, pk): code
        for model in assignment.located_models()
        for pk, code in model.objects.exclude(anchor=None).values_list("pk", "grid__code")
    }


def nothing_disagrees() -> None:
    said = StringIO()
    call_command("check_located", stdout=said)  # exits with 1 where a row disagrees
    assert said.getvalue()
    assert standing() == recounted()


@pytest.mark.parametrize("seed", range(3))
def test_every_community_at_once(city, seed):
    chance = random.Random(seed)
    planner = make_user("planner", role="planner", area="9901")
    reviewer = make_user("reviewer", role="plan_reviewer", area="9901")
    scattered(chance)
    nothing_disagrees()
    before = standing()
    communities = sorted(Area.objects.filter(level="community").values_list("code", flat=True))
    assert len(communities) == 6
    owners = {}

    def owner(community):
        # 001–004 may stay, the others are new; which of them stay is left to chance.
        kept = chance.sample(range(1, 5), chance.randint(0, 4))
        born = list(range(5, 5 + GRIDS - len(kept)))
        return partition(chance, [f"{number:03d}" for number in kept + born])

    owners = {community: owner(community) for community in communities}
    turn = iter(communities)
    current = {}

    def of_next(column, row):
        if (column, row) == (0, 0):
            current["owner"] = owners[next(turn)]
        return current["owner"](column, row)

    plan = make_squares(planner, of_next, communities=communities, area_code="9901")
    review.submit(planner, plan.pk)
    review.approve(reviewer, plan.pk)
    publish.publish(reviewer, plan.pk)
    in_force = list(Grid.objects.filter(retired_on=None))
    assert len(in_force) == 6 * GRIDS
    assert {grid.community_code for grid in in_force} == set(communities)
    nothing_disagrees()
    moved = {key for key, code in standing().items() if before[key] != code}
    assert len(moved) > len(before) / 4, "most of the ground changed hands"
    for grid in in_force:
        (now,) = GridVersion.objects.filter(grid=grid, valid_to=None)
        assert bytes(now.geom.wkb) == bytes(grid.geom.wkb)

    publish.undo(reviewer, plan.pk)
    assert Grid.objects.filter(retired_on=None).count() == 24
    nothing_disagrees()
    assert standing() == before
