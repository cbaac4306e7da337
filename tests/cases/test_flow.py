"""The table of moves, walked: who may do what in which state, and what everybody else is told."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from cases import actions, flow
from cases.actions import Given
from cases.evidence import Evidence
from cases.models import Case
from geo.models import User
from geo.problems import Problem
from tests.cases.people import HERE, case_in, make_people, photo

pytestmark = pytest.mark.django_db
STATES = [
    *("reported", "rejected", "accepted", "verifying_before", "filed", "dispatched", "handling"),
    *("suspended", "handled", "verifying_after", "rework", "verified", "closed", "void"),
]
# Moves that want more than a state and a person; see test_requests and test_flags.
CONDITIONAL = {
    *("approve_extend", "refuse_extend", "approve_suspend", "refuse_suspend", "reply_supervision"),
    *("clear_difficult", "ask_owner", "answer_owner", "confirm_owner", "reopen", "unmerge"),
    *("withdraw", "rate", "confirm_self_handled", "report"),
}
WITH_UNIT = {"dispatched", "handling", "rework"}
BEFORE = {"reported", "accepted", "verifying_before", "filed"}
AFTER = {"dispatched", "handling", "suspended", "handled", "verifying_after", "rework", "verified"}

# By person: action -> (states it starts from) and where each leads. Written down by hand from the domain
# reference, so that the table in cases.flow is held against something else than itself.
OPEN = BEFORE | AFTER
EXPECTED = {
    "acceptor": {
        "mark_difficult": (OPEN, "same"),
        "accept": ({"reported"}, "accepted"),
        "reject": ({"reported"}, "rejected"),
        "file_case": ({"accepted"}, "filed"),
        "ask_verify_before": ({"accepted"}, "verifying_before"),
        "merge": (BEFORE, "void"),
        "void": (BEFORE, "void"),
        "close": ({"verified"}, "closed"),
    },
    "dispatcher": {
        "mark_difficult": (OPEN, "same"),
        "remind": (WITH_UNIT | {"handled", "verifying_after"}, "same"),
        "resume": ({"suspended"}, "handling"),
        "dispatch": ({"filed"}, "dispatched"),
        "return_back": ({"filed"} | WITH_UNIT, None),
        "ask_verify_after": ({"handled"}, "verifying_after"),
        "merge": ({"filed"}, "void"),
    },
    "lead": {
        "mark_difficult": (OPEN, "same"),
        "remind": (WITH_UNIT | {"handled", "verifying_after"}, "same"),
        "supervise": (OPEN, "same"),
        "resume": ({"suspended"}, "handling"),
        "accept": ({"reported"}, "accepted"),
        "reject": ({"reported"}, "rejected"),
        "file_case": ({"accepted"}, "filed"),
        "ask_verify_before": ({"accepted"}, "verifying_before"),
        "dispatch": ({"filed"}, "dispatched"),
        "return_back": ({"filed"} | WITH_UNIT, None),
        "ask_verify_after": ({"handled"}, "verifying_after"),
        "merge": (BEFORE, "void"),
        "void": (BEFORE | AFTER, "void"),
        "close": ({"verified"}, "closed"),
    },
    "department": {
        "sub_assign": ({"dispatched", "handling"}, "dispatched"),
        "ask_extend": ({"dispatched", "handling"}, "same"),
        "ask_suspend": ({"dispatched", "handling"}, "same"),
        "start": ({"dispatched", "rework"}, "handling"),
        "report_handled": ({"handling"}, "verifying_after"),
        "return_back": (WITH_UNIT, "filed"),
    },
    "worker": {
        "verify_true": ({"verifying_before"}, "accepted"),
        "verify_false": ({"verifying_before"}, "void"),
        "verify_pass": ({"verifying_after"}, "verified"),
        "verify_fail": ({"verifying_after"}, "rework"),
    },
    "other_department": {},
    "other_worker": {},
    "leader": {
        "remind": (WITH_UNIT | {"handled", "verifying_after"}, "same"),
        "supervise": (OPEN, "same"),
    },
    "other_dispatcher": {},
    "nobody": {},
}


@pytest.fixture
def people(city):
    return make_people()


def given_for(user, people, other: Case) -> Given:
    """Everything that any action could need."""
    return Given(
        reason="因为",
        unit=people.unit,
        duplicate_of=other.number,
        photos=[Evidence(uuid=photo(user))],
        position=HERE,
        accuracy_m=5,
        amount=1,
        day=timezone.localdate() + timedelta(days=20),
    )


@pytest.mark.parametrize("name", list(EXPECTED))
def test_every_action_in_every_state(people, name):
    user = User.objects.get(pk=getattr(people, name).pk)
    other = case_in("filed", people)
    wrong = []
    for state in STATES:
        case = case_in(state, people, handle_due_at=timezone.now() + timedelta(days=2))
        offered = {move.action for move in flow.allowed(user, case)}
        for action in flow.current().actions:
            if action in CONDITIONAL:
                continue
            states, end = EXPECTED[name].get(action, (set(), None))
            # What is not this person's is tried only where it is somebody's.
            if not states and not any(state in move.start for move in flow.current().of(action)):
                continue
            try:
                with transaction.atomic():
                    after = actions.act(case.number, action, user, given_for(user, people, other))
                    result = after.state
                    transaction.set_rollback(True)
            except Problem as problem:
                result = problem.status
            if state in states:
                ends = {state} if end == "same" else {end} if end else {"accepted", "filed"}
                good = result in ends
            else:
                good = result in (403, 404, 409)
            if not good or (state in states) != (action in offered):
                wrong.append((state, action, result, action in offered))
    assert wrong == []


def test_every_move_of_the_table_is_in_somebodys_list():
    known = {
        (action, state)
        for rows in EXPECTED.values()
        for action, (states, _end) in rows.items()
        for state in states
    }
    for move in flow.current().moves:
        if move.by == flow.SYSTEM or move.action in CONDITIONAL:
            continue
        for state in move.start:
            assert (move.action, state) in known, (move.action, state)


def test_the_table_knows_every_state_and_permission(roles):
    from geo.models import Role

    granted = {permission for role in Role.objects.all() for permission in role.permissions}
    reached = {move.end for move in flow.current().moves}
    for move in flow.current().moves:
        assert move.end in {*STATES, flow.SAME}
        assert set(move.start) <= {*STATES, ""}
        nobody = move.by in (flow.SYSTEM, flow.REPORTER)
        assert nobody or move.permission in granted, move.action
        for then in move.then:
            assert any(m.by == flow.SYSTEM for m in flow.current().of(then))
    assert set(STATES) == set(flow.current().states) == reached - {flow.SAME}


def test_needs_are_all_told_at_once(people):
    case = case_in("verifying_after", people)
    user = User.objects.get(pk=people.worker.pk)
    with pytest.raises(Problem) as caught:
        actions.act(case.number, "verify_fail", user, Given())
    assert [error["pointer"] for error in caught.value.errors] == ["/reason", "/attachments", "/position"]


def test_too_far_away_to_verify(people):
    case = case_in("verifying_after", people)
    user = User.objects.get(pk=people.worker.pk)
    far = HERE.clone()
    far.x += 0.005
    given = Given(photos=[Evidence(uuid=photo(user))], position=far, accuracy_m=20)
    with pytest.raises(Problem) as caught:
        actions.act(case.number, "verify_pass", user, given)
    assert caught.value.status == 422 and "430" in caught.value.detail


def test_nobody_checks_the_work_of_the_own_unit(people):
    case = case_in("verifying_after", people)
    User.objects.filter(pk=people.worker.pk).update(organisation=people.unit)
    user = User.objects.get(pk=people.worker.pk)
    given = Given(photos=[Evidence(uuid=photo(user))], position=HERE)
    with pytest.raises(Problem) as caught:
        actions.act(case.number, "verify_pass", user, given)
    assert caught.value.status == 403


def test_a_flow_that_is_not_known_is_told(people):
    case = case_in("reported", people)
    case.flow, case.flow_version = "letters", 7
    with pytest.raises(Problem):
        flow.flow_of(case)
