"""The rest of a city case's life (domain reference, 4.1): extensions, suspensions, ownership, reopening."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import actions, flow, timers
from cases.actions import Given
from cases.evidence import Evidence
from cases.models import Case, Transition
from geo.calendar import add_working_time, working_time_between
from geo.models import User
from geo.problems import Problem
from tests.cases.people import HERE, case_in, make_people, photo
from tests.factories import make_unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def do(person, case: Case, action: str, **values) -> Case:
    return actions.act(case.number, action, User.objects.get(pk=person.pk), Given(**values))


def status(person, case: Case, action: str, **values) -> int:
    with pytest.raises(Problem) as caught:
        do(person, case, action, **values)
    return caught.value.status


def running(people, **values) -> Case:
    due = timezone.now() + timedelta(days=3)
    return case_in("handling", people, handle_due_at=due, due_at=due, **values)


def test_an_extension_is_asked_before_it_is_due_once_and_granted_in_part(people):
    case = running(people)
    due = case.handle_due_at
    # Three work days are the limit where no filing rule says otherwise.
    assert status(people.department, case, "ask_extend", amount=4, reason="多") == 422
    do(people.department, case, "ask_extend", amount=3, reason="材料")
    assert status(people.department, case, "ask_extend", amount=1, reason="再") == 409
    case.refresh_from_db()
    assert case.due_at == due and case.extended_count == 0
    assert status(people.dispatcher, case, "approve_extend", amount=3.5) == 422
    case = do(people.dispatcher, case, "approve_extend", amount=2)
    assert case.due_at == case.handle_due_at == add_working_time(due, 2, "work_day", case.area_code)
    assert case.extended_count == 1
    assert status(people.department, case, "ask_extend", amount=1, reason="再") == 409


def test_a_refused_extension_changes_nothing_and_one_past_due_is_not_asked(people):
    case = running(people)
    do(people.department, case, "ask_extend", amount=1, reason="材料")
    due = case.handle_due_at
    case = do(people.dispatcher, case, "refuse_extend", reason="理由不充分")
    assert (case.due_at, case.extended_count) == (due, 0)
    late = running(people)
    Case.objects.filter(pk=late.pk).update(handle_due_at=timezone.now() - timedelta(minutes=1))
    assert status(people.department, late, "ask_extend", amount=1, reason="晚") == 409


def test_a_request_lapses_when_the_case_moves_on(people):
    case = running(people)
    do(people.department, case, "ask_extend", amount=1, reason="材料")
    do(people.department, case, "report_handled", photos=[Evidence(uuid=photo(people.department))])
    assert case.requests.get().state == "lapsed"


def test_suspending_keeps_the_rest_of_the_clock(people):
    case = running(people)
    day = timezone.localdate() + timedelta(days=30)
    assert status(people.department, case, "ask_suspend", day=day + timedelta(days=90), reason="雨") == 422
    do(people.department, case, "ask_suspend", day=day, reason="雨季")
    assert status(people.dispatcher, case, "approve_suspend") == 403
    left = working_time_between(timezone.now(), case.handle_due_at, "work_day", case.area_code)
    case = do(people.lead, case, "approve_suspend")
    assert (case.state, case.due_at, case.handle_due_at) == ("suspended", None, None)
    assert case.paused_left == pytest.approx(left, abs=0.01)
    assert timezone.localdate(case.review_at) == day
    case = do(people.dispatcher, case, "resume")
    assert case.state == "handling" and case.paused_at is None and case.review_at is None
    now_left = working_time_between(timezone.now(), case.handle_due_at, "work_day", case.area_code)
    assert now_left == pytest.approx(left, abs=0.05)


def test_a_suspended_case_goes_on_by_itself_on_the_day_of_review(people):
    case = running(people)
    do(people.department, case, "ask_suspend", day=timezone.localdate() + timedelta(days=5), reason="雨季")
    case = do(people.lead, case, "approve_suspend")
    assert timers.ring_due(case.review_at - timedelta(minutes=1)) == 0
    assert timers.ring_due(case.review_at) == 1
    case.refresh_from_db()
    assert case.state == "handling" and case.due_at == case.handle_due_at


def test_rework_has_at_least_half_of_the_limit(people):
    now = timezone.now()
    case = case_in(
        "verifying_after", people, handle_due_at=now - timedelta(days=1), handled_at=now - timedelta(days=2)
    )
    given = {"reason": "未做", "photos": [Evidence(uuid=photo(people.worker))], "position": HERE}
    case = do(people.worker, case, "verify_fail", **given)
    assert case.state == "rework" and case.rework_count == 1
    assert case.handle_due_at >= add_working_time(now, 1.5, "work_day", case.area_code)


def test_two_returns_or_two_reworks_make_it_difficult(people):
    case = case_in("filed", people)
    for times in (1, 2):
        do(people.dispatcher, case, "dispatch", unit=people.unit)
        case = do(people.department, case, "return_back", reason="不是我单位")
        assert case.difficult == (times == 2)
    case = case_in("verifying_after", people)
    for times in (1, 2):
        given = {"reason": "未做", "photos": [Evidence(uuid=photo(people.worker))], "position": HERE}
        case = do(people.worker, case, "verify_fail", **given)
        assert case.difficult == (times == 2)
        do(people.department, case, "start")
        do(people.department, case, "report_handled", photos=[Evidence(uuid=photo(people.department))])
    assert case.transitions.filter(detail__difficult="reworks").count() == 1


def test_whose_it_is_is_asked_answered_and_confirmed(people):
    case = case_in("filed", people)
    assert status(people.dispatcher, case, "ask_owner", units=[people.unit]) == 409
    do(people.dispatcher, case, "mark_difficult", reason="权属不清")
    do(people.dispatcher, case, "ask_owner", units=[people.unit, people.other_unit])
    assert status(people.dispatcher, case, "confirm_owner", unit=people.unit, reason="早") == 409
    do(people.other_department, case, "answer_owner", answer="ours", reason="管线图")
    assert status(people.other_department, case, "answer_owner", answer="ours") in (403, 404, 409)
    case = do(people.dispatcher, case, "confirm_owner", unit=people.other_unit, reason="据答复")
    assert case.state == "dispatched" and case.holder_unit == people.other_unit
    answers = dict(case.owner_questions.values_list("unit_id", "answer"))
    assert answers == {people.unit.pk: "", people.other_unit.pk: "ours"}


def test_a_closed_case_is_reopened_as_a_linked_new_one_within_five_work_days(people):
    now = timezone.now()
    case = case_in("closed", people, closed_at=now)
    do(people.lead, case, "reopen", reason="群众不满意")
    new = case.reopened_as.get()
    assert (new.state, new.phase, new.reopened_from) == ("filed", "desk", case)
    assert new.number != case.number and new.transitions.get().action == "reopen"
    assert new.due_at is not None
    case.refresh_from_db()
    assert case.state == "closed"
    assert status(people.lead, case, "reopen", reason="再来") == 409
    old = case_in("closed", people, closed_at=now - timedelta(days=20))
    assert status(people.lead, old, "reopen", reason="太晚") == 409


def test_merged_and_separated_again(people):
    first, second = case_in("reported", people), case_in("reported", people)
    second = do(people.acceptor, second, "merge", duplicate_of=first.number)
    assert second.state == "void" and second.duplicate_of == first
    second = do(people.acceptor, second, "unmerge", reason="不是同一处")
    assert second.state == "reported" and second.duplicate_of is None and second.due_at
    assert Transition.objects.filter(case=first, action="unmerged").count() == 1
    void = case_in("void", people)
    assert status(people.acceptor, void, "unmerge", reason="没有合并") == 409


def test_withdrawn_by_whoever_reported_while_it_is_at_the_desk(people):
    case = case_in("accepted", people, reporter=people.worker)
    assert status(people.other_worker, case, "withdraw") in (403, 404)
    assert do(people.worker, case, "withdraw", reason="看错了").state == "void"
    given = case_in("dispatched", people, reporter=people.worker)
    assert status(people.worker, given, "withdraw") == 409


def test_rated_once(people):
    case = case_in("closed", people, source="public", closed_at=timezone.now())
    actions.act_public(case, "rate", Given(stars=4))
    with pytest.raises(Problem) as caught:
        actions.act_public(case, "rate", Given(stars=1))
    assert caught.value.status == 409
    assert case.ratings.get().stars == 4


def test_supervised_by_a_leader_and_replied_to(people):
    case = running(people)
    case = do(people.leader, case, "supervise", reason="群众多次反映")
    row = case.supervisions.get()
    assert case.supervised and row.level == 0 and row.unit == people.unit and row.reply_due_at
    assert "reply_supervision" in {
        move.action for move in flow.allowed(User.objects.get(pk=people.department.pk), case)
    }
    do(people.department, case, "reply_supervision", reason="今天完成")
    row.refresh_from_db()
    assert row.reply == "今天完成" and row.replied_at
    assert status(people.department, case, "reply_supervision", reason="再回") == 409


def test_handed_on_within_the_unit_it_keeps_deadline_and_accountability(people):
    below = make_unit("排水一队", parent=people.unit)
    case = running(people)
    case = do(people.department, case, "sub_assign", unit=below)
    assert (case.holder_unit, case.lead_unit, case.state) == (below, people.unit, "dispatched")
    assert case.due_at == case.handle_due_at
    assert do(people.department, case, "start").state == "handling"
