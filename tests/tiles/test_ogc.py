"""OGC API – Features and – Tiles: complete, within scope, refusing what it does not know."""

import pytest

from geo.models import Area
from grids.models import Grid
from tests import factories
from tiles.api.ogc import items

from .test_vector_tiles import features as tile_features
from .test_vector_tiles import tile_at


@pytest.fixture
def leader(city):
    return factories.make_user(role="leader", area="9901")


def get(client, path, **query):
    return client.get(f"/ogc/{path}", query)


def test_without_an_account_there_is_open_data_only(city, client):
    listed = {one["id"] for one in get(client, "collections").json()["collections"]}
    assert listed == {"areas", "grids", "service_centers", "public_facilities"}
    assert get(client, "collections/components").status_code == 401
    assert get(client, "collections/reference_lines/items").status_code == 401
    assert get(client, "collections/cases/items/A1").status_code == 401
    assert get(client, "collections/components/tiles/WebMercatorQuad/1/0/0").status_code == 401
    assert get(client, "collections/nothing").status_code == 404
    assert get(client, "collections/grid_labels").status_code == 404


def test_pages_follow_each_other_to_the_end(city, client):
    seen, url = [], "/ogc/collections/grids/items?limit=7"
    while url:
        page = client.get(url).json()
        assert page["numberMatched"] == Grid.objects.count() == 24
        seen += [feature["id"] for feature in page["features"]]
        url = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    assert seen == list(Grid.objects.order_by("pk").values_list("code", flat=True))
    by_offset = get(client, "collections/grids/items", limit=5, offset=20).json()
    assert [f["id"] for f in by_offset["features"]] == seen[20:]
    beyond = get(client, "collections/grids/items", offset=99_999_999_999).json()
    assert beyond["features"] == [] and beyond["numberMatched"] == 24


def test_what_is_too_much_to_count_is_paged_all_the_same(city, client, monkeypatch):
    monkeypatch.setattr(items, "COUNTED", 5)
    seen, url = [], "/ogc/collections/grids/items?limit=7"
    while url:
        page = client.get(url).json()
        seen += [feature["id"] for feature in page["features"]]
        assert "numberMatched" not in page
        url = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    assert seen == list(Grid.objects.order_by("pk").values_list("code", flat=True))
    by_offset = get(client, "collections/grids/items", limit=5, offset=20).json()
    assert [f["id"] for f in by_offset["features"]] == seen[20:]


def test_scope(leader, client):
    unit = factories.make_unit()
    near = factories.make_component(factories.at(0.2, 0.2))
    held = factories.make_component(factories.at(2.5, 1.5), owner_unit=unit)
    people = {
        leader: {near.code, held.code},
        factories.make_user(role="leader", area="990101"): {near.code},
        factories.make_user(role="department", unit=unit): {held.code},
    }
    for user, codes in people.items():
        client.force_login(user)
        body = get(client, "collections/components/items").json()
        assert {feature["id"] for feature in body["features"]} == codes
        for code in (near.code, held.code):
            status = get(client, f"collections/components/items/{code}").status_code
            assert status == (200 if code in codes else 404)


def test_filters(leader, client):
    client.force_login(leader)
    kinds = [factories.make_type(class_code=code, type_code="01") for code in ("01", "02")]
    for number in range(6):
        factories.make_component(factories.at(0.1 + number * 0.5, 0.5), type=kinds[number % 2])

    def count(**query):
        return get(client, "collections/components/items", **query).json()["numberMatched"]

    assert count() == 6 and count(**{"class": "02"}) == 3
    assert count(state="damaged") == 0 and count(area="990102") == 2
    lon, lat = factories.LON, factories.LAT
    assert count(bbox=f"{lon},{lat},{lon + 0.0055},{lat + 0.02}") == 1
    assert count(bbox=f"{lon},{lat},0,{lon + 0.02},{lat + 0.02},100") == 4
    assert count(bbox="179,39,-170,40") == 0
    case = factories.make_case(factories.at(0.5, 0.5), urgent=True)
    body = get(client, "collections/cases/items", urgent="true").json()
    assert [f["id"] for f in body["features"]] == [case.number]
    assert body["features"][0]["properties"]["state"] == "reported"


