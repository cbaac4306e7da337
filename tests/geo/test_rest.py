"""Lists: keyset pages lose and double nothing; parameters that cannot be read say what would be right."""

import pytest
from rest_framework.test import APIClient

from assets.models import Component
from tests.factories import at, make_component, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(city):
    client = APIClient()
    client.force_authenticate(make_user(role="leader", area="9901"))
    return client


def walk(client, url):
    """Codes of all pages forwards, and of all pages back again."""
    forward, page = [], client.get(url).json()
    while True:
        forward.append([row["code"] for row in page["results"]])
        if not page["next"]:
            break
        page = client.get(page["next"]).json()
    backward = [[row["code"] for row in page["results"]]]
    while page["previous"]:
        page = client.get(page["previous"]).json()
        backward.append([row["code"] for row in page["results"]])
    return forward, backward[::-1]


@pytest.mark.parametrize("ordering", ["code", "-code", "name", "-name", "changed_on", "-changed_on"])
def test_pages_lose_and_double_nothing(client, ordering):
    for number in range(11):
        make_component(
            at(0.1 + number / 20, 0.2),
            name=f"n{number % 3}",
            changed_on=f"2026-01-{1 + number % 4:02d}" if number % 2 else None,
        )
    forward, backward = walk(client, f"/api/components/?limit=3&ordering={ordering}")
    order = [ordering, "-pk" if ordering.startswith("-") else "pk"]
    assert [code for page in forward for code in page] == list(
        Component.objects.order_by(*order).values_list("code", flat=True)
    )
    assert forward == backward


def test_the_count_stops_where_it_would_cost(client, monkeypatch):
    monkeypatch.setattr("geo.rest.COUNT_TO", 2)
    for number in range(3):
        make_component(at(0.1 + number / 20, 0.2))
    body = client.get("/api/components/").json()
    assert (body["count"], body["count_exact"]) == (2, False)


def test_bbox_area_and_words(client):
    west = make_component(at(0.25, 0.25), name="污水井盖")
    make_component(at(2.5, 0.25), name="路灯")

    def codes(query):
        return [row["code"] for row in client.get(f"/api/components/?{query}").json()["results"]]

    assert codes("bbox=83.9,39.5,83.91,39.51") == [west.code]
    assert codes("area=990101") == [west.code]
    assert codes("area=990101001001001") == [west.code]
    assert codes("area=990101001001002") == []
    assert codes("q=井盖") == [west.code]


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=9,9,1,1",
        "bbox=nan,0,1,1",
        "area=99x",
        "area=12345",
        "ordering=geom",
        "limit=0",
        "limit=x",
        "cursor=zzz",
        "cursor=WzBd",
        "cursor=%00",
        "state=gone",
    ],
)
def test_parameters_that_cannot_be_read(client, query):
    response = client.get(f"/api/components/?{query}")
    assert response.status_code == 400, query
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == query.split("=")[0]


def test_geojson(client):
    component = make_component(at(0.25, 0.25))
    body = client.get("/api/components/?format=geojson").json()
    (feature,) = body["features"]
    assert body["type"] == "FeatureCollection" and body["count"] == 1
    assert feature["id"] == component.code
    assert feature["geometry"] == {"type": "Point", "coordinates": [83.9025, 39.5025]}
    assert "geometry" not in feature["properties"]
    assert client.get(f"/api/components/{component.code}/?format=geojson").json()["type"] == "Feature"
    assert "geometry" not in client.get("/api/components/").json()["results"][0]


def test_scope(client, city, django_assert_num_queries):
    component = make_component(at(2.5, 0.25))
    nobody = APIClient()
    assert nobody.get("/api/components/").status_code in (401, 403)
    assert nobody.get("/api/facilities/").status_code == 200
    other = APIClient()
    other.force_authenticate(make_user(role="leader", area="990101"))
    assert other.get("/api/components/").json()["results"] == []
    assert other.get(f"/api/components/{component.code}/").status_code == 404
    for number in range(5):
        make_component(at(0.1 + number / 20, 0.2))
    user = make_user(role="leader", area="990101")
    client.force_authenticate(user)
    # Grants, then the count and the page: whatever the number of rows.
    with django_assert_num_queries(3):
        assert client.get("/api/components/").json()["count"] == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"lon": ' + "[" * 5000 + "]" * 5000 + "}", 400),
        ('{"description": "' + "a" * 6_000_000 + '"}', 413),
    ],
)
def test_bodies_that_are_too_much_get_a_problem(city, body, status):
    client = APIClient()
    client.force_authenticate(make_user(role="acceptor", area="9901"))
    answer = client.post("/api/cases/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
