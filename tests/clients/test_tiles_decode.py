"""Every layer's tile at every level of both sets: decodes, valid, whole at edges, complete, by an index."""

import mapbox_vector_tile
import psycopg
import pytest
from django.contrib.gis.geos import LineString, MultiPolygon, Point, Polygon
from django.db import connection
from shapely.geometry import shape

from assets.models import (
    Building,
    Estate,
    PublicFacility,
    ReferenceLine,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
)
from cases.models import Case
from geo.registry import layers
from grids.models import CheckIn, DutyGrid
from tests import factories
from tests.tiles.test_vector_tiles import around, tile_at
from tiles.matrix import BUFFER, EXTENT, SETS
from tiles.queries import statement, tile
from tiles.queries.tiles import slots

pytestmark = pytest.mark.clients


@pytest.fixture
def furnished(city):
    """Something of everything, and a caller who sees all of it."""
    import uuid

    user = factories.make_user(role="shift_lead", area="9901")
    for number in range(12):
        x, y = number % 4 * 0.7 + 0.2, number // 4 * 0.6 + 0.2
        factories.make_component(factories.at(x, y))
        factories.make_case(factories.at(x + 0.05, y))
        west, south = factories.at(x, y + 0.05)
        ring = Polygon(
            ((west, south), (west + 0.002, south + 0.0005), (west + 0.001, south + 0.002), (west, south)),
            ((west + 0.0006, south + 0.0004), (west + 0.001, south + 0.0006), (west + 0.0008, south + 0.001),
             (west + 0.0006, south + 0.0004)),
            srid=4326,
        )  # fmt: skip
        Building.objects.create(code=f"B{number}", name="楼", geom=ring)
        Estate.objects.create(code=f"E{number}", name="小区", geom=ring)
        ResidentUnit.objects.create(code=f"R{number}", name="单位", geom=ring)
        PublicFacility.objects.create(code=f"P{number}", name="公园", kind="park", geom=ring)
        ServiceCenter.objects.create(code=f"S{number}", name="站", level="community", geom=factories.at(x, y))
        RiskPoint.objects.create(
            code=f"K{number}",
            name="风险",
            category="x",
            likelihood=3,
            exposure=3,
            consequence=15,
            geom=factories.at(x, y),
        )
        ReferenceLine.objects.create(
            code=f"L{number}",
            kind="road",
            rank=number % 4 + 1,
            geom=LineString((83.9, 39.502 + number / 800), (83.93, 39.501 + number / 700), srid=4326),
        )
        CheckIn.objects.create(
            worker=factories.make_worker(),
            geom=factories.at(x, y),
            result="inside",
            client_key=uuid.uuid4(),
        )
    Case.objects.filter(pk__in=[case.pk for case in Case.objects.all()[:4]]).update(state="closed")
    DutyGrid.objects.create(
        code="D1",
        name="责任网格",
        area_code="990101",
        geom=MultiPolygon(factories.box(83.9, 39.5, 0.013), srid=4326),
        valid_from=factories.START,
    )
    return user


@pytest.mark.parametrize("matrix_set", SETS)
@pytest.mark.parametrize("layer_id", sorted(layers))
def test_every_layer_at_every_level(furnished, layer_id, matrix_set):
    layer, quad = layers[layer_id], SETS[matrix_set]
    drawn_somewhere = False
    for z in range(min(18, quad.max_level) + 1):
        scale = quad.scale(z)
        binned = layer.binned and scale > layer.max_scale
        shown = statement.drawn_at(layer, scale)
        found, counted = set(), {}
        spots = around(matrix_set, z)
        if len(spots) > 24:
            spots = spots[:: len(spots) // 24]
        for spot in spots:
            data = tile(layer_id, matrix_set, *spot, furnished)
            assert len(data) < 300_000
            if not data:
                continue
            decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
            assert list(decoded) == [layer_id] and decoded[layer_id]["extent"] == EXTENT
            for feature in decoded[layer_id]["features"]:
                geometry = shape(feature["geometry"])
                assert geometry.is_valid and not geometry.is_empty
                west, north, east, south = geometry.bounds
                assert min(west, north) >= -BUFFER - 1 and max(east, south) <= EXTENT + BUFFER + 1
                found.add(feature["id"])
                counted[feature["id"]] = feature["properties"].get("n")
        # At fine levels only some of the tiles are taken, so what they hold is all that can be asked for.
        drawn_somewhere |= bool(found) and shown is not None
        rows = layer.rows(furnished)
        if binned:
            drawn_somewhere = True
            assert sum(counted.values()) == rows.filter(layer.drawn).count()
        elif shown is None:
            assert not found
        elif len(spots) == len(around(matrix_set, z)):
            assert found <= set(rows.filter(shown).values_list("pk", flat=True))
            if layer.shape == "point" or scale < 20:
                assert found == set(rows.filter(shown).values_list("pk", flat=True))
    assert drawn_somewhere


@pytest.mark.parametrize("matrix_set", SETS)
def test_no_symbol_is_cut_at_an_edge(city, matrix_set):
    """A point within the buffer of a tile is in that tile too, so that half its symbol is drawn there."""
    quad = SETS[matrix_set]
    spot = tile_at(matrix_set, quad.level(2.4), factories.LON + 0.014, factories.LAT + 0.011)
    west, south, east, north = quad.lonlat_bounds(*spot)
    beyond = [
        east + (east - west) * BUFFER / EXTENT * share
        for share in (0.5, 0.98, 1.05)  # of the buffer
    ]
    made = [factories.make_component(Point(lon, (south + north) / 2, srid=4326)).pk for lon in beyond]
    data = tile("components", matrix_set, *spot, factories.make_user(role="leader", area="9901"))
    assert {f["id"] for f in mapbox_vector_tile.decode(data)["components"]["features"]} == set(made[:2])


def test_the_spatial_index_is_used(city):
    """With fifty thousand rows the planner goes by the index, in both sets, within a scope too."""
    from assets.models import Component

    kind = factories.make_type(type_code="01")
    with connection.cursor() as cursor:
        cursor.execute("alter table assets_component disable trigger user")
        cursor.execute(
            "insert into assets_component"
            " (code, type_id, name, state, geom, anchor, area_code, data_source, note)"
            " select (9901010101000000 + n)::text, %s, '井盖', 'intact', p, p, '990101001001', '', ''"
            " from (select n,"
            " ST_SetSRID(ST_MakePoint(83.9 + random() * 0.03, 39.5 + random() * 0.02), 4326) p"
            " from generate_series(1, 50000) n) s",
            [kind.pk],
        )
        cursor.execute("set constraints all immediate; alter table assets_component enable trigger user")
        cursor.execute("analyze assets_component")
    users = [
        factories.make_user(role="leader", area="9901"),
        factories.make_user(role="department", unit=factories.make_unit()),
    ]
    for matrix_set in SETS.values():
        z = matrix_set.level(1.2)
        spot = around(matrix_set.id, z)[5]
        for user in users:
            made = statement.for_rows(layers["components"], matrix_set, z, user)
            with psycopg.Cursor(connection.connection) as cursor:
                cursor.execute("explain " + made.sql, made.fill(slots(matrix_set, *spot)), prepare=False)
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on assets_component" not in plan, plan
            assert "Index" in plan
    assert Component.objects.count() == 50_000
