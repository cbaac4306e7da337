"""Rows that change grid are cheap to write, and found without an index over grids."""

import uuid

import pytest
from django.db import connection
from django.utils import timezone

from assets.models import Building, Component
from cases import todo
from cases.models import Case, CaseFact
from geo.scopes import in_area, in_grids
from grids.models import Grid, Publication
from grids.planning.borders import borders
from grids.publication import publish
from tests.factories import at, box, make_case, make_component, make_type, make_user, make_worker
from tests.grids.planning.by_hand import HOME, make_squares, quarters

pytestmark = pytest.mark.django_db


def merge(planner):
    """002 becomes part of 001."""
    plan = make_squares(planner, lambda c, r: "001" if quarters(c, r) == "002" else quarters(c, r))
    return publish(borders(plan), kind=Publication.Kind.PLAN, user=planner)


def test_no_index_gets_an_entry_for_a_row_that_moves(city):
    """HOT updates, in PostgreSQL's words: no index of a table holds a column that moves with borders."""
    kind = make_type(type_code="01", name="上水井盖")
    for number in range(3):
        place = at(0.6 + number / 10, 0.2)
        make_case(place)
        make_component(place, code=f"{number:016d}", type=kind)
        Building.objects.create(code=f"B{number}", geom=box(place.x, place.y, 0.00001))
    tables = [model._meta.db_table for model in (Case, Component, Building)]
    asked = "select relname, n_tup_hot_upd from pg_stat_xact_user_tables where relname = any(%s)"
    with connection.cursor() as cursor:
        cursor.execute(asked, [tables])
        before = dict(cursor.fetchall())
        moved = merge(make_user("planner", role="planner", area="9901")).moved
        cursor.execute(asked, [tables])
        after = dict(cursor.fetchall())
    assert [moved[label] for label in ("cases.Case", "assets.Component", "assets.Building")] == [3, 3, 3]
    assert {table: after[table] - before[table] for table in tables} == dict.fromkeys(tables, 3)


def test_rows_of_a_grid_are_found_on_its_ground(city):
    """By the index over places, for those on duty and for whoever names the grid."""
    make_worker(worker := make_user("one", role="grid_worker"), grid=f"{HOME}002")
    told = {"source": "worker", "reported_at": timezone.now()}
    Case.objects.bulk_create(
        Case(
            number=f"A{number}",
            geom=at(3 * (number % 40) / 40, 2 * (number // 40) / 40),
            client_key=uuid.uuid4(),
            **told,
        )
        for number in range(1600)
    )
    right = set(Case.objects.filter(grid__code=f"{HOME}002").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "analyze cases_case; set local enable_seqscan = off; set local enable_bitmapscan = off"
        )
    for rows in (
        Case.objects.filter(in_area(f"{HOME}002")),
        Case.objects.filter(in_grids(worker.scope.grids("cases.view"))),
    ):
        assert "Index Scan using cases_case_geom" in rows.order_by().explain()
        assert right and set(rows.values_list("pk", flat=True)) == right
    assert right <= set(Case.objects.for_user(worker).values_list("pk", flat=True))
    assert set(todo.tasks(worker).values_list("pk", flat=True)) <= right


def test_rows_on_borders_and_outside_every_grid(city):
    """A point on a border is the lowest code's, before and after; nobody's ground keeps its rows."""
    corner = make_component(at(0.5, 0.25), code="0" * 16)
    inner = make_component(at(0.75, 0.5), code="1" * 16)
    corner.refresh_from_db()
    inner.refresh_from_db()
    assert (corner.grid.code, inner.grid.code) == (f"{HOME}001", f"{HOME}002")
    merge(make_user("planner", role="planner", area="9901"))
    for row in (corner, inner):
        row.refresh_from_db()
        assert row.grid.code == f"{HOME}001"
    assert not Component.objects.filter(in_area(f"{HOME}002"))
    assert Grid.objects.get(code=f"{HOME}002").retired_on


def test_statistics_follow_a_case_that_is_not_filed_yet(city):
    """Filed ones keep the grid they were filed in."""
    filed, other = make_case(at(0.7, 0.2)), make_case(at(0.8, 0.2))
    here = {"area_code": HOME, "grid_code": f"{HOME}002", "place": f"{HOME}002", "here_code": HOME}
    told = {"began_at": timezone.now(), "since": timezone.now(), "kind": "o", "source": "worker"}
    for case in (filed, other):
        CaseFact.objects.update_or_create(case=case, defaults={**told, "flow": case.flow, **here})
    Case.objects.filter(pk=filed.pk).update(filed_community_code=HOME, filed_grid_code=f"{HOME}002")
    merge(make_user("planner", role="planner", area="9901"))
    places = dict(CaseFact.objects.values_list("case_id", "grid_code"))
    assert places == {filed.pk: f"{HOME}002", other.pk: f"{HOME}001"}
