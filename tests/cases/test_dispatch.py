"""Who is responsible: the order of the rules, ties, gaps, and one statement."""

from datetime import date, timedelta

import pytest
from django.contrib.gis.geos import MultiPolygon
from django.utils import timezone

from cases.dispatch import decide, explain
from cases.models import DispatchRule
from geo.models import AuditEntry
from grids.models import Grid
from tests.cases.people import GRID, HERE, client, make_people, report
from tests.factories import START, at, box, make_component, make_rule, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db
AREA = "990101001001"


@pytest.fixture
def cover(city):
    return make_type(type_code="01", name="上水井盖")


def whose(kind, place=HERE, area=AREA, day=None, component=None):
    grid = Grid.objects.filter(geom__covers=place).order_by("code").first()
    return decide(
        place,
        type=kind,
        area_code=area,
        grid_id=grid.pk if grid else None,
        component=component,
        day=day or timezone.localdate(),
    )


def drawn(side, west=83.9, south=39.5):
    return MultiPolygon(box(west, south, side), srid=4326)


def test_every_step_of_the_order(cover, django_assert_num_queries):
    """Each rule added is narrower than all before it, and wins."""
    grid = Grid.objects.get(code=GRID)
    same_class = {"kind": "component", "class_code": "01", "standard": cover.standard}
    steps = [
        {},
        {"area_code": "9901"},
        {"kind": "component"},
        {"kind": "component", "area_code": AREA},
        same_class,
        {**same_class, "area_code": "990101"},
        {**same_class, "polygon": drawn(0.001)},
        {"type": cover},
        {"type": cover, "area_code": "9901"},
        {"type": cover, "area_code": "990101"},
        {"type": cover, "area_code": "990101001"},
        {"type": cover, "area_code": AREA},
        {"type": cover, "grid": grid},
        {"type": cover, "polygon": drawn(0.02)},
        {"type": cover, "polygon": drawn(0.01)},
        {"type": cover, "polygon": drawn(0.01), "valid_from": START + timedelta(days=1)},
    ]
    place = at(0.05, 0.05)
    for number, values in enumerate(steps):
        unit = make_unit(f"单位{number}")
        make_rule(unit, **values)
        assert whose(cover, place).unit_id == unit.pk, values
    with django_assert_num_queries(1):
        decision = decide(place, type=cover, area_code=AREA, grid_id=grid.pk, day=timezone.localdate())
    assert decision.detail["polygon"]["type"] == "MultiPolygon", "the area that decided is kept"


def test_the_component_goes_before_every_rule(cover):
    rule_unit, owner, keeper = make_unit(), make_unit("业主"), make_unit("养护")
    make_rule(rule_unit, type=cover, polygon=drawn(0.01))
    component = make_component(HERE, owner_unit=owner, maintenance_unit=keeper)
    assert whose(cover, component=component).unit_id == keeper.pk
    component.maintenance_unit = None
    component.save()
    found = whose(cover, component=component)
    assert (found.reason, found.unit_id) == ("owner", owner.pk)
    owner.active = False
    owner.save()
    assert whose(cover, component=component).unit_id == rule_unit.pk


def test_what_is_elsewhere_over_or_of_another_kind_does_not_count(cover):
    unit = make_unit()
    lamp = make_type(type_code="37", name="路灯")
    today = timezone.localdate()
    for values in (
        {"type": lamp},
        {"kind": "event"},
        {"area_code": "990102"},
        {"grid": Grid.objects.get(code="990101001001004")},
        {"polygon": drawn(0.001)},
        {"valid_from": today + timedelta(days=1)},
        {"valid_to": today},
        {"kind": "component", "class_code": "01", "standard": "gbt47678_5_2026"},
    ):
        make_rule(unit, **values)
    assert whose(cover).reason == "none"
    assert whose(cover, day=today + timedelta(days=1)).reason == "rule"


def test_a_tie_is_told_and_nobody_gets_it(cover):
    people = make_people()
    make_rule(people.unit, type=cover, area_code="9901", name="甲")
    make_rule(people.other_unit, type=cover, area_code="9901", name="乙")
    make_rule(make_unit(), area_code="9901", name="更宽的")
    case = report(people.worker, type=cover.pk).json()
    assert (case["state"], case["holder_unit"]) == ("filed", None)
    assert case["decision"]["reason"] == "tie"
    assert [rule["name"] for rule in case["decision"]["rules"]] == ["甲", "乙"]
    assert "甲" in case["decision"]["text"] and "路灯公司" in case["decision"]["text"]
    assert "dispatch" in [
        a["action"] for a in client(people.dispatcher).get(f"/api/cases/{case['number']}/").json()["actions"]
    ]


def test_two_rules_of_one_unit_are_no_tie(cover):
    unit = make_unit()
    make_rule(unit, type=cover, area_code="9901")
    make_rule(unit, type=cover, area_code="9901")
    assert whose(cover).unit_id == unit.pk


def test_no_rule_goes_to_the_dispatcher(cover):
    people = make_people()
    case = report(people.worker, type=cover.pk).json()
    assert case["state"] == "filed" and case["decision"]["reason"] == "none" and case["decision"]["text"]
    assert report(people.worker).json()["state"] == "reported", "without a type an acceptor looks first"


