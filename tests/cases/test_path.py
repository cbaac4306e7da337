"""The main job, through the API: report, dispatch, handle, verify, close."""

import uuid

import pytest
from rest_framework.test import APIClient

from cases.models import Case
from geo.models import Attachment
from tests.factories import (
    at,
    make_rule,
    make_type,
    make_unit,
    make_user,
    make_worker,
)

pytestmark = pytest.mark.django_db
HERE = at(0.25, 0.25)


def client(user):
    api = APIClient()
    api.force_authenticate(user)
    return api


def photo(user):
    return str(Attachment.objects.create(owner=user, media_type="image/jpeg", sha256="0" * 64, size=1).uuid)


def body(place=HERE, **values):
    return {"client_key": str(uuid.uuid4()), "lon": place.x, "lat": place.y, **values}


@pytest.fixture
def people(city):
    """One person of every trade, all at the first grid."""
    unit = make_unit("排水公司")
    worker = make_user("worker", role="grid_worker", organisation=make_unit("社区", kind="community"))
    make_worker(worker, grid="990101001001001")
    return {
        "unit": unit,
        "worker": worker,
        "acceptor": make_user("acceptor", role="acceptor", area="9901"),
        "dispatcher": make_user("dispatcher", role="dispatcher", area="9901"),
        "department": make_user("department", role="department", unit=unit),
        "lead": make_user("lead", role="shift_lead", area="9901"),
    }


def act(user, number, action, **values):
    return client(user).post(f"/api/cases/{number}/actions/{action}/", values, format="json")


def report(user, **values):
    return client(user).post("/api/cases/", body(**values), format="json")


def test_the_whole_path(people):
    make_rule(people["unit"], area_code="9901", kind="component")
    kind = make_type(type_code="01", name="上水井盖")
    answer = report(people["worker"], type=kind.pk, attachments=[photo(people["worker"])])
    assert answer.status_code == 201, answer.json()
    case = answer.json()
    number = case["number"]
    assert case["state"] == "dispatched"
    assert case["holder_unit"]["name"] == "排水公司"
    assert [line["action"] for line in case["transitions"]] == [
        "report",
        "auto_accept",
        "auto_file",
        "auto_dispatch",
    ]
    assert "排水公司" in case["decision"]["text"]
    assert case["due_at"] == case["handle_due_at"]
    assert len(case["photos"]) == 1

    seen = client(people["department"]).get(f"/api/cases/{number}/").json()
    assert seen["reporter"] is None and seen["reporter_hidden"]
    assert seen["transitions"][0]["actor"] is None
    assert [action["action"] for action in seen["actions"]] == ["start", "return_back"]
    assert act(people["department"], number, "start").json()["state"] == "handling"
    missing = act(people["department"], number, "report_handled")
    assert missing.status_code == 422 and missing.json()["errors"][0]["pointer"] == "/attachments"
    handled = act(
        people["department"], number, "report_handled", attachments=[photo(people["department"])]
    ).json()
    assert handled["state"] == "verifying_after"
    assert handled["verifier"]["name"] == "worker"

    evidence = {"attachments": [photo(people["worker"])], "position": {"lon": HERE.x, "lat": HERE.y}}
    assert act(people["worker"], number, "verify_pass", **evidence).json()["state"] == "verified"
    closed = act(people["acceptor"], number, "close").json()
    assert closed["state"] == "closed" and closed["due_at"] is None and closed["actions"] == []
    row = Case.objects.get(number=number)
    for name in ("accepted_at", "filed_at", "dispatched_at", "handled_at", "verified_at", "closed_at"):
        assert getattr(row, name) is not None, name
    assert row.filed_grid_code == "990101001001001"
    assert row.filed_community_code == "990101001001"
