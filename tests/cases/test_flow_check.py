"""A flow that cannot be lived in is not put in force, and is told where and why."""

import copy

import pytest

from cases import flow_check, flow_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def city_flow(roles) -> dict:
    return copy.deepcopy(flow_data.shipped()["city_management", 2])


def told(definition) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.words) for fault in flow_check.check(definition) if not fault.warning]


def test_what_ships_can_be_put_in_force(roles):
    for (name, version), definition in flow_data.shipped().items():
        if (name, version) != ("city_management", 1):
            assert told(definition) == [], (name, version)


def test_version_1_had_a_state_that_nothing_led_to(roles):
    ((pointer, _words),) = told(flow_data.shipped()["city_management", 1])
    assert pointer == "/states/7"


def test_a_state_that_nothing_leads_to(city_flow):
    city_flow["states"].append({"code": "lost", "label": {"zh": "丢失"}, "phase": "desk"})
    pointers = {pointer for pointer, _words in told(city_flow)}
    assert pointers == {f"/states/{len(city_flow['states']) - 1}"}
    # Nothing leads to it, none leads out of it, nobody may.
    assert len(told(city_flow)) == 3


def test_no_way_out(city_flow):
    city_flow["moves"] = [move for move in city_flow["moves"] if move["action"] not in ("close", "void")]
    assert any("待结案" in words or "To be closed" in words for _pointer, words in told(city_flow))


def test_nobody_may(city_flow):
    close = next(move for move in city_flow["moves"] if move["action"] == "close")
    close["permission"] = "cases.close_by_magic"
    number = city_flow["moves"].index(close)
    assert (f"/moves/{number}/permission") in dict(told(city_flow))


def test_unknown_names_are_told_with_what_is_known(city_flow):
    move = city_flow["moves"][1]
    move["effects"], move["needs"] = ["fly"], ["wings"]
    found = dict(told(city_flow))
    assert "fly" in found["/moves/1/effects"] and "accepted" in found["/moves/1/effects"]
    assert "wings" in found["/moves/1/needs"]


@pytest.mark.parametrize(
    "change, pointer",
    [
        (lambda d: d.update(prefix="a"), "/prefix"),
        (lambda d: d.update(states=[]), "/states"),
        (lambda d: d["states"][0].update(phase="limbo"), "/states/0/phase"),
        (lambda d: d["states"][0].update(limit={"amount": "four", "unit": "work_hour"}), "/states/0/limit"),
        (lambda d: d["states"][1].update(code="reported"), "/states"),
        (lambda d: d["moves"][0].update(to="nowhere"), "/moves/0/to"),
        (lambda d: d["moves"][0].update({"from": []}), "/moves/0/from"),
        (lambda d: d["moves"][0].update(label={}), "/moves/0/label"),
        (lambda d: d["timers"][0].update(share=2), "/timers/0/share"),
        (lambda d: d["timers"][3].update(level=3), "/timers"),
        (lambda d: d["timers"][6].update(action="report"), "/timers/6/action"),
    ],
)
def test_bad_form_is_told_where(city_flow, change, pointer):
    change(city_flow)
    assert pointer in dict(told(city_flow))


def test_an_end_the_product_does_not_know(city_flow):
    verified = next(state for state in city_flow["states"] if state["code"] == "verified")
    verified["phase"] = "ended"
    assert any(pointer.startswith("/states/") for pointer, _words in told(city_flow))
