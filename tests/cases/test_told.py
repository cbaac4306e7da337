"""What is done to cases is told: to people by the channels they chose, to units, and to programs outside."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cases import announce, notices, told, webhooks
from cases.models import Case, Transition
from geo.models import Message, Notice, NotificationPreference, UnitSubscription, Webhook, WebhookDelivery
from tests.cases.people import act, case_in, make_people, photo, report
from tests.factories import make_rule, make_type, make_user
from tests.geo.test_notifications import queued_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    call_command("load_code_tables", verbosity=0)
    return make_people()


def wants(user, code, channel="sms", phone="13800138000"):
    user.phone, user.email = phone, "someone@example.cn"
    user.save()
    NotificationPreference.objects.create(user=user, kind=f"case.{code}", channel=channel, wanted=True)


def announced() -> list[dict]:
    """Run the jobs that were deferred, and forget them."""
    jobs = queued_jobs("cases.jobs.announce")
    with connection.cursor() as cursor:
        cursor.execute("delete from procrastinate_jobs where task_name = 'cases.jobs.announce'")
    return [announce.announce(**job) for job in jobs]


def told_of(case: Case) -> list[tuple]:
    rows = Message.objects.filter(about=case.number).order_by("id")
    return [(row.template, row.channel, row.user and row.user.username, row.state) for row in rows]


def line_of(case: Case, action: str, **values) -> Transition:
    return Transition.objects.create(
        case=case, action=action, to_state=case.state, at=timezone.now(), **values
    )


# --- People -----------------------------------------------------------------------------------------


def test_a_unit_is_told_by_the_channels_its_people_and_it_chose(people):
    people.unit.phone = "13900139000"
    people.unit.save()
    UnitSubscription.objects.create(unit=people.unit, kind="case.dispatched", channel="sms")
    UnitSubscription.objects.create(unit=people.other_unit, kind="case.dispatched", channel="sms")
    wants(people.department, "dispatched")
    case = case_in("filed", people)
    act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk)
    (done,) = announced()
    assert done == {"messages": 2, "events": 0}
    assert told_of(case) == [
        ("case.dispatched", "sms", "department", "queued"),
        ("case.dispatched", "sms", None, "queued"),
    ]
    row = Message.objects.get(unit=people.unit)
    assert row.address == "13900139000" and case.number in row.body and "排水公司" in row.body
    # In Wangge it is read from the log, as ever: no second message about it.
    assert not Notice.objects.exists()


def test_nobody_asked_nobody_is_written_to(people):
    case = case_in("filed", people)
    act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk)
    assert announced() == [{"messages": 0, "events": 0}] and not Message.objects.exists()


def test_told_again_nothing_doubles(people):
    wants(people.department, "dispatched")
    case = case_in("filed", people)
    act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk)
    (job,) = queued_jobs("cases.jobs.announce")
    assert announce.announce(**job)["messages"] == 1
    assert announce.announce(**job)["messages"] == 0
    assert len(told_of(case)) == 1


def test_the_reporter_hears_that_it_is_closed(people):
    wants(people.worker, "closed", "mail")
    case = case_in("verified", people, reporter=people.worker)
    act(people.lead, case.number, "close")
    announced()
    assert told_of(case) == [("case.closed", "mail", "worker", "queued")]


def test_whoever_dispatched_hears_that_it_came_back(people):
    case = case_in("filed", people)
    act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk)
    act(people.department, case.number, "return_back", reason="不归我们管")
    announced()
    assert told_of(case) == [("case.returned", "in_app", "dispatcher", "sent")]
    notice = Notice.objects.get()
    assert notice.user == people.dispatcher and "不归我们管" in notice.detail and "排水公司" in notice.detail


@pytest.mark.parametrize("action", ["supervise", "approve_extend", "refuse_extend", "remind"])
def test_a_unit_s_people_are_told_of_what_no_list_of_theirs_shows(people, action):
    case = case_in("dispatched", people)
    assert notices.tell(case, [line_of(case, action, reason="抓紧", actor=people.leader)]) == 1
    notice = Notice.objects.get()
    assert notice.user == people.department and case.number in notice.detail


def test_who_is_asked_to_check_is_told(people):
    wants(people.worker, "verify")
    case = case_in("handled", people)
    act(people.dispatcher, case.number, "ask_verify_after", verifier=people.worker.pk)
    announced()
    assert ("case.verify", "sms", "worker", "queued") in told_of(case)


def test_messages_hold_no_address_and_no_description(people):
    wants(people.department, "dispatched", "mail")
    case = case_in("filed", people, address="某路 8 号", description="老王说的", reporter=people.worker)
    act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk)
    announced()
    row = Message.objects.get()
    text = row.subject + row.body + json.dumps(row.context, ensure_ascii=False)
    assert "某路" not in text and "老王" not in text and "worker" not in text


def test_every_kind_of_the_table_has_words(people):
    """Every telling finds its template, and fills every placeholder."""
    case = case_in("dispatched", people, reporter=people.worker, verifier=people.worker)
    for action, telling in notices.TELLINGS.items():
        Message.objects.all().delete()
        NotificationPreference.objects.all().delete()
        for user in (people.department, people.worker, people.dispatcher):
            wants(user, telling.kind.code.removeprefix("case."))
        act_line = line_of(case, "dispatch", actor=people.dispatcher)
        line = line_of(case, action, reason="原因", to_unit=people.unit, actor=people.leader)
        notices.tell(case, [line])
        assert Message.objects.filter(channel="sms", state="queued").exists(), action
        assert not Message.objects.filter(body__regex=r"[{}]").exists()
        assert act_line.pk < line.pk


# --- Programs outside -------------------------------------------------------------------------------


@pytest.fixture
def hook(people):
    owner = make_user("service", role="leader", area="990101")
    return Webhook.objects.create(name="12345", url="https://example.cn/", owner=owner)


def test_a_report_that_runs_through_is_told_step_by_step(people, hook):
    make_rule(people.unit, area_code="9901")
    kind = make_type(type_code="01", name="上水井盖")
    answer = report(people.worker, type=kind.pk, attachments=[photo(people.worker)], description="老王说的")
    number = answer.json()["number"]
    (done,) = announced()
    assert done["events"] == 4
    rows = WebhookDelivery.objects.order_by("id")
    assert [row.type.rsplit(".", 1)[1] for row in rows] == ["reported", "accepted", "filed", "dispatched"]
    assert {row.subject for row in rows} == {number} and len({row.event for row in rows}) == 4
    said = json.loads(rows.last().body)
    assert said["data"]["state"] == "dispatched" and said["data"]["type_code"] == kind.full_code
    assert said["data"]["area_code"] == "990101001001" and said["data"]["due_at"]
    assert "老王" not in "".join(row.body for row in rows) and "worker" not in said["data"].values()


def test_only_what_the_service_account_sees_now(people, hook):
    elsewhere = case_in("filed", people)
    Case.objects.filter(pk=elsewhere.pk).update(area_code="990102001001")
    elsewhere.refresh_from_db()
    assert webhooks.emit(elsewhere, [line_of(elsewhere, "dispatch")]) == 0
    here = case_in("filed", people)
    assert webhooks.emit(here, [line_of(here, "dispatch")]) == 1
    hook.owner.is_active = False
    hook.owner.save()
    assert webhooks.emit(here, [line_of(here, "close")]) == 0


def test_a_unit_s_program_hears_of_what_the_unit_holds(people, hook):
    hook.owner = people.department
    hook.save()
    theirs, others = (
        case_in("dispatched", people),
        case_in("dispatched", people, holder_unit=people.other_unit),
    )
    assert webhooks.emit(theirs, [line_of(theirs, "start")]) == 1
    assert webhooks.emit(others, [line_of(others, "start")]) == 0


def test_the_same_line_has_the_same_id(people, hook):
    case = case_in("filed", people)
    line = line_of(case, "dispatch")
    assert webhooks.events_of(case, [line])[0].id == webhooks.events_of(case, [line])[0].id
    webhooks.emit(case, [line])
    webhooks.emit(case, [line])
    assert WebhookDelivery.objects.count() == 1


def test_an_action_of_a_flow_of_their_own_is_a_change(people, hook):
    case = case_in("filed", people)
    (event,) = webhooks.events_of(case, [line_of(case, "joint_meeting")])
    assert event.type == "cn.wangge.case.changed" and event.data["action"] == "joint_meeting"


def test_where_nobody_listens_nothing_is_deferred(people):
    case = case_in("filed", people)
    told.tell(case, [line_of(case, "file_case")], False)
    assert queued_jobs("cases.jobs.announce") == []
    told.tell(case, [line_of(case, "dispatch")], False)
    assert len(queued_jobs("cases.jobs.announce")) == 1


def test_what_is_rolled_back_is_not_told(people, hook):
    case = case_in("filed", people)
    assert act(people.dispatcher, case.number, "dispatch").status_code == 422
    assert queued_jobs("cases.jobs.announce") == []
