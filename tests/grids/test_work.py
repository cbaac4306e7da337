"""Shifts and check-ins: what is inside, outside, uncertain; nothing outside a shift."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from assets.models import ServiceCenter
from geo.coordinates import from_wgs84
from geo.models import User
from grids import actions
from grids.models import CheckIn, Shift
from tests.factories import at, make_component, make_user, make_worker

pytestmark = pytest.mark.django_db
GRID = "990101001001001"
INSIDE = at(0.25, 0.25)


@pytest.fixture
def worker(city):
    user = make_user("worker", role="grid_worker")
    make_worker(user, grid=GRID)
    return user


def api(user):
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    return client


def punch(user, which="in", **body):
    return api(user).post(f"/api/shifts/punch-{which}", body, format="json")


def check(user, place=INSIDE, **body):
    body.setdefault("client_key", str(uuid.uuid4()))
    body.setdefault("accuracy_m", 10)
    body.setdefault("fix_at", timezone.now().isoformat())
    return api(user).post("/api/check-ins/", {"lon": place.x, "lat": place.y, **body}, format="json")


@pytest.mark.parametrize(
    ("distance", "radius", "accuracy", "age", "result", "reasons"),
    [
        (0, 100, 100, 0, "inside", []),
        (50, 100, 50, 0, "inside", []),
        (50, 100, 50.1, 0, "uncertain", ["near_border"]),
        (150, 100, 50, 0, "uncertain", ["near_border"]),
        (150.1, 100, 50, 0, "outside", []),
        (0, 100, None, 0, "uncertain", ["no_accuracy"]),
        (0, 300, 200, 0, "inside", []),
        (0, 300, 200.1, 0, "uncertain", ["low_accuracy"]),
        (900, 100, 201, 0, "uncertain", ["low_accuracy"]),
        (0, 100, 5, 120, "inside", []),
        (0, 100, 5, 121, "uncertain", ["old_fix"]),
        (0, 100, None, 500, "uncertain", ["no_accuracy", "old_fix"]),
        (None, 0, 5, 0, "uncertain", ["no_target"]),
        (0, 100, 5, None, "inside", []),
    ],
)
def test_the_rule(distance, radius, accuracy, age, result, reasons):
    age = None if age is None else timedelta(seconds=age)
    assert actions.judge(distance, radius, accuracy, age) == (result, reasons)


def test_outside_a_shift_nothing_is_stored(worker):
    refused = check(worker)
    assert refused.status_code == 409 and "off-shift" in refused.json()["type"]
    punch(worker)
    assert check(worker).status_code == 201
    punch(worker, "out")
    assert check(worker).status_code == 409
    assert CheckIn.objects.count() == 1


def test_only_staff(city):
    for role in ("dispatcher", "department", "leader"):
        assert punch(make_user(role=role, area="9901")).status_code == 403
    # A role without a worker behind it is not staff either.
    assert punch(make_user(role="grid_worker")).status_code == 403
    assert APIClient().post("/api/check-ins/", {}).status_code in (401, 403)


def test_the_own_grid_is_the_target(worker):
    punch(worker)
    body = check(worker).json()
    assert (body["result"], body["distance_m"], body["radius_m"]) == ("inside", 0, 100)
    assert (body["target_kind"], body["target_code"]) == ("grid", GRID)
    outside = check(worker, at(2.5, 0.25)).json()
    assert outside["result"] == "outside" and outside["distance_m"] > 1500
    desert = check(worker, at(-100, 0.25), fix_at=None)
    assert desert.status_code == 201, "kept, never refused"
    assert CheckIn.objects.count() == 3


def test_a_target_by_its_kind(worker):
    punch(worker)
    component = make_component(at(0.26, 0.25))
    centre = ServiceCenter.objects.create(code="S1", name="第一服务站", level="community", geom=at(0.3, 0.3))
    near = check(worker, target={"kind": "component", "code": component.code}).json()
    assert near["result"] == "inside" and near["distance_m"] == pytest.approx(8.6, abs=0.1)
    far = check(worker, target={"kind": "service_center", "code": centre.code}).json()
    assert (far["result"], far["target_name"]) == ("outside", "第一服务站")
    for target in ({"kind": "component", "code": "1"}, {"kind": "resident", "code": "1"}):
        answer = check(worker, target=target)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/target"


def test_reasons_have_words(worker):
    punch(worker)
    body = check(worker, accuracy_m=None, fix_at=(timezone.now() - timedelta(minutes=9)).isoformat()).json()
    assert body["result"] == "uncertain"
    assert [reason["code"] for reason in body["reasons"]] == ["no_accuracy", "old_fix"]
    assert all(reason["label"] for reason in body["reasons"])


def test_sent_twice_it_is_there_once(worker):
    punch(worker)
    key = str(uuid.uuid4())
    first, second = check(worker, client_key=key), check(worker, client_key=key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    other = make_user("other", role="grid_worker")
    make_worker(other, grid=GRID)
    punch(other)
    assert check(other, client_key=key).status_code == 422


def test_too_fast_is_flagged_and_kept(worker):
    punch(worker)
    now = timezone.now()
    check(worker, fix_at=(now - timedelta(seconds=40)).isoformat())
    fast = check(worker, at(2.95, 0.25), fix_at=now.isoformat()).json()
    assert fast["flagged"] and "too_fast" in [reason["code"] for reason in fast["reasons"]]
    slow = check(worker, at(2.95, 0.26), fix_at=(now + timedelta(seconds=30)).isoformat()).json()
    assert not slow["flagged"]
    vague = check(
        worker, at(2.0, 0.25), accuracy_m=1500, fix_at=(now + timedelta(seconds=40)).isoformat()
    ).json()
    assert not vague["flagged"], "two bad fixes accuse nobody"


def test_gcj02(worker):
    punch(worker)
    lon, lat = from_wgs84(INSIDE.x, INSIDE.y, "gcj02")
    body = (
        api(worker)
        .post("/api/check-ins/", {"lon": lon, "lat": lat, "crs": "gcj02", "accuracy_m": 5}, format="json")
        .json()
    )
    assert body["result"] == "inside" and body["grid"] == GRID
    row = CheckIn.objects.get(pk=body["id"])
    assert (row.raw_lon, row.raw_crs) == (lon, "gcj02")


def test_a_shift_runs_once(worker):
    now = timezone.now()
    planned = Shift.objects.create(
        worker=worker.worker,
        area_code=GRID,
        planned_start=now + timedelta(minutes=30),
        planned_end=now + timedelta(hours=8),
    )
    first, second = punch(worker).json(), punch(worker).json()
    assert first["id"] == second["id"] == planned.pk and first["punched_in_at"]
    out = punch(worker, "out", lon=INSIDE.x, lat=INSIDE.y, accuracy_m=5).json()
    assert out["punched_out_at"]
    assert CheckIn.objects.get().kind == "sign_out"
    assert punch(worker, "out").status_code == 409


def test_what_waited_in_the_phone_belongs_to_its_shift(worker):
    now = timezone.now()
    began, marked = now - timedelta(hours=3), now - timedelta(hours=2)
    shift = punch(worker, device_at=began.isoformat()).json()
    assert abs(Shift.objects.get().punched_in_at - began) < timedelta(seconds=1)
    punch(worker, "out", device_at=(now - timedelta(hours=1)).isoformat())
    body = check(worker, device_at=marked.isoformat(), fix_at=marked.isoformat()).json()
    assert (body["shift"], body["result"]) == (shift["id"], "inside")
    assert [reason["code"] for reason in body["reasons"]] == ["sent_later"]
    late = (now - timedelta(minutes=30)).isoformat()
    assert check(worker, device_at=late, fix_at=late).status_code == 409


def test_who_sees_check_ins(worker):
    punch(worker)
    check(worker)
    assert api(worker).get("/api/check-ins/").json()["count"] == 1
    colleague = make_user("colleague", role="grid_worker")
    make_worker(colleague, grid=GRID)
    assert api(colleague).get("/api/check-ins/").json()["count"] == 0
    assert api(make_user(role="dispatcher", area="990101")).get("/api/check-ins/").json()["count"] == 1
    assert api(make_user(role="dispatcher", area="990102")).get("/api/check-ins/").json()["count"] == 0
    assert api(make_user(role="department")).get("/api/check-ins/").json()["count"] == 0


def test_forgotten_shifts_end(worker):
    now = timezone.now()
    shift = Shift.objects.create(
        worker=worker.worker,
        area_code=GRID,
        planned_start=now - timedelta(hours=20),
        planned_end=now - timedelta(hours=12),
        punched_in_at=now - timedelta(hours=20),
    )
    assert actions.end_forgotten_shifts() == 1
    shift.refresh_from_db()
    assert shift.punched_out_at == shift.planned_end
    assert check(worker).status_code == 409


def test_me(worker, django_assert_max_num_queries):
    make_worker(make_user("leader"), grid=GRID, role="leader")
    punch(worker)
    client = api(worker)
    data = client.get("/api/me/").json()
    assert (data["name"], data["on_shift"], data["roles"]) == ("worker", True, ["grid_worker"])
    assert "cases.report" in data["permissions"]
    (grid,) = data["grids"]
    assert (grid["code"], grid["role"], grid["leader"]["name"]) == (GRID, "member", "leader")
    assert grid["geometry"]["type"] == "Polygon" and grid["community"]["name"] == "11社区"
    with django_assert_max_num_queries(8):
        api(worker).get("/api/me/")
    assert api(make_user(role="leader", area="9901")).get("/api/me/").json()["areas"][0]["code"] == "9901"