def test_the_decision_keeps_what_it_was(cover):
    people = make_people()
    rule = make_rule(people.unit, type=cover, polygon=drawn(0.01), name="老规则")
    number = report(people.worker, type=cover.pk).json()["number"]
    DispatchRule.objects.filter(pk=rule.pk).update(name="新规则", polygon=drawn(0.001))
    decision = client(people.department).get(f"/api/cases/{number}/").json()["decision"]
    assert decision["name"] == "老规则" and decision["polygon"]["coordinates"][0][0][1] == [83.91, 39.5]
    assert explain(None) == "" and explain({"reason": "unknown"}) == ""


def test_gaps_and_ties_are_listed(cover):
    lamp = make_type(type_code="37", name="路灯")
    litter = make_type(kind="event", type_code="10", name="暴露垃圾")
    unit, other = make_unit(), make_unit()
    make_rule(unit, type=cover, area_code="9901")
    make_rule(unit, type=lamp, area_code="990101")
    make_rule(unit, type=lamp, polygon=drawn(0.002, west=83.925))
    make_rule(unit, kind="event", area_code="990102", name="甲")
    make_rule(other, kind="event", area_code="990102", name="乙")
    make_rule(unit, area_code="9901", polygon=drawn(0.003), type=cover, name="丙")
    make_rule(other, area_code="9901", polygon=drawn(0.003, west=83.901), type=cover, name="丁")
    make_rule(other, area_code="9901", polygon=drawn(0.003, west=83.95), type=cover, name="远处")
    api = client(make_user(role="dispatcher", area="9901"))
    faults = api.get("/api/dispatch-rules/faults/").json()
    gaps = {gap["type"]["id"]: gap for gap in faults["gaps"]}
    assert set(gaps) == {lamp.pk, litter.pk}
    assert (gaps[lamp.pk]["areas"], gaps[lamp.pk]["communities"], gaps[lamp.pk]["partly"]) == (
        ["990102"],
        2,
        1,
    )
    assert gaps[litter.pk]["areas"] == ["990101"]
    ties = [(tie["first"]["name"], tie["second"]["name"], tie["contradicts"]) for tie in faults["ties"]]
    assert sorted(ties) == sorted([("丙", "丁", True), ("甲", "乙", True)])
    west = client(make_user(role="dispatcher", area="990101")).get("/api/dispatch-rules/faults/").json()
    assert [gap["type"]["id"] for gap in west["gaps"]] == [litter.pk]
    assert client(make_user(role="leader", area="9901")).get("/api/dispatch-rules/faults/").status_code == 403


def test_rules_are_made_tried_and_ended(cover):
    unit = make_unit("排水公司")
    api = client(make_user("d", role="dispatcher", area="990101"))
    body = {"name": "新规则", "unit": unit.code, "type": cover.pk, "area_code": "990101"}
    made = api.post("/api/dispatch-rules/", body, format="json")
    assert made.status_code == 201 and made.json()["in_force"]
    outside = api.post("/api/dispatch-rules/", body | {"area_code": "990102"}, format="json")
    assert outside.status_code == 403
    for wrong, pointer in (
        ({"area_code": "9999"}, "/area_code"),
        ({"unit": "nobody"}, "/unit"),
        ({"class_code": "01"}, "/class_code"),
        ({"polygon": {"type": "Point", "coordinates": [1, 2]}}, "/polygon"),
        ({"valid_to": "2020-01-01"}, "/valid_to"),
        ({"grid": "990101001001999"}, "/grid"),
    ):
        answer = api.post("/api/dispatch-rules/", body | wrong, format="json")
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, wrong
    shape = {"type": "Polygon", "coordinates": box(83.9, 39.5, 0.001).coords}
    drawn_rule = api.post("/api/dispatch-rules/", body | {"polygon": shape}, format="json")
    assert drawn_rule.json()["polygon"]["type"] == "MultiPolygon"
    tried = api.get("/api/dispatch-rules/try/", {"lon": HERE.x, "lat": HERE.y, "type": cover.pk}).json()
    assert tried["name"] == "新规则" and "排水公司" in tried["text"]
    ended = api.post(f"/api/dispatch-rules/{made.json()['id']}/end/", {"reason": "改"}, format="json").json()
    assert date.fromisoformat(ended["valid_to"]) > date.fromisoformat(ended["valid_from"])
    assert AuditEntry.objects.filter(action__startswith="dispatch_rule.").count() == 3


@pytest.mark.parametrize(
    "drawn_badly",
    [
        "x",
        {"type": "Point", "coordinates": [83.9, 39.5]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        {"type": "Polygon", "coordinates": [[["a", "b"]] * 5]},
    ],
)
def test_an_area_that_is_none_is_refused(city, drawn_badly):
    people = make_people()
    body = {
        "name": "坏规则",
        "unit": people.unit.code,
        "area_code": "9901",
        "valid_from": "2026-01-01",
        "polygon": drawn_badly,
    }
    answer = client(people.dispatcher).post("/api/dispatch-rules/", body, format="json")
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"].startswith("/polygon"), answer.json()
