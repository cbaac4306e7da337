"""What stands against a draft is found, with its place; what does not is not."""

import pytest
from django.contrib.gis.geos import Polygon

from assets.models import Building
from grids.models import PlanBlock, PlanGrid
from grids.planning import faults
from tests.factories import LAT, LON, SIDE, at, box, make_worker
from tests.grids.planning.squares import WEST, block_at, draft_of, give, make_squares, new_grid

pytestmark = pytest.mark.django_db


def found(plan, kind: str = "") -> list[dict]:
    every = faults.of(draft_of(plan))
    assert [one["severity"] for one in every] == sorted(
        (one["severity"] for one in every), key=("error", "warning", "hint").index
    )
    return [one for one in every if one["kind"] == kind] if kind else every


@pytest.fixture
def led(city):
    """Every grid has a leader, and no standard is set."""
    for number in range(1, 5):
        make_worker(grid=f"{WEST}{number:03d}", role="leader")
    plan = make_squares()
    plan.standard_low = 0
    plan.save()
    return plan


def test_nothing_stands_against_the_grids_in_force(led):
    assert found(led) == []


def test_a_missing_block_is_a_gap(led):
    block = block_at(led, at(0.1, 0.1))
    PlanBlock.objects.filter(pk=block.pk).update(active=False)
    (gap,) = found(led, "gap")
    assert gap["severity"] == "error"
    assert gap["bbox"] == pytest.approx(block.geom.extent)
    assert gap["geometry"]["type"] == "Polygon"


def test_a_block_beside_the_community_is_outside(led):
    outside = box(LON - SIDE / 4, LAT, SIDE / 4)
    grid = led.grids.get(number=1)
    PlanBlock.objects.create(plan=led, grid=grid, community_code=WEST, geom=outside)
    (fault,) = found(led, "outside")
    assert fault["bbox"] == pytest.approx(outside.extent)
    assert not found(led, "gap")


def test_blocks_that_overlap_are_told(led):
    twin = block_at(led, at(0.6, 0.1))
    PlanBlock.objects.create(plan=led, grid=led.grids.get(number=1), community_code=WEST, geom=twin.geom)
    every = faults._coverage(draft_of(led))
    assert [one["kind"] for one in every] == ["overlap"]
    assert every[0]["grids"] == [1, 2]


def test_parts_that_meet_at_a_corner_are_apart(led):
    give(led, 1, at(0.6, 0.6))
    (fault,) = found(led, "multipart")
    assert (fault["grid"], fault["severity"]) == (1, "error")
    assert fault["bbox"] == pytest.approx(block_at(led, at(0.6, 0.6)).geom.extent)


def test_a_grid_without_ground_is_told(led):
    new_grid(led, 9)
    (fault,) = found(led, "empty")
    assert (fault["grid"], fault["geometry"]) == (9, None)


def test_a_narrow_strip_is_a_sliver(led):
    """A block of four metres' width beside a grid belongs to it as a finger."""
    metre = SIDE / 1110  # of latitude
    south, width = LAT + SIDE / 4, round(4 * metre, 8)
    block = block_at(led, at(0.6, 0.4))
    west, _south, east, north = block.geom.extent
    block.geom = Polygon.from_bbox((west, round(south + width, 8), east, north))
    block.geom.srid = 4326
    block.save()
    strip = Polygon.from_bbox((west, round(south, 8), east, round(south + width, 8)))
    strip.srid = 4326
    PlanBlock.objects.create(plan=led, grid=led.grids.get(number=1), community_code=WEST, geom=strip)
    slivers = faults._narrow(draft_of(led), {1: unite(led, 1)})
    assert [one["kind"] for one in slivers] == ["sliver"]
    assert slivers[0]["bbox"] == pytest.approx(strip.extent, abs=2e-6)


def unite(plan, number):
    import shapely

    return shapely.union_all([block.geom for block in draft_of(plan).of_grid(number)])


def test_a_building_on_both_sides_of_a_border_is_cut(led):
    def house(code, west, east, south=0.1, north=0.15):
        shape = Polygon.from_bbox((*at(west, south).coords, *at(east, north).coords))
        Building.objects.create(code=code, name=code, geom=shape)

    house("across", 0.48, 0.52)
    house("beside", 0.50, 0.52, 0.2, 0.25)
    house("inside a grid", 0.24, 0.26, 0.3, 0.35)
    house("elsewhere", 1.48, 1.52)
    Building.objects.create(code="point", name="point", geom=at(0.5, 0.4))
    (fault,) = found(led, "cut")
    assert "across" in fault["text"]
    assert fault["grids"] == [1, 2]
    assert fault["severity"] == "warning"


def test_a_grid_without_a_leader_is_told(led):
    new_grid(led, 5, name="东南")
    give(led, 5, at(0.9, 0.1), at(0.9, 0.4))
    (fault,) = found(led, "no_leader")
    assert fault["grid"] == 5
    assert "005 东南" in fault["text"]


def test_the_standard_is_a_hint_and_not_for_exclusive_grids(led):
    led.standard_low = 1
    led.save()
    PlanGrid.objects.filter(plan=led, number=2).update(kind="exclusive")
    assert [(one["grid"], one["severity"]) for one in found(led, "under")] == [
        (1, "hint"),
        (3, "hint"),
        (4, "hint"),
    ]
