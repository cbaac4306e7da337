"""locate: chain, grid, border, people, buildings, components; one statement of its own."""

import pytest
from django.contrib.gis.geos import MultiPolygon, Point
from rest_framework.test import APIClient

from assets.models import Building
from geo.coordinates import from_wgs84
from grids.models import DutyGrid, UnitGrid
from grids.queries import find
from tests.factories import at, box, make_component, make_user, make_worker

pytestmark = pytest.mark.django_db
METRE = 1 / 111_000 / 0.01  # a metre northwards, in communities


def ask(user=None, **query):
    api = APIClient()
    if user:
        api.force_authenticate(user)
    return api.get("/api/locate", query)


def test_anybody_gets_the_chain_and_the_grid(city):
    data = ask(lon=at(0.25, 0.25).x, lat=at(0.25, 0.25).y).json()
    assert [area["code"] for area in data["areas"]] == ["9901", "990101", "990101001", "990101001001"]
    assert data["grid"]["code"] == "990101001001001"
    assert data["border"] is None and data["outside"] is None and data["inside"]
    assert not {"people", "building", "components", "unit_grid", "duty_grid"} & set(data)


def test_one_statement(city, django_assert_num_queries):
    with django_assert_num_queries(1):
        find(at(0.25, 0.25), people=True)


def test_on_a_border_the_runner_up_and_how_far_it_is(city):
    near = find(at(0.25, 0.5 - 3 * METRE))
    assert near.grid["code"].endswith("001") and near.border["code"].endswith("003")
    assert near.border["distance_m"] == pytest.approx(3, abs=0.05)
    assert find(at(0.25, 0.5 - 6 * METRE)).border is None
    corner = find(at(1, 1))
    assert corner.grid["code"] == "990101001001004"
    assert corner.border == {"code": "990101001002002", "name": "网格002", "distance_m": 0.0}


def test_outside_the_city_says_how_far(city):
    data = ask(lon=83.89, lat=39.505).json()
    assert not data["inside"] and data["grid"] is None and data["areas"] == []
    assert data["outside"]["code"] == "990101001001"
    assert data["outside"]["distance_m"] == pytest.approx(859.6, abs=1)


def test_every_system_finds_the_same_grid(city):
    place = at(0.25, 0.25)
    for crs in ("wgs84", "cgcs2000", "gcj02", "bd09"):
        lon, lat = from_wgs84(place.x, place.y, crs)
        data = ask(lon=lon, lat=lat, crs=crs).json()
        assert data["grid"]["code"] == "990101001001001"
        assert (data["lon"], data["lat"]) == pytest.approx((place.x, place.y), abs=1e-6)


@pytest.mark.parametrize(
    "query", [{}, {"lon": "x", "lat": 1}, {"lon": 1, "lat": 100}, {"lon": 1, "lat": 1, "crs": "mars"}]
)
def test_what_cannot_be_read_is_told(city, query):
    answer = ask(**query)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_staff_learn_who_and_what_is_there(city, django_assert_num_queries):
    place = at(0.25, 0.25)
    leader = make_worker(make_user("leader"), grid="990101001001001", role="leader")
    leader.phone = "0990-1"
    leader.save()
    member = make_user("member", role="grid_worker")
    make_worker(member, grid="990101001001001")
    beat = DutyGrid.objects.create(
        code="D1",
        name="一号责任网格",
        area_code="990101001001",
        geom=MultiPolygon(box(83.9, 39.5, 0.01)),
        valid_from="2025-01-01",
    )
    UnitGrid.objects.update(duty_grid=beat)
    Building.objects.create(code="B1", name="一号楼", geom=box(83.9026, 39.5025, 0.0002))
    far = make_component(Point(83.9027, 39.5025, srid=4326))
    near = make_component(Point(83.9025, 39.5026, srid=4326))
    data = ask(make_user(role="dispatcher", area="9901"), lon=place.x, lat=place.y).json()
    assert [(p["name"], p["role"], p["phone"]) for p in data["people"]] == [
        ("leader", "leader", "0990-1"),
        ("member", "member", ""),
    ]
    assert data["unit_grid"] == "990101001001001" and data["duty_grid"]["code"] == "D1"
    assert data["building"]["code"] == "B1" and data["building"]["distance_m"] == pytest.approx(8.6, abs=0.2)
    assert [row["code"] for row in data["components"]] == [near.code, far.code]
    own = ask(member, lon=place.x, lat=place.y).json()
    assert [p["name"] for p in own["people"]] == ["leader", "member"]
    assert "phone" not in own["people"][0], "the workforce's phones are for those who see the workforce"
    elsewhere = ask(make_user(role="dispatcher", area="990102"), lon=place.x, lat=place.y).json()
    assert elsewhere["people"] == [] and elsewhere["building"] is None


def test_nobody_copies_the_borders_point_by_point(city):
    from django.core.cache import cache

    from grids.api.locate import AnonymousLocate

    cache.clear()
    limit = AnonymousLocate().num_requests
    query = {"lon": 83.9025, "lat": 39.5025}
    assert all(ask(**query).status_code == 200 for _number in range(limit))
    refused = ask(**query)
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0
    assert ask(make_user(role="dispatcher", area="9901"), **query).status_code == 200
    cache.clear()
