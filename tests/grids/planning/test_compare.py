"""Two plans, or a plan and today: what moves, in numbers, in words and on the map."""

import pytest
from django.utils.translation import override

from geo.problems import Problem
from grids.models import PlanGrid
from grids.planning import compare
from tests.factories import SIDE, at, make_case, make_component, make_worker
from tests.grids.planning.squares import WEST, block_at, draft_of, give, make_squares, new_grid
from tests.grids.planning.test_figures import home

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with override("en"):
        yield


@pytest.fixture
def plan(city):
    """The south-east grid gives a block with two homes, a case and a component to the south-west one."""
    home(at(0.6, 0.1))
    make_component(at(0.6, 0.1))
    make_case(at(0.6, 0.1), state="filed")
    plan = make_squares(name="First")
    give(plan, 1, at(0.6, 0.1))
    return plan


def told(one, other=None) -> dict:
    return compare.told(compare.of(draft_of(one), draft_of(other) if other else None))


def test_a_plan_against_today(plan):
    answer = told(plan)
    (move,) = answer["moves"]
    assert (move["from"], move["to"]) == (f"{WEST}002", f"{WEST}001")
    assert move["sentence"] == "2 homes and 1 open case move from 002 to 001"
    assert (move["households"], move["people"], move["cases_open"], move["components"]) == (2, 6, 1, 1)
    assert [(grid["code"][-3:], grid["fate"]) for grid in answer["grids"]] == [
        ("001", "changed"),
        ("002", "changed"),
        ("003", "same"),
        ("004", "same"),
    ]
    first = answer["grids"][0]
    assert (first["a"]["households"], first["b"]["households"]) == (0, 2)
    (feature,) = answer["changed"]["features"]
    assert feature["properties"] == move
    west, south, east, north = block_at(plan, at(0.6, 0.1)).geom.extent
    (ring,) = feature["geometry"]["coordinates"][0]
    assert {tuple(xy) for xy in ring} >= {(west, south), (east, north)}
    assert answer["only_a"] == answer["only_b"] == []


def test_two_plans_with_blocks_of_their_own(plan):
    """A copy of today cut otherwise: the same moves as against today."""
    today = make_squares(parts=6, name="As today")
    assert told(plan, today)["a"]["name"] == "As today"
    for one, other in ((told(plan, today), told(plan)),):
        (move,), (expected,) = one["moves"], other["moves"]
        assert move["sentence"] == expected["sentence"]
        assert move["area_m2"] == pytest.approx(expected["area_m2"], abs=1)
        for name in ("households", "people", "cases_open", "components", "workers"):
            assert move[name] == expected[name]
    backwards = told(today, plan)
    assert backwards["moves"][0]["sentence"] == "2 homes and 1 open case move from 001 to 002"


def test_a_grid_that_goes_takes_its_people_along(plan):
    make_worker(grid=f"{WEST}004", role="leader")
    give(plan, 3, at(0.6, 0.6), at(0.6, 0.9), at(0.9, 0.6), at(0.9, 0.9))
    PlanGrid.objects.filter(plan=plan, number=4).update(active=False)
    for answer in (told(plan), told(plan, make_squares(parts=2))):
        assert [one["code"][-3:] for one in answer["only_a"]] == ["004"]
        (move,) = [one for one in answer["moves"] if one["from"] == f"{WEST}004"]
        assert move["workers"] == 1
        assert move["sentence"] == "1 worker moves from 004 to 003"
        assert {one["code"][-3:]: one["fate"] for one in answer["grids"]}["004"] == "gone"


def test_new_grids_and_bare_ground(plan):
    new_grid(plan, 7)
    give(plan, 7, at(0.9, 0.9))
    answer = told(plan)
    assert [one["code"][-3:] for one in answer["only_b"]] == ["007"]
    (move,) = [one for one in answer["moves"] if one["to"] == f"{WEST}007"]
    assert move["sentence"].endswith("m² of ground moves from 004 to 007")
    area = (SIDE / 4 * 111_319.49) ** 2 * 0.7716
    assert move["area_m2"] == pytest.approx(area, rel=0.01)


def test_only_common_communities_are_compared(plan):
    both = make_squares(WEST, "990101002001")
    assert {grid["code"][:12] for grid in told(both, plan)["grids"]} == {WEST}
    with pytest.raises(Problem):
        told(make_squares("990102001001"), plan)


def test_in_chinese(plan):
    with override("zh-hans"):
        (move,) = told(plan)["moves"]
    assert move["sentence"] == "2 户和 1 件未结案件从 002 划入 001"
