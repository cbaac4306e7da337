"""Figures through the API add up, follow the scope, and cost a bounded number of queries."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import Building, House, Household
from geo.registry import measures
from grids.models import Shift
from tests.factories import at, make_case, make_component, make_unit, make_user, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(city):
    return [make_case(at(0.25, 0.25)), make_case(at(0.75, 0.25)), make_case(at(2.25, 0.25))]


def ask(client, user, area, **query):
    client.force_login(user)
    return client.get("/api/measures/", {"area": area, **query})


def only(answer, measure):
    return next(row for row in answer.json()["measures"] if row["id"] == measure)


@pytest.mark.parametrize("area", ["9901", "990101", "990101001", "990101001001"])
def test_children_and_elsewhere_add_up(client, cases, area):
    answer = ask(client, make_user(role="leader", area="9901"), area)
    assert answer.status_code == 200
    assert answer.json()["children"]
    for row in answer.json()["measures"]:
        assert row["total"] == sum(child["value"] for child in row["children"]) + row["elsewhere"]
        assert not row["classes"] or row["total"] == sum(one["value"] for one in row["classes"])
        assert row["definition"]


def test_drill_down(client, cases):
    leader = make_user(role="leader", area="9901")
    city = only(ask(client, leader, "9901"), "cases_open")
    assert (city["total"], city["children"]) == (
        3,
        [{"code": "990101", "value": 2}, {"code": "990102", "value": 1}],
    )
    community = only(ask(client, leader, "990101001001"), "cases_open")
    assert [child["value"] for child in community["children"]] == [1, 1, 0, 0]
    assert community["rows"].endswith("?area=990101001001&state=open") or not community["rows"]


def test_breadcrumb_ends_at_the_own_area(client, cases):
    answer = ask(client, make_user(role="leader", area="990101"), "990101001")
    assert [crumb["code"] for crumb in answer.json()["breadcrumb"]] == ["990101", "990101001"]


@pytest.mark.parametrize("area", ["9901", "990102", "", "99", "nonsense", "990101999"])
def test_other_areas_do_not_exist(client, cases, area):
    leader = make_user(role="leader", area="990101")
    assert ask(client, leader, area).status_code == 404
    assert client.get("/api/measures/shapes", {"area": area}).status_code == 404
    assert client.get("/api/measures/cases_reported/series", {"area": area}).status_code == 404


def test_nobody(client, city):
    assert client.get("/api/measures/", {"area": "9901"}).status_code in (401, 403)
    assert client.get("/cockpit/").status_code == 302


def test_bad_questions_are_answered(client, cases):
    answer = ask(client, make_user(role="leader", area="9901"), "9901", ids="cases_open,wrong")
    assert answer.status_code == 422
    assert "wrong" in answer.json()["detail"]
    assert (
        client.get("/api/measures/cases_reported/series", {"area": "9901", "days": "-1"}).status_code == 422
    )
    assert client.get("/api/measures/cases_open/series", {"area": "9901"}).status_code == 404


def test_shapes_are_the_children(client, cases):
    leader = make_user(role="leader", area="9901")
    client.force_login(leader)
    answer = client.get("/api/measures/shapes", {"area": "990101"}).json()
    assert [feature["id"] for feature in answer["features"]] == ["990101001", "990101002"]
    answer = client.get("/api/measures/shapes", {"area": "990101001001"}).json()
    assert len(answer["features"]) == 4


def test_query_count(client, cases, django_assert_max_num_queries):
    leader = make_user(role="leader", area="9901")
    ask(client, leader, "9901")
    # Session, user, grants, area, names twice, one for all tallied measures, one each that depends on now.
    with django_assert_max_num_queries(14):
        client.get("/api/measures/", {"area": "9901"})


def test_pages(client, cases):
    client.force_login(make_user(role="leader", area="990101"))
    assert 'data-area="990101"' in client.get("/cockpit/").content.decode()
    assert 'data-area="990101"' in client.get("/cockpit/?area=990102").content.decode()
    client.force_login(make_user(role="system_admin", area="9901"))
    assert client.get("/cockpit/").status_code == 403


def test_every_figure_opens_exactly_its_rows(client, cases, city):
    """What the page behind a figure lists is what the figure counts, in every area."""
    leader = make_user(role="leader", area="9901")
    for number in range(3):
        worker = make_worker(make_user(), area_code="990101001001", grid="990101001001001")
        Shift.objects.create(
            worker=worker,
            area_code="990101001001",
            planned_start=timezone.now(),
            planned_end=timezone.now() + timedelta(hours=8),
            punched_in_at=timezone.now() if number else None,
        )
    for number, state in enumerate(("intact", "lost", "abandoned", "removed")):
        make_component(at(0.2 + number / 10, 0.2), state=state)
    for state, ago in (("closed", 0), ("archived", 0), ("void", 0), ("closed", 400)):
        make_case(at(0.25, 0.25), state=state, closed_at=timezone.now() - timedelta(days=ago))
    client.force_login(leader)
    seen = set()
    for area in ("9901", "990101001001", "990102"):
        for row in ask(client, leader, area).json()["measures"]:
            assert row["rows"], row["id"]
            page = client.get(row["rows"])
            assert page.status_code == 200, row["rows"]
            if row["id"] not in ("households", "people"):  # for other eyes than a leader's
                assert listed(client, page, row["rows"]) == row["total"], (area, row["id"])
                seen |= {row["id"]} if row["total"] else set()
    assert {"grids", "workers", "workers_on_shift", "components", "cases_open", "cases_closed_month"} <= seen
    assert client.get("/assets/components/?counted=nonsense").status_code == 400
    client.force_login(make_user(role="department", unit=make_unit("a unit")))
    assert client.get("/grids/counted/workers/").status_code == 403


def test_homes_and_people_are_listed_by_building(client, city):
    """Buildings with their numbers, which add up; how many live there only to whom doors are shown."""
    places = (0.2, 0.2), (1.2, 0.2), (0.4, 0.4), (0.6, 0.6)
    buildings = [
        Building.objects.create(code=f"B{number}", name=f"{number}号楼", geom=at(*place))
        for number, place in enumerate(places)
    ]
    for number, building in enumerate(buildings[:3]):  # the last has no door at all
        for door in range(2 + number):
            house = House.objects.create(building=building, floor=1, door=str(door))
            if number < 2 and door < 2:
                Household.objects.create(house=house, people=3 + number)
    desk = make_user(role="community_desk", area="9901")
    wanted = {"houses": 9, "households": 4, "people": 14}
    for user, seen in (
        (desk, wanted),
        (make_user(role="leader", area="9901"), wanted | {"households": 9, "people": 9}),
    ):
        client.force_login(user)
        for row in ask(client, user, "9901").json()["measures"]:
            if row["id"] in wanted:
                assert row["total"] == wanted[row["id"]]
                page = client.get(row["rows"])
                assert listed(client, page, row["rows"]) == seen[row["id"]]
                assert page.context["hidden"] is (seen[row["id"]] != row["total"])
    here = client.get("/assets/buildings/?area=990101001001&counted=houses").context["rows"]
    assert [row["cells"][1]["text"] for row in here] == [2, 4]
    client.force_login(make_user(role="grid_worker", area="990101001001"))
    assert client.get("/assets/components/?counted=people").status_code == 400


def listed(client, page, address: str) -> int:
    """How many rows a page lists in all, or what its buildings have inside."""
    if address.startswith("/?"):
        return client.get("/api/cases/" + address[1:]).json()["count"]
    context = page.context
    if "pager" in context:
        return context["pager"]["note"] and int(re.search(r"\d+", context["pager"]["note"]).group())
    inside = {measures[name].label for name in ("houses", "households", "people")}
    if (columns := context["columns"]) and len(columns) > 1 and columns[1].label in inside:
        return sum(row["cells"][1]["text"] for row in context["rows"])
    return int(context["count"].replace(",", ""))
