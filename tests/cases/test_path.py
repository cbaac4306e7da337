"""The main job, through the API: report, dispatch, handle, verify, close; and what goes wrong on the way."""

import uuid

import pytest
from django.utils import timezone

from cases.models import Case, ReporterContact, Transition
from geo import attachments
from geo.coordinates import from_wgs84
from geo.models import Attachment, AuditEntry, Event
from tests.cases.people import GRID, HERE, act, client, evidence, make_people, photo, report
from tests.factories import at, make_case, make_component, make_rule, make_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


@pytest.fixture
def cover():
    return make_type(type_code="01", name="上水井盖")


def test_the_whole_path(people, cover):
    make_rule(people.unit, area_code="9901", kind="component", name="全市部件")
    answer = report(people.worker, type=cover.pk, attachments=[photo(people.worker)])
    assert answer.status_code == 201, answer.json()
    case = answer.json()
    number = case["number"]
    assert number.startswith("A990101") and len(number) == 20
    assert (case["state"], case["holder_unit"]["name"]) == ("dispatched", "排水公司")
    assert [line["action"] for line in case["transitions"]] == [
        "report",
        "auto_accept",
        "auto_file",
        "auto_dispatch",
    ]
    assert "全市部件" in case["decision"]["text"] and case["decision"]["by_place"] == "city"
    assert case["due_at"] == case["handle_due_at"] and case["close_due_at"] > case["due_at"]
    assert len(case["photos"]) == 1 and case["photos"][0]["phase"] == "report"

    seen = client(people.department).get(f"/api/cases/{number}/").json()
    assert [action["action"] for action in seen["actions"]] == [
        "start",
        "return_back",
        "sub_assign",
        "ask_extend",
        "ask_suspend",
    ]
    assert all(action["next"] for action in seen["actions"])
    assert act(people.department, number, "start").json()["state"] == "handling"
    missing = act(people.department, number, "report_handled")
    assert missing.status_code == 422 and missing.json()["errors"][0]["pointer"] == "/attachments"
    done = act(people.department, number, "report_handled", attachments=[photo(people.department)]).json()
    assert done["state"] == "verifying_after"
    assert done["verifier"]["name"] == "worker"

    failed = act(people.worker, number, "verify_fail", reason="还在漏", **evidence(people.worker)).json()
    assert (failed["state"], failed["rework_count"], failed["handled_at"]) == ("rework", 1, None)
    act(people.department, number, "start")
    act(people.department, number, "report_handled", attachments=[photo(people.department)])
    passed = act(people.worker, number, "verify_pass", **evidence(people.worker)).json()
    assert passed["state"] == "verified"
    closed = act(people.acceptor, number, "close").json()
    assert closed["state"] == "closed" and closed["due_at"] is None and closed["actions"] == []
    row = Case.objects.get(number=number)
    for name in ("accepted_at", "filed_at", "dispatched_at", "handled_at", "verified_at", "closed_at"):
        assert getattr(row, name) is not None, name
    assert row.filed_grid_code == GRID and row.filed_unit_grid_code == "990101001001001"
    assert row.filed_community_code == row.area_code == "990101001001"


def test_from_the_public_by_hand(people, cover):
    """Hotline: accepted, verified, filed with a type, dispatched by hand, returned, dispatched."""
    number = report(people.dispatcher, description="井盖响").json()["number"]
    assert Case.objects.get(number=number).source == "hotline"
    accepted = act(people.acceptor, number, "accept").json()
    assert accepted["state"] == "accepted"
    assert act(people.acceptor, number, "ask_verify_before").json()["verifier"]["name"] == "worker"
    assert act(people.worker, number, "verify_true", **evidence(people.worker)).json()["state"] == "accepted"
    untyped = act(people.acceptor, number, "file_case")
    assert untyped.status_code == 422 and untyped.json()["errors"][0]["pointer"] == "/type"
    filed = act(people.acceptor, number, "file_case", type=cover.pk).json()
    assert filed["state"] == "filed" and filed["decision"]["reason"] == "none"
    sent = act(people.dispatcher, number, "dispatch", unit=people.other_unit.code).json()
    assert sent["decision"]["reason"] == "hand" and "dispatcher" in sent["decision"]["text"]
    assert sent["decision"]["instead_of"]
    back = act(people.other_department, number, "return_back", reason="不是我们的")
    assert back.json()["state"] == "filed" and back.json()["return_count"] == 1
    assert back.json()["holder_unit"] is None
    assert act(people.other_department, number, "return_back", reason="x").status_code == 409
    assert (
        act(people.dispatcher, number, "dispatch", unit=str(people.unit.pk)).json()["state"] == "dispatched"
    )
    # The unit that gave it back still sees what it held.
    assert client(people.other_department).get(f"/api/cases/{number}/").status_code == 200


