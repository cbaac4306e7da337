"""Strokes that draw new borders: cut, carve, reshape, corners, a single building."""

import pytest
import shapely

from geo.problems import Problem
from grids.planning import edits
from grids.planning.blocks import buildings_at
from tests.factories import SIDE, at, make_user
from tests.grids.planning.plans import (
    HOME,
    check,
    line,
    load,
    make_building,
    make_estate,
    make_line,
    make_plan,
    number_of,
    polygon,
    snapshot,
    spot,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="9901")


@pytest.fixture
def plan(planner):
    return make_plan(planner)


def do(plan, user, op, **params):
    plan.refresh_from_db()
    before, revision = snapshot(plan), plan.revision
    change = edits.stroke(plan, user, op, params, revision)
    check(plan)
    plan.refresh_from_db()
    after = snapshot(plan)
    edits.undo(plan, user, plan.revision)
    assert snapshot(plan) == before, "undo brings back exactly what was"
    plan.refresh_from_db()
    edits.redo(plan, user, plan.revision)
    assert snapshot(plan) == after
    plan.refresh_from_db()
    return change


def share(draft, number) -> float:
    """A grid's area as a share of the community's."""
    return draft.shapes()[number].area / SIDE**2


def test_a_line_cuts_a_grid_in_two(plan, planner):
    one = number_of(plan, "001")
    change = do(plan, planner, "cut", grid=one, line=line((-0.1, 0.2), (0.6, 0.2)), names=["南片"])
    draft = change.draft
    (new,) = set(draft.active) - {1, 2, 3, 4}
    assert (draft.grids[new].code, draft.grids[new].name) == (f"{HOME}005", "南片")
    assert share(draft, one) == pytest.approx(0.15) and share(draft, new) == pytest.approx(0.1)
    assert share(draft, number_of(plan, "002")) == pytest.approx(0.25), "what the line overshoots stays whole"
    assert "005" in plan.edits.get().summary


def test_a_line_that_ends_just_before_the_border_is_meant_to_reach_it(plan, planner):
    one = number_of(plan, "001")
    do(plan, planner, "cut", grid=one, line=line((0.0, 0.2), (0.498, 0.2)))
    with pytest.raises(Problem) as raised:
        do(plan, planner, "cut", grid=one, line=line((0.0, 0.4), (0.45, 0.4)))
    assert "001" in raised.value.detail


def test_a_slanting_line_and_one_that_turns(plan, planner):
    one = number_of(plan, "001")
    do(plan, planner, "cut", grid=one, line=line((0.013, -0.1), (0.237, 0.271), (0.113, 0.617)))
    assert len(load(plan).active) == 5
    do(plan, planner, "cut", grid=one, line=line((0.31, -0.1), (0.4433, 0.2), (0.31, 0.333), (0.4567, 0.61)))
    assert len(load(plan).active) == 6


def test_a_cut_beside_a_street_leaves_no_sliver(plan, planner):
    one = number_of(plan, "001")
    change = do(plan, planner, "cut", grid=one, line=line((-0.1, 0.2515), (0.6, 0.2515)))
    draft = change.draft
    assert min(block.geom.area for block in draft.blocks.values()) > 0.05 * SIDE**2
    assert len(draft.blocks) == 16


def test_a_cut_snaps_to_the_street(plan, planner):
    one = number_of(plan, "001")
    before = {block.geom.wkt for block in load(plan).blocks.values()}
    wiggly = line((-0.001, 0.2505), (0.25, 0.2495), (0.501, 0.2508))
    change = do(plan, planner, "cut", grid=one, line=wiggly, snap_m=5)
    assert {block.geom.wkt for block in change.draft.blocks.values()} == before, "no block was cut"
    around = polygon((0.2506, 0.2495), (0.501, 0.2504), (0.499, 0.499), (0.2492, 0.501))
    change = do(plan, planner, "carve", polygon=around, snap_m=5)
    assert {block.geom.wkt for block in change.draft.blocks.values()} == before


