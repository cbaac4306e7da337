"""Codes and changes of components."""

import threading

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from assets import actions, codes
from assets.models import Component
from geo.models import AuditEntry, Event
from geo.problems import Problem
from tests.factories import at, make_city, make_component, make_type, make_unit, make_user


@pytest.fixture
def steward(city):
    return make_user(role="data_steward", area="990101")


@pytest.fixture
def cover(db):
    return make_type(type_code="01", name="上水井盖")


def new_type(db=None):
    kind = make_type(class_code="01", type_code="001", name="上水井盖")
    kind.standard = "gbt47678_5_2026"
    kind.save()
    return kind


pytestmark = pytest.mark.django_db


def test_minted_by_county_and_type(city, cover):
    assert codes.mint("990101001001", cover) == "9901010101000001"
    assert codes.mint("990101", cover) == "9901010101000002"
    assert codes.mint("990102", cover) == "9901020101000001"
    assert codes.mint("990101", new_type()) == "99010101001000001"


def test_minting_passes_over_what_an_import_brought(city, cover):
    make_component(at(0.2, 0.2), type=cover, code="9901010101000001")
    make_component(at(0.2, 0.2), type=cover, code="9901010101000007")
    assert codes.mint("990101", cover) == "9901010101000008"


def test_no_number_left(city, cover):
    make_component(at(0.2, 0.2), type=cover, code="9901010101000001")
    make_component(at(0.2, 0.2), type=cover, code="9901010101999999")
    with pytest.raises(codes.CodeError, match="999,999"):
        codes.mint("990101", cover)


@pytest.mark.parametrize(
    "code",
    [
        "990101010100001",
        "99010101010000011",
        "99010101010000a1",
        "9901010102000001",
        "9901010101000000",
        "1101010101000001",
    ],
)
def test_codes_that_do_not_fit(city, cover, code):
    with pytest.raises(codes.CodeError):
        codes.check(code, cover)


def test_a_component_is_surveyed(steward, cover):
    unit = make_unit()
    component = actions.create_component(
        steward, type="0101", lon=83.9025, lat=39.5025, owner_unit=unit.code, note="x"
    )
    assert component.code == "9901010101000001"
    assert component.grid.code == "990101001001001"
    assert component.owner_unit == unit
    entry = AuditEntry.objects.get(action="component.create")
    assert (entry.actor, entry.detail["code"]) == (steward, component.code)
    assert Event.objects.get(layer="components").area_code == "990101001001"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"type": "0101"}, 422),
        ({"type": "0199", "lon": 83.9025, "lat": 39.5025}, 422),
        ({"type": "0101", "lon": 80, "lat": 30}, 422),
        ({"type": "0101", "lon": 183.9, "lat": 39.5}, 400),
        ({"type": "0101", "lon": 83.925, "lat": 39.5025}, 403),
        ({"type": "0101", "lon": 83.9025, "lat": 39.5025, "code": "12"}, 422),
        ({"type": "0101", "lon": 83.9025, "lat": 39.5025, "owner_unit": "nobody"}, 422),
    ],
)
def test_surveys_that_are_refused(steward, cover, values, status):
    with pytest.raises(Problem) as problem:
        actions.create_component(steward, **values)
    assert problem.value.status == status
    assert not Component.objects.exists()


def test_the_slower_of_two_is_told(steward, cover):
    component = make_component(at(0.25, 0.25), type=cover)
    read = actions.version_of(component)
    actions.update_component(steward, component.code, version=read, note="first")
    with pytest.raises(Problem) as problem:
        actions.update_component(steward, component.code, version=read, note="second")
    assert problem.value.status == 409
    component.refresh_from_db()
    assert component.note == "first"


def test_moving_needs_the_right_at_both_ends(steward, cover):
    component = make_component(at(0.25, 0.25), type=cover)
    actions.update_component(steward, component.code, lon=83.9125, lat=39.5025)
    component.refresh_from_db()
    assert component.area_code == "990101002001"
    with pytest.raises(Problem) as problem:
        actions.update_component(steward, component.code, lon=83.925, lat=39.5025)
    assert problem.value.status == 403


def test_over_http(steward, cover):
    client = APIClient()
    client.force_authenticate(steward)
    body = {"type": "0101", "lon": 83.9025, "lat": 39.5025}
    made = client.post("/api/components/", body, format="json")
    assert made.status_code == 201, made.content
    url = f"/api/components/{made.json()['code']}/"
    changed = client.patch(url, {"note": "相邻", "version": made.json()["version"]}, format="json")
    assert changed.json()["note"] == "相邻"
    assert (
        client.patch(url, {"note": "x", "version": made.json()["version"]}, format="json").status_code == 409
    )
    stated = client.post(f"{url}state/", {"state": "damaged", "reason": "碎"}, format="json")
    assert stated.json()["state"] == "damaged"
    assert client.post(f"{url}state/", {"state": "eaten"}, format="json").status_code == 422
    assert client.delete(url).status_code == 405
    client.force_authenticate(make_user(role="leader", area="9901"))
    assert client.post("/api/components/", body, format="json").status_code == 403
    assert client.patch(url, {"note": "y"}, format="json").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_different_codes():
    from geo import roles

    roles.load()
    make_city()
    cover = make_type(type_code="01", name="上水井盖")
    got, start = [], threading.Barrier(6)

    def survey():
        start.wait()
        for _round in range(5):
            with transaction.atomic():
                got.append(codes.mint("990101", cover))
        connection.close()

    threads = [threading.Thread(target=survey) for _n in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(got) == [f"9901010101{number:06d}" for number in range(1, 31)]
