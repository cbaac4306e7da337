"""Figures through the API add up, follow the scope, and cost a bounded number of queries."""

import pytest

from tests.factories import at, make_case, make_user

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
