"""Every resource: within scope, in a fixed number of queries, whatever the number of rows."""

import pytest
from rest_framework.test import APIClient

from assets.models import (
    Building,
    Enterprise,
    Estate,
    House,
    Household,
    PublicFacility,
    ReferenceLine,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
    Shop,
)
from tests.factories import at, make_component, make_user

pytestmark = pytest.mark.django_db

RESOURCES = {
    "components": 3,
    "estates": 3,
    "buildings": 3,
    "shops": 3,
    "enterprises": 3,
    "resident-units": 3,
    "risk-points": 3,
    "facilities": 3,
    "service-centers": 3,
    "reference-lines": 3,
}


def fill(x: float, tag: str):
    """One row of each kind at a place."""
    spot = at(x, 0.2)
    make_component(spot)
    estate = Estate.objects.create(code=f"e{tag}", name="小区", geom=spot)
    building = Building.objects.create(code=f"b{tag}", name="楼", geom=spot, estate=estate, floors=2)
    for floor in (1, 2):
        for door in ("1", "2"):
            house = House.objects.create(building=building, floor=floor, door=f"{floor}0{door}")
    Household.objects.create(house=house, people=3)
    Shop.objects.create(code=f"s{tag}", name="店", building=building)
    Enterprise.objects.create(code=f"f{tag}", name="厂", building=building)
    ResidentUnit.objects.create(code=f"r{tag}", name="校", geom=spot)
    RiskPoint.objects.create(
        code=f"R{tag}", name="险", category="火", likelihood=3, exposure=6, consequence=15, geom=spot
    )
    PublicFacility.objects.create(code=f"p{tag}", name="厕", kind="toilet", geom=spot)
    ServiceCenter.objects.create(code=f"c{tag}", name=f"站{tag}", level="community", geom=spot)
    ReferenceLine.objects.create(
        code=f"l{tag}", kind="road", geom=f"LINESTRING({spot.x} 39.5,{spot.x} 39.501)"
    )


@pytest.fixture
def filled(city):
    for number, x in enumerate((0.1, 0.3, 0.6, 2.4)):
        fill(x, str(number))


def client(**grant):
    api = APIClient()
    api.force_authenticate(make_user(**grant))
    return api


@pytest.mark.parametrize("name", RESOURCES)
def test_lists(filled, name, django_assert_max_num_queries):
    api = client(role="acceptor", area="990101")
    public = name in ("facilities", "service-centers", "reference-lines")
    for form in ("json", "geojson"):
        with django_assert_max_num_queries(RESOURCES[name]):
            body = api.get(f"/api/{name}/?format={form}").json()
        assert len(body["results" if form == "json" else "features"]) == (4 if public else 3)
    row = api.get(f"/api/{name}/").json()["results"][0]
    assert row["area_code"].startswith("990101") and row["grid"]
    assert api.get(f"/api/{name}/{row['code']}/").json()["geometry"]["type"] in ("Point", "LineString")
    assert len(api.get(f"/api/{name}/?area=990101001001001").json()["results"]) == 2
    assert APIClient().get(f"/api/{name}/").status_code == (200 if public else 403)


def test_the_nearest_centre_first(filled):
    rows = APIClient().get("/api/service-centers/?lon=83.9062&lat=39.502&limit=2").json()["results"]
    assert [row["code"] for row in rows] == ["c2", "c1"]
    assert rows[0]["distance_m"] == pytest.approx(17.2, abs=0.5)
    for bad in ("lon=83.9", "lon=183&lat=1", "lon=x&lat=1", "lon=83.9&lat=39.5&crs=mars"):
        assert APIClient().get(f"/api/service-centers/?{bad}").status_code == 400, bad


def test_floor_by_unit(filled, django_assert_max_num_queries):
    worker = client(role="community_desk", area="990101")
    with django_assert_max_num_queries(4):
        plan = worker.get("/api/buildings/b0/stack-plan/").json()
    assert [floor["floor"] for floor in plan["floors"]] == [2, 1]
    assert [unit["door"] for unit in plan["floors"][0]["units"]] == ["201", "202"]
    assert plan["floors"][0]["units"][1]["people"] == 3
    assert (plan["houses"], plan["households"], plan["people"]) == (4, 1, 3)
    # Who may not see households sees the house, not who is at home.
    plan = client(role="acceptor", area="990101").get("/api/buildings/b0/stack-plan/").json()
    assert plan["people"] is None and "people" not in plan["floors"][0]["units"][0]
    assert worker.get("/api/buildings/b3/stack-plan/").status_code == 404
