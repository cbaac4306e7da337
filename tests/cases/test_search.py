"""Search for anything: scoped, limited, never residents."""

import pytest
from rest_framework.test import APIClient

from assets.models import Building, House, Household
from cases import flow_data
from cases.models import Case, FlowVersion
from tests.factories import at, box, make_case, make_component, make_user, make_worker

pytestmark = pytest.mark.django_db


def groups(user, text):
    api = APIClient()
    api.force_authenticate(user)
    answer = api.get("/api/search", {"q": text})
    assert answer.status_code == 200
    return {group["id"]: group["results"] for group in answer.json()["groups"]}


@pytest.fixture
def things(city):
    case = make_case(at(0.25, 0.25), address="胜利北路 12 号门前")
    component = make_component(at(0.3, 0.3))
    building = Building.objects.create(
        code="B1", name="河畔苑 3 号楼", address="胜利北路 14 号", geom=box(83.9026, 39.5025, 0.0002)
    )
    house = House.objects.create(building=building, floor=1, door="101")
    Household.objects.create(house=house, people=3)
    make_worker(make_user("王小禾"), grid="990101001001001", area_code="990101001")
    return case, component, building


def test_everything_has_its_notation(things):
    case, component, _building = things
    user = make_user(role="dispatcher", area="9901")
    assert groups(user, case.number)["case"][0]["code"] == case.number
    assert groups(user, case.number[1:9])["case"][0]["lon"] == pytest.approx(case.anchor.x)
    assert groups(user, component.code[:10])["component"][0]["code"] == component.code
    found = groups(user, "胜利北路")
    assert [row["code"] for row in found["case"]] == [case.number]
    assert [row["code"] for row in found["building"]] == ["B1"]
    assert groups(user, "小禾")["person"][0]["detail"].count("网格001") == 1
    assert groups(user, "990101001001001")["grid"][0]["code"] == "990101001001001"
    assert groups(user, "第1街道")["area"][0]["code"] == "990101001"
    assert groups(user, "39.5025N 83.9025E")["place"][0]["code"] == "990101001001001"


def test_only_within_the_scope(things):
    case, component, _building = things
    user = make_user(role="dispatcher", area="990102")
    for text in (case.number, component.code, "胜利北路", "小禾"):
        assert groups(user, text) == {}


def test_digits_are_looked_for_with_the_letters_of_every_flow(things):
    case, _component, _building = things
    user = make_user(role="dispatcher", area="9901")
    Case.objects.filter(pk=case.pk).update(number="QX" + case.number[1:])
    assert "case" not in groups(user, case.number[1:])
    definition = {**flow_data.shipped()["letter", 1], "name": "quick", "prefix": "QX"}
    FlowVersion.objects.create(name="quick", version=1, definition=definition, state="draft")
    assert "case" not in groups(user, case.number[1:])
    FlowVersion.objects.update(state="retired")
    assert groups(user, case.number[1:])["case"][0]["code"] == "QX" + case.number[1:]


def test_limits(things):
    user = make_user(role="dispatcher", area="9901")
    for _number in range(8):
        make_case(at(0.25, 0.25), address="胜利北路")
    assert len(groups(user, "胜利北路")["case"]) == 5
    assert groups(user, "9") == {}
    assert groups(user, "%_'\"\\") == {}
    assert groups(user, "胜" * 500) == {}


def test_nobody_is_asked_to_log_in(city):
    assert APIClient().get("/api/search", {"q": "胜利"}).status_code in (401, 403)