def test_an_exclusive_grid_is_carved_out(plan, planner):
    around = polygon((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    change = do(plan, planner, "carve", polygon=around, name="商圈")
    (new,) = set(change.draft.active) - {1, 2, 3, 4}
    grid = change.draft.grids[new]
    assert (grid.code, grid.kind, grid.name) == (f"{HOME}801", "exclusive", "商圈")
    assert share(change.draft, new) == pytest.approx(0.04)
    assert [share(change.draft, number) for number in (1, 2, 3, 4)] == [pytest.approx(0.24)] * 4


def test_a_carved_grid_may_lie_within_another(plan, planner):
    around = polygon((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
    change = do(plan, planner, "carve", polygon=around, kind="basic")
    assert len(change.draft.shapes()[1].interiors) == 1
    change = do(plan, planner, "merge", grids=[1, 5], into=1)
    assert len(change.draft.shapes()[1].interiors) == 0


def test_a_locked_grid_is_not_carved(plan, planner):
    do(plan, planner, "set", grid=1, locked=True)
    around = polygon((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    change = do(plan, planner, "carve", polygon=around)
    assert share(change.draft, 1) == pytest.approx(0.25) and share(change.draft, 5) == pytest.approx(0.03)
    with pytest.raises(Problem) as raised:
        do(plan, planner, "carve", polygon=polygon((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)))
    assert "001" in raised.value.detail
    for params in (
        {"op": "cut", "grid": 1, "line": line((-0.1, 0.2), (0.6, 0.2))},
        {"op": "reshape", "line": line((0.5, 0.1), (0.4, 0.2), (0.5, 0.3))},
        {"op": "move_vertices", "moves": [{"from": spot(0.5, 0.5), "to": spot(0.45, 0.45)}]},
    ):
        with pytest.raises(Problem) as raised:
            do(plan, planner, **params)
        assert raised.value.kind == "locked", params


def test_a_stretch_of_border_is_drawn_anew(plan, planner):
    change = do(plan, planner, "reshape", line=line((0.5, 0.1), (0.4, 0.2), (0.5, 0.3)))
    assert share(change.draft, 1) == pytest.approx(0.24) and share(change.draft, 2) == pytest.approx(0.26)
    # To and fro: what lies on either side changes hands both ways.
    change = do(plan, planner, "reshape", line=line((0.5, 0.3), (0.6, 0.35), (0.45, 0.42), (0.5, 0.45)))
    total = sum(share(change.draft, number) for number in (1, 2))
    assert total == pytest.approx(0.5)


def test_a_border_that_is_a_ring_is_drawn_anew(plan, planner):
    around = polygon((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
    do(plan, planner, "carve", polygon=around)
    change = do(plan, planner, "reshape", line=line((0.12, 0.2), (0.15, 0.25), (0.18, 0.2)))
    assert share(change.draft, 5) == pytest.approx(0.01 + 0.06 * 0.05 / 2)
    change = do(plan, planner, "reshape", line=line((0.1, 0.15), (0.15, 0.12), (0.15, 0.1)))
    assert share(change.draft, 5) < 0.0115 - 0.0005


def test_reshaping_needs_two_ends_on_one_border(plan, planner):
    for points in (((0.5, 0.1), (0.4, 0.2), (0.3, 0.3)), ((0.5, 0.1), (0.4, 0.4), (0.3, 0.5))):
        with pytest.raises(Problem):
            do(plan, planner, "reshape", line=line(*points))
    with pytest.raises(Problem) as raised:
        do(plan, planner, "reshape", line=line((0.5, 0.1), (0.4, 0.6), (0.5, 0.3)))
    assert "003" in raised.value.detail


def test_a_shared_corner_is_dragged_and_all_its_grids_move(plan, planner):
    moves = [{"from": spot(0.5, 0.5), "to": spot(0.45, 0.4)}]
    draft = do(plan, planner, "move_vertices", moves=moves).draft
    assert share(draft, 1) == pytest.approx((0.45 * 0.5 + 0.5 * 0.4) / 2)
    assert sum(share(draft, number) for number in draft.active) == pytest.approx(1)
    corner = at(0.45, 0.4).coords
    for border in draft.borders().values():
        assert corner in [pytest.approx(xy) for xy in border.exterior.coords]


def test_an_edge_gets_a_corner_and_bends(plan, planner):
    moves = [{"from": spot(0.5, 0.2), "to": spot(0.4, 0.2)}]
    draft = do(plan, planner, "move_vertices", moves=moves).draft
    assert share(draft, 1) == pytest.approx(0.25 - 0.1 * 0.5 / 2)


def test_where_a_border_meets_the_outline_it_slides(plan, planner):
    moves = [{"from": spot(0.5, 0.0), "to": spot(0.3, -0.05)}]
    draft = do(plan, planner, "move_vertices", moves=moves).draft
    assert share(draft, 1) == pytest.approx((0.5 + 0.3) / 2 * 0.5)


def test_a_t_junction_takes_all_three_along(plan, planner):
    do(plan, planner, "cut", grid=1, line=line((0.0, 0.2), (0.5, 0.2)))
    moves = [{"from": spot(0.5, 0.2), "to": spot(0.55, 0.3)}]
    draft = do(plan, planner, "move_vertices", moves=moves).draft
    assert share(draft, 2) == pytest.approx(0.25 - 0.05 * 0.5 / 2)


def test_corners_cannot_cross_other_borders(plan, planner):
    before = snapshot(plan)
    for start, to in (
        (spot(0.5, 0.5), spot(-0.2, 0.5)),
        (spot(0.0, 0.0), spot(0.1, 0.1)),
        (spot(0.3, 0.3), spot(0.1, 0.1)),
    ):
        with pytest.raises(Problem):
            do(plan, planner, "move_vertices", moves=[{"from": start, "to": to}])
    assert snapshot(plan) == before


def test_one_building_goes_over_with_its_ground(planner):
    houses = [make_building(x, y, 0.04) for x in (0.27, 0.34, 0.44) for y in (0.03, 0.15)]
    make_building(0.4401, 0.19, 0.03, 0.02)  # wall to wall with the last
    plan = make_plan(planner)
    draft = do(plan, planner, "hand_over", building=spot(0.46, 0.05), to=2).draft
    last = shapely.from_wkt(houses[4].geom.wkt)
    shape = draft.shapes()[2]
    assert shape.contains(last) and not any(
        shape.intersects(shapely.from_wkt(house.geom.wkt)) for house in houses if house is not houses[4]
    )
    assert plan.edits.get().op == "hand_over"
    with pytest.raises(Problem) as raised:
        do(plan, planner, "hand_over", building=spot(0.29, 0.05), to=2)
    assert raised.value.kind == "parts"
    for nothing in (spot(0.29, 0.2), spot(0.46, 0.05)):  # no building, and one that is there already
        with pytest.raises(Problem):
            do(plan, planner, "hand_over", building=nothing, to=2)


def test_an_estate_and_a_lasso(planner):
    estate = make_estate(0.3, 0.05, 0.18, 0.15)
    plan = make_plan(planner)
    named = [block for block in load(plan).blocks.values() if block.estate == estate.code]
    assert shapely.union_all([block.geom for block in named]).equals(shapely.from_wkt(estate.geom.wkt))
    do(plan, planner, "hand_over", estate=estate.code, to=2, allow_parts=True)
    assert {load(plan).blocks[block.id].grid for block in named} == {2}
    around = polygon((0.24, -0.1), (0.6, -0.1), (0.6, 0.26), (0.24, 0.26))
    draft = do(plan, planner, "hand_over", lasso=around, to=2).draft
    assert share(draft, 2) == pytest.approx(0.25 + 0.25 * 0.25)


# --- What blocks are ----------------------------------------------------------------------------------


def test_blocks_keep_buildings_whole(planner):
    crossed = make_building(0.23, 0.1, 0.04)  # the street at 0.25 runs through it
    split = make_building(0.48, 0.1, 0.04)  # the border in force runs through it
    plan = make_plan(planner)
    draft = check(plan)
    assert len(draft.blocks) == 16

    def holders(building):
        core = shapely.from_wkt(building.geom.wkt).buffer(-1e-7)
        return [block for block in draft.blocks.values() if block.geom.intersects(core)]

    assert len(holders(crossed)) == 1 and len(holders(split)) == 2
    assert len(buildings_at(holders(crossed)[0].geom)) == 1


def test_slivers_join_their_neighbour_and_dead_ends_are_dropped(planner):
    make_line((-0.1, 0.2515), (1.1, 0.2515))
    make_line((0.1, 0.1), (0.2, 0.2))
    plan = make_plan(planner)
    assert len(check(plan).blocks) == 16


def test_blocks_beside_the_line_go_with_their_side(planner):
    for number in range(6):
        make_line((number / 6 + 0.03, -0.1), (number / 6 + 0.03, 1.1))
        make_line((-0.1, number / 6 + 0.03), (1.1, number / 6 + 0.03))
    plan = make_plan(planner, streets=0)
    draft = do(plan, planner, "cut", grid=1, line=line((-0.1, 0.231), (0.6, 0.247))).draft
    new = max(draft.active)
    assert share(draft, 1) + share(draft, new) == pytest.approx(0.25)
    assert abs(share(draft, 1) - 0.13) < 0.01
    draft = do(plan, planner, "reshape", line=line((0.5, 0.51), (0.9, 0.51), (0.9, 0.99), (0.5, 0.99))).draft
    assert share(draft, 4) == pytest.approx(0.25 - 0.4 * 0.48)
