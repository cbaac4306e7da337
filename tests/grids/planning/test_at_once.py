"""Two planners who draw in the same moment: one after the other, and nobody over the other."""

import threading

import pytest
from django.db import connection

from geo.problems import Problem
from grids.planning import edits
from tests.factories import make_user
from tests.grids.planning.plans import check, make_plan, spot

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(plan, wishes) -> list:
    """Strokes by (user, params), each on a connection of its own, begun together; problems as results."""
    ready, results = threading.Barrier(len(wishes)), [None] * len(wishes)

    def draw(number, user, params):
        try:
            ready.wait(10)
            results[number] = edits.stroke(plan, user, "hand_over", params, 0)
        except Problem as problem:
            results[number] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=draw, args=(n, *wish)) for n, wish in enumerate(wishes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_one_after_the_other(city):
    one, other = (make_user(name, role="planner", area="9901") for name in ("one", "other"))
    plan = make_plan(one)
    wishes = [(one, {"point": spot(0.4, 0.1), "to": 2}), (other, {"point": spot(0.4, 0.9), "to": 4})]
    results = at_once(plan, wishes)
    assert not [result for result in results if isinstance(result, Problem)]
    plan.refresh_from_db()
    assert plan.revision == 2
    assert sorted(plan.edits.values_list("number", "revision")) == [(1, 1), (2, 2)]
    check(plan)


def test_the_second_is_told(city):
    one, other = (make_user(name, role="planner", area="9901") for name in ("one", "other"))
    plan = make_plan(one)
    # A block that touches both grids: either planner may be the first.
    block = spot(0.4, 0.4)
    results = at_once(plan, [(one, {"point": block, "to": 2}), (other, {"point": block, "to": 3})])
    (problem,) = [result for result in results if isinstance(result, Problem)]
    assert (problem.status, problem.kind) == (409, "conflict")
    plan.refresh_from_db()
    assert plan.revision == 1 and plan.edits.count() == 1
    check(plan)
