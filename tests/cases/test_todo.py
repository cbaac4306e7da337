"""What is mine to do: one rule on the desk, on the phone and in the API, and no right beyond ``flow.may``."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import actions, flow, guards, todo
from cases.actions import Given
from cases.api import me
from cases.models import Case, OwnerQuestion, Transition
from tests.cases.offices import make_offices, standing
from tests.cases.people import HERE, case_in, client
from tests.factories import at, make_case

pytestmark = pytest.mark.django_db

ELSEWHERE = at(0.7, 0.2)  # the next grid of the same community


@pytest.fixture
def offices(city):
    return make_offices()


def asked(case, unit, answer="") -> None:
    now = timezone.now()
    OwnerQuestion.objects.create(case=case, unit=unit, asked_at=now, due_at=now, answer=answer)
    case.holds.get_or_create(unit=unit, defaults={"part": "helper"})


def row_of(user, case) -> dict | None:
    rows = client(user).get("/api/me/tasks").json()["results"]
    return next((row for row in rows if row["number"] == case.number), None)


def test_each_has_what_flow_may_opens_to_them(offices):
    for name in (flow.CITY, flow.LETTER, flow.COMPLAINT):
        for code, state in flow.current(name).states.items():
            if name == flow.CITY:
                held = {"holder_unit": offices.unit} if state.phase == Case.Phase.UNIT else {}
                make_case(HERE, state=code, **held)
            else:
                standing(name, code, offices)
    # Reported by somebody on duty elsewhere; handed to another desk; a question of ownership; and far away.
    make_case(ELSEWHERE, flow=flow.LETTER, state="found", reporter=offices.worker)
    standing("letter", "at_community", offices, desk_code="990101001002")
    asked(case_in("filed", offices.people, difficult=True), offices.other_unit)
    make_case(at(2.5, 1.5), state="reported")
    cases = list(Case.objects.all())
    for name in offices.NAMES:
        user = offices.user(name)
        expected = set(Case.objects.for_user(user).filter(todo.to_verify(user)))
        for case in cases:
            moves = flow.flow_of(case).start(case.state)
            if any(move.main and move.by != flow.VERIFIER and flow.may(user, case, move) for move in moves):
                expected.add(case)
        assert set(todo.tasks(user)) == expected, name
        if expected:
            told = client(user).get("/api/cases/", {"view": "tasks", "limit": 100}).json()["results"]
            assert {row["number"] for row in told} == {case.number for case in expected}, name


def test_a_letter_is_not_mine_for_having_reported_it(offices):
    here = make_case(HERE, flow=flow.LETTER, state="found")
    reported = make_case(ELSEWHERE, flow=flow.LETTER, state="found", reporter=offices.worker)
    assert Case.objects.for_user(offices.user("worker")).filter(pk=reported.pk).exists()
    assert list(todo.tasks(offices.user("worker"))) == [here]


def test_what_stands_against_the_step_is_said(offices):
    acceptor = offices.people.acceptor
    whole = case_in("verified", offices.people)
    case_in("filed", offices.people, parent=whole)
    row = row_of(acceptor, whole)
    assert "close" not in [action["action"] for action in row["actions"]]
    assert row["hindrance"] == guards.why("parts_done")
    assert client(acceptor).get(f"/api/cases/{whole.number}/").json()["hindrance"] == row["hindrance"]
    closing = row_of(acceptor, case_in("verified", offices.people))
    assert (closing["actions"][0]["action"], closing["hindrance"]) == ("close", "")


def test_whoever_was_asked_whose_it_is_answers_from_the_list(offices):
    case = case_in("filed", offices.people, difficult=True)
    asked(case, offices.unit)
    assert [action["action"] for action in row_of(offices.department, case)["actions"]] == ["answer_owner"]
    assert row_of(offices.other_department, case) is None
    actions.act(case.number, "answer_owner", offices.user("department"), Given(answer="ours"))
    assert row_of(offices.department, case) is None
    given = [action["action"] for action in row_of(offices.dispatcher, case)["actions"]]
    assert "confirm_owner" in given


def test_a_list_asks_as_often_for_many_as_for_one(offices):
    def grow():
        for values in ({"difficult": True}, {"supervised": True}):
            case = case_in("filed", offices.people, **values)
            asked(case, offices.unit)
            asked(case, offices.other_unit, "not_ours")
        for state in ("reported", "handled", "verified", "dispatched", "suspended"):
            case_in(state, offices.people, supervised=True)
        for state in ("received", "assigned", "replied", "dissatisfied"):
            case = standing("complaint", state, offices)
        Transition.objects.create(case=case, action="explain", to_state=case.state, at=timezone.now())
        for state in ("at_community", "accepted", "at_district", "checking"):
            standing("letter", state, offices, came_from="found" if state == "checking" else "")

    def statements(name):
        user = offices.user(name)
        with CaptureQueriesContext(connection) as captured:
            assert client(user).get("/api/me/tasks").json()["count"]
        return [one["sql"] for one in captured]

    names = [name for name in offices.NAMES if "other" not in name and name != "nobody"]
    grow()
    few = {name: len(statements(name)) for name in names}
    grow()
    grow()
    grown = {name: again for name in names if len(again := statements(name)) > few[name]}
    assert not grown, grown
    assert max(few.values()) <= 16, few


def test_the_count_is_of_all(offices, monkeypatch):
    monkeypatch.setattr(me, "MOST_TASKS", 2)
    for _number in range(3):
        case_in("filed", offices.people)
    answer = client(offices.dispatcher).get("/api/me/tasks").json()
    assert (len(answer["results"]), answer["count"], answer["count_exact"]) == (2, 3, True)
    monkeypatch.setattr(me, "COUNT_TO", 2)
    answer = client(offices.dispatcher).get("/api/me/tasks").json()
    assert (answer["count"], answer["count_exact"]) == (2, False)
