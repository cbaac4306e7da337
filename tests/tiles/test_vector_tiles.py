"""Vector tiles against plain queries: complete, within scope, in both matrix sets."""

import gzip

import mapbox_vector_tile
import pytest
from django.contrib.auth.models import AnonymousUser

from assets.models import Component
from geo.registry import layers
from tests import factories
from tiles.matrix import SETS
from tiles.queries import session, statement, tile

MIDDLE = (factories.LON + 0.0149, factories.LAT + 0.0101)


def tile_at(matrix_set: str, z: int, lon: float, lat: float) -> tuple[int, int, int]:
    """The tile that holds a place."""
    west, east, north, south = SETS[matrix_set].cover(z, (lon, lat, lon, lat), margin=-1e-6)
    assert (west, north) == (east, south)
    return z, west, north


def features(data: bytes, layer: str) -> list[dict]:
    if not data:
        return []
    return mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})[layer]["features"]


def around(matrix_set: str, z: int):
    """Every tile that touches the tiny city."""
    bounds = (
        factories.LON,
        factories.LAT,
        factories.LON + 3 * factories.SIDE,
        factories.LAT + 2 * factories.SIDE,
    )
    west, east, north, south = SETS[matrix_set].cover(z, bounds, margin=-1e-5)
    return [(z, x, y) for x in range(west, east + 1) for y in range(north, south + 1)]


def ids(layer: str, matrix_set: str, z: int, user) -> set[int]:
    return {
        f["id"] for t in around(matrix_set, z) for f in features(tile(layer, matrix_set, *t, user), layer)
    }


@pytest.mark.parametrize("matrix_set", SETS)
def test_grids_are_all_there_for_anybody(city, matrix_set):
    from grids.models import Grid

    z = SETS[matrix_set].level(10)
    expected = set(Grid.objects.values_list("pk", flat=True))
    assert ids("grids", matrix_set, z, AnonymousUser()) == expected
    assert not ids("grids", matrix_set, SETS[matrix_set].level(40) - 1, AnonymousUser())


@pytest.mark.parametrize("matrix_set", SETS)
def test_scope_is_in_the_statement(city, matrix_set):
    unit = factories.make_unit()
    other = factories.make_unit()
    near = factories.make_component(factories.at(0.25, 0.25))
    held = factories.make_component(factories.at(2.6, 1.6), owner_unit=unit)
    far = factories.make_component(factories.at(2.3, 0.3), owner_unit=other)
    z = SETS[matrix_set].level(2.4)
    everybody = {
        "west": factories.make_user(role="leader", area="990101"),
        "unit": factories.make_user(role="department", unit=unit),
        "city": factories.make_user(role="leader", area="9901"),
        "nothing": factories.make_user(role="system_admin"),
        "worker": factories.make_user(role="grid_worker"),
    }
    factories.make_worker(everybody["worker"], grid="990102001001001")
    seen = {name: ids("components", matrix_set, z, user) for name, user in everybody.items()}
    assert seen["west"] == {near.pk}
    assert seen["unit"] == {held.pk}
    assert seen["city"] == {near.pk, held.pk, far.pk}
    assert seen["nothing"] == set()
    assert seen["worker"] == {far.pk}
    assert ids("components", matrix_set, z, AnonymousUser()) == set()


def test_own_rows(city):
    user = factories.make_user(role="grid_worker")
    mine = factories.make_case(factories.at(2.6, 1.6), reporter=user)
    factories.make_case(factories.at(2.6, 1.6))
    z = SETS["WebMercatorQuad"].level(2.4)
    assert ids("cases", "WebMercatorQuad", z, user) == {mine.pk}


def test_long_codes_come_close_up_only(city):
    user = factories.make_user(role="leader", area="9901")
    component = factories.make_component(factories.at(1.49, 1.01))
    quad = SETS["WebMercatorQuad"]
    for scale, names in ((9.6, {"class", "state"}), (2.4, {"class", "state", "code", "type"})):
        place = component.geom
        found = features(
            tile("components", quad.id, *tile_at(quad.id, quad.level(scale), *place), user), "components"
        )
        assert set(found[0]["properties"]) == names
    assert found[0]["properties"]["code"] == component.code


def test_times_are_seconds(city):
    from django.utils import timezone

    user = factories.make_user(role="leader", area="9901")
    due = timezone.now().replace(microsecond=0)
    case = factories.make_case(factories.at(1.49, 1.01), due_at=due)
    found = features(
        tile("cases", "WebMercatorQuad", *tile_at("WebMercatorQuad", 16, *case.geom), user), "cases"
    )
    assert found[0]["properties"]["due_at"] == int(due.timestamp())