def test_what_a_unit_returned_is_not_sent_round_the_same_rule(people, cover):
    make_rule(people.unit, area_code="9901")
    number = report(people.worker, type=cover.pk).json()["number"]
    act(people.department, number, "return_back", reason="不是我们的")
    act(people.dispatcher, number, "return_back", reason="类型不对")
    assert act(people.acceptor, number, "file_case").json()["state"] == "filed"


def test_too_late_to_return(people, cover):
    make_rule(people.unit, area_code="9901")
    number = report(people.worker, type=cover.pk).json()["number"]
    old = timezone.now() - timezone.timedelta(days=20)
    case = Case.objects.get(number=number)
    case.transitions.create(action="dispatch", from_state="filed", to_state="dispatched", at=old)
    answer = act(people.department, number, "return_back", reason="不是我们的")
    assert answer.status_code == 422 and "too-late" in answer.json()["type"]
    taken = act(people.dispatcher, number, "return_back", reason="收回")
    assert taken.json()["state"] == "filed" and taken.json()["return_count"] == 0


def test_a_faster_colleague_is_named(people):
    number = report(people.dispatcher).json()["number"]
    act(people.acceptor, number, "accept")
    answer = act(people.lead, number, "accept")
    assert answer.status_code == 409
    body = answer.json()
    assert body["state"] == "accepted" and "acceptor" in body["detail"]
    assert body["last"]["action"] == "accept" and "file_case" in body["allowed"]


def test_a_photo_does_not_tell_the_unit_who_reported(people, cover):
    make_rule(people.unit, area_code="9901", kind="component")
    picture = photo(people.worker)
    number = report(people.worker, type=cover.pk, attachments=[picture]).json()["number"]
    assert client(people.department).get(f"/api/cases/{number}/").status_code == 200
    told = {
        person: client(getattr(people, person)).get(f"/api/attachments/{picture}/").json()["owner"]
        for person in ("department", "leader", "dispatcher", "worker")
    }
    name = people.worker.name
    assert told == {"department": None, "leader": None, "dispatcher": name, "worker": name}
    for person in (people.department, people.leader):
        # Nor may they have the original, whose EXIF tells the device.
        assert not attachments.may_know(person, Attachment.objects.get(uuid=picture))
    # Who did the work is no secret.
    act(people.department, number, "start")
    done = photo(people.department)
    assert act(people.department, number, "report_handled", attachments=[done]).status_code == 200
    assert client(people.leader).get(f"/api/attachments/{done}/").json()["owner"] == people.department.name


def test_the_reporter_is_hidden_from_the_unit(people, cover):
    make_rule(people.unit, area_code="9901")
    number = report(people.worker, type=cover.pk).json()["number"]
    for user in (people.department, people.leader):
        answer = client(user).get(f"/api/cases/{number}/")
        assert answer.json()["reporter"] is None and answer.json()["reporter_hidden"]
        assert answer.json()["transitions"][0]["actor"] is None
        assert '"name":"worker"' not in answer.content.decode()
    assert client(people.dispatcher).get(f"/api/cases/{number}/").json()["reporter"]["name"] == "worker"
    assert client(people.worker).get(f"/api/cases/{number}/").json()["reporter"]["name"] == "worker"
    act(people.department, number, "start")
    assert "worker" not in act(people.department, number, "start").json()["detail"]


