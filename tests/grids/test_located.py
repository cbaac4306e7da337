"""The database derives anchor, grid, unit grid and area from the geometry."""

import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import connection

from assets.models import Component, ReferenceLine
from grids.models import Grid
from tests.factories import at, make_component

pytestmark = pytest.mark.django_db


def placed(row):
    row.refresh_from_db()
    return row.area_code, row.grid and row.grid.code, row.unit_grid and row.unit_grid.code


def test_inside_a_grid(city):
    assert placed(make_component(at(0.3, 0.3))) == (
        "990101001001",
        "990101001001001",
        "990101001001006",
    )


def test_a_tie_goes_to_the_lowest_code(city):
    assert placed(make_component(at(1, 1)))[1] == "990101001001004"


def test_outside_the_city(city):
    assert placed(make_component(Point(80, 40, srid=4326))) == ("", None, None)


def test_outside_every_grid_but_inside_the_community(city):
    Grid.objects.filter(code="990101001001001").update(retired_on="2026-01-01")
    assert placed(make_component(at(0.25, 0.25)))[:2] == ("990101001001", None)


def test_moving_follows(city):
    component = make_component(at(0.25, 0.25))
    component.geom = at(2.75, 1.75)
    component.save()
    assert placed(component)[1] == "990102001002004"


def test_a_line_is_where_its_middle_is(city):
    line = LineString(at(0.1, 0.1), at(0.2, 0.1), at(1.9, 0.1), srid=4326)
    road = ReferenceLine.objects.create(code="r1", kind="road", geom=line)
    road.refresh_from_db()
    assert road.anchor.coords == pytest.approx(at(1.0, 0.1).coords)
    assert road.area_code == "990101001001"


def test_copy_obeys(city):
    component = make_component(at(0.25, 0.25))
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy assets_component (code, type_id, name, state, data_source, note, area_code, geom)"
            " from stdin"
        ) as copy,
    ):
        copy.write_row(
            (
                "9901010101999999",
                component.type_id,
                "c",
                "intact",
                "",
                "",
                "wrong",
                at(1.25, 0.25).hexewkb.decode(),
            )
        )
    assert placed(Component.objects.get(code="9901010101999999"))[1] == "990101002001001"
