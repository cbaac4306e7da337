"""Strokes on a draft: what they change, what they refuse, and how they are undone."""

import uuid

import pytest
import shapely

from geo.models import AuditEntry, Event
from geo.problems import Problem
from grids.planning import edits
from grids.publication import to_shapely
from tests.factories import make_user
from tests.grids.planning.plans import (
    HOME,
    block_at,
    check,
    load,
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
    """A stroke from where the plan stands."""
    plan.refresh_from_db()
    change = edits.stroke(plan, user, op, params, plan.revision)
    plan.refresh_from_db()
    return change


def test_a_draft_begins_as_the_grids_in_force(plan):
    assert plan.state == "draft" and plan.revision == 0
    draft = check(plan)
    assert len(draft.blocks) == 16
    assert [grid.code for grid in draft.active.values()] == [f"{HOME}{n:03d}" for n in range(1, 5)]
    assert all(grid.grid.code == grid.code for grid in draft.active.values())
    for number, border in draft.borders(exact=True).items():
        in_force = draft.grids[number].grid
        in_force.refresh_from_db()
        assert shapely.equals_identical(border.normalize(), to_shapely(in_force.geom).normalize())
    assert AuditEntry.objects.filter(action="plan.create").count() == 1


def test_a_block_goes_to_the_neighbour(plan, planner):
    before = Event.objects.filter(layer="plans").count()
    block = block_at(plan, 0.4, 0.1)
    one, two = number_of(plan, "001"), number_of(plan, "002")
    change = do(plan, planner, "hand_over", blocks=[block.pk], to=two)
    assert plan.revision == 1
    assert change.draft.blocks[block.pk].grid == two
    assert check(plan).blocks[block.pk].grid == two
    edit = plan.edits.get()
    assert edit.summary in ("handed 1 block from 001 to 002", "将 1 个地块由 001 划入 002")
    assert edit.delta["blocks"] == {str(block.pk): [one, two]}
    assert Event.objects.filter(layer="plans").count() == before + 1


def test_undo_and_redo_bring_back_exactly_what_was(plan, planner):
    states = [snapshot(plan)]
    one, two, three = (number_of(plan, n) for n in ("001", "002", "003"))
    do(plan, planner, "hand_over", point=spot(0.4, 0.1), to=two)
    states.append(snapshot(plan))
    do(plan, planner, "merge", grids=[one, three], into=three)
    states.append(snapshot(plan))
    do(plan, planner, "set", grid=three, name="东风", colour="#AA0000", locked=True)
    states.append(snapshot(plan))
    for number in (2, 1, 0):
        edits.undo(plan, planner, plan.revision)
        plan.refresh_from_db()
        assert snapshot(plan) == states[number]
        check(plan)
    with pytest.raises(Problem) as raised:
        edits.undo(plan, planner, plan.revision)
    assert raised.value.kind == "nothing"
    edits.redo(plan, planner, plan.revision, number=2)
    plan.refresh_from_db()
    assert snapshot(plan) == states[2]
    edits.redo(plan, planner, plan.revision)
    plan.refresh_from_db()
    assert snapshot(plan) == states[3] and plan.revision == 8
    edits.undo(plan, planner, plan.revision, number=1)
    assert snapshot(plan) == states[0]


def test_a_new_stroke_drops_what_was_undone(plan, planner):
    block = block_at(plan, 0.4, 0.1)
    change = do(plan, planner, "hand_over", blocks=[block.pk], to="new")
    assert change.draft.blocks[block.pk].grid == 5
    assert change.draft.grids[5].code == f"{HOME}005"
    edits.undo(plan, planner, plan.revision)
    change = do(plan, planner, "hand_over", blocks=[block.pk], to="new")
    assert change.draft.grids[6].code == f"{HOME}005", "a code that was only tried is free again"
    assert [edit.dropped for edit in plan.edits.order_by("number")] == [True, False]
    with pytest.raises(Problem):
        edits.redo(plan, planner, plan.revision)
    check(plan)


def test_a_merged_grid_keeps_its_code_to_itself(plan, planner):
    one, two = number_of(plan, "001"), number_of(plan, "002")
    do(plan, planner, "merge", grids=[one, two], into=one)
    change = do(plan, planner, "hand_over", point=spot(0.1, 0.1), to="new", kind="exclusive")
    assert change.draft.grids[5].code == f"{HOME}801"
    change = do(plan, planner, "hand_over", point=spot(0.4, 0.1), to="new")
    assert change.draft.grids[6].code == f"{HOME}005", "002 was in force: it is not given to another"


def test_the_last_block_takes_its_grid_along_and_says_so(plan, planner):
    one, two = number_of(plan, "001"), number_of(plan, "002")
    ids = [block.id for block in load(plan).of_grid(one)]
    change = do(plan, planner, "hand_over", blocks=ids, to=two)
    assert not change.draft.grids[one].active
    assert "001" in plan.edits.get().summary.split(";")[1]
    check(plan)


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"blocks": [1], "to": 1}, "invalid"),
        ({"to": 1}, "invalid"),
        ({"point": [83.95, 39.505], "to": 1}, "invalid"),
        ({"point": ["a", None], "to": 1}, "invalid"),
        ({"point": [83.902, 39.502], "to": 99}, "invalid"),
        ({"estate": "none", "to": 1}, "invalid"),
        ({"lasso": {"type": "Polygon", "coordinates": []}, "to": 1}, "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(plan, planner, params, kind):
    before = snapshot(plan)
    with pytest.raises(Problem) as raised:
        do(plan, planner, "hand_over", **params)
    assert raised.value.status == 422 and raised.value.kind == kind
    plan.refresh_from_db()
    assert plan.revision == 0 and snapshot(plan) == before


def test_parts_that_do_not_hang_together_are_refused_unless_wanted(plan, planner):
    two = number_of(plan, "002")
    with pytest.raises(Problem) as raised:
        do(plan, planner, "hand_over", point=spot(0.1, 0.1), to=two)
    assert raised.value.kind == "parts" and "002" in raised.value.detail
    do(plan, planner, "hand_over", point=spot(0.1, 0.1), to=two, allow_parts=True)
    assert check(plan).shapes()[two].geom_type == "MultiPolygon"
    # A grid that is in parts already may be worked on, if it does not get worse.
    do(plan, planner, "hand_over", point=spot(0.4, 0.1), to=two)


def test_locked_grids_are_left_alone(plan, planner):
    one, two = number_of(plan, "001"), number_of(plan, "002")
    do(plan, planner, "set", grid=one, locked=True)
    before = snapshot(plan)
    for params in ({"point": spot(0.4, 0.1), "to": two}, {"point": spot(0.6, 0.1), "to": one}):
        with pytest.raises(Problem) as raised:
            do(plan, planner, "hand_over", **params)
        assert raised.value.kind == "locked" and "001" in raised.value.detail
    around = polygon((0.3, 0), (0.7, 0), (0.7, 1), (0.3, 1))
    three = number_of(plan, "003")
    change = do(plan, planner, "hand_over", lasso=around, to=three, allow_parts=True)
    assert not [b for b in load(plan).of_grid(one) if b.grid != one] and len(change.draft.of_grid(one)) == 4
    edits.undo(plan, planner, plan.revision)
    assert snapshot(plan) == before


# --- Two at once -------------------------------------------------------------------------------------------


def test_strokes_on_other_ground_do_not_get_in_each_others_way(plan, planner):
    other = make_user("other", role="planner", area="990101")
    two, four = number_of(plan, "002"), number_of(plan, "004")
    edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.1), "to": two}, 0)
    change = edits.stroke(plan, other, "hand_over", {"point": spot(0.4, 0.9), "to": four}, 0)
    assert change.plan.revision == 2 and change.since == 0


