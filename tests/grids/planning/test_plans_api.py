"""The REST of plans: who may, what comes back."""

import json
import uuid

import pytest

from grids.models import Plan
from tests.factories import make_user
from tests.grids.planning.plans import HOME, block_at, make_plan, make_streets, number_of, spot

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}


@pytest.fixture
def planner(client, city):
    user = make_user("planner", role="planner", area="990101")
    client.force_login(user)
    return user


def test_a_plan_is_begun_read_changed_and_laid_aside(client, planner):
    make_streets()
    body = {"name": "方案一", "communities": [HOME], "start": "in_force", "client_key": str(uuid.uuid4())}
    answer = client.post("/api/plans/", body, **JSON)
    assert answer.status_code == 201, answer.content
    plan = answer.json()
    assert (plan["state"], plan["area_code"], plan["revision"]) == ("draft", HOME, 0)
    assert [grid["in_force"] for grid in plan["grids"]] == [f"{HOME}{n:03d}" for n in range(1, 5)]
    assert plan["grids"][0]["blocks"] == 4 and len(plan["grids"][0]["geometry"]["coordinates"][0]) == 5
    assert plan["can"] == {
        "edit": True,
        "withdraw": True,
        "restore": False,
        "submit": True,
        "review": False,
        "remark": True,
        "approve": False,
        "return": False,
        "rebase": True,
        "publish": False,
        "undo_publication": False,
    }
    again = client.post("/api/plans/", body, **JSON)
    assert (again.status_code, again.json()["id"]) == (200, plan["id"])
    address = f"/api/plans/{plan['id']}/"
    answer = client.patch(address, {"name": "方案二", "standard": {"low": 200, "high": 400}}, **JSON)
    assert answer.json()["name"] == "方案二" and answer.json()["standard"] == {"low": 200, "high": 400}
    assert client.patch(address, {"standard": {"low": 500, "high": 400}}, **JSON).status_code == 422
    listed = client.get("/api/plans/").json()
    assert [one["id"] for one in listed["results"]] == [plan["id"]] and listed["count"] == 1
    assert client.delete(address).json()["state"] == "withdrawn"
    assert client.get("/api/plans/").json()["results"] == []
    assert client.get("/api/plans/?state=withdrawn").json()["count"] == 1
    assert client.delete(address).status_code == 409
    assert client.post(f"{address}restore/").json()["state"] == "draft"


def test_a_stroke_comes_back_as_a_change(client, planner):
    plan = make_plan(planner)
    address = f"/api/plans/{plan.pk}/"
    blocks = client.get(f"{address}blocks/").json()
    assert len(blocks["features"]) == 16 and blocks["revision"] == 0
    block, two = block_at(plan, 0.4, 0.1), number_of(plan, "002")
    body = {"op": "hand_over", "base": 0, "params": {"blocks": [block.pk], "to": two}}
    change = client.post(f"{address}edits/", body, **JSON).json()
    assert change["revision"] == 1
    assert change["blocks"] == {"added": [], "removed": [], "moved": {str(block.pk): two}}
    assert sorted(grid["number"] for grid in change["grids"]) == [1, two]
    assert [edit["number"] for edit in change["edits"]] == [1]
    assert change["undo"]["number"] == 1 and change["redo"] is None
    seen = client.get(f"{address}changes/?since=0").json()
    assert {name: seen[name] for name in seen if name != "figures"} == {
        name: change[name] for name in change if name != "figures"
    }
    some = client.get(f"{address}blocks/?since=0").json()
    assert [one["id"] for one in some["features"]] == [block.pk]
    undone = client.post(f"{address}undo/", {"base": 1}, **JSON).json()
    assert undone["undo"] is None and undone["redo"]["number"] == 1
    assert client.post(f"{address}redo/", {"base": 2}, **JSON).json()["revision"] == 3
    log = client.get(f"{address}edits/").json()["results"]
    assert [(edit["number"], edit["undone"], edit["revision"]) for edit in log] == [(1, False, 3)]


def test_what_a_planner_may_not(client, planner):
    for communities in (["990102001001"], ["990101001001", "990102001001"], ["990101001999"]):
        answer = client.post("/api/plans/", {"name": "x", "communities": communities}, **JSON)
        assert answer.status_code in (403, 422), communities
    assert not Plan.objects.exists()
    foreign = make_plan(make_user(role="planner", area="9901"), communities=["990102001001"])
    for method, path in (
        ("get", ""),
        ("get", "blocks/"),
        ("post", "edits/"),
        ("delete", ""),
        ("post", "undo/"),
    ):
        answer = getattr(client, method)(f"/api/plans/{foreign.pk}/{path}", **JSON)
        assert answer.status_code == 404, path
    answer = client.post(
        "/api/plans/", {"name": "x", "communities": [HOME], "start": "plan", "from": foreign.pk}, **JSON
    )
    assert answer.status_code == 422


def test_who_reviews_may_look_but_not_draw(client, planner):
    plan = make_plan(planner)
    client.force_login(make_user("reviewer", role="plan_reviewer", area="9901"))
    assert client.get(f"/api/plans/{plan.pk}/").json()["can"]["edit"] is False
    for method, path in (
        ("post", "edits/"),
        ("post", "undo/"),
        ("patch", ""),
        ("delete", ""),
        ("post", "restore/"),
    ):
        answer = getattr(client, method)(f"/api/plans/{plan.pk}/{path}", {"base": 0}, **JSON)
        assert answer.status_code == 403, path
    client.force_login(make_user("desk", role="community_desk", area="9901"))
    assert client.get("/api/plans/").status_code == 403
    assert client.get(f"/api/plans/{plan.pk}/").status_code == 404


def test_a_conflict_brings_the_changes_along(client, planner):
    plan = make_plan(planner)
    two = number_of(plan, "002")
    body = {"op": "hand_over", "base": 0, "params": {"point": spot(0.4, 0.1), "to": two}}
    assert client.post(f"/api/plans/{plan.pk}/edits/", body, **JSON).status_code == 200
    client.force_login(make_user("other", role="planner", area="990101"))
    body["params"]["point"] = spot(0.4, 0.4)
    answer = client.post(f"/api/plans/{plan.pk}/edits/", body, **JSON)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"].endswith("/conflict") and problem["changes_since"]["revision"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"point": spot(0.4, 0.1), "to": 2, "note": "\x00"},
        {"point": spot(0.4, 0.1), "to": 2, "note": "\ud800"},
        {"point": [1e400, 0], "to": 2},
        {"lasso": {"type": "Polygon", "coordinates": [[[0, 0]]]}, "to": 2},
        {"lasso": {"type": "Polygon", "coordinates": "x"}, "to": 2},
        {"blocks": [True], "to": 2},
        {"blocks": [1], "to": "x"},
        [],
        "x",
        None,
    ],
)
def test_nonsense_is_refused_in_words(client, planner, params):
    plan = make_plan(planner, streets=1)
    for op in ("hand_over", "cut", "carve", "reshape", "move_vertices", "merge", "set", "assign"):
        body = json.dumps({"op": op, "base": 0, "params": params}).replace("Infinity", "1e400")
        answer = client.post(f"/api/plans/{plan.pk}/edits/", body, **JSON)
        assert answer.status_code in (400, 422), (op, answer.content)
        assert answer.json()["detail"]