def test_a_contact_is_read_one_at_a_time_and_logged(people):
    number = report(people.dispatcher).json()["number"]
    ReporterContact.objects.create(case=Case.objects.get(number=number), name="某人", phone="139")
    address = f"/api/cases/{number}/reveal-contact/"
    assert client(people.dispatcher).post(address, {"reason": "x"}).status_code == 403
    assert client(people.lead).post(address, {}).status_code == 422
    assert client(people.lead).post(address, {"reason": "回访"}).json() == {
        "name": "某人",
        "phone": "139",
        "email": "",
    }
    entry = AuditEntry.objects.get(action="case.reveal_contact")
    assert (entry.actor_id, entry.reason) == (people.lead.pk, "回访")


# --- Reports ----------------------------------------------------------------------------------------


def test_sent_twice_it_is_there_once(people, cover):
    key = str(uuid.uuid4())
    first = report(people.worker, client_key=key, type=cover.pk)
    second = report(people.worker, client_key=key, type=cover.pk)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["number"] == second.json()["number"]
    assert Case.objects.count() == 1 and Transition.objects.filter(action="report").count() == 1
    assert report(people.lead, client_key=key).status_code == 422


def test_an_action_sent_twice_happens_once(people):
    number = report(people.dispatcher).json()["number"]
    key = str(uuid.uuid4())
    first = act(people.acceptor, number, "accept", client_key=key)
    second = act(people.acceptor, number, "accept", client_key=key)
    assert (first.status_code, second.status_code) == (200, 200)
    assert Transition.objects.filter(action="accept").count() == 1
    other = report(people.dispatcher).json()["number"]
    assert act(people.acceptor, other, "accept", client_key=key).status_code == 422


def test_the_header_key_gives_the_first_answer_again(people):
    body = {"lon": HERE.x, "lat": HERE.y}
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    api = client(people.worker)
    first = api.post("/api/cases/", body, format="json", **key)
    second = api.post("/api/cases/", body, format="json", **key)
    assert first.status_code == second.status_code == 201
    assert second.json()["number"] == first.json()["number"]
    assert api.post("/api/cases/", body | {"urgent": True}, format="json", **key).status_code == 422
    assert Case.objects.count() == 1


def test_in_the_sea_or_the_desert(people):
    for lon, lat in ((120.0, 20.0), (83.89, 39.505)):
        answer = report(people.worker, lon=lon, lat=lat)
        assert answer.status_code == 422 and answer.json()["type"].endswith("outside-city")
        assert answer.json()["nearest"]["code"].startswith("9901")
    assert Case.objects.count() == 0


