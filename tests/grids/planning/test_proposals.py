"""Proposals of a draft: asked, worked out by the job, stopped, found again, applied; by whom."""

import subprocess
import sys
import uuid
from pathlib import Path

import networkx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import House, Household
from geo.models import Event
from grids.models import Plan, PlanEdit, PlanProposal
from grids.planning import edits, proposals
from grids.planning.proposal.search import Stopped
from tests.factories import make_user
from tests.grids.planning.plans import (
    HOME,
    check,
    load,
    make_building,
    make_line,
    make_plan,
    make_streets,
    number_of,
    snapshot,
)

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}
OTHER = "990101001002"
STREETS = 3


def make_homes(count: int = 20, seed: int = 3) -> None:
    """A house in the middle of each of the blocks that three streets make, with some households."""
    import random

    rng = random.Random(seed)
    spots = (0.08, 0.33, 0.42, 0.58, 0.67, 0.92)
    for x in spots:
        for y in spots:
            building = make_building(x - 0.01, y - 0.01)
            for door in range(rng.randrange(count // 2, count)):
                house = House.objects.create(building=building, floor=1, door=str(door))
                Household.objects.create(house=house, people=2)


@pytest.fixture
def planner(client, city):
    user = make_user("planner", role="planner", area="990101")
    client.force_login(user)
    return user


@pytest.fixture
def plan(planner):
    make_streets(HOME, STREETS)
    make_homes()
    return make_plan(planner, streets=0)


def address(plan, tail: str = "") -> str:
    return f"/api/plans/{plan.pk}/proposals/{tail}"


def ask(client, plan, **values):
    body = {"community": HOME, "grids": 3, "tolerance": 0.2, "seed": 5, "alternatives": 2, **values}
    return client.post(address(plan), body, **JSON)


def worked(client, plan, **values) -> PlanProposal:
    """A proposal asked for and worked out."""
    answer = ask(client, plan, **values)
    assert answer.status_code == 202, answer.content
    proposals.run(answer.json()["id"])
    return PlanProposal.objects.get(pk=answer.json()["id"])


def jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs where task_name = 'grids.jobs.run_proposal'")
        return cursor.fetchone()[0]


# --- From the wish to the stroke --------------------------------------------------------------------


def test_asked_worked_out_found_again_and_applied(client, planner, plan):
    answer = ask(client, plan)
    assert answer.status_code == 202, answer.content
    asked = answer.json()
    assert (asked["state"], asked["grids"], asked["alternatives"]) == ("waiting", 3, [])
    assert jobs() == 1
    assert Event.objects.filter(layer="plans", verb="proposal").exists()

    assert proposals.run(asked["id"]) == "ready"
    listed = client.get(address(plan)).json()
    assert [one["id"] for one in listed["proposals"]] == [asked["id"]]
    assert "households" in listed["measures"] and "compactness" not in listed["measures"]
    found = client.get(address(plan, f"{asked['id']}/")).json()
    assert (found["state"], found["progress"]) == ("ready", 1)
    assert found["finished_at"] and found["message"]
    first = found["alternatives"][0]
    assert first["within"] and first["deviation"] <= 0.2
    draft = load(plan)
    assert set(first["blocks"]) == {str(pk) for pk in draft.blocks}
    homes = {}
    for pk, part in first["blocks"].items():
        homes[part] = homes.get(part, 0) + draft.blocks[int(pk)].figures.get("households", 0)
    assert [part["households"] for part in first["grids"]] == [homes[part] for part in range(3)]
    assert sum(homes.values()) == Household.objects.count()
    assert max(homes.values()) <= 1.2 * sum(homes.values()) / 3

    before = snapshot(plan)
    body = {"alternative": 0, "base": 0, "client_key": str(uuid.uuid4())}
    answer = client.post(address(plan, f"{asked['id']}/apply/"), body, **JSON)
    assert answer.status_code == 200, answer.content
    assert answer.json()["revision"] == 1
    draft = check(plan)
    assert len(draft.active) == 3
    shapes = draft.shapes()
    assert all(shape.geom_type == "Polygon" for shape in shapes.values())
    for pk, part in first["blocks"].items():
        if (number := first["grids"][part]["number"]) is not None:
            assert draft.blocks[int(pk)].grid == number
    edit = PlanEdit.objects.get(plan=plan)
    assert edit.op == "assign"
    # The same request again is the same stroke; another finds a draft that changed.
    assert client.post(address(plan, f"{asked['id']}/apply/"), body, **JSON).status_code == 200
    assert PlanEdit.objects.filter(plan=plan).count() == 1
    body["client_key"] = str(uuid.uuid4())
    again = client.post(address(plan, f"{asked['id']}/apply/"), {**body, "base": 1}, **JSON)
    assert (again.status_code, again.json()["type"]) == (409, "/docs/problems/conflict")
    edits.undo(plan, planner, 1)
    assert snapshot(plan) == before


def test_more_grids_than_today_get_codes_of_their_own(client, planner, plan):
    proposal = worked(client, plan, grids=6, tolerance=0.3)
    assert proposal.alternatives
    body = {"alternative": 0, "base": 0}
    assert client.post(address(plan, f"{proposal.pk}/apply/"), body, **JSON).status_code == 200
    draft = check(plan)
    codes = sorted(grid.code for grid in draft.active.values())
    assert len(codes) == 6
    assert {f"{HOME}{number:03d}" for number in range(1, 5)} <= set(codes)


def test_parts_hang_together_by_networkx(client, planner, plan):
    proposal = worked(client, plan, grids=5, tolerance=0.3)
    draft = load(plan)
    graph = networkx.Graph()
    graph.add_nodes_from(draft.blocks)
    for one, others in draft.adjacency().items():
        graph.add_edges_from((one, other) for other in others)
    for alternative in proposal.alternatives:
        for part in range(5):
            ids = [int(pk) for pk, own in alternative["grids"].items() if own == part]
            assert ids and networkx.is_connected(graph.subgraph(ids))


def test_locked_and_exclusive_grids_stay(client, planner, plan):
    locked, exclusive = number_of(plan, "001"), number_of(plan, "004")
    edits.stroke(plan, planner, "set", {"grid": locked, "locked": True}, 0)
    edits.stroke(plan, planner, "set", {"grid": exclusive, "kind": "exclusive"}, 1)
    assert ask(client, plan, grids=2).status_code == 422
    proposal = worked(client, plan, grids=5, tolerance=0.5)
    staying = {block.id for block in load(plan).blocks.values() if block.grid in (locked, exclusive)}
    assert proposal.alternatives
    for alternative in proposal.alternatives:
        assert len(alternative["figures"]) == 3
        assert not staying & {int(pk) for pk in alternative["grids"]}
    body = {"alternative": 0, "base": 2}
    assert client.post(address(plan, f"{proposal.pk}/apply/"), body, **JSON).status_code == 200
    draft = check(plan)
    assert len(draft.active) == 5
    assert {block.id for block in draft.blocks.values() if block.grid in (locked, exclusive)} == staying


def test_the_same_seed_gives_the_same(client, planner, plan):
    one, other = worked(client, plan), worked(client, plan)
    assert one.alternatives == other.alternatives
    assert worked(client, plan, seed=None).seed is not None


def test_another_community_of_the_plan_does_not_disturb(client, planner):
    for community in (HOME, OTHER):
        make_streets(community, STREETS)
    make_homes()
    plan = make_plan(planner, (HOME, OTHER), streets=0)
    assert ask(client, plan, community="990101002001").status_code == 422
    proposal = worked(client, plan)
    assert ask(client, plan, community=OTHER).status_code == 202
    edits.stroke(plan, planner, "set", {"grid": number_of(plan, "001", OTHER), "name": "别的"}, 0)
    elsewhere = [block.id for block in load(plan).in_community(OTHER)][:1]
    target = number_of(plan, "002", OTHER)
    edits.stroke(plan, planner, "hand_over", {"to": target, "blocks": elsewhere, "allow_parts": True}, 1)
    body = {"alternative": 0, "base": 2}
    assert client.post(address(plan, f"{proposal.pk}/apply/"), body, **JSON).status_code == 200


def test_a_changed_draft_is_not_overwritten(client, planner, plan):
    proposal = worked(client, plan)
    block = next(block for block in load(plan).blocks.values() if block.grid == number_of(plan, "001"))
    edits.stroke(
        plan,
        planner,
        "hand_over",
        {"to": number_of(plan, "002"), "blocks": [block.id], "allow_parts": True},
        0,
    )
    before = snapshot(plan)
    answer = client.post(address(plan, f"{proposal.pk}/apply/"), {"alternative": 0, "base": 1}, **JSON)
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs/problems/conflict")
    assert snapshot(plan) == before


# --- One at a time, stopped, begun anew --------------------------------------------------------------


def test_one_at_a_time_for_a_community(client, planner, plan):
    first = ask(client, plan).json()
    busy = ask(client, plan)
    assert (busy.status_code, busy.json()["proposal"]) == (409, first["id"])
    proposals.run(first["id"])
    assert ask(client, plan).status_code == 202


def test_a_wish_sent_twice_is_one(client, planner, plan):
    body = {"community": HOME, "grids": 3}
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    one, two = (client.post(address(plan), body, **JSON, **key) for _ in range(2))
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["id"] == two.json()["id"]
    assert jobs() == 1


def test_stopped_before_it_began(client, planner, plan):
    asked = ask(client, plan).json()
    answer = client.post(address(plan, f"{asked['id']}/stop/"))
    assert (answer.status_code, answer.json()["state"]) == (200, "stopped")
    assert proposals.run(asked["id"]) == "nothing to do"
    assert ask(client, plan).status_code == 202


def test_stopped_in_the_middle_keeps_what_there_is(client, planner, plan, monkeypatch):
    """The flag is set (by another request) when the first alternative is there."""
    asked = ask(client, plan, alternatives=5).json()
    monkeypatch.setattr(proposals, "ASK_EVERY", 0)
    kept = proposals.as_json

    def and_stop(*args):
        proposals.stop(PlanProposal.objects.get(pk=asked["id"]))
        return kept(*args)

    monkeypatch.setattr(proposals, "as_json", and_stop)
    assert proposals.run(asked["id"]) == "stopped"
    proposal = PlanProposal.objects.get(pk=asked["id"])
    assert len(proposal.alternatives) == 1 and proposal.finished_at
    body = {"alternative": 0, "base": 0}
    assert client.post(address(plan, f"{proposal.pk}/apply/"), body, **JSON).status_code == 200


def test_the_progress_is_one_statement_and_hears_a_stop(client, planner, plan, monkeypatch):
    asked = PlanProposal.objects.get(pk=ask(client, plan).json()["id"])
    monkeypatch.setattr(proposals, "ASK_EVERY", 0)
    progress = proposals._Progress(asked)
    with CaptureQueriesContext(connection) as queries:
        progress(0.25)
    assert len(queries) == 1
    asked.refresh_from_db()
    assert asked.progress == 0.25
    PlanProposal.objects.filter(pk=asked.pk).update(stop=True)
    with pytest.raises(Stopped):
        progress(0.3)


def test_a_job_whose_worker_was_killed_begins_anew(client, planner, plan):
    whole = worked(client, plan)
    asked = ask(client, plan).json()
    # What a dead worker leaves: running, half way, one alternative of which nobody knows whether it is right.
    PlanProposal.objects.filter(pk=asked["id"]).update(
        state="running", progress=0.5, alternatives=[{"grids": {}, "figures": []}]
    )
    assert proposals.run(asked["id"]) == "ready"
    assert PlanProposal.objects.get(pk=asked["id"]).alternatives == whole.alternatives
    assert proposals.run(asked["id"]) == "nothing to do"


def test_what_fails_is_said_and_makes_room(client, planner, plan, monkeypatch):
    asked = ask(client, plan).json()
    monkeypatch.setattr(proposals.Draft, "load", classmethod(lambda cls, plan: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        proposals.run(asked["id"])
    monkeypatch.undo()
    proposal = PlanProposal.objects.get(pk=asked["id"])
    assert proposal.state == "failed" and proposal.message
    assert ask(client, plan).status_code == 202


# --- When there is none ------------------------------------------------------------------------------


def test_no_split_within_the_tolerance_offers_the_best(client, planner):
    make_streets(HOME, STREETS)
    make_homes()
    big = make_building(0.2, 0.2)
    for door in range(400):
        Household.objects.create(house=House.objects.create(building=big, floor=2, door=str(door)), people=1)
    planner.language = "en"
    planner.save()
    plan = make_plan(planner, streets=0)
    proposal = worked(client, plan, grids=4, tolerance=0.05, measure="households")
    assert proposal.state == "failed"
    best = proposal.alternatives[0]
    assert not best["within"] and best["deviation"] > 0.05
    assert proposal.message.startswith("No split within 5% was found; the best is off by ")
    assert "alone holds" in proposal.message
    body = {"alternative": 0, "base": 0}
    assert client.post(address(plan, f"{proposal.pk}/apply/"), body, **JSON).status_code == 200


def test_more_grids_than_blocks(client, planner, plan):
    proposal = worked(client, plan, grids=100)
    assert (proposal.state, proposal.alternatives) == ("failed", [])
    assert proposal.message


def test_a_river_without_a_bridge_parts_the_grids(client, planner):
    """A river from west to east and fences from south to north; a road would be a bridge, fences are none."""
    make_line((-0.05, 0.4), (1.05, 0.4), kind="water", rank=1)
    for x in (0.25, 0.75):
        make_line((x, -0.05), (x, 1.05), kind="barrier")
    make_homes()
    plan = make_plan(planner, streets=0)
    proposal = worked(client, plan, grids=4, tolerance=0.5, keep_weight=0)
    draft = load(plan)
    south = {block.id for block in draft.blocks.values() if block.geom.centroid.y < 39.504}
    assert proposal.alternatives
    for alternative in proposal.alternatives:
        for part in range(4):
            ids = {int(pk) for pk, own in alternative["grids"].items() if own == part}
            assert ids <= south or not ids & south
    make_line((0.1, -0.05), (0.1, 1.05), kind="road")
    bridged = make_plan(planner, streets=0, name="有桥")
    proposal = worked(client, bridged, grids=1, tolerance=0.5)
    assert proposal.state == "ready"


# --- Who may -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "area", "sees", "asks"),
    [
        ("planner", "990101", 200, 202),
        ("plan_reviewer", "9901", 200, 403),
        ("planner", "990102", 404, 404),
        ("shift_lead", "9901", 404, 404),
    ],
)
def test_only_planners_of_the_ground_may_ask(client, city, role, area, sees, asks):
    plan = make_plan()
    proposal = PlanProposal.objects.create(
        plan=plan, community_code=HOME, revision=0, grids=3, created_by=plan.created_by
    )
    client.force_login(make_user(role=role, area=area))
    assert client.get(address(plan)).status_code == sees
    assert client.get(address(plan, f"{proposal.pk}/")).status_code == sees
    proposal.state = "ready"
    proposal.save()
    assert ask(client, plan).status_code == asks
    refused = {403: 403, 404: 404}
    stop = client.post(address(plan, f"{proposal.pk}/stop/"))
    apply = client.post(address(plan, f"{proposal.pk}/apply/"), {"alternative": 0, "base": 0}, **JSON)
    assert stop.status_code == refused.get(asks, 200)
    assert apply.status_code == refused.get(asks, 422)


def test_of_another_plan_there_is_none(client, planner, plan):
    other = make_plan(planner, streets=0)
    proposal = worked(client, plan)
    assert client.get(address(other, f"{proposal.pk}/")).status_code == 404
    assert client.get(address(other, f"{2**70}/")).status_code == 404


@pytest.mark.parametrize(
    "values",
    [
        {"grids": 0},
        {"grids": 10**6},
        {"tolerance": 0},
        {"tolerance": 2},
        {"keep_weight": 1.5},
        {"alternatives": 9},
        {"seed": -1},
        {"measure": "load_per_worker"},
        {"measure": "no such"},
        {"community": "x"},
    ],
)
def test_wishes_that_are_refused(client, planner, values):
    plan = make_plan(planner)
    answer = ask(client, plan, **values)
    assert answer.status_code == 422, answer.content
    assert not PlanProposal.objects.exists()


def test_a_plan_in_review_is_not_proposed_for(client, planner, plan):
    proposal = worked(client, plan)
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.SUBMITTED)
    assert ask(client, plan).status_code == 409
    answer = client.post(address(plan, f"{proposal.pk}/apply/"), {"alternative": 0, "base": 0}, **JSON)
    assert answer.status_code == 409


def test_the_list_asks_as_often_for_many(client, planner, plan):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(plan)).status_code == 200
        return len(queries)

    def grow(count):
        for _ in range(count):
            PlanProposal.objects.create(
                plan=plan, community_code=HOME, revision=0, grids=3, created_by=make_user(), state="ready"
            )

    grow(2)
    few = asked()
    grow(10)
    assert asked() == few


def test_the_web_does_not_load_gerrychain():
    script = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'geo.settings'\n"
        "import django; django.setup()\n"
        "import geo.urls, geo.wsgi, grids.jobs\n"
        "print([name for name in ('gerrychain', 'networkx', 'scipy') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
