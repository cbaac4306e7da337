"""Cells count exactly what is there, at every moment a reader can see."""

import random

import mapbox_vector_tile
import pytest
from django.db import connection

from assets.models import Building, Component
from cases.models import Case
from geo.registry import layers
from tests import factories
from tiles import triggers
from tiles.matrix import SETS
from tiles.models import TileBin, TileBinDelta
from tiles.queries import bins, tile

from .test_vector_tiles import around

COUNTED = sorted(layer.id for layer in bins.counted_layers())


def totals(layer: str, matrix_set: str, z: int, user) -> tuple[int, dict]:
    """All that the tiles around the tiny city count, each cell once."""
    cells = {}
    for place in around(matrix_set, z):
        data = tile(layer, matrix_set, *place, user)
        if data:
            for feature in mapbox_vector_tile.decode(data)[layer]["features"]:
                cells[feature["id"]] = feature["properties"]
    classes: dict[str, int] = {}
    for properties in cells.values():
        for name, value in properties.items():
            if name.startswith("n_"):
                classes[name[2:]] = classes.get(name[2:], 0) + value
    return sum(properties["n"] for properties in cells.values()), classes


@pytest.fixture
def scattered(city):
    """Components of two classes all over the tiny city, half of them owned by a unit."""
    chance = random.Random(1)
    unit = factories.make_unit()
    kinds = [factories.make_type(class_code=code, type_code="01") for code in ("01", "02")]
    for number in range(60):
        factories.make_component(
            factories.at(chance.uniform(0, 3), chance.uniform(0, 2)),
            type=kinds[number % 2],
            owner_unit=unit if number % 4 < 2 else None,
        )
    return unit


def test_every_change_is_counted(scattered):
    layer = layers["components"]
    assert TileBinDelta.objects.exists() and not triggers.differences(layer)
    first, second, third = Component.objects.all()[:3]
    first.geom = factories.at(2.9, 1.9)
    first.save()
    second.state = Component.State.REMOVED
    second.save()
    third.delete()
    Component.objects.filter(code__endswith="1").update(state=Component.State.DAMAGED)
    with connection.cursor() as cursor:
        cursor.execute("update assets_component set area_code = '990101001001' where id % 5 = 0")
    assert not triggers.differences(layer)
    assert bins.fold() > 0
    assert not TileBinDelta.objects.exists() and not triggers.differences(layer)
    second.state = Component.State.INTACT
    second.save()
    assert not triggers.differences(layer)
    Component.objects.all().delete()
    bins.fold()
    assert not TileBin.objects.filter(layer="components").exists()


def test_a_difference_is_found(scattered):
    TileBinDelta.objects.filter(layer="components").first().delete()
    assert triggers.differences(layers["components"])
    triggers.recount(layers["components"])
    assert not triggers.differences(layers["components"])


def test_cases_move_from_open_to_closed(city):
    case = factories.make_case(factories.at(0.5, 0.5))
    user = factories.make_user(role="leader", area="9901")
    assert totals("cases", "WebMercatorQuad", 12, user) == (1, {"reported": 1})
    assert totals("closed_cases", "WebMercatorQuad", 12, user)[0] == 0
    Case.objects.filter(pk=case.pk).update(state=Case.State.CLOSED)
    assert totals("cases", "WebMercatorQuad", 12, user)[0] == 0
    assert totals("closed_cases", "WebMercatorQuad", 12, user) == (1, {"closed": 1})
    for layer in ("cases", "closed_cases"):
        assert not triggers.differences(layers[layer])


@pytest.mark.parametrize("matrix_set", SETS)
def test_every_scope_counts_its_own_rows_at_every_level(scattered, matrix_set):
    people = {
        "city": factories.make_user(role="leader", area="9901"),
        "west": factories.make_user(role="leader", area="990101"),
        "unit": factories.make_user(role="department", unit=scattered),
        "worker": factories.make_user(role="grid_worker"),
        "both": factories.make_user(role="leader", area="990102"),
    }
    factories.make_worker(people["worker"], grid="990101001001001")
    from geo.models import Grant, Role

    Grant.objects.create(user=people["both"], role=Role.objects.get(code="department"), unit=scattered)
    layer = layers["components"]
    quad = SETS[matrix_set]
    for folded in (False, True):
        if folded:
            bins.fold()
        for user in people.values():
            rows = layer.rows(user)
            expected = {code: rows.filter(type__class_code=code).count() for code in ("01", "02")}
            expected = {code: n for code, n in expected.items() if n}
            for z in range(quad.level(layer.max_scale)):
                assert totals("components", matrix_set, z, user) == (rows.count(), expected)


def test_buildings_are_counted_where_a_point_inside_them_lies(city):
    for number in range(4):
        Building.objects.create(
            code=f"B{number}", name="楼", geom=factories.box(83.9 + number * 0.005, 39.501, 0.0004)
        )
    user = factories.make_user(role="leader", area="9901")
    assert totals("buildings", "WorldCRS84Quad", 9, user) == (4, {"home": 4})
    assert not triggers.differences(layers["buildings"])


def test_a_tile_that_would_be_too_large_is_counted(scattered, monkeypatch):
    user = factories.make_user(role="leader", area="9901")
    from tiles.queries import tiles

    monkeypatch.setattr(tiles, "LARGEST", 0)
    z = SETS["WebMercatorQuad"].level(9.6)
    assert totals("components", "WebMercatorQuad", z, user)[0] == Component.objects.count()
    # The cells tell so beforehand, about.
    monkeypatch.setattr(tiles, "LARGEST", 10**9)
    monkeypatch.setattr(tiles, "MOST", 3)
    assert totals("components", "WebMercatorQuad", z, user)[0] == Component.objects.count()
    quad, layer = SETS["WebMercatorQuad"], layers["components"]
    reckoned = sum(bins.estimate(layer, quad, *spot, user) for spot in around(quad.id, 11))
    assert reckoned == pytest.approx(Component.objects.count(), rel=0.3)


def test_triggers_are_installed_once(db):
    assert triggers.install() == []
    with connection.cursor() as cursor:
        cursor.execute("comment on function tile_assets_component_insert() is 'older'")
    assert triggers.install() == ["assets_component"]
    assert triggers.install() == []


def test_bulk_writes_are_counted(city):
    kind = factories.make_type(type_code="01")
    Component.objects.bulk_create(
        Component(
            code=f"{9901010101000000 + n}",
            type=kind,
            name="井盖",
            geom=factories.at(n % 29 / 10, n % 19 / 10),
        )
        for n in range(500)
    )
    assert not triggers.differences(layers["components"])
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from tiles_dirtytile"
            " where relation = 'assets_component' and xid = pg_current_xact_id()"
        )
        assert cursor.fetchone()[0] == 1


def test_truncation_empties_the_cells(scattered):
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate; truncate assets_component cascade")
    assert not TileBin.objects.filter(layer="components").exists()
    assert not TileBinDelta.objects.filter(layer="components").exists()


@pytest.mark.parametrize("name", ["estates", "public_facilities", "resident_units"])
def test_what_stands_in_the_city_is_seen_from_afar(city, name):
    """Switched on at the scale of the whole city, a layer shows how much of it is where."""
    shape = factories.at(0.5, 0.5) if name == "public_facilities" else factories.at(0.5, 0.5).buffer(0.0005)
    layers[name].model_class.objects.create(code="X1", name="青禾", geom=shape)
    bins.fold()
    assert totals(name, "WebMercatorQuad", 9, factories.make_user(role="leader", area="9901"))[0] == 1
