"""Joint meetings: who may plan, list and decide; a decision and its duty row are one transaction."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from cases import meetings
from cases.models import Case, DispatchRule, JointMeeting, MeetingItem, OwnerQuestion
from geo.problems import Problem
from tests.cases.offices import make_offices, standing
from tests.cases.people import HERE, case_in
from tests.cases.test_duties import make_parties
from tests.factories import at, make_case, make_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def offices(city):
    make_parties()
    return make_offices()


def today():
    return timezone.localdate()


def planned(offices, who="district", **values) -> JointMeeting:
    usual = {"area_code": "990101", "held_on": today(), "title": "甲区第1次联席会"}
    return meetings.plan(offices.user(who), **usual | values)


def letter(offices, **values) -> Case:
    values.setdefault("type", make_type(type_code="60", name="楼道堆物"))
    return standing("letter", "at_district", offices, **values)


def listed(offices, who="district", case=None):
    return meetings.add_item(
        offices.user(who), planned(offices, who).pk, (case or letter(offices)).number, "归谁？"
    )


def refused(code: int, pointer: str = "") -> object:
    class Refused:
        def __enter__(self):
            self.point = transaction.atomic()
            self.point.__enter__()

        def __exit__(self, kind, problem, trace):
            self.point.__exit__(kind, problem, trace)
            assert kind is not None and issubclass(kind, Problem), f"not refused: {problem}"
            assert problem.status == code, problem.detail
            assert not pointer or problem.errors[0]["pointer"] == pointer
            return True

    return Refused()


# --- Planning ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["leader", "dispatcher", "street", "worker", "department", "nobody"])
def test_who_plans_no_meeting(offices, who):
    with refused(403):
        planned(offices, who)


def test_planning(offices):
    assert planned(offices).state == "planned"
    assert planned(offices, "lead", area_code="9901").pk
    with refused(403):
        planned(offices, area_code="990102")
    with refused(422, "/held_on"):
        planned(offices, held_on=today() - timedelta(days=1))
    with refused(422, "/title"):
        planned(offices, title=" ")
    with refused(422, "/area_code"):
        planned(offices, area_code="990109")


def test_the_agenda(offices):
    meeting, user = planned(offices), offices.user("district")
    case = letter(offices)
    item = meetings.add_item(user, meeting.pk, case.number, "归谁？")
    assert meetings.add_item(user, meeting.pk, case.number) == item  # put there twice, it is there once
    difficult = case_in("filed", offices.people, difficult=True)
    marked = case_in("filed", offices.people, mark="blocked")
    assert set(meetings.candidates(user, meeting)) == {difficult, marked}
    meetings.add_item(user, meeting.pk, difficult.number)
    with refused(422, "/number"):
        meetings.add_item(user, meeting.pk, case_in("filed", offices.people).number)
    elsewhere = make_case(at(2.2, 0.2), state="filed", difficult=True)
    with refused(404):
        meetings.add_item(user, meeting.pk, elsewhere.number)
    with refused(422, "/number"):  # the shift lead sees it, but it is not of the meeting's area
        meetings.add_item(offices.user("lead"), meeting.pk, elsewhere.number)
    for who in ("leader", "street", "other_department", "nobody"):
        with refused(404):
            meetings.add_item(offices.user(who), meeting.pk, case.number)
    meetings.remove_item(user, item.pk)
    assert meeting.items.count() == 1


# --- Deciding ---------------------------------------------------------------------------------------


def test_a_letter_is_decided_and_the_duty_list_gets_a_row(offices):
    item, key = listed(offices), uuid.uuid4()
    duty = meetings.Duty(
        name="楼道堆物·11社区", party="property", area_code="990101001001", post="项目经理", manual="先告知"
    )
    given = {
        "decision": "由排水公司负责",
        "action": "decide",
        "unit": offices.unit,
        "duty": duty,
        "client_key": key,
    }
    given["complexity"] = "general"
    decided = meetings.decide(offices.user("district"), item.pk, **given)
    case = Case.objects.get(pk=item.case_id)
    assert (case.state, case.holder_unit) == ("whistled", offices.unit)
    rule = DispatchRule.objects.get()
    assert (rule.source_item, rule.party, rule.post, rule.unit) == (
        decided,
        "property",
        "项目经理",
        offices.unit,
    )
    assert rule.basis == f"甲区第1次联席会（{today():%Y-%m-%d}）" and rule.area_code == "990101001001"
    assert rule.type == case.type
    line = case.transitions.order_by("id").last()
    assert (line.action, line.reason, line.actor.username) == ("decide", "由排水公司负责", "district")
    # A retry changes nothing; another decision comes too late.
    assert meetings.decide(offices.user("district"), item.pk, **given) == decided
    assert DispatchRule.objects.count() == 1 and case.transitions.count() == 1
    with refused(409):
        meetings.decide(offices.user("district"), item.pk, decision="又定一次")
    browser = Client()
    browser.force_login(offices.user("district"))
    answer = browser.get(f"/meetings/items/{item.pk}/decide/")
    assert answer.status_code == 302 and answer.url == f"/meetings/{item.meeting_id}/"


def test_no_owner_found_marks_a_blocked_spot(offices):
    item = listed(offices)
    meetings.decide(offices.user("district"), item.pk, decision="下次再议", action="decide")
    case = Case.objects.get(pk=item.case_id)
    assert (case.state, case.mark) == ("at_district", "blocked")
    assert case in meetings.candidates(offices.user("district"))


@pytest.mark.parametrize(
    ("duty", "pointer"),
    [
        ({"party": "sixth"}, "/party"),
        ({"party": ""}, "/party"),
        ({"area_code": "990102"}, "/area_code"),
        ({"area_code": ""}, "/area_code"),
    ],
)
def test_a_wrong_row_undoes_the_decision(offices, duty, pointer):
    item = listed(offices)
    row = meetings.Duty(**{"name": "甲", "party": "property", "area_code": "990101"} | duty)
    with refused(422, pointer):
        meetings.decide(
            offices.user("district"),
            item.pk,
            decision="定",
            action="decide",
            unit=offices.unit,
            complexity="general",
            duty=row,
        )
    case = Case.objects.get(pk=item.case_id)
    assert case.state == "at_district" and not DispatchRule.objects.exists()
    assert MeetingItem.objects.get(pk=item.pk).decided_at is None and not case.transitions.exists()


def test_a_case_without_a_type_adds_no_row_for_everything(offices):
    case = letter(offices)
    Case.objects.filter(pk=case.pk).update(type=None)
    item = listed(offices, case=case)
    row = meetings.Duty(name="甲", party="property", area_code="990101")
    with refused(422, "/type"):
        meetings.decide(offices.user("district"), item.pk, decision="定", unit=offices.unit, duty=row)
    row.type = make_type(type_code="61", name="飞线充电")
    meetings.decide(offices.user("district"), item.pk, decision="定", unit=offices.unit, duty=row)
    assert DispatchRule.objects.get().type == row.type


def test_the_flows_own_checks_hold(offices):
    """The shift lead holds meetings but decides no letters; the district desk dispatches no city cases."""
    item = listed(offices, "lead")
    given = {"decision": "定", "action": "decide", "unit": offices.unit, "complexity": "general"}
    with refused(403):
        meetings.decide(offices.user("lead"), item.pk, **given)
    city = case_in("filed", offices.people, difficult=True)
    item = listed(offices, case=city)
    with refused(403):
        meetings.decide(
            offices.user("district"), item.pk, decision="定", action="dispatch", unit=offices.unit
        )
    with refused(422, "/unit"):
        meetings.decide(offices.user("lead"), item.pk, decision="定", action="dispatch")
    with refused(422, "/decision"):
        meetings.decide(offices.user("lead"), item.pk, decision=" ", action="dispatch", unit=offices.unit)
    with refused(422, "/action"):
        meetings.decide(offices.user("lead"), item.pk, decision="定", action="close")
    # Nobody answered whose it is, so the owner cannot be confirmed.
    with refused(409):
        meetings.decide(
            offices.user("lead"), item.pk, decision="定", action="confirm_owner", unit=offices.unit
        )
    OwnerQuestion.objects.create(
        case=city, unit=offices.unit, asked_at=timezone.now(), due_at=timezone.now(), answer="ours"
    )
    meetings.decide(offices.user("lead"), item.pk, decision="定", action="confirm_owner", unit=offices.unit)
    city.refresh_from_db()
    assert (city.state, city.holder_unit) == ("dispatched", offices.unit)


@pytest.mark.parametrize("who", ["leader", "street", "dispatcher", "department", "other_street", "nobody"])
def test_who_decides_nothing(offices, who):
    item = listed(offices)
    with refused(404):
        meetings.decide(offices.user(who), item.pk, decision="定")
    with refused(404):
        meetings.remove_item(offices.user(who), item.pk)
    with refused(404):
        meetings.hold(offices.user(who), item.meeting_id, "纪要")


def test_held_is_held(offices):
    item, user = listed(offices), offices.user("district")
    with refused(422, "/minutes"):
        meetings.hold(user, item.meeting_id, " ")
    assert meetings.hold(user, item.meeting_id, "议定如下。").state == "held"
    for attempt in (
        lambda: meetings.decide(user, item.pk, decision="定"),
        lambda: meetings.remove_item(user, item.pk),
        lambda: meetings.hold(user, item.meeting_id, "再记"),
        lambda: meetings.add_item(user, item.meeting_id, letter(offices).number),
    ):
        with refused(409):
            attempt()
    later = planned(offices, held_on=today() + timedelta(days=3))
    with refused(409):
        meetings.hold(user, later.pk, "早了")


# --- Pages ------------------------------------------------------------------------------------------


def browser_of(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_pages_from_plan_to_minutes(offices):
    browser = browser_of(offices.district)
    form = {"title": "第2次", "area_code": "990101", "held_on": today().isoformat()}
    assert browser.post("/meetings/", form | {"title": ""}).status_code == 422
    address = browser.post("/meetings/", form)["Location"]
    case = letter(offices)
    assert case.number in browser.get(address).content.decode()
    page = browser.get(f"/cases/{case.number}/meeting/").content.decode()
    assert "第2次" in page
    pk = JointMeeting.objects.get().pk
    answer = browser.post(f"/cases/{case.number}/meeting/", {"meeting": pk, "question": "归谁"})
    assert answer["Location"] == address
    drawer = browser.get(f"/cases/{case.number}/", headers={"HX-Request": "true", "HX-Target": "drawer"})
    assert "第2次" in drawer.content.decode()
    item = MeetingItem.objects.get()
    page = browser.get(f"/meetings/items/{item.pk}/decide/").content.decode()
    assert 'value="decide"' in page and 'value="dispatch"' not in page
    given = {"action": "decide", "unit": offices.unit.pk, "complexity": "general", "decision": ""}
    assert browser.post(f"/meetings/items/{item.pk}/decide/", given).status_code == 422
    given |= {"decision": "归排水公司", "add_duty": "1", "duty_party": "property", "duty_area_code": "990101"}
    answer = browser.post(f"/meetings/items/{item.pk}/decide/", given)
    assert answer.status_code == 302, answer.context["problem"].detail
    assert answer["Location"] == address
    assert browser.post(f"{address}hold/", {"minutes": "全部议定"})["Location"] == address
    page = browser_of(offices.leader).get(address).content.decode()
    assert (
        "全部议定" in page
        and "归排水公司" in page
        and "物业" in page
        and "<form" not in page.split("<main")[-1]
    )
    assert browser.post(f"{address}hold/", {"minutes": "再"}).status_code == 409
    assert "第2次" in browser.get("/rules/").content.decode()


def test_wrong_people_at_the_pages(offices):
    item = listed(offices)
    own = f"/meetings/{item.meeting_id}/"
    for who in ("street", "worker", "department", "nobody", "dispatcher"):
        browser = browser_of(getattr(offices, who))
        for address in ("/meetings/", own, f"/meetings/items/{item.pk}/decide/"):
            assert browser.get(address).status_code == 403, (who, address)
        assert browser.post(f"{own}items/", {"number": item.case.number}).status_code == 403
        assert browser.post(f"/meetings/items/{item.pk}/remove/").status_code == 403
    leader = browser_of(offices.leader)
    assert leader.get(own).status_code == 200
    assert leader.get(f"/meetings/items/{item.pk}/decide/").status_code == 403
    assert leader.post("/meetings/", {"title": "x"}).status_code == 403
    assert MeetingItem.objects.get().decided_at is None


def test_cases_beyond_ones_scope_are_counted_not_named(offices):
    meeting = planned(offices, "lead", area_code="9901")
    far = make_case(at(2.2, 0.2), state="filed", difficult=True)
    near = make_case(HERE, state="filed", difficult=True)
    for case in (far, near):
        meetings.add_item(offices.user("lead"), meeting.pk, case.number)
    Case.objects.filter(pk=far.pk).update(area_code="990102001001")
    items, hidden = meetings.items_of(offices.user("district"), meeting)
    assert [item.case for item in items] == [near] and hidden == 1
    # And the district does not see the city's meeting at all.
    assert browser_of(offices.district).get(f"/meetings/{meeting.pk}/").status_code == 404


# --- Sent twice, too long -------------------------------------------------------------------------------


def test_a_form_sent_twice_does_nothing_twice(offices):
    """From two tabs, or pressed twice: one meeting, one decision; other words do not pass for them."""
    user = offices.user("district")
    meeting = planned(offices)
    assert planned(offices) == meeting and JointMeeting.objects.count() == 1
    item = meetings.add_item(user, meeting.pk, letter(offices).number, "归谁？")
    noted = {"decision": "下次再议", "client_key": uuid.uuid4()}
    assert meetings.decide(user, item.pk, **noted) == meetings.decide(user, item.pk, **noted)
    with refused(409):
        meetings.decide(user, item.pk, decision="归街道", client_key=uuid.uuid4())
    held = meetings.hold(user, meeting.pk, "议定如下。")
    assert meetings.hold(user, meeting.pk, "议定如下。") == held
    with refused(409):
        meetings.hold(user, meeting.pk, "另一份")


def test_what_is_too_long_is_refused_and_a_line_break_is_one_sign(offices):
    user = offices.user("district")
    item = listed(offices)
    words = "议" * 3989 + "\r\n" * 10 + "末"  # as a browser sends a text of 4000
    with refused(422, "/minutes"):
        meetings.hold(user, item.meeting_id, words + "句")
    held = meetings.hold(user, item.meeting_id, words)
    assert len(held.minutes) == 4000 and held.minutes.endswith("\n末")
