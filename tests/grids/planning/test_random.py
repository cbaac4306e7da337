"""Whatever planners do, in whatever order: the draft stays whole, and undo brings everything back."""

import math
from collections import Counter

import pytest
import shapely
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from geo.problems import Problem
from grids.planning import edits
from grids.planning.lattice import edges_of
from tests.factories import SIDE, at, make_user
from tests.grids.planning.plans import (
    check,
    line,
    load,
    make_building,
    make_plan,
    make_slanted,
    polygon,
    snapshot,
    spot,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

share = st.floats(-0.1, 1.1).map(lambda value: round(value, 4))
place = st.tuples(share, share)
inside = st.tuples(*[st.floats(0.02, 0.98).map(lambda value: round(value, 4))] * 2)
number = st.integers(1, 8)
snap = st.sampled_from([0, 0, 2, 10])
parts = st.booleans()
STROKES = st.one_of(
    st.tuples(st.just("hand_over"), inside, number | st.just("new"), parts),
    st.tuples(st.just("hand_over_lasso"), st.lists(place, min_size=3, max_size=5), number, parts),
    st.tuples(st.just("hand_over_building"), inside, number, parts),
    st.tuples(st.just("cut"), number, st.lists(place, min_size=2, max_size=4), snap),
    st.tuples(st.just("carve"), st.lists(place, min_size=3, max_size=5), snap, parts),
    st.tuples(st.just("reshape"), st.integers(0, 50), st.tuples(*[st.floats(0, 1)] * 2), inside, snap),
    st.tuples(st.just("move_vertices"), st.integers(0, 50), st.tuples(*[st.floats(-0.2, 0.2)] * 2), snap),
    st.tuples(st.just("merge"), number, number, parts),
    st.tuples(st.just("lock"), number, st.booleans()),
    st.tuples(st.just("undo"), st.integers(1, 3)),
    st.tuples(st.just("redo"), st.integers(1, 3)),
)


def spots(points) -> list:
    return [spot(*point) for point in points]


def wish(plan, stroke) -> tuple[str, dict] | None:
    """A drawn stroke as operation and parameters; None where the draft has nothing it could be about."""
    kind, *values = stroke
    draft = load(plan)
    if kind == "hand_over":
        return kind, {"point": spot(*values[0]), "to": values[1], "allow_parts": values[2]}
    if kind == "hand_over_lasso":
        return "hand_over", {"lasso": polygon(*values[0]), "to": values[1], "allow_parts": values[2]}
    if kind == "hand_over_building":
        return "hand_over", {"building": spot(*values[0]), "to": values[1], "allow_parts": values[2]}
    if kind == "cut":
        return kind, {"grid": values[0], "line": line(*values[1]), "snap_m": values[2]}
    if kind == "carve":
        return kind, {"polygon": polygon(*values[0]), "snap_m": values[1], "allow_parts": values[2]}
    if kind == "merge":
        return kind, {"grids": values[:2], "into": values[1], "allow_parts": values[2]}
    if kind == "lock":
        return "set", {"grid": values[0], "locked": values[1]}
    borders = draft.borders()
    if kind == "move_vertices":
        corners = shapely.get_coordinates(list(borders.values()))
        x, y = corners[values[0] % len(corners)]
        to = [x + values[1][0] * SIDE, y + values[1][1] * SIDE]
        return kind, {"moves": [{"from": [x, y], "to": to}], "snap_m": values[2]}
    if kind == "reshape":
        _owner, low, high = edges_of(list(borders.values()))
        seen = Counter((*a, *b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
        shared = sorted(edge for edge, count in seen.items() if count == 2)
        if not shared:
            return None
        ax, ay, bx, by = (value / 1e8 for value in shared[values[0] % len(shared)])
        ends = [[ax + t * (bx - ax), ay + t * (by - ay)] for t in sorted(values[1])]
        course = {"type": "LineString", "coordinates": [ends[0], list(at(*values[2]).coords), ends[1]]}
        return kind, {"line": course, "snap_m": values[3]}
    return None


def totals(draft) -> Counter:
    """What stands in all blocks together, of what is counted in whole numbers."""
    found = Counter()
    for block in draft.blocks.values():
        for name, value in block.figures.items():
            if name.startswith("place:") or name in ("buildings", "households", "people"):
                found[name] += value
    return found


@pytest.fixture
def plan(city):
    make_slanted()
    for x in range(8):
        for y in range(8):
            if (x + y) % 3:
                make_building(x / 8 + 0.03, y / 8 + 0.04, 0.03, 0.05)
    return make_plan(make_user("planner", role="planner", area="9901"), streets=0)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    # Making a failing list of strokes shorter takes longer than reading it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(strokes=st.lists(STROKES, min_size=3, max_size=8))
def test_random_strokes(plan, strokes):
    user = plan.created_by
    with transaction.atomic():
        plan.refresh_from_db()
        begin = snapshot(plan)
        sums = totals(check(plan))
        for stroke in strokes:
            note(str(stroke))
            before = snapshot(plan)
            plan.refresh_from_db()
            try:
                if stroke[0] in ("undo", "redo"):
                    step = getattr(edits, stroke[0])
                    for _count in range(stroke[1]):
                        plan.refresh_from_db()
                        step(plan, user, plan.revision)
                elif (asked := wish(plan, stroke)) is not None:
                    change = edits.stroke(plan, user, asked[0], asked[1], plan.revision)
                    kept = load(plan)
                    assert {pk: (b.grid, b.geom.wkb) for pk, b in change.draft.blocks.items()} == {
                        pk: (b.grid, b.geom.wkb) for pk, b in kept.blocks.items()
                    }, "the draft in memory is the draft in the database"
            except Problem as problem:
                assert problem.status in (409, 422) and str(problem.detail)
                if stroke[0] not in ("undo", "redo"):
                    assert snapshot(plan) == before, "what is refused changes nothing"
            draft = check(plan)
            assert totals(draft) == sums, "nothing is lost and nothing counted twice"
            for grid in draft.active.values():
                assert not math.isnan(draft.shapes()[grid.number].area)
        end = snapshot(plan)
        plan.refresh_from_db()
        done = plan.edits.filter(undone=False, dropped=False).count()
        if done:
            edits.undo(plan, user, plan.revision, number=1)
            assert snapshot(plan) == begin, "undo of everything restores the beginning exactly"
            plan.refresh_from_db()
            last = plan.edits.filter(undone=True, dropped=False).order_by("number")[done - 1].number
            edits.redo(plan, user, plan.revision, number=last)
            assert snapshot(plan) == end
        transaction.set_rollback(True)