@pytest.mark.parametrize(
    "query",
    [
        {"bbox": "1,2,3"},
        {"bbox": "83,40,84,39"},
        {"bbox": "a,b,c,d"},
        {"limit": "0"},
        {"limit": "-1"},
        {"offset": "x"},
        {"cursor": "@@"},
        {"cursor": "LTE"},  # -1
        {"datetime": "soon"},
        {"datetime": "../.."},
        {"colour": "red"},
        {"area": "x"},
        {"bbox-crs": "EPSG:3857"},
        {"generation": "first"},
    ],
)
def test_refusals_name_the_parameter(city, client, query):
    answer = get(client, "collections/grids/items", **query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in query


def test_geometry_is_longitude_first(city, client):
    body = get(client, "collections/grids/items/990101001001001").json()
    assert body["geometry"]["coordinates"][0][0] == [83.9, 39.5]
    assert body["properties"]["kind"] == "basic"
    assert get(client, "collections/grids/items/123").status_code == 404
    assert get(client, "collections/areas/items/990101").json()["properties"]["name"] == "甲区"


def test_borders_of_other_days(city, client):
    from datetime import date

    from grids.models import GridVersion

    grid = Grid.objects.get(code="990101001001001")
    old = grid.versions.get()
    old.valid_to = date(2026, 3, 1)
    old.save()
    GridVersion.objects.create(
        grid=grid,
        generation=2,
        name="新名",
        kind="basic",
        geom=factories.box(83.9, 39.5, 0.004),
        valid_from=date(2026, 3, 1),
        publication=old.publication,
    )

    def found(when):
        body = get(client, "collections/grids/items", datetime=when, limit=1000).json()
        return {f["id"]: f for f in body["features"] if f["id"].startswith(grid.code)}

    assert list(found("2026-02-28")) == [f"{grid.code}@2025-01-01"]
    assert list(found("2026-03-01")) == [grid.code]
    assert len(found("2026-01-01/2026-12-31")) == 2 and len(found("2026-01-01/..")) == 2
    assert found("2024-01-01") == {}
    one = get(client, f"collections/grids/items/{grid.code}@2025-01-01").json()
    assert one["geometry"]["coordinates"][0][1] == [83.905, 39.5]
    Area.objects.filter(code="990102").update(valid_to=date(2026, 5, 1))
    ids = {f["id"] for f in get(client, "collections/areas/items", datetime="2026-04-01").json()["features"]}
    assert "990102@2025-01-01" in ids


def test_tiles_are_named_row_first(city, client):
    z, x, y = tile_at("WebMercatorQuad", 14, factories.LON + 0.001, factories.LAT + 0.001)
    answer = client.get(f"/ogc/collections/grids/tiles/WebMercatorQuad/{z}/{y}/{x}")
    assert tile_features(answer.content, "grids")
    assert client.get(f"/tiles/grids/WebMercatorQuad/{z}/{x}/{y}.mvt").content == answer.content


def test_every_link_leads_somewhere(leader, client):
    client.force_login(leader)
    factories.make_component(factories.at(0.2, 0.2))
    todo, done = ["http://testserver/ogc/"], set()
    while todo:
        url = todo.pop()
        if url in done or "{" in url:
            continue
        done.add(url)
        answer = client.get(url.removeprefix("http://testserver"))
        assert answer.status_code == 200, url
        if "json" not in answer["Content-Type"]:
            continue

        def walk(part):
            if isinstance(part, dict):
                if "href" in part:
                    todo.append(part["href"])
                for value in part.values():
                    walk(value)
            elif isinstance(part, list):
                for value in part:
                    walk(value)

        walk(answer.json())
    assert len(done) > 60
    definition = client.get("/ogc/api").json()
    assert definition["openapi"].startswith("3.0") and "/collections" in definition["paths"]
    assert b"<h1>" in client.get("/ogc/", headers={"Accept": "text/html"}).content
    assert client.post("/ogc/collections").status_code == 405
