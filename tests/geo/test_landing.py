"""A phone lands in the phone app, a desk at the desk, and whoever chose otherwise where he chose."""

import pytest

from geo import landing
from tests import factories

PHONE = "Mozilla/5.0 (Linux; Android 13; ELE-AL00) AppleWebKit/537.36 Chrome/112.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 Chrome/112.0 Safari/537.36"
OLD_IPAD = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Mobile/15E148"
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/112.0 Safari/537.36"
OUTSIDE = ["grid_worker", "supervisor", "community_desk"]
INSIDE = ["shift_lead", "acceptor", "dispatcher", "department", "leader", "planner"]


@pytest.mark.parametrize(
    "headers,phone",
    [
        ({"user-agent": PHONE}, True),
        ({"user-agent": TABLET}, False),
        ({"user-agent": OLD_IPAD}, False),
        ({"user-agent": DESK}, False),
        ({"user-agent": DESK, "sec-ch-ua-mobile": "?1"}, True),
        ({"user-agent": PHONE, "sec-ch-ua-mobile": "?0"}, False),
        ({}, False),
    ],
)
def test_a_device_says_what_it_is(rf, headers, phone):
    assert landing.is_phone(rf.get("/", headers=headers)) is phone


def test_who_works_outside(city):
    assert all(landing.works_outside(factories.make_user(role=role, area="9901")) for role in OUTSIDE)
    assert not any(landing.works_outside(factories.make_user(role=role, area="9901")) for role in INSIDE)
    assert not landing.works_outside(factories.make_user())


def test_a_phone_opens_the_phone_app_for_field_staff(city, client):
    client.force_login(factories.make_user(role="grid_worker", area="9901"))
    assert client.get("/", headers={"user-agent": PHONE}).url == "/m/"
    assert client.get("/", headers={"user-agent": DESK}).status_code == 200
    # A link that names something is followed.
    assert client.get("/?view=all", headers={"user-agent": PHONE}).status_code == 200


def test_the_choice_of_the_desk_is_remembered_and_taken_back(city, client):
    client.force_login(factories.make_user(role="grid_worker", area="9901"))
    phone = {"user-agent": PHONE}
    assert client.get("/?desk=1", headers=phone).url == "/"
    assert client.get("/", headers=phone).status_code == 200
    assert client.get("/?desk=0", headers=phone).url == "/m/"
    assert client.get("/", headers=phone).url == "/m/"


def test_the_desk_opens_on_a_phone_for_whoever_works_there(city, client):
    client.force_login(factories.make_user(role="dispatcher", area="9901"))
    page = client.get("/", headers={"user-agent": PHONE})
    assert page.status_code == 200 and "data-phone-offer" in page.text


@pytest.mark.parametrize(
    "role,agent,lands",
    [
        ("dispatcher", PHONE, "/m/"),
        ("grid_worker", PHONE, "/m/"),
        ("dispatcher", DESK, "/"),
        ("data_steward", PHONE, "/"),
    ],
)
def test_after_logging_in(city, client, role, agent, lands):
    user = factories.make_user("li", role=role, area="9901")
    user.set_password("Lanchuan-2026")
    user.save()
    said = {"username": "li", "password": "Lanchuan-2026"}
    assert client.post("/login/", said, headers={"user-agent": agent}).url == lands
    client.post("/logout/")
    # A wish of one's own goes before.
    asked = client.post("/login/?next=/rules/", said, headers={"user-agent": agent})
    assert asked.url == "/rules/"
    client.post("/logout/")
    client.cookies["desk"] = "1"
    assert client.post("/login/", said, headers={"user-agent": agent}).url == "/"
