"""Alarms of the rules: what nobody can match, units without people, told once; and the automatic rate."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import MultiPolygon
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import faults, rule_alarms
from cases.models import RuleAlarm
from geo.models import Area, Grant, Notice, Organisation, Role, User
from grids.models import Grid
from tests.cases.people import case_in, make_people
from tests.factories import LAT, LON, START, box, make_rule, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


def found(user):
    return [
        (alarm.kind, alarm.rule.name if alarm.rule else alarm.unit.name)
        for alarm in faults.alarms(fresh(user))
    ]


def test_nothing_is_wrong(people):
    make_rule(people.unit, area_code="9901")
    make_rule(people.unit, area_code="990101", type=make_type())
    make_rule(people.unit, polygon=MultiPolygon(box(LON, LAT, 0.001), srid=4326), area_code="990101")
    assert found(people.lead) == []


def test_each_kind(people):
    old = make_type(name="旧")
    old.active = False
    old.save()
    make_rule(people.unit, name="停用类型", type=old, area_code="9901")
    make_rule(
        people.unit,
        name="无此大类",
        standard="gbt30428_2_2013",
        kind="event",
        class_code="98",
        area_code="9901",
    )
    grid = Grid.objects.get(code="990101001001001")
    grid.retired_on = timezone.localdate()
    grid.save()
    make_rule(people.unit, name="停用网格", grid=grid, area_code=grid.community_code)
    Area.objects.filter(code="990102001002").update(valid_to=timezone.localdate())
    make_rule(people.unit, name="撤销区域", area_code="990102001002")
    gone = make_unit("撤并单位")
    make_rule(gone, name="停用单位", area_code="9901")
    Organisation.objects.filter(pk=gone.pk).update(active=False)
    elsewhere = MultiPolygon(box(LON + 0.021, LAT, 0.001), srid=4326)
    make_rule(people.unit, name="画在别处", polygon=elsewhere, area_code="990101")
    outside = MultiPolygon(box(LON - 0.0005, LAT, 0.001), srid=4326)
    make_rule(people.unit, name="画出城外", polygon=outside, area_code="9901")
    make_rule(make_unit("无人单位"), name="好规则", area_code="9901")
    assert found(people.lead) == [
        ("area", "撤销区域"),
        ("grid", "停用网格"),
        ("outside", "画在别处"),
        ("outside", "画出城外"),
        ("people", "无人单位"),
        ("type", "停用类型"),
        ("type", "无此大类"),
        ("unit", "停用单位"),
    ]
    assert all(alarm.mend and alarm.label for alarm in faults.alarms(fresh(people.lead)))


def test_ended_rules_raise_no_alarm(people):
    make_rule(make_unit("无人单位"), area_code="9901", valid_to=timezone.localdate(), valid_from=START)
    assert found(people.lead) == []


def test_people_of_a_unit_above_or_its_members_will_do(people):
    team = make_unit("一队", parent=people.unit)
    make_rule(team, area_code="9901")
    assert found(people.lead) == []  # the department's own people have the unit above
    User.objects.filter(pk=people.department.pk).update(is_active=False)
    assert found(people.lead) == [("people", "一队")]
    member = make_user("member", organisation=team)
    Grant.objects.create(user=member, role=Role.objects.get(code="department"), area_code="990101")
    assert found(people.lead) == []
    Grant.objects.filter(user=member).update(valid_to=timezone.localdate())
    assert found(people.lead) == [("people", "一队")]


def test_only_of_rules_in_scope_and_by_a_fixed_number_of_statements(people):
    lonely = make_unit("无人单位")
    make_rule(lonely, area_code="990101")
    assert found(people.other_dispatcher) == [] and found(people.nobody) == []
    assert found(people.dispatcher) == [("people", "无人单位")]
    user = fresh(people.dispatcher)
    assert user.scope
    with CaptureQueriesContext(connection) as few:
        faults.alarms(user)
    for number in range(5):
        make_rule(make_unit(f"空{number}"), area_code="990101")
    with CaptureQueriesContext(connection) as many:
        assert len(faults.alarms(user)) == 6
    assert len(few) == len(many)


def test_rules_of_a_larger_area_are_told_and_stay_as_they_are(people):
    gone = make_type(name="旧")
    gone.active = False
    gone.save()
    everywhere = make_rule(people.unit, name="处处", type=gone)
    make_rule(people.unit, name="全市", type=gone, area_code="9901")
    make_rule(people.unit, name="一区", type=gone, area_code="990101")
    assert found(people.other_dispatcher) == [("type", "处处"), ("type", "全市")]
    assert found(people.lead) == [("type", name) for name in ("处处", "全市", "一区")]
    assert found(people.nobody) == []
    above = {alarm.rule.name: alarm.from_above for alarm in faults.alarms(fresh(people.lead))}
    assert above == {"处处": True, "全市": False, "一区": False}
    browser = Client()
    browser.force_login(people.lead)
    page = browser.get("/rules/?tab=alarms").content.decode()
    assert page.count('data-end="') == 2 and f"/rules/{everywhere.pk}/end/" not in page
    assert browser.post(f"/rules/{everywhere.pk}/end/", {"reason": "旧"}).status_code == 404


def test_rows_ask_for_the_names_of_classes_once(people):
    browser = Client()
    browser.force_login(people.lead)
    browser.get("/rules/")

    def asked(tab: str) -> int:
        with CaptureQueriesContext(connection) as few:
            assert "排水公司" in browser.get(f"/rules/?tab={tab}").content.decode()
        return len(few)

    def add(code: str) -> None:
        kind = make_type(class_code=code)
        kind.class_name = f"大类{code}"
        kind.save()
        values = {"standard": "gbt30428_2_2013", "kind": "component", "class_code": code}
        make_rule(people.unit, area_code="9901", **values)
        make_rule(people.other_unit, area_code="9901", **values)

    add("01")
    before = [asked("rules"), asked("ties")]
    for code in ("02", "03", "04"):
        add(code)
    assert [asked("rules"), asked("ties")] == before
    assert "大类04" in browser.get("/rules/").content.decode()


def test_told_once_to_those_who_may_mend_it(people):
    make_rule(make_unit("无人单位"), area_code="990101")
    assert rule_alarms.tell_new() == 1
    told = set(Notice.objects.values_list("user__username", flat=True))
    assert told == {"dispatcher", "lead"}  # not the other district's dispatcher, not the leader
    assert Notice.objects.first().url == "/rules/?tab=alarms"
    assert rule_alarms.tell_new() == 0 and Notice.objects.count() == 2
    Organisation.objects.filter(name="无人单位").update(parent=people.unit)
    Organisation.objects.get(name="无人单位").save()
    assert rule_alarms.tell_new() == 0 and not RuleAlarm.objects.exists()
    unit = Organisation.objects.get(name="无人单位")
    unit.parent = None
    unit.save()
    assert rule_alarms.tell_new() == 1 and Notice.objects.count() == 4


def test_the_rate_is_exact(people):
    assert faults.auto_rate(fresh(people.lead)).percent == "—"
    now = timezone.now()
    for number in range(3):
        case_in("dispatched", people, dispatched_at=now, auto_dispatched=number < 2)
    case_in("dispatched", people, dispatched_at=now - timedelta(days=31), auto_dispatched=True)
    case_in("dispatched", people, flow="complaint", dispatched_at=now)
    rate = faults.auto_rate(fresh(people.lead))
    assert (rate.auto, rate.dispatched, rate.percent) == (2, 3, "66.7%")
    assert faults.auto_rate(fresh(people.other_dispatcher)).dispatched == 0


def test_the_page(people):
    make_rule(make_unit("无人单位"), area_code="990101")
    browser = Client()
    browser.force_login(people.dispatcher)
    page = browser.get("/rules/?tab=alarms").content.decode()
    assert "无人单位" in page and "—" in page
    for who in (people.worker, people.nobody, people.department):
        browser.force_login(who)
        assert browser.get("/rules/?tab=alarms").status_code == 403
