"""Clocks ring once, in their order, whatever was missed; and what each of them does."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cases import actions, announce, timers
from cases.actions import Given
from cases.models import Alarm, Case, Supervision
from geo import code_tables
from geo.models import Notice, User
from geo.problems import Problem
from tests.cases.people import act, case_in, make_people
from tests.factories import make_city, make_user

# A Wednesday without holidays around it, 10:00 in Shanghai.
NOW = datetime(2026, 6, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def people(city):
    return make_people()


def late_case(people, **values) -> Case:
    """Given out a week ago, due yesterday at the close of the office."""
    due = datetime(2026, 6, 9, 10, tzinfo=UTC)
    values.setdefault("dispatched_at", due - timedelta(days=7))
    case = case_in("handling", people, handle_due_at=due, due_at=due, **values)
    timers.settle_all()
    case.refresh_from_db()
    return case


def test_warned_before_it_is_due(people):
    due = NOW + timedelta(hours=2)
    begun = NOW - timedelta(days=20)
    case = case_in("handling", people, handle_due_at=due, due_at=due, dispatched_at=begun)
    timers.settle_all()
    case.refresh_from_db()
    assert begun < case.timer_at < due
    assert timers.ring_due(NOW) == 1
    assert list(case.alarms.values_list("kind", flat=True)) == ["warning"]
    assert case.transitions.get().action == "warned"
    case.refresh_from_db()
    assert case.timer_at == due and not case.supervised
    # It rings once.
    assert timers.ring_due(NOW) == 0


def test_no_level_is_left_out_after_a_week_off(people):
    case = late_case(people)
    assert timers.ring_due(NOW + 10 * DAY) == 1
    assert list(case.supervisions.order_by("id").values_list("level", flat=True)) == [1, 2, 3]
    assert len(set(case.supervisions.values_list("number", flat=True))) == 3
    assert {row.unit_id for row in case.supervisions.all()} == {people.unit.pk}
    case.refresh_from_db()
    assert (case.supervised, case.supervision_level, case.timer_at) == (True, 3, None)
    lines = list(case.transitions.order_by("id").values_list("action", flat=True))
    assert lines == ["warned", "overdue", "supervise", "supervise", "supervise"]


def test_levels_come_a_work_day_and_three_after(people):
    case = late_case(people)
    timers.ring_due(datetime(2026, 6, 9, 10, 1, tzinfo=UTC))
    levels = case.supervisions.values_list("level", flat=True)
    assert list(levels) == [1]
    case.refresh_from_db()
    # One work day after Tuesday's close is Wednesday's close, three are Friday's.
    assert case.timer_at == datetime(2026, 6, 10, 10, tzinfo=UTC)
    timers.ring_due(case.timer_at)
    case.refresh_from_db()
    assert sorted(case.supervisions.values_list("level", flat=True)) == [1, 2]
    assert case.timer_at == datetime(2026, 6, 12, 10, tzinfo=UTC)


def test_handled_in_time_for_the_next_level(people):
    case = late_case(people)
    timers.ring_due(datetime(2026, 6, 9, 10, 1, tzinfo=UTC))
    Case.objects.filter(pk=case.pk).update(state="verified", phase="desk", due_at=None)
    timers.ring_due(NOW + 10 * DAY)
    assert case.supervisions.count() == 1


def test_a_new_deadline_has_clocks_of_its_own(people):
    case = late_case(people)
    timers.ring_due(NOW)
    assert case.alarms.filter(kind="overdue").count() == 1
    later = NOW + 2 * DAY
    Case.objects.filter(pk=case.pk).update(handle_due_at=later, due_at=later, timer_at=None)
    timers.settle_all()
    timers.ring_due(later + timedelta(minutes=1))
    assert case.alarms.filter(kind="overdue").count() == 2


def test_a_suspended_case_goes_on_with_what_was_left(people):
    case = case_in("suspended", people, paused_left=1.0, review_at=NOW, dispatched_at=NOW - DAY)
    timers.settle_all()
    timers.ring_due(NOW + timedelta(minutes=1))
    case.refresh_from_db()
    assert (case.state, case.phase, case.review_at) == ("handling", "unit", None)
    # The default limit counts work days: one left ends at Thursday's close.
    assert case.handle_due_at == case.due_at == datetime(2026, 6, 11, 10, tzinfo=UTC)
    line = case.transitions.get(action="resume")
    assert line.actor is None and line.detail["clock"] == "review"
    assert case.timer_at > NOW


def test_the_unit_replies_to_a_supervision(people):
    case = late_case(people)
    timers.ring_due(NOW)
    department = User.objects.get(pk=people.department.pk)
    with pytest.raises(Problem) as caught:
        actions.act(case.number, "reply_supervision", department, Given())
    assert caught.value.errors[0]["pointer"] == "/reason"
    actions.act(case.number, "reply_supervision", department, Given(reason="材料已到，明日完成"))
    assert not case.supervisions.filter(replied_at=None).exists()
    answer = act(people.department, case.number, "reply_supervision", reason="再次")
    assert answer.status_code == 409


def test_ended_cases_have_no_clock(people):
    case_in("closed", people, handle_due_at=NOW - DAY)
    assert timers.settle_all() == 0 or timers.ring_due(NOW) == 0
    assert not Alarm.objects.exists()


def test_a_legacy_problem_is_looked_at_each_quarter(people):
    case = case_in("archived", people, flow="letter", mark="legacy", review_at=NOW)
    timers.settle_all()
    assert timers.ring_due(NOW + timedelta(minutes=1)) == 1
    case.refresh_from_db()
    assert (case.state, case.review_at, case.timer_at) == ("archived", NOW + 90 * DAY, NOW + 90 * DAY)
    assert case.transitions.get().action == "review_due"


def test_acting_sets_the_clock(people):
    case = case_in("filed", people)
    answer = act(people.dispatcher, case.number, "dispatch", unit=people.unit.code)
    assert answer.status_code == 200, answer.content
    case.refresh_from_db()
    assert case.dispatched_at < case.timer_at < case.handle_due_at


@pytest.mark.django_db(transaction=True)
def test_two_workers_ring_once():
    from geo import roles

    roles.load()
    make_city()
    people = make_people()
    case = late_case(people)
    ready = threading.Barrier(2)

    def work():
        try:
            ready.wait(10)
            timers.ring_due(NOW + 10 * DAY)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Supervision.objects.filter(case=case).count() == 3
    assert case.alarms.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_leaves_nothing_half(monkeypatch):
    from geo import roles

    roles.load()
    make_city()
    people = make_people()
    case = late_case(people)

    def dies(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("cases.models.Supervision.objects.create", dies)
    with pytest.raises(MemoryError):
        timers.ring_due(NOW + 10 * DAY)
    monkeypatch.undo()
    assert not Alarm.objects.exists() and not case.transitions.exists()
    timers.ring_due(NOW + 10 * DAY)
    assert case.supervisions.count() == 3 and case.alarms.count() == 5


@pytest.fixture
def complaint(people, monkeypatch):
    """In hand since Wednesday 10:00, supervised by a leader, due next Friday."""
    due = NOW + 9 * DAY
    case = case_in(
        "in_hand",
        people,
        flow="complaint",
        complaint_kind="help",
        phase="unit",
        holder_unit=people.unit,
        handle_due_at=due,
        due_at=due,
    )
    Case.objects.filter(pk=case.pk).update(reported_at=NOW, dispatched_at=NOW)
    with monkeypatch.context() as then:
        then.setattr(timezone, "now", lambda: NOW)
        actions.act(case.number, "supervise", User.objects.get(pk=people.leader.pk), Given(reason="尽快"))
    case.refresh_from_db()
    return case


def reminded(case) -> list[str]:
    lines = case.transitions.filter(action="remind_daily").order_by("id")
    return [line.at.isoformat()[:10] for line in lines]


def test_a_supervised_complaint_is_called_to_mind_each_working_day(people, complaint):
    # The order itself was Wednesday's; Thursday's comes when the office opens, at 9:00 in Shanghai.
    thursday = datetime(2026, 6, 11, 1, tzinfo=UTC)
    assert complaint.timer_at == thursday
    timers.ring_due(thursday - timedelta(minutes=1))
    assert reminded(complaint) == []
    for _again in range(2):
        timers.ring_due(thursday + timedelta(minutes=1))
        Case.objects.filter(pk=complaint.pk).update(timer_at=thursday)  # as after a crash
    assert reminded(complaint) == ["2026-06-11"]
    assert complaint.transitions.filter(action="remind_daily").get().to_unit_id == people.unit.pk
    # Friday was missed while nothing ran, the weekend is nobody's: Monday reminds once.
    timers.ring_due(datetime(2026, 6, 13, 5, tzinfo=UTC))
    timers.ring_due(datetime(2026, 6, 15, 5, tzinfo=UTC))
    assert reminded(complaint) == ["2026-06-11", "2026-06-15"]
    # Done, it is left in peace; so is a supervised case of another kind.
    Case.objects.filter(pk=complaint.pk).update(state="closed", phase="ended", due_at=None)
    other = case_in("handling", people, supervised=True, handle_due_at=NOW + 90 * DAY)
    timers.settle_all()
    timers.ring_due(datetime(2026, 6, 16, 5, tzinfo=UTC))
    assert len(reminded(complaint)) == 2 and reminded(other) == []


def test_whoever_has_the_complaint_is_told_of_the_day(people, complaint):
    code_tables.load_templates()
    timers.ring_due(datetime(2026, 6, 11, 2, tzinfo=UTC))
    line = complaint.transitions.get(action="remind_daily")
    announce.announce(complaint.pk, [line.pk])
    told = Notice.objects.filter(url__contains=complaint.number).values_list("user__username", flat=True)
    assert "department" in told and "other_department" not in told
    # Answered, it lies with the desk: its people are told, and the unit is not.
    desk = make_user("诉求专员", role="complaint_desk", area="990101001")
    Notice.objects.all().delete()
    Case.objects.filter(pk=complaint.pk).update(state="replied", phase="check")
    timers.ring_due(datetime(2026, 6, 12, 2, tzinfo=UTC))
    line = complaint.transitions.filter(action="remind_daily").latest("pk")
    announce.announce(complaint.pk, [line.pk])
    told = Notice.objects.filter(url__contains=complaint.number)
    assert line.to_unit_id is None and {notice.user_id for notice in told} == {desk.pk}