@pytest.mark.parametrize("matrix_set", SETS)
@pytest.mark.parametrize("layer", sorted(layers))
def test_every_layer_makes_a_tile_at_every_level(city, layer, matrix_set):
    user = factories.make_user(role="shift_lead", area="9901")
    for z in range(SETS[matrix_set].max_level + 1):
        tile(layer, matrix_set, *tile_at(matrix_set, z, *MIDDLE), user)


def test_borders_of_another_day(city, client):
    from datetime import date, timedelta

    from grids.models import Grid

    grid = Grid.objects.get(code="990101001001001")
    version = grid.versions.get()
    version.valid_to = date(2026, 3, 1)
    version.save()
    place = (factories.LON + 0.002, factories.LAT + 0.002)
    url = "/tiles/grids/WebMercatorQuad/{}/{}/{}.mvt".format(*tile_at("WebMercatorQuad", 17, *place))
    before = client.get(url, {"at": str(version.valid_to - timedelta(days=1))})
    after = client.get(url, {"at": str(version.valid_to)})
    assert [f["id"] for f in features(before.content, "grids")] == [grid.pk]
    assert features(after.content, "grids") == []
    assert client.get(url, {"at": "soon"}).status_code == 400


def test_over_http(city, client):
    url = "/tiles/grids/WorldCRS84Quad/{}/{}/{}.mvt".format(*tile_at("WorldCRS84Quad", 14, *MIDDLE))
    plain = client.get(url)
    assert plain["Content-Type"] == "application/vnd.mapbox-vector-tile"
    zipped = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(zipped.content) == plain.content
    assert client.get(url, headers={"If-None-Match": plain["ETag"]}).status_code == 304
    assert client.get(url.replace("World", "Wold")).status_code == 404
    assert client.get("/tiles/grids/WebMercatorQuad/3/8/0.mvt").status_code == 404
    assert client.get("/tiles/nothing/WebMercatorQuad/3/1/0.mvt").status_code == 404
    private = url.replace("grids", "components")
    answer = client.get(private)
    assert answer.status_code == 401 and answer["WWW-Authenticate"].startswith("Basic")
    client.force_login(factories.make_user(role="system_admin"))
    assert client.get(private).status_code == 403


def test_layer_tree_and_tilejson(city, client):
    tree = client.get("/api/layers/").json()
    assert {"areas", "grids", "service_centers"} <= {layer["id"] for layer in tree["layers"]}
    assert "components" not in {layer["id"] for layer in tree["layers"]}
    client.force_login(factories.make_user(role="leader", area="9901"))
    tree = client.get("/api/layers/").json()
    components = next(layer for layer in tree["layers"] if layer["id"] == "components")
    assert components["binned"] and components["style"]["classes"][0]["value"] == "01"
    answer = client.get("/tiles/components.json").json()
    assert answer["tilejson"] == "3.0.0" and answer["vector_layers"][0]["id"] == "components"
    z, x, y = tile_at("WebMercatorQuad", 16, *MIDDLE)
    template = answer["tiles"][0].replace("http://testserver", "")
    assert client.get(template.format(z=z, x=x, y=y)).status_code == 200


def test_basic_authentication(city, client, django_user_model):
    import base64

    user = factories.make_user("gdal", role="leader", area="9901")
    user.set_password("a long password")
    user.save()
    url = "/tiles/components/WebMercatorQuad/{}/{}/{}.mvt".format(*tile_at("WebMercatorQuad", 16, *MIDDLE))

    def header(password):
        return {"Authorization": "Basic " + base64.b64encode(f"gdal:{password}".encode()).decode()}

    assert client.get(url, headers=header("a long password")).status_code == 200
    assert client.get(url, headers=header("a long password")).status_code == 200
    assert client.get(url, headers=header("wrong")).status_code == 401
    user.set_password("another password")
    user.save()
    assert client.get(url, headers=header("a long password")).status_code == 401


def test_values_in_a_statement_are_only_values(db):
    slot = statement.Slot("there")
    values = ["a%'b\\", slot, ["9901%", "x'"], Component.State.REMOVED, 7]
    made = statement.Statement("select %s::text, %s::text, '%%', %s::text[], %s::text, %s", values)
    assert made.slots == [slot]
    row = session.fetchone(made.sql, made.fill({"there": ("99%",)}))
    assert row == ("a%'b\\", "99%", "%", ["9901%", "x'"], "removed", 7)