def test_gcj02_is_converted_and_the_raw_pair_kept(people):
    lon, lat = from_wgs84(HERE.x, HERE.y, "gcj02")
    answer = report(people.worker, lon=lon, lat=lat, crs="gcj02", position_source="wechat", accuracy_m=12)
    case = Case.objects.get(number=answer.json()["number"])
    assert case.geom.coords == pytest.approx(HERE.coords, abs=1e-6)
    assert (case.raw_lon, case.raw_lat, case.raw_crs) == (lon, lat, "gcj02")
    assert case.grid.code == GRID


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("lon", "x", "/lon"),
        ("lat", 91, "/lon"),
        ("crs", "mars", "/lon"),
        ("type", 999_999, "/type"),
        ("component", "123", "/component"),
        ("attachments", ["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"], "/attachments/0"),
        ("source", "dream", "/source"),
        ("source", "hotline", "/source"),
        ("client_key", "no", "/client_key"),
        ("self_handled", True, "/attachments"),
    ],
)
def test_what_is_wrong_with_a_report_is_told(people, field, value, pointer):
    answer = report(people.worker, **{field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert Case.objects.count() == 0


def test_positions_are_kept_on_shift_only(people):
    for running in (False, True):
        if running:
            client(people.worker).post("/api/shifts/punch-in", {}, format="json")
        number = make_case(HERE, state="verifying_before").number
        done = act(people.worker, number, "verify_true", **evidence(people.worker)).json()
        assert bool(done["transitions"][-1]["position"]) is running


def test_who_may_not_report(people):
    assert report(people.department).status_code == 403
    assert report(people.leader).status_code == 403


def test_a_photo_of_somebody_else_or_of_another_case_is_refused(people):
    mine = photo(people.worker)
    assert report(people.lead, attachments=[mine]).status_code == 422
    assert report(people.worker, attachments=[mine]).status_code == 201
    assert report(people.worker, attachments=[mine]).status_code == 422


def test_no_photo_of_a_person_in_need(people):
    kind = make_type(kind="event", class_code="04", type_code="03", name="流浪乞讨")
    kind.no_photo = True
    kind.save()
    refused = report(people.worker, type=kind.pk, attachments=[photo(people.worker)])
    assert refused.status_code == 422 and Case.objects.count() == 0
    assert report(people.worker, type=kind.pk).status_code == 201


def test_the_type_follows_the_component(people, cover):
    component = make_component(HERE, maintenance_unit=people.unit)
    case = report(people.worker, component=component.code).json()
    assert case["type"]["id"] == cover.pk and case["component"]["code"] == component.code
    assert case["decision"]["reason"] == "maintenance" and case["state"] == "dispatched"
    lamp = make_type(type_code="37", name="路灯")
    wrong = report(people.worker, component=component.code, type=lamp.pk)
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["pointer"] == "/type"


def test_handled_by_the_reporter(people, cover):
    photos = [{"uuid": photo(people.worker), "phase": phase} for phase in ("report", "handle")]
    case = report(people.worker, type=cover.pk, self_handled=True, attachments=photos).json()
    assert case["state"] == "reported"
    assert act(people.acceptor, case["number"], "accept").status_code == 409
    closed = act(people.acceptor, case["number"], "confirm_self_handled").json()
    assert closed["state"] == "closed" and closed["self_handled"]
    assert Case.objects.get(number=case["number"]).filed_at is None


def test_that_is_it(people, cover):
    first = report(people.worker, type=cover.pk).json()["number"]
    again = report(
        people.worker, type=cover.pk, duplicate_of=first, attachments=[photo(people.worker)]
    ).json()
    assert (again["state"], again["duplicate_of"]) == ("void", first)
    assert client(people.worker).get(f"/api/cases/{first}/").json()["duplicates"] == [again["number"]]
    chain = report(people.worker, duplicate_of=again["number"])
    assert chain.status_code == 422 and chain.json()["errors"][0]["pointer"] == "/duplicate_of"


def test_events_go_to_the_units_concerned(people, cover):
    make_rule(people.unit, area_code="9901")
    number = report(people.worker, type=cover.pk).json()["number"]
    event = Event.objects.get(layer="cases")
    assert (event.unit_id, event.area_code, event.verb) == (people.unit.pk, "990101001001", "created")
    act(people.department, number, "return_back", reason="不是我们的")
    assert Event.objects.filter(layer="cases", verb="filed").get().unit_id == people.unit.pk


# --- Finding ----------------------------------------------------------------------------------------


def test_likely_duplicates(people, cover):
    component = make_component(HERE)
    same = make_case(at(0.2003, 0.2), type=cover, component=component)
    near = make_case(at(0.2, 0.21), type=cover)
    in_class = make_case(at(0.2, 0.235), type=make_type(type_code="02", name="污水井盖"))
    make_case(at(0.2, 0.3), type=cover)  # 111 m away
    make_case(at(0.2, 0.2), type=make_type(kind="event", type_code="10", name="暴露垃圾"))
    make_case(at(0.2, 0.2), type=cover, state="closed")
    query = {"lon": HERE.x, "lat": HERE.y, "component": component.code}
    rows = client(people.dispatcher).get("/api/cases/duplicates/", query).json()["results"]
    assert [(row["number"], row["why"]) for row in rows] == [
        (same.number, "component"),
        (near.number, "type"),
        (in_class.number, "class"),
    ]
    assert rows[1]["distance_m"] == pytest.approx(11.1, abs=0.1)
    assert client(people.other_dispatcher).get("/api/cases/duplicates/", query).json()["results"] == []


def test_lists_counts_and_filters(people, cover, django_assert_max_num_queries):
    past = timezone.now() - timezone.timedelta(days=2)
    late = make_case(HERE, state="handling", holder_unit=people.unit, handle_due_at=past, due_at=past)
    make_case(at(1.2, 0.2), state="reported")
    make_case(at(2.2, 0.2), state="closed", closed_at=timezone.now(), reported_at=past)
    api = client(people.dispatcher)

    def numbers(**query):
        answer = api.get("/api/cases/", query)
        assert answer.status_code == 200, answer.json()
        return [row["number"] for row in answer.json()["results"]]

    assert len(numbers()) == 3
    assert (
        numbers(due="overdue")
        == numbers(state="handling")
        == numbers(holder=people.unit.code)
        == [late.number]
    )
    assert numbers(area="990101001001") == numbers(area=GRID) == [late.number]
    assert len(numbers(state="open")) == 2 and len(numbers(state="closed,handling")) == 2
    assert len(numbers(reported="today")) == 2 and len(numbers(closed="month")) == 1
    assert numbers(bbox="83.9,39.5,83.905,39.51") == [late.number]
    assert len(numbers(type="0101")) == 3 and numbers(type="0102") == []
    counts = api.get("/api/cases/counts/").json()
    assert counts["states"]["handling"] == 1 and counts["all"] == 3
    assert (counts["open"], counts["overdue"]) == (2, 1)
    for query in ({"state": "x"}, {"due": "x"}, {"bbox": "1"}, {"area": "x1"}, {"ordering": "x"}):
        assert api.get("/api/cases/", query).status_code == 400, query
    user = people.dispatcher.__class__.objects.get(pk=people.dispatcher.pk)
    api.force_authenticate(user)
    api.get("/api/cases/")
    with django_assert_max_num_queries(2):
        api.get("/api/cases/")
    with django_assert_max_num_queries(1):
        api.get("/api/cases/counts/")


def test_my_tasks(people, cover):
    mine = make_case(at(0.3, 0.3), state="verifying_after", holder_unit=people.unit, verifier=people.worker)
    pool = make_case(at(0.21, 0.2), state="verifying_before")
    make_case(at(2.2, 0.2), state="verifying_before")
    held = make_case(at(2.2, 0.2), state="dispatched", holder_unit=people.unit)
    query = {"lon": HERE.x, "lat": HERE.y, "ordering": "distance"}
    tasks = client(people.worker).get("/api/me/tasks", query).json()
    assert [row["number"] for row in tasks["results"]] == [pool.number, mine.number]
    assert tasks["results"][0]["distance_m"] == pytest.approx(8.6, abs=0.1)
    assert tasks["results"][0]["actions"][0]["action"] == "verify_true"
    # The unit and the desks have theirs in the same list.
    new, filed = make_case(HERE, state="reported"), make_case(HERE, state="filed")
    for person, case, action in (
        (people.department, held, "start"),
        (people.acceptor, new, "accept"),
        (people.dispatcher, filed, "dispatch"),
    ):
        (row,) = client(person).get("/api/me/tasks").json()["results"]
        assert (row["number"], row["actions"][0]["action"]) == (case.number, action)
    assert client(people.nobody).get("/api/me/tasks").json()["results"] == []


def test_types_to_choose_from(people, cover):
    kind = make_type(kind="event", type_code="10", name="暴露垃圾")
    kind.initials = "bllj"
    kind.save()
    report(people.worker, type=kind.pk)
    component = make_component(HERE)
    api = client(people.worker)
    data = api.get("/api/case-types/", {"component": component.code}).json()
    assert data["component"]["id"] == cover.pk
    assert [row["name"] for row in data["recent"]] == ["暴露垃圾"]
    assert {group["kind"] for group in data["tree"]} == {"component", "event"}
    assert [row["name"] for row in api.get("/api/case-types/", {"q": "bll"}).json()["matches"]] == [
        "暴露垃圾"
    ]
    assert [row["name"] for row in api.get("/api/case-types/", {"q": "0110"}).json()["matches"]] == [
        "暴露垃圾"
    ]
