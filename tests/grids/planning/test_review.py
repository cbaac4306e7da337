"""The way of a plan from hand to hand, over the API: who may take which step, and what stays on record."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from geo.models import Notice
from grids.models import Plan, PlanStep
from grids.planning import review
from tests.factories import make_user
from tests.grids.planning.by_hand import HOME, make_squares

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="990101")


@pytest.fixture
def reviewer(city):
    return make_user("reviewer", role="plan_reviewer", area="9901")


@pytest.fixture
def plan(planner):
    return make_squares(planner)


@pytest.fixture
def ask(client):
    def ask(user, plan, what, body=None, method="post"):
        client.force_login(user)
        url = f"/api/plans/{plan.pk}/{what}/"
        if method == "get":
            return client.get(url)
        return client.post(url, body or {}, content_type="application/json")

    return ask


def state(plan):
    plan.refresh_from_db()
    return plan.state


def test_submit_return_approve_publish_undo(plan, planner, reviewer, ask):
    answer = ask(planner, plan, "submit", {"note": "请审"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["state"], answer.json()["can"]["submit"]) == ("submitted", False)
    assert Notice.objects.filter(user=reviewer).count() == 1
    assert ask(reviewer, plan, "return", {"note": ""}).status_code == 422
    assert ask(reviewer, plan, "return", {"note": "改一下"}).json()["state"] == "returned"
    assert "改一下" in Notice.objects.get(user=planner).detail
    ask(planner, plan, "submit")
    assert ask(reviewer, plan, "approve").json()["state"] == "approved"
    assert ask(reviewer, plan, "publish").json()["state"] == "published"
    assert ask(reviewer, plan, "undo-publication", {"note": "错"}).json()["state"] == "undone"
    steps = ask(planner, plan, "steps", method="get").json()["steps"]
    assert [step["action"] for step in steps] == [
        "submit",
        "return",
        "submit",
        "approve",
        "publish",
        "undo",
    ]
    assert {step["role"] for step in steps} == {"planner", "plan_reviewer"}


def test_who_may_do_what(plan, planner, reviewer, ask, city):
    both = make_user("both", role="planner", area="9901")
    from geo.models import Grant, Role

    Grant.objects.create(user=both, role=Role.objects.get(code="plan_reviewer"), area_code="9901")
    elsewhere = make_user("elsewhere", role="planner", area="990102")
    stranger = make_user("stranger", role="dispatcher", area="9901")
    for user in (elsewhere, stranger):
        for what in ("submit", "approve", "publish", "withdraw", "return", "rebase", "undo-publication"):
            assert ask(user, plan, what).status_code == 404
        for what in ("steps", "remarks", "consequences"):
            assert ask(user, plan, what, method="get").status_code == 404
    assert ask(reviewer, plan, "submit").status_code == 403
    assert ask(planner, plan, "approve").status_code == 403
    assert ask(both, plan, "submit").status_code == 200
    assert ask(both, plan, "approve").status_code == 403
    assert ask(planner, plan, "publish").status_code == 403
    assert ask(reviewer, plan, "publish").status_code == 409
    assert state(plan) == "submitted"


def test_withdrawn_it_is_a_draft_again(plan, planner, reviewer, ask):
    ask(planner, plan, "submit")
    ask(reviewer, plan, "approve")
    day = (timezone.localdate() + timedelta(days=5)).isoformat()
    assert ask(reviewer, plan, "publish", {"effective_on": day}).json()["effective_on"] == day
    assert state(plan) == "approved"
    assert ask(planner, plan, "withdraw").json()["state"] == "draft"
    plan.refresh_from_db()
    assert plan.effective_on is None
    past = (timezone.localdate() - timedelta(days=1)).isoformat()
    ask(planner, plan, "submit")
    ask(reviewer, plan, "approve")
    assert ask(reviewer, plan, "publish", {"effective_on": past}).status_code == 422


def test_a_step_sent_twice_is_taken_once(plan, planner, ask):
    key = str(uuid.uuid4())
    first = ask(planner, plan, "submit", {"client_key": key})
    again = ask(planner, plan, "submit", {"client_key": key})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert ask(planner, plan, "submit", {"client_key": str(uuid.uuid4())}).status_code == 409
    assert plan.steps.count() == 1


def test_faults_refuse_with_the_list(plan, planner, ask):
    plan.blocks.filter(geom__contains=plan.blocks.order_by("-id")[0].geom.centroid).update(
        grid=plan.grids.get(code=f"{HOME}001")
    )
    answer = ask(planner, plan, "submit")
    assert answer.status_code == 422
    assert "001" in answer.json()["errors"][0]["detail"]
    assert state(plan) == "draft"


def test_remarks_are_pinned_and_settled(plan, planner, reviewer, ask):
    ask(planner, plan, "submit")
    given = {"lon": 83.905, "lat": 39.505, "text": "这里不对"}
    made = ask(reviewer, plan, "remarks", given)
    assert made.status_code == 201
    assert ask(reviewer, plan, "approve").status_code == 409
    remark = made.json()["id"]
    (listed,) = ask(planner, plan, "remarks", method="get").json()["remarks"]
    assert (listed["lon"], listed["text"], listed["resolved_at"]) == (83.905, "这里不对", None)
    settled = ask(planner, plan, f"remarks/{remark}/resolve")
    assert settled.json()["resolved_by"] == "planner"
    assert Notice.objects.filter(user=reviewer, title__contains="方案").count() >= 1
    assert ask(reviewer, plan, "approve").status_code == 200
    other = make_squares(planner, name="另一个")
    assert ask(planner, other, f"remarks/{remark}/resolve").status_code == 404


def test_steps_are_kept_for_ever(plan, planner):
    review.submit(planner, plan.pk)
    for change in (
        lambda: PlanStep.objects.update(note="x"),
        lambda: PlanStep.objects.filter(plan=plan).delete(),
    ):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            change()


def test_consequences_page(plan, planner, reviewer, ask):
    told = ask(reviewer, plan, "consequences", method="get").json()
    assert told["problem"] is None and told["ground"]["changed"] is False
    assert {grid["lineage"] for grid in told["grids"]} == {"kept"}
    assert Plan.objects.get(pk=plan.pk).state == "draft"
