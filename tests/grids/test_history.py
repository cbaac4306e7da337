"""Any past day: figures by its borders, the page of a grid, the grid a case was filed in."""

import uuid
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.utils import timezone

from assets.models import Building, Component
from cases.models import Case
from cases.pages.case import filed_grid
from geo.registry import measures
from grids import history
from grids.models import Publication
from grids.planning import publish
from grids.planning.borders import borders
from grids.publication import publish as put_in_force
from tests.factories import at, box, make_case, make_component, make_type, make_user, make_worker
from tests.grids.planning.by_hand import HOME, make_squares, quarters

pytestmark = pytest.mark.django_db
THEN = date(2026, 3, 1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def redrawn(city):
    """Since ``THEN`` 002 is part of 001, by a plan."""
    planner = make_user("planner", role="planner", area="9901")
    plan = make_squares(planner, lambda c, r: "001" if quarters(c, r) == "002" else quarters(c, r))
    done = put_in_force(
        borders(plan), kind=Publication.Kind.PLAN, user=planner, effective_on=THEN, note="方案"
    )
    plan.state, plan.publication = "published", done.publication
    plan.save()
    return plan


@pytest.fixture
def lead(city):
    return make_user("lead", role="shift_lead", area="9901")


def test_figures_by_the_borders_of_a_day(redrawn, lead):
    make_component(at(0.7, 0.2))
    make_component(at(0.2, 0.2))
    wanted = history.countable(lead, HOME, {"components"})
    before = history.figures_on(HOME, THEN - timedelta(days=1), wanted)["components"]
    after = history.figures_on(HOME, THEN, wanted)["components"]
    assert before == {f"{HOME}001": 1, f"{HOME}002": 1}
    assert after == {f"{HOME}001": 2}
    assert [row.code[-3:] for row in history.grids_on(HOME, THEN - timedelta(days=1))] == [
        "001",
        "002",
        "003",
        "004",
    ]
    assert [row.code[-3:] for row in history.grids_on(HOME, THEN)] == ["001", "003", "004"]


def test_cases_count_up_to_the_day(redrawn, lead):
    for day in (THEN - timedelta(days=10), THEN + timedelta(days=10)):
        make_case(at(0.7, 0.2), reported_at=datetime(day.year, day.month, day.day, 23, 30, tzinfo=SHANGHAI))
    wanted = [measures["cases_reported"]]

    def count(day):
        return history.figures_on("990101001", day, wanted)["cases_reported"]

    assert count(THEN - timedelta(days=11)) == {}
    assert count(THEN - timedelta(days=10)) == {f"{HOME}002": 1}
    assert count(THEN + timedelta(days=30)) == {f"{HOME}001": 2}
    assert count(THEN + timedelta(days=400)) == {}


def test_a_point_on_a_border_is_the_lowest_codes(redrawn):
    make_component(at(0.5, 0.25))
    found = history.figures_on(HOME, THEN - timedelta(days=1), [measures["components"]])
    assert found["components"] == {f"{HOME}001": 1}


@pytest.mark.parametrize("measure", ["cases_reported", "components", "households"])
def test_rows_are_found_by_index(redrawn, measure):
    """Through the borders of the day to the points in them, among so many that the place narrows most."""
    places = [at(3 * (number % 40) / 40, 2 * (number // 40) / 40) for number in range(1600)]
    if measure == "cases_reported":
        noon = datetime(2026, 2, 1, 12, tzinfo=SHANGHAI)
        told = {"source": "worker", "reported_at": noon}
        rows = [
            Case(number=f"A{number}", geom=place, client_key=uuid.uuid4(), **told)
            for number, place in enumerate(places)
        ]
    elif measure == "components":
        kind = make_type(type_code="01", name="上水井盖")
        rows = [Component(code=f"{n:016d}", type=kind, geom=place) for n, place in enumerate(places)]
    else:
        rows = [Building(code=f"B{n}", geom=box(place.x, place.y, 0.00001)) for n, place in enumerate(places)]
    type(rows[0]).objects.bulk_create(rows)
    sql, values = history.statement(measures[measure], HOME, THEN)
    table = rows[0]._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"analyze {table}")
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        cursor.execute(f"explain {sql}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"Index Scan using {table}_geom" in plan


def test_the_page_of_a_grid(redrawn, client):
    community = make_user("desk", role="community_desk", area="9901")
    make_worker(make_user("one", role="grid_worker"), grid=f"{HOME}001", role="leader")
    client.force_login(community)
    page = client.get(f"/grids/{HOME}002/").content.decode()
    assert str(THEN) in page and f"/grids/{HOME}001/" in page
    page = client.get(f"/grids/{HOME}001/?at={THEN - timedelta(days=1)}").content.decode()
    assert "one" in page and f"/grids/{HOME}002/" in page and "方案" in page
    assert client.get(f"/grids/{HOME}009/").status_code == 404
    assert client.get(f"/grids/{HOME}001/?at=2999-01-01").status_code == 400
    listed = client.get(f"/grids/?area={HOME}&at={THEN - timedelta(days=1)}").content.decode()
    assert f"{HOME}002" in listed
    assert f"{HOME}002" not in client.get(f"/grids/?area={HOME}").content.decode()
    told = client.get(f"/api/grid-figures/?area={HOME}&at={THEN}&ids=components").json()
    assert [grid["code"][-3:] for grid in told["grids"]] == ["001", "003", "004"]


def test_figures_need_their_permission(redrawn):
    nobody = make_user("none", role="security_admin", area="9901")
    assert history.countable(nobody, HOME) == []
    assert AnonymousUser().is_authenticated is False


def test_a_case_tells_the_grid_it_was_filed_in(redrawn, lead, client):
    filed = timezone.make_aware(datetime(2026, 2, 1, 12), SHANGHAI)
    kept = make_case(at(0.7, 0.2), reported_at=filed, filed_at=filed, filed_grid_code=f"{HOME}002")
    derived = make_case(at(0.7, 0.2), reported_at=filed)
    today = make_case(at(0.7, 0.2))
    assert filed_grid(kept)["code"] == filed_grid(derived)["code"] == f"{HOME}002"
    assert filed_grid(today) is None
    client.force_login(lead)
    page = client.get(f"/cases/{kept.number}/", headers={"HX-Target": "drawer"}).content.decode()
    assert f"/grids/{HOME}002/?at=2026-02-01" in page


def test_lists_of_any_day_in_the_api(redrawn, client):
    codes = [
        row["code"][-3:]
        for row in client.get(f"/api/grids/?area={HOME}&at={THEN - timedelta(days=1)}").json()["results"]
    ]
    assert codes == ["001", "002", "003", "004"]


def test_undo_gives_the_days_between_their_own_borders(redrawn):
    reviewer = make_user("reviewer", role="plan_reviewer", area="9901")
    publish.undo(reviewer, redrawn.pk)
    today = timezone.localdate()
    assert [row.code[-3:] for row in history.grids_on(HOME, today)] == ["001", "002", "003", "004"]
    assert [row.code[-3:] for row in history.grids_on(HOME, THEN)] == ["001", "003", "004"]
