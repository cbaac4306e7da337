"""Looking on the spot: one is asked first, whoever has duty in the grid may do it, and one is enough."""

import threading

import pytest
from django.db import connection

from cases import actions, phone_queries, todo
from cases.actions import Given
from cases.evidence import Evidence
from cases.models import Case
from geo.models import Event, User
from geo.problems import Problem
from tests.cases.people import GRID, HERE, act, case_in, client, evidence, make_people, photo
from tests.factories import make_city, make_user, make_worker


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


@pytest.fixture
def grid(city):
    """The people, with a leader and two members at the grid, and one of the handling unit there too."""
    people = make_people()
    people.first = make_user("first", role="grid_worker")
    people.second = make_user("second", role="grid_worker")
    people.own = make_user("own", role="grid_worker", organisation=people.unit)
    make_worker(people.first, grid=GRID, role="leader")
    make_worker(people.second, grid=GRID)
    make_worker(people.own, grid=GRID)
    return people


def handled(people) -> Case:
    case = case_in("handling", people)
    answer = act(people.department, case.number, "report_handled", attachments=[photo(people.department)])
    assert answer.status_code == 200, answer.content
    case.refresh_from_db()
    assert case.state == "verifying_after"
    return case


def in_tasks(person, case) -> bool:
    return case.number in [row["number"] for row in client(person).get("/api/me/tasks").json()["results"]]


@pytest.mark.django_db
def test_everybody_of_the_grid_has_the_task(grid):
    case = handled(grid)
    assert case.verifier_id in (grid.first.pk, grid.second.pk, grid.worker.pk)
    for person in (grid.first, grid.second, grid.worker):
        assert in_tasks(person, case)
        assert Case.objects.filter(todo.mine(fresh(person))).filter(pk=case.pk).exists()
        told = phone_queries.messages(fresh(person))
        assert [row["action"] for row in told] == ["ask_verify_after"]
    asked = Event.objects.filter(layer="tasks", verb="asked").values_list("user_id", flat=True)
    assert sorted(asked) == sorted([grid.first.pk, grid.second.pk, grid.worker.pk])
    # Not for those of another grid, nor for who would check the own unit's work.
    for person in (grid.other_worker, grid.own):
        assert not in_tasks(person, case)
        assert not Case.objects.filter(todo.mine(fresh(person))).filter(pk=case.pk).exists()
    assert act(grid.own, case.number, "verify_pass", **evidence(grid.own)).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(("action", "reason"), [("verify_pass", ""), ("verify_fail", "还在漏水")])
def test_one_does_it_and_the_others_are_told(grid, action, reason):
    case = handled(grid)
    doer = next(one for one in (grid.first, grid.second) if one.pk != case.verifier_id)
    assert act(doer, case.number, action, reason=reason, **evidence(doer)).status_code == 200
    case.refresh_from_db()
    assert case.verifier_id == doer.pk
    others = [one for one in (grid.first, grid.second, grid.worker) if one.pk != doer.pk]
    for person in others:
        assert not in_tasks(person, case)
        assert phone_queries.messages(fresh(person))[0]["action"] == action
    done = Event.objects.filter(layer="tasks", verb="done").values_list("user_id", flat=True)
    assert sorted(done) == sorted(one.pk for one in others)
    late = act(others[0], case.number, action, reason=reason, **evidence(others[0]))
    assert late.status_code == 409 and late.json()["state"] == case.state


@pytest.mark.django_db
def test_somebody_from_elsewhere_who_was_asked_hears_that_it_is_done(grid):
    case = case_in("handled", grid)
    asked = act(grid.dispatcher, case.number, "ask_verify_after", verifier=grid.other_worker.pk)
    assert asked.status_code == 200
    assert in_tasks(grid.other_worker, case) and in_tasks(grid.first, case)
    assert act(grid.first, case.number, "verify_pass", **evidence(grid.first)).status_code == 200
    assert Event.objects.filter(layer="tasks", verb="done", user_id=grid.other_worker.pk).exists()
    assert not in_tasks(grid.other_worker, case)


@pytest.mark.django_db
def test_before_filing_too(grid):
    case = case_in("accepted", grid)
    assert act(grid.acceptor, case.number, "ask_verify_before").status_code == 200
    assert all(in_tasks(person, case) for person in (grid.first, grid.second, grid.worker))
    assert todo.tasks(fresh(grid.other_worker)).count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_one_result_and_one_explanation():
    from geo import roles

    roles.load()
    make_city()
    people = make_people()
    second = make_user("second", role="grid_worker")
    make_worker(second, grid=GRID)
    case = case_in("verifying_after", people)
    barrier, results = threading.Barrier(2), []

    def check(person, action):
        try:
            shown = Evidence(uuid=photo(person))
            given = Given(reason="看过了", photos=[shown], position=HERE, accuracy_m=8)
            barrier.wait(10)
            results.append(actions.act(case.number, action, fresh(person), given))
        except Problem as problem:
            results.append(problem)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=check, args=pair)
        for pair in ((people.worker, "verify_pass"), (second, "verify_fail"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    problems = [one for one in results if isinstance(one, Problem)]
    assert len(results) == 2 and len(problems) == 1
    case.refresh_from_db()
    done = case.transitions.filter(action__startswith="verify_").get()
    assert problems[0].status == 409 and problems[0].extra["state"] == case.state
    assert problems[0].extra["last"]["action"] == done.action
    assert str(done.unit or done.actor) in problems[0].detail and case.verifier_id == done.actor_id
