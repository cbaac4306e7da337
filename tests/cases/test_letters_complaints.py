"""Letters and complaints: who may do what in which state, row by row of the domain reference (4.2, 4.3)."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from cases import actions, flow, timers, todo
from cases.actions import Contact, Given, Place
from cases.models import Case, CaseHold, Rating, ReporterContact, Transition
from geo.calendar import add_working_time
from geo.models import Grant, Role
from geo.problems import Problem
from tests.cases.offices import STREET, make_offices, standing
from tests.cases.people import HERE, client

pytestmark = pytest.mark.django_db

LETTER_STATES = [
    *("found", "at_community", "at_street", "accepted", "whistled", "returned", "at_district"),
    *("reporting_in", "checking", "rating", "archived", "void"),
]
OPEN = set(LETTER_STATES) - {"archived", "void"}
# Written down by hand from the domain reference: by person, action -> {state: state it leads to}.
LETTERS = {
    "worker": {
        "self_handle": {"found": "checking"},
        "escalate": {"found": "at_community"},
        "void": {"found": "void"},
        "pass": {"checking": "rating"},
        "fail": {"checking": "reporting_in"},
    },
    "community": {
        "escalate": {"found": "at_community", "at_community": "at_street"},
        "handle": {"at_community": "checking"},
        "transfer": {"at_community": "at_community"},
    },
    "street": {
        "accept": {"at_street": "accepted"},
        "transfer": {"at_street": "at_street"},
        "self_close": {"at_street": "checking"},
        "whistle": {"accepted": "whistled"},
        "redispatch": {"returned": "whistled"},
        "insist": {"returned": "reporting_in"},
        "joint_meeting": {"returned": "at_district"},
        "send_back": {"rating": "reporting_in"},
        "mark": {"rating": "rating", "archived": "archived"},
        "remind": {state: state for state in ("whistled", "reporting_in", "checking")},
    },
    "district": {
        "decide": {"at_district": "whistled"},
        "supervise": {state: state for state in OPEN},
        "remind": {state: state for state in ("whistled", "reporting_in", "checking")},
    },
    "department": {
        "take": {"whistled": "reporting_in"},
        "return_order": {"whistled": "returned"},
        "second_dispatch": {"reporting_in": "reporting_in"},
        "ask_extend": {"reporting_in": "reporting_in"},
        "feed_back": {"reporting_in": "checking"},
    },
    "leader": {
        "supervise": {state: state for state in OPEN},
        "remind": {state: state for state in ("whistled", "reporting_in", "checking")},
    },
    "dispatcher": {"remind": {state: state for state in ("whistled", "reporting_in", "checking")}},
    "other_worker": {},
    "other_community": {},
    "other_street": {},
    "other_department": {},
    "nobody": {},
}
LETTERS["complaints"] = LETTERS["dispatcher"]
LETTERS["lead"] = LETTERS["leader"]
LETTERS["colleague"] = LETTERS["worker"]
COMPLAINT_STATES = ["received", "assigned", "in_hand", "replied", "dissatisfied", "closed", "void"]
C_OPEN = set(COMPLAINT_STATES) - {"closed", "void"}
REMIND = {state: state for state in ("assigned", "in_hand", "replied")}
DESK = {
    "assign": {"received": "assigned"},
    "handle": {"received": "in_hand"},
    "transfer": {"received": "received"},
    "escalate": {"received": "received"},
    "call_back": {"replied": "closed"},
    "redo": {"dissatisfied": "in_hand"},
    "explain": {"dissatisfied": "dissatisfied"},
    "remind": REMIND,
}
COMPLAINTS = {
    "complaints": DESK,
    "district_complaints": DESK,
    "department": {
        "take": {"assigned": "in_hand"},
        "return_order": {"assigned": "received"},
        "extend": {"in_hand": "in_hand"},
        "reply": {"in_hand": "replied"},
    },
    "leader": {"supervise": {state: state for state in C_OPEN}, "remind": REMIND},
    "dispatcher": {"remind": REMIND},
    "worker": {},
    "community": {},
    "other_worker": {},
    "other_complaints": {},
    "other_department": {},
    "nobody": {},
    "street": {"remind": REMIND},
    "district": {"supervise": {state: state for state in C_OPEN}, "remind": REMIND},
}
COMPLAINTS["lead"] = COMPLAINTS["leader"]
# Moves that want more than a state and a person; each has a test of its own below.
CONDITIONAL = {
    *("report", "rate", "withdraw", "approve_extend", "refuse_extend", "reply_supervision", "clear_mark"),
    *("second_handle", "write_off", "review_legacy", "explain_close", "refuse_explanation"),
}


@pytest.fixture
def offices(city):
    return make_offices()


def everything(offices, **values) -> Given:
    """All that any action could need."""
    usual = {
        "reason": "因为",
        "unit": offices.unit,
        "amount": 1,
        "complexity": "complex",
        "kind": "help",
        "mark": "hot",
        "stars": 4,
        "contacted": True,
        "solved": True,
        "satisfied": True,
        "day": timezone.localdate() + timedelta(days=20),
    }
    return Given(**usual | values)


def do(offices, name: str, case: Case, action: str, **values) -> Case:
    return actions.act(case.number, action, offices.user(name), Given(**values))


@pytest.mark.parametrize(
    ("name", "person"), [("letter", who) for who in LETTERS] + [("complaint", who) for who in COMPLAINTS]
)
def test_every_action_in_every_state(offices, name, person):
    expected = (LETTERS if name == "letter" else COMPLAINTS)[person]
    user = offices.user(person)
    wrong = []
    for state in LETTER_STATES if name == "letter" else COMPLAINT_STATES:
        came = {"checking": "reporting_in", "rating": "reporting_in"}.get(state, "")
        case = standing(
            name, state, offices, came_from=came, handle_due_at=timezone.now() + timedelta(days=2)
        )
        offered = {move.action for move in flow.allowed(user, case)}
        for action in flow.current(name).actions:
            if action in CONDITIONAL:
                continue
            end = expected.get(action, {}).get(state)
            desk = "990101001002" if state == "at_community" else "990101002"
            try:
                with transaction.atomic():
                    after = actions.act(case.number, action, user, everything(offices, desk=desk))
                    result = after.state
                    transaction.set_rollback(True)
            except Problem as problem:
                result = problem.status
            good = result == end if end else result in (403, 404, 409)
            if not good or bool(end) != (action in offered):
                wrong.append((state, action, result, action in offered))
    assert wrong == []


@pytest.mark.parametrize("name", ["letter", "complaint"])
def test_every_move_is_somebodys_and_every_word_is_there(roles, name):
    from cases import effects, guards, outcomes
    from geo.models import Role
    from geo.permission_words import WORDS

    table = flow.current(name)
    granted = {permission for role in Role.objects.all() for permission in role.permissions}
    known = {
        (action, state)
        for rows in (LETTERS if name == "letter" else COMPLAINTS).values()
        for action, ends in rows.items()
        for state in ends
    }
    for move in table.moves:
        assert move.label.zh and move.label.en and move.by in flow.ACTORS
        assert {*move.needs, *move.takes} <= {*flow.INPUTS}
        assert all(guard in guards.GUARDS for guard in move.guards), move.guards
        assert all(effect in effects.EFFECTS for effect in move.effects), move.effects
        assert not move.when or move.when in outcomes.OUTCOMES
        assert move.end in {*table.states, flow.SAME, flow.BEFORE} and {*move.start} <= {*table.states, ""}
        if move.by not in (flow.SYSTEM, flow.REPORTER):
            assert move.permission in granted and move.permission in WORDS, move.permission
            if move.action not in CONDITIONAL:
                assert {(move.action, state) for state in move.start} <= known, move.action
    states = LETTER_STATES if name == "letter" else COMPLAINT_STATES
    assert set(table.states) == set(states) <= set(Case.State.values)
    for state in table.states.values():
        assert (state.phase == Case.Phase.ENDED) == (state.code in Case.ENDED)


def test_the_documents_name_every_step():
    from pathlib import Path

    text = Path("docs/flows.md").read_text(encoding="utf-8")
    for name in ("city_management", "letter", "complaint"):
        table = flow.current(name)
        assert all(f"`{state}`" in text for state in table.states)
        assert all(f"`{action}`" in text for action in table.actions)


def report(offices, name: str, who: str = "worker", **values) -> Case:
    from uuid import uuid4

    user = offices.user(who) if who else None
    return actions.report(
        user, Place(HERE), client_key=uuid4(), flow_name=name, description="井盖松动", **values
    )[0]


# --- Letters ----------------------------------------------------------------------------------------


def test_a_letter_goes_all_the_way(offices):
    case = report(offices, "letter", who="", contact=Contact("某某", "000-1"))
    assert case.number.startswith("W990101") and case.state == "found"
    assert case.due_at == add_working_time(case.reported_at, 1, "work_day", case.area_code)
    do(offices, "worker", case, "escalate", reason="网格无法解决")
    do(offices, "community", case, "escalate", reason="社区无法解决")
    case = do(offices, "street", case, "accept")
    case = do(
        offices,
        "street",
        case,
        "whistle",
        unit=offices.unit,
        complexity="complex",
        units=[offices.other_unit],
    )
    now = case.dispatched_at
    assert case.handle_due_at == add_working_time(now, 5, "work_day", case.area_code)
    assert case.due_at == add_working_time(now, 4, "work_hour", case.area_code)
    parts = set(CaseHold.objects.filter(case=case).values_list("unit_id", "part"))
    assert parts == {(offices.unit.pk, "holder"), (offices.other_unit.pk, "helper")}
    case = do(offices, "department", case, "take")
    assert case.due_at == case.handle_due_at
    case = do(offices, "department", case, "feed_back", reason="已修复")
    assert case.handled_at and case.state == "checking" and case.verifier_id
    case = do(offices, "worker", case, "pass", stars=5)
    assert case.state == "rating" and case.due_at - timezone.now() > timedelta(days=6, hours=23)
    actions.act_public(case, "rate", Given(stars=2, reason="太慢"))
    case.refresh_from_db()
    assert case.state == "archived" and case.closed_at and case.due_at is None
    stars = list(Rating.objects.filter(case=case).values_list("kind", "stars"))
    assert stars == [("inner", 5), ("outer", 2)]
    # Once, and never again.
    with pytest.raises(Problem) as caught:
        actions.act_public(case, "rate", Given(stars=5))
    assert caught.value.status == 409


def test_general_letters_have_three_days(offices):
    case = standing("letter", "accepted", offices)
    case = do(offices, "street", case, "whistle", unit=offices.unit, complexity="general")
    assert case.handle_due_at == add_working_time(case.dispatched_at, 3, "work_day", case.area_code)


def test_silence_is_no_rating(offices):
    case = standing("letter", "rating", offices, due_at=timezone.now() + timedelta(days=7))
    timers.settle_all()
    assert timers.ring_due(timezone.now() + timedelta(days=6)) == 0
    assert timers.ring_due(timezone.now() + timedelta(days=8)) == 1
    case.refresh_from_db()
    assert case.state == "archived" and case.closed_at and not case.ratings.exists()
    assert case.transitions.get().actor is None


def test_grid_staff_do_not_rate_in_a_residents_name(offices):
    case = standing("letter", "rating", offices, reporter=offices.worker, source="worker")
    assert "rate" not in {move.action for move in flow.allowed(offices.user("worker"), case)}
    typed = standing("letter", "rating", offices, reporter=offices.street, source="hotline")
    with pytest.raises(Problem):
        do(offices, "street", typed, "rate", stars=5)
    with pytest.raises(Problem):
        actions.act_public(case, "rate", Given(stars=5))
    actions.act_public(typed, "rate", Given(stars=5))


def test_who_solved_it_does_not_check_it(offices):
    case = standing("letter", "found", offices)
    case = do(offices, "worker", case, "self_handle", reason="已清理")
    assert case.self_handled and case.verifier_id == offices.colleague.pk
    assert "pass" not in {move.action for move in flow.allowed(offices.user("worker"), case)}
    with pytest.raises(Problem) as caught:
        do(offices, "worker", case, "pass", stars=5)
    assert caught.value.status == 403
    assert list(todo.tasks(offices.user("worker"))) == []
    assert list(todo.tasks(offices.user("colleague"))) == [case]
    case = do(offices, "colleague", case, "fail", reason="没有清理干净")
    assert (case.state, case.self_handled, case.rework_count) == ("found", False, 1)
    case = do(offices, "colleague", case, "self_handle", reason="再次清理")
    assert list(todo.tasks(offices.user("worker"))) == [case]
    assert do(offices, "community", case, "pass", stars=4).state == "rating"


@pytest.mark.parametrize(
    ("state", "who", "action"),
    [
        ("found", "worker", "self_handle"),
        ("at_community", "community", "handle"),
        ("at_street", "street", "self_close"),
        ("reporting_in", "department", "feed_back"),
    ],
)
def test_a_failed_check_goes_back_to_whoever_handled_it(offices, state, who, action):
    due = timezone.now() + timedelta(days=3)
    case = standing("letter", state, offices, handle_due_at=due if state == "reporting_in" else None)
    do(offices, who, case, action, reason="已处理")
    do(offices, "street", case, "remind")  # a line that changes no state is no step back
    case = do(offices, "colleague", case, "fail", reason="未解决")
    assert case.state == state and case.rework_count == 1 and case.handled_at is None
    assert (case.holder_unit_id is not None) == (state == "reporting_in")
    do(offices, who, case, action, reason="再次处理")
    do(offices, "colleague", case, "pass", stars=3)
    assert do(offices, "street", case, "send_back", reason="反馈不清").state == state


def test_a_unit_sends_back_and_is_told_to_take_it(offices):
    case = standing("letter", "accepted", offices)
    do(offices, "street", case, "whistle", unit=offices.unit, complexity="general")
    case = do(offices, "department", case, "return_order", reason="不是我单位职责")
    assert (case.state, case.return_count, case.mark) == ("returned", 1, "")
    case = do(offices, "street", case, "insist", reason="三定方案第五条")
    assert case.state == "reporting_in" and case.holder_unit == offices.unit
    assert "return_order" not in {move.action for move in flow.allowed(offices.user("department"), case)}


def test_shifted_twice_is_a_hard_spot(offices):
    case = standing("letter", "accepted", offices)
    do(offices, "street", case, "whistle", unit=offices.unit, complexity="general")
    do(offices, "department", case, "return_order", reason="不是我单位职责")
    do(offices, "street", case, "redispatch", unit=offices.other_unit)
    case = do(offices, "other_department", case, "return_order", reason="也不是我单位职责")
    assert (case.return_count, case.mark, case.difficult) == (2, "hard", False)
    assert case.transitions.order_by("-id")[0].detail["mark"] == "hard"


def test_an_order_is_sent_back_within_a_work_day(offices):
    case = standing("letter", "whistled", offices)
    Transition.objects.create(
        case=case,
        action="whistle",
        from_state="accepted",
        to_state="whistled",
        at=timezone.now() - timedelta(days=12),
    )
    with pytest.raises(Problem) as caught:
        do(offices, "department", case, "return_order", reason="晚了")
    assert caught.value.kind == "too-late"


def test_the_joint_meeting_decides_or_marks_it_as_blocked(offices):
    case = standing("letter", "returned", offices)
    case = do(offices, "street", case, "joint_meeting", reason="权属不清")
    assert case.state == "at_district" and case.holder_unit is None
    case = do(offices, "district", case, "decide", reason="下次再议")
    assert (case.state, case.mark) == ("at_district", "blocked")
    assert case.transitions.order_by("-id")[0].detail["when"] == "no_unit_chosen"
    case = do(offices, "district", case, "decide", reason="定责", unit=offices.other_unit)
    assert case.state == "whistled" and case.holder_unit == offices.other_unit


def test_second_dispatch_keeps_the_lead_and_the_deadline(offices):
    due = timezone.now() + timedelta(days=2)
    case = standing("letter", "reporting_in", offices, handle_due_at=due, due_at=due)
    case = do(offices, "department", case, "second_dispatch", unit=offices.sub_unit)
    assert (case.holder_unit, case.lead_unit) == (offices.sub_unit, offices.unit)
    assert case.handle_due_at == case.due_at == due
    assert do(offices, "department", case, "feed_back", reason="已办").state == "checking"


def test_an_extension_is_asked_by_the_unit_and_granted_by_the_street(offices):
    due = timezone.now() + timedelta(days=2)
    case = standing("letter", "reporting_in", offices, handle_due_at=due, due_at=due)
    with pytest.raises(Problem):
        do(offices, "department", case, "ask_extend", amount=4, reason="多于原时限")
    case = do(offices, "department", case, "ask_extend", amount=2, reason="等待材料")
    assert case.due_at == due
    with pytest.raises(Problem):
        do(offices, "other_street", case, "approve_extend")
    case = do(offices, "street", case, "approve_extend", amount=1)
    assert case.due_at == case.handle_due_at == add_working_time(due, 1, "work_day", case.area_code)
    with pytest.raises(Problem) as caught:
        do(offices, "department", case, "ask_extend", amount=1, reason="再延")
    assert caught.value.status == 409


def test_a_letter_moves_to_another_desk_and_up_from_there(offices):
    case = standing("letter", "at_community", offices)
    before = case.due_at
    case = do(offices, "community", case, "transfer", desk="990101001002", reason="在贵社区")
    assert case.state == "at_community" and case.due_at != before
    assert flow.allowed(offices.user("community"), case) == []
    with pytest.raises(Problem):
        do(offices, "other_community", case, "transfer", desk="990101001002", reason="自己")
    case = do(offices, "other_community", case, "escalate", reason="无法解决")
    assert (case.state, case.desk_code) == ("at_street", "")
    case = do(offices, "street", case, "transfer", desk="990101002", reason="在贵街道")
    assert case.desk_code == "990101002"
    with pytest.raises(Problem):
        do(offices, "street", case, "accept")
    case = do(offices, "other_street", case, "transfer", desk=STREET, reason="退回")
    assert case.desk_code == "" and do(offices, "street", case, "accept").state == "accepted"


def test_a_legacy_problem_is_handled_again_and_written_off(offices):
    case = standing("letter", "archived", offices, holder_unit=offices.unit)
    with pytest.raises(Problem):
        do(offices, "department", case, "second_handle", day=timezone.localdate(), reason="承诺")
    case = do(offices, "street", case, "mark", mark="legacy", reason="条件不具备")
    assert case.review_at is not None
    with pytest.raises(Problem):
        do(offices, "street", case, "write_off", reason="尚未办理")
    do(offices, "street", case, "review_legacy", reason="本季度无变化")
    day = timezone.localdate() + timedelta(days=30)
    case = do(offices, "department", case, "second_handle", day=day, reason="资金已落实")
    assert case.state == "reporting_in" and timezone.localdate(case.due_at) == day
    case = do(offices, "department", case, "feed_back", reason="已完成")
    case = do(offices, "street", case, "write_off", reason="已解决")
    assert (case.state, case.mark, case.review_at) == ("archived", "", None)


# --- Complaints -------------------------------------------------------------------------------------


def test_a_complaint_goes_all_the_way(offices):
    case = report(
        offices,
        "complaint",
        who="complaints",
        source="hotline",
        complaint_kind="utilities",
        contact=Contact("", "1"),
    )
    assert case.number.startswith("H")
    assert timedelta(0) <= case.due_at - case.reported_at - timedelta(hours=2) < timedelta(seconds=9)
    case = do(offices, "complaints", case, "assign", unit=offices.unit)
    assert case.handle_due_at == case.dispatched_at + timedelta(hours=24)
    assert case.due_at == add_working_time(case.dispatched_at, 4, "work_hour", case.area_code)
    case = do(offices, "department", case, "take")
    assert case.due_at == case.handle_due_at
    case = do(offices, "department", case, "reply", reason="已恢复供水")
    assert case.due_at == add_working_time(case.handled_at, 2, "work_day", case.area_code)
    with pytest.raises(Problem) as caught:
        do(offices, "complaints", case, "call_back")
    assert caught.value.errors[0]["pointer"] == "/contacted"
    case = do(offices, "complaints", case, "call_back", contacted=True, solved=True, satisfied=True)
    assert case.state == "closed" and case.closed_at
    row = case.ratings.get()
    assert (row.kind, row.contacted, row.solved, row.satisfied) == ("call_back", True, True, True)


@pytest.mark.parametrize(
    ("kind", "amount", "unit"),
    [
        ("emergency", 2, "urgent_hour"),
        ("utilities", 24, "urgent_hour"),
        ("consultation", 1, "work_day"),
        ("help", 5, "work_day"),
        ("suggestion", 5, "work_day"),
        ("complaint", 10, "work_day"),
    ],
)
def test_the_limit_goes_by_the_kind(offices, kind, amount, unit):
    case = standing("complaint", "received", offices, complaint_kind="")
    with pytest.raises(Problem) as caught:
        do(offices, "complaints", case, "assign", unit=offices.unit)
    assert caught.value.errors[0]["pointer"] == "/kind"
    case = do(offices, "complaints", case, "assign", unit=offices.unit, kind=kind)
    assert case.handle_due_at == add_working_time(case.dispatched_at, amount, unit, case.area_code)


@pytest.mark.parametrize(("solved", "satisfied"), [(False, False), (False, True), (True, False)])
def test_not_solved_or_not_satisfied_is_done_once_more_in_half_the_time(offices, solved, satisfied):
    case = standing("complaint", "replied", offices)
    case = do(offices, "complaints", case, "call_back", contacted=True, solved=solved, satisfied=satisfied)
    assert case.state == "dissatisfied"
    now = timezone.now()
    case = do(offices, "complaints", case, "redo", reason="重办")
    half = add_working_time(now, 5, "work_day", case.area_code)
    assert case.state == "in_hand" and abs(case.handle_due_at - half) < timedelta(minutes=1)
    do(offices, "department", case, "reply", reason="再次办理")
    do(offices, "complaints", case, "call_back", contacted=True, solved=solved, satisfied=satisfied)
    with pytest.raises(Problem) as caught:
        do(offices, "complaints", case, "redo", reason="再重办")
    assert caught.value.status == 409


def test_closing_with_an_explanation_needs_four_eyes(offices):
    case = standing("complaint", "dissatisfied", offices)
    with pytest.raises(Problem):
        do(offices, "lead", case, "explain_close")
    do(offices, "complaints", case, "explain", reason="诉求超出政策范围，已解释")
    do(offices, "lead", case, "refuse_explanation", reason="依据不足")
    do(offices, "complaints", case, "explain", reason="附政策依据")
    case = do(offices, "lead", case, "explain_close")
    assert case.state == "closed"
    assert case.transitions.order_by("-id")[0].detail["explained_by"] == offices.complaints.pk


def test_whoever_explained_does_not_review(offices):
    Grant.objects.create(user=offices.lead, role=Role.objects.get(code="complaint_desk"), area_code="9901")
    case = standing("complaint", "dissatisfied", offices)
    do(offices, "lead", case, "explain", reason="说明")
    with pytest.raises(Problem) as caught:
        do(offices, "lead", case, "explain_close")
    assert caught.value.status == 403
    case.refresh_from_db()
    assert case.state == "dissatisfied"


def test_three_calls_in_vain_close_it(offices):
    case = standing("complaint", "replied", offices)
    for state in ("replied", "replied", "closed"):
        case = do(offices, "complaints", case, "call_back", contacted=False)
        assert case.state == state
    rows = case.ratings.values_list("contacted", "solved", "satisfied")
    assert list(rows) == [(False, None, None)] * 3


def test_an_extension_of_a_complaint_is_granted_by_the_assigner(offices):
    due = timezone.now() + timedelta(days=6)
    case = standing("complaint", "in_hand", offices, handle_due_at=due, due_at=due)
    do(offices, "department", case, "extend", amount=3, reason="需多部门协调")
    with pytest.raises(Problem):
        do(offices, "other_complaints", case, "approve_extend")
    case = do(offices, "complaints", case, "approve_extend")
    assert case.due_at == add_working_time(due, 3, "work_day", case.area_code)
    assert case.extended_count == 1


def test_a_complaint_goes_sideways_and_up(offices):
    case = standing("complaint", "received", offices)
    case = do(offices, "complaints", case, "transfer", desk="990101002", reason="属贵街道")
    assert "assign" not in {move.action for move in flow.allowed(offices.user("complaints"), case)}
    case = do(offices, "other_complaints", case, "escalate", reason="需区级协调")
    assert (case.state, case.desk_code) == ("received", "990101")
    with pytest.raises(Problem):
        do(offices, "other_complaints", case, "assign", unit=offices.unit, kind="help")
    assert do(offices, "district_complaints", case, "assign", unit=offices.unit).state == "assigned"


def test_the_desk_handles_it_itself(offices):
    case = standing("complaint", "received", offices)
    case = do(offices, "complaints", case, "handle")
    assert case.holder_unit_id == offices.complaints.organisation_id and case.state == "in_hand"
    case = do(offices, "complaints", case, "reply", reason="已答复")
    assert do(offices, "complaints", case, "call_back", contacted=True, solved=True, satisfied=True).closed_at


def test_a_unit_sends_a_complaint_back_while_it_may(offices):
    case = standing("complaint", "received", offices)
    do(offices, "complaints", case, "assign", unit=offices.unit)
    case = do(offices, "department", case, "return_order", reason="非我单位职责")
    assert (case.state, case.holder_unit_id, case.return_count) == ("received", None, 1)


def test_the_unit_complained_about_never_learns_who_reported(offices):
    case = standing("complaint", "assigned", offices, reporter=offices.worker)
    ReporterContact.objects.create(case=case, name="某某", phone="000-1")
    Transition.objects.create(
        case=case,
        action="report",
        from_state="",
        to_state="received",
        actor=offices.worker,
        at=case.reported_at,
    )
    detail = client(offices.department).get(f"/api/cases/{case.number}/").json()
    assert detail["reporter"] is None and detail["reporter_hidden"]
    assert detail["transitions"][0]["actor"] is None
    assert "某某" not in str(detail)
    asked = client(offices.department).post(f"/api/cases/{case.number}/reveal-contact/", {"reason": "想知道"})
    assert asked.status_code == 403
    # A desk that belongs to the unit it is about is a party to it as well.
    Grant.objects.create(
        user=offices.department, role=Role.objects.get(code="complaint_desk"), area_code="9901"
    )
    detail = client(offices.department).get(f"/api/cases/{case.number}/").json()
    assert detail["reporter"] is None
    asked = client(offices.department).post(f"/api/cases/{case.number}/reveal-contact/", {"reason": "想知道"})
    assert asked.status_code == 403
    asked = client(offices.complaints).post(f"/api/cases/{case.number}/reveal-contact/", {"reason": "回访"})
    assert asked.json() == {"name": "某某", "phone": "000-1", "email": ""}


def test_the_register_refuses_what_is_too_long_and_keeps_what_was_typed(offices):
    browser = Client()
    browser.force_login(offices.complaints)
    form = {"flow": "complaint", "complaint_kind": "help", "lon": HERE.x, "lat": HERE.y}
    form |= {"client_key": str(uuid.uuid4()), "description": "噪" * 1001, "phone": "1" * 31, "name": "王"}
    long = browser.post("/console/register/", form)
    page = long.content.decode()
    assert long.status_code == 422 and not Case.objects.exists()
    assert "1001" in page and "31" in page and form["description"] in page
    assert browser.post("/console/register/", form | {"description": "噪", "phone": "1"}).status_code == 204
    case = Case.objects.get()
    reason = "因" * 201
    refused = browser.post(f"/cases/{case.number}/contact/", {"reason": reason})
    assert refused.status_code == 422 and reason in refused.content.decode()
    shown = browser.post(f"/cases/{case.number}/contact/", {"reason": "回访"})
    assert shown.status_code == 200 and "王" in shown.content.decode()


def test_what_a_flow_has_no_move_for_is_refused_at_the_door(offices):
    other = standing("letter", "found", offices)
    for values in (
        {"self_handled": True},
        {"duplicate_of": other.number},
        {"complaint_kind": "gossip"},
    ):
        with pytest.raises(Problem):
            report(offices, "letter", **values)