def test_a_conflict_is_told_with_who_and_what(plan, planner):
    other = make_user("other", role="planner", area="990101")
    two, three = number_of(plan, "002"), number_of(plan, "003")
    edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.1), "to": two}, 0)
    with pytest.raises(Problem) as raised:
        edits.stroke(plan, other, "hand_over", {"point": spot(0.4, 0.4), "to": three}, 0)
    problem = raised.value
    assert (problem.status, problem.kind) == (409, "conflict")
    assert "planner" in problem.detail and "001" in problem.detail
    assert problem.extra["changes_since"]["revision"] == 1
    assert list(problem.extra["changes_since"]["blocks"]["moved"].values()) == [two]
    with pytest.raises(Problem) as raised:
        edits.undo(plan, other, 0)
    assert raised.value.kind == "conflict"
    change = edits.stroke(plan, other, "hand_over", {"point": spot(0.4, 0.4), "to": three}, 1)
    assert change.plan.revision == 2


def test_ones_own_strokes_in_quick_succession_do_not_conflict(plan, planner):
    two = number_of(plan, "002")
    edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.1), "to": two}, 0)
    assert (
        edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.4), "to": two}, 0).plan.revision == 2
    )


def test_a_stroke_that_is_sent_twice_happens_once(plan, planner):
    key, two = uuid.uuid4(), number_of(plan, "002")
    first = edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.1), "to": two}, 0, key)
    again = edits.stroke(plan, planner, "hand_over", {"point": spot(0.4, 0.1), "to": two}, 0, key)
    assert (first.replayed, again.replayed) == (False, True)
    assert plan.edits.count() == 1
    key = uuid.uuid4()
    edits.undo(plan, planner, 1, key)
    edits.undo(plan, planner, 1, key)
    plan.refresh_from_db()
    assert plan.revision == 2


def test_only_open_plans_take_strokes(plan, planner):
    plan.state = "submitted"
    plan.save()
    with pytest.raises(Problem) as raised:
        do(plan, planner, "hand_over", point=spot(0.4, 0.1), to=2)
    assert (raised.value.status, raised.value.kind) == (409, "state")
