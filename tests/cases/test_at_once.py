"""Two at once, with real connections: one wins, the other is told; nothing is counted twice."""

import threading
import uuid

import pytest
from django.db import connection

from cases import actions
from cases.actions import Given, Place
from cases.evidence import Evidence
from cases.models import Case, CaseAttachment, Transition
from geo.models import User
from geo.problems import Problem
from tests.cases.people import HERE, case_in, make_people, photo
from tests.factories import make_city, make_rule, make_type

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    from geo import roles

    roles.load()
    make_city()
    return make_people()


def together(*calls):
    """Run calls at the same moment, each on its own connection; their results or problems, in order."""
    barrier = threading.Barrier(len(calls))
    results: list = [None] * len(calls)

    def run(index, call):
        try:
            barrier.wait(10)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def user(person):
    return User.objects.get(pk=person.pk)


def test_two_accept_one_case(people):
    case = case_in("reported", people)
    results = together(
        *(
            lambda who=who: actions.act(case.number, "accept", user(who))
            for who in (people.acceptor, people.lead)
        )
    )
    problems = [result for result in results if isinstance(result, Problem)]
    assert len(problems) == 1 and problems[0].status == 409, results
    assert problems[0].extra["state"] == "accepted"
    assert Transition.objects.filter(case=case, action="accept").count() == 1


def test_accepting_against_rejecting(people):
    case = case_in("reported", people)
    results = together(
        lambda: actions.act(case.number, "accept", user(people.acceptor)),
        lambda: actions.act(case.number, "reject", user(people.lead), Given(reason="重复")),
    )
    problems = [result for result in results if isinstance(result, Problem)]
    assert [problem.status for problem in problems] == [409], results
    case.refresh_from_db()
    line = Transition.objects.get(case=case)
    assert (line.to_state, case.state) in (("accepted", "accepted"), ("rejected", "rejected"))


def test_one_action_sent_twice_at_the_same_moment(people):
    case = case_in("reported", people)
    key = uuid.uuid4()
    results = together(
        *(lambda: actions.act(case.number, "accept", user(people.acceptor), Given(client_key=key)),) * 4
    )
    assert all(isinstance(result, Case) and result.state == "accepted" for result in results), results
    assert Transition.objects.filter(case=case).count() == 1


def test_one_report_sent_five_times_at_the_same_moment(people):
    make_rule(people.unit, area_code="9901")
    kind = make_type(type_code="01", name="上水井盖")
    key = uuid.uuid4()

    def send():
        return actions.report(user(people.worker), Place(HERE), client_key=key, type=kind)

    results = together(*(send,) * 5)
    assert all(isinstance(result, tuple) for result in results), results
    assert len({case.pk for case, _new in results}) == 1
    assert sorted(new for _case, new in results) == [False] * 4 + [True]
    assert Case.objects.count() == 1 and Transition.objects.count() == 4


def test_numbers_of_reports_at_once_are_all_different(people):
    def send():
        return actions.report(user(people.worker), Place(HERE), client_key=uuid.uuid4())[0].number

    numbers = together(*(send,) * 8)
    assert len(set(numbers)) == 8
    assert sorted(int(number[-5:]) for number in numbers) == list(range(1, 9))


def test_a_right_lost_while_waiting_for_the_lock_is_lost(people):
    """The holder changes while a unit's hand is on the button."""
    case = case_in("dispatched", people)
    results = together(
        lambda: actions.act(case.number, "return_back", user(people.dispatcher), Given(reason="收回")),
        lambda: actions.act(case.number, "start", user(people.department)),
    )
    case.refresh_from_db()
    lines = list(Transition.objects.filter(case=case).order_by("id").values_list("action", flat=True))
    assert case.state == "filed" and case.holder_unit_id is None
    # Either started and then taken back, or taken back and the start refused.
    assert lines == ["start", "return_back"] or (
        lines == ["return_back"] and isinstance(results[1], Problem) and results[1].status == 409
    ), (lines, results)


def test_one_photo_for_two_reports_at_the_same_moment(people):
    picture = photo(people.worker)

    def send():
        return actions.report(
            user(people.worker), Place(HERE), client_key=uuid.uuid4(), photos=[Evidence(uuid=picture)]
        )

    results = together(*(send,) * 4)
    problems = [result for result in results if isinstance(result, Problem)]
    assert [problem.kind for problem in problems] == ["photo"] * 3, results
    assert CaseAttachment.objects.count() == Case.objects.count() == 1
