"""Open311 GeoReport v2, element by element: what is told, what is hidden, what is refused in which words."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from cases.models import (
    Case,
    CaseAttachment,
    FilingStandard,
    Open311Key,
    Open311Post,
    PublicWords,
    ReporterContact,
    Transition,
)
from cases.open311 import keys, render
from geo.models import Attachment, AuditEntry
from tests.cases.people import HERE, make_people
from tests.factories import at, make_case, make_component, make_type, make_user

pytestmark = pytest.mark.django_db
ROOT = "/open311/v2"
COVER = "gbt30428_2_2013-component-01-01"
FIELDS = [
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
]


def get(client, path, expected=200, **query):
    """The JSON answer, after checking that the XML one says the same."""
    answer = client.get(f"{ROOT}/{path}.json", query, headers={"accept-language": "en"})
    assert answer.status_code == expected, answer.content.decode()
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    data = answer.json()
    twin = client.get(f"{ROOT}/{path}.xml", query, headers={"accept-language": "en"})
    assert twin.status_code == expected
    assert twin["Content-Type"] == "text/xml; charset=utf-8"
    assert twin.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    element = ElementTree.fromstring(twin.content)
    assert same(element, data), (data, twin.content.decode())
    return data


def same(element, data) -> bool:
    """Whether an element says what the data say."""
    if isinstance(data, dict):
        return [one.tag for one in element] == list(data) and all(same(one, data[one.tag]) for one in element)
    if isinstance(data, list):
        names = {one.tag for one in element}
        return names <= {render.ITEMS[element.tag]} and all(
            same(one, value) for one, value in zip(element, data, strict=True)
        )
    if isinstance(data, bool):
        return element.text == ("true" if data else "false")
    return (element.text or "") == ("" if data is None else str(data))


def error(client, path, expected, **query) -> str:
    data = get(client, path, expected, **query)
    assert [set(one) for one in data] == [{"code", "description"}] * len(data)
    assert {one["code"] for one in data} == {expected}
    return data[0]["description"]


def numbers(client, **query) -> list[str]:
    return [one["service_request_id"] for one in get(client, "requests", **query)]


def public_photo(case, *, review="passed", phase="report", transition=None):
    row = Attachment.objects.create(media_type="image/jpeg", sha256="0" * 64, size=1, review=review)
    if review == "passed":
        row.public.save("one.jpg", ContentFile(b"blurred"))
    CaseAttachment.objects.create(case=case, attachment=row, phase=phase, transition=transition)
    return row


@pytest.fixture
def cover(city):
    return make_type(type_code="01", name="上水井盖")


@pytest.fixture
def home(city):
    row = make_type("event", "01", "01", name="私搭乱建")
    row.names_a_home = True
    row.save()
    return row


@pytest.fixture
def person(city):
    row = make_type("event", "04", "03", name="流浪乞讨")
    row.no_photo = True
    row.save()
    return row


# --- Discovery and services -------------------------------------------------------------------------


def test_discovery(client, cover):
    found = get(client, "discovery")
    assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == "http://testserver/open311/v2/"
    assert endpoint["type"] == "production"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert "试验市" in found["contact"]
    assert client.get("/open311/v2/").url == "/open311/v2/discovery.xml"
    # The changeset stays while nothing changes, and moves when a service or its definition does.
    assert get(client, "discovery")["changeset"] == found["changeset"]
    with_rule = FilingStandard.objects.create(
        type=cover, condition="井盖缺失", limit=2, limit_unit="urgent_hour"
    )
    from cases.models import Open311Change

    before = Open311Change.objects.count()
    get(client, "discovery")
    assert Open311Change.objects.count() == before + 1
    with_rule.delete()


def test_services(client, cover, home, person):
    make_type(type_code="99", name="停用的").__class__.objects.filter(type_code="99").update(active=False)
    other = make_type(type_code="98", name="新标准")
    other.standard = "gbt47678_5_2026"
    other.save()
    cover.name_en, cover.class_name_en = "Water cover", "Public utilities"
    cover.save()
    FilingStandard.objects.create(type=home, condition="正在搭建", limit=2, limit_unit="work_day")
    found = {one["service_code"]: one for one in get(client, "services")}
    assert list(found) == [COVER, "gbt30428_2_2013-event-01-01", "gbt30428_2_2013-event-04-03"]
    one = found[COVER]
    fields = ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
    assert list(one) == fields
    assert one["service_name"] == "Water cover"
    assert one["group"] == "Public utilities"
    assert one["keywords"].split(", ") == ["上水井盖", "Water cover", "公用设施", "Public utilities"]
    assert (one["metadata"], one["type"]) == (True, "realtime")
    assert "正在搭建" in found["gbt30428_2_2013-event-01-01"]["description"]
    assert found["gbt30428_2_2013-event-04-03"]["type"] == "blackbox"
    assert found["gbt30428_2_2013-event-04-03"]["metadata"] is False
    chinese = client.get(f"{ROOT}/services.json", headers={"accept-language": "zh-CN"}).json()
    assert chinese[0]["service_name"] == "上水井盖"
    assert chinese[0]["group"] == "公用设施"


def test_service_definition(client, cover, person):
    rule = FilingStandard.objects.create(type=cover, condition="井盖缺失", limit=2, limit_unit="urgent_hour")
    found = get(client, f"services/{COVER}")
    assert found["service_code"] == COVER
    condition, code = found["attributes"]
    assert list(condition) == [
        "variable",
        "code",
        "datatype",
        "required",
        "datatype_description",
        "order",
        "description",
        "values",
    ]
    assert (condition["code"], condition["datatype"]) == ("condition", "singlevaluelist")
    assert (condition["variable"], condition["required"], condition["order"]) == (True, False, 1)
    assert condition["values"] == [{"key": str(rule.pk), "name": "井盖缺失"}]
    assert (code["code"], code["datatype"], code["order"]) == ("component_code", "string", 2)
    assert get(client, "services/gbt30428_2_2013-event-04-03")["attributes"] == []
    assert "services.json" in error(client, "services/nothing", 404)
    error(client, "services/gbt30428_2_2013-component-01-77", 404)


def test_jurisdiction(client, cover, settings):
    assert get(client, "services", jurisdiction_id="") == get(client, "services", jurisdiction_id="9901")
    assert "9901" in error(client, "services", 404, jurisdiction_id="elsewhere.org")
    settings.OPEN311_JURISDICTION = "city.example"
    get(client, "services", jurisdiction_id="city.example")


def test_other_addresses_and_methods(client, cover):
    assert "discovery" in error(client, "nowhere/at/all", 404)
    answer = client.delete(f"{ROOT}/requests.json")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, POST, OPTIONS"
    assert client.post(f"{ROOT}/services.json").status_code == 405
    assert client.options(f"{ROOT}/requests.json")["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert client.get(f"{ROOT}/services.json")["Access-Control-Allow-Origin"] == "*"


# --- One request --------------------------------------------------------------------------------------


def test_a_request_as_anybody_sees_it(client, cover):
    case = make_case(
        HERE,
        state="handling",
        holder_unit=make_people().unit,
        description="张三的电话138",
        address="3号楼502",
    )
    ReporterContact.objects.create(case=case, name="张三", phone="电话")
    public_photo(case, review="pending")
    shown = public_photo(case)
    (found,) = get(client, f"requests/{case.number}")
    assert list(found) == FIELDS
    assert found["service_request_id"] == case.number
    assert (found["status"], found["status_notes"]) == ("open", "Being handled")
    assert (found["service_code"], found["service_name"]) == (COVER, "上水井盖")
    assert found["description"] is None
    assert found["agency_responsible"] is None
    assert found["address"] == "甲区第1街道11社区"
    assert (found["lat"], found["long"]) == (HERE.y, HERE.x)
    assert found["requested_datetime"] == case.reported_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found["media_url"] == f"http://testserver/api/attachments/{shown.uuid}/public"
    text = client.get(f"{ROOT}/requests/{case.number}.xml").content.decode()
    assert not any(word in text for word in ("张三", "电话", "3号楼", "排水公司"))
    (more,) = get(client, f"requests/{case.number}", extensions="true")
    assert more["extended_attributes"] == {
        "stage": "in_hand",
        "exact": True,
        "photos": [{"media_url": found["media_url"]}],
    }


def test_released_words_are_shown(client, cover):
    case = make_case(HERE, description="张三说井盖没了")
    editor = make_user("editor", role="acceptor", area="9901")
    client.force_login(editor)
    page = f"/cases/{case.number}/public/"
    assert "张三说井盖没了" in client.get(page).content.decode()
    assert get(client, f"requests/{case.number}")[0]["description"] is None
    said = {"description": "井盖缺失", "address": "人民路口", "reply": "今天修好"}
    assert client.post(page, said).status_code == 302
    (found,) = get(client, f"requests/{case.number}")
    assert (found["description"], found["address"], found["status_notes"]) == tuple(said.values())
    assert PublicWords.objects.get().released_by == editor
    assert AuditEntry.objects.filter(action="case.release_words").exists()
    client.force_login(make_user("far", role="acceptor", area="990102"))
    assert client.get(page).status_code == 404
    client.force_login(make_user("worker", role="grid_worker"))
    assert client.post(page, said).status_code in (403, 404)


def test_homes_are_shown_at_the_middle_of_the_community(client, home):
    case = make_case(at(0.1, 0.1), type=home, state="accepted")
    PublicWords.objects.create(
        case=case, address="3号楼502", released_by=make_user(), released_at=timezone.now()
    )
    (found,) = get(client, f"requests/{case.number}")
    assert (found["lat"], found["long"]) == (39.505, 83.905)
    assert found["address"] == "甲区第1街道11社区"
    assert "middle" in found["service_notice"]
    # No box and no circle finds out more: only the middle counts.
    around_home, around_middle = "83.9,39.5,83.902,39.502", "83.904,39.504,83.906,39.506"
    assert numbers(client, bbox=around_home) == []
    assert numbers(client, bbox=around_middle) == [case.number]
    assert numbers(client, lat=39.501, long=83.901, radius=50) == []
    assert numbers(client, lat=39.505, long=83.905, radius=50) == [case.number]


@pytest.mark.parametrize("state", ["rejected", "void"])
def test_of_what_was_declined_little_is_told(client, cover, state):
    case = make_case(at(0.1, 0.1), state=state)
    public_photo(case)
    PublicWords.objects.create(
        case=case, description="词", reply="不归我们管", released_by=make_user(), released_at=timezone.now()
    )
    (found,) = get(client, f"requests/{case.number}")
    assert (found["status"], found["status_notes"]) == ("closed", "不归我们管")
    assert (found["description"], found["media_url"]) == (None, None)
    assert (found["lat"], found["long"]) == (39.505, 83.905)


def test_a_duplicate_names_its_original(client, cover):
    original = make_case(HERE)
    case = make_case(HERE, state="void", duplicate_of=original)
    (found,) = get(client, f"requests/{case.number}")
    assert found["status_notes"] == f"Reported before as {original.number}."


def test_a_closed_one_was_updated_when_it_was_closed(client, cover):
    closed = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    case = make_case(HERE, state="closed", closed_at=closed)
    (found,) = get(client, f"requests/{case.number}")
    assert (found["status"], found["updated_datetime"]) == ("closed", "2026-01-02T03:04:05Z")


def test_what_is_nobodys_business_is_not_there(client, cover, person):
    hidden = [make_case(HERE, type=person), make_case(HERE, type=None)]
    for changes in ({"flow": "letter"}, {"flow": "complaint"}, {"parent": hidden[0]}):
        case = make_case(HERE)
        Case.objects.filter(pk=case.pk).update(**changes)
        hidden.append(case)
    for case in hidden:
        assert case.number in error(client, f"requests/{case.number}", 404)
    assert numbers(client) == []
    assert numbers(client, service_request_id=",".join(case.number for case in hidden)) == []


# --- Lists ----------------------------------------------------------------------------------------------


def test_the_list_is_newest_first_and_of_ninety_days(client, cover):
    now = timezone.now()
    old = make_case(HERE, reported_at=now - timedelta(days=91))
    first = make_case(HERE, reported_at=now - timedelta(days=89))
    last = make_case(HERE, reported_at=now - timedelta(hours=1))
    assert numbers(client) == [last.number, first.number]
    start = (now - timedelta(days=92)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert numbers(client, start_date=start) == [first.number, old.number]
    end = (now - timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert numbers(client, end_date=end) == [old.number]
    assert numbers(client, start_date=start, end_date=end) == [old.number]
    # Named ones are found whatever else is said.
    assert numbers(client, service_request_id=f"{old.number}, {last.number}", status="closed") == [
        last.number,
        old.number,
    ]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}, "90 days"),
        ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, "before"),
        ({"start_date": "yesterday"}, "2026-01-01T00:00:00Z"),
        ({"start_date": "2026-01-01T00:00:00"}, "zone"),
        ({"start_date": "2026-13-01T00:00:00Z"}, "zone"),
        ({"status": "broken"}, "open"),
        ({"bbox": "1,2,3"}, "west"),
        ({"bbox": "84,39,83,40"}, "west"),
        ({"lat": "39.5", "long": "83.9"}, "radius"),
        ({"radius": "100"}, "lat"),
        ({"lat": "95", "long": "0", "radius": "1"}, "90"),
        ({"lat": "nan", "long": "0", "radius": "1"}, "90"),
        ({"page": "0"}, "page"),
        ({"page_size": "1001"}, "1000"),
    ],
)
def test_questions_that_make_no_sense(client, cover, query, word):
    assert word in error(client, "requests", 400, **query)


def test_filters(client, cover, home):
    opened = make_case(at(0.2, 0.2), state="filed")
    closed = make_case(at(1.5, 0.5), state="closed", type=home)
    assert numbers(client, status="open") == [opened.number]
    assert numbers(client, status="closed") == [closed.number]
    assert set(numbers(client, status="open,closed")) == {opened.number, closed.number}
    assert numbers(client, service_code=COVER) == [opened.number]
    assert len(numbers(client, service_code=f"{COVER},gbt30428_2_2013-event-01-01")) == 2
    assert "none-such" in error(client, "requests", 404, service_code="none-such")
    assert numbers(client, bbox="83.9,39.5,83.905,39.505") == [opened.number]
    assert numbers(client, lat=HERE.y, long=HERE.x, radius=30) == [opened.number]
    # Empty is the same as not given.
    assert len(numbers(client, status="", service_code="", start_date="", bbox="", page="")) == 2


def test_what_changed_since(client, cover):
    now = timezone.now()
    case = make_case(HERE, reported_at=now - timedelta(days=400))
    Case.objects.filter(pk=case.pk).update(updated_at=now - timedelta(days=1))
    since = (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert numbers(client, updated_after=since) == [case.number]
    assert numbers(client, updated_before=since) == []
    assert numbers(client, updated_after=since, start_date=since) == []


def test_pages(client, cover):
    rows = [make_case(HERE, reported_at=timezone.now() - timedelta(hours=n)) for n in range(5)]
    expected = [row.number for row in rows]
    assert numbers(client, page_size=2) == expected[:2]
    assert numbers(client, page_size=2, page=3) == expected[4:]
    assert numbers(client, page_size=2, page=4) == []
    answer = client.get(f"{ROOT}/requests.json?page_size=2&page=2&status=open")
    assert answer["Link"] == (
        '<http://testserver/open311/v2/requests.json?page_size=2&page=3&status=open>; rel="next", '
        '<http://testserver/open311/v2/requests.json?page_size=2&page=1&status=open>; rel="prev"'
    )
    assert "Link" not in client.get(f"{ROOT}/requests.json")


# --- Updates ----------------------------------------------------------------------------------------


def step(case, action, before, after, at=None, **values):
    return Transition.objects.create(
        case=case, action=action, from_state=before, to_state=after, at=at or timezone.now(), **values
    )


def test_updates_tell_the_stages_and_nothing_else(client, cover, person):
    case = make_case(HERE, state="closed")
    now = timezone.now()
    first = step(case, "report", "", "reported", now - timedelta(hours=5))
    step(case, "accept", "reported", "accepted", now - timedelta(hours=4), reason="内部的话")
    step(case, "file_case", "accepted", "filed", now - timedelta(hours=3))
    step(case, "regrid", "filed", "filed", now - timedelta(hours=3))
    done = step(case, "report_handled", "handling", "handled", now - timedelta(hours=2))
    last = step(case, "close", "verified", "closed", now - timedelta(hours=1))
    step(make_case(HERE, type=person), "report", "", "reported")
    photo = public_photo(case, phase="handle", transition=done)
    found = get(client, "servicerequestupdates")
    assert [one["description"] for one in found] == [
        "Solved",
        "Handled, being checked",
        "Accepted",
        "Received",
    ]
    assert found[0] == {
        "update_id": str(last.pk),
        "service_request_id": case.number,
        "status": "closed",
        "updated_datetime": last.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": "Solved",
        "media_url": None,
    }
    assert found[1]["media_url"].endswith(f"{photo.uuid}/public")
    assert found[-1]["update_id"] == str(first.pk)
    assert get(client, "servicerequestupdates", service_request_id=case.number) == found
    since = (now - timedelta(minutes=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert get(client, "servicerequestupdates", start_date=since) == found[:1]
    assert get(client, "servicerequestupdates", page_size=1, page=2) == found[1:2]


# --- Keys -------------------------------------------------------------------------------------------


def make_key(**values):
    values.setdefault("label", "市民APP")
    key = Open311Key(**values)
    return keys.add(None, key), key


def test_the_secret_is_not_kept(city):
    secret, key = make_key()
    assert secret not in json.dumps([str(value) for value in vars(key).values()])
    assert key.sha256 == keys.digest(secret)


def test_administrators_make_and_revoke_keys(client, city):
    admin = make_user("admin", role="system_admin")
    client.force_login(admin)
    form = {"label": "市民APP", "contact": "张工", "may_post": "on", "per_hour": "7"}
    made = client.post("/manage/open311/new", form)
    assert made["Cache-Control"] == "no-store"
    key = Open311Key.objects.get()
    assert (key.label, key.per_hour, key.created_by) == ("市民APP", 7, admin)
    page = client.get("/manage/open311/").content.decode()
    assert "市民APP" in page and key.prefix in page
    assert client.post(f"/manage/open311/{key.pk}/", form | {"per_hour": "9"}).status_code == 302
    key.refresh_from_db()
    assert key.per_hour == 9
    assert client.post(f"/manage/open311/{key.pk}/revoke").status_code == 302
    key.refresh_from_db()
    assert not key.active
    assert client.get(f"/manage/open311/{key.pk}/").status_code == 404
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"open311.add_key", "open311.change_key", "open311.revoke_key"} <= actions
    client.force_login(make_user("lead", role="shift_lead", area="9901"))
    assert client.get("/manage/open311/").status_code == 403
    assert client.post("/manage/open311/new", form).status_code == 403


def test_keys_at_the_command_line(city, capsys):
    call_command("open311_key", "add", "热线", "--per-hour", "5", "--contact", "李工")
    secret = capsys.readouterr().out.strip()
    key = Open311Key.objects.get(sha256=keys.digest(secret))
    assert (key.label, key.per_hour) == ("热线", 5)
    call_command("open311_key", "list")
    assert key.prefix in capsys.readouterr().out
    call_command("open311_key", "revoke", key.prefix)
    key.refresh_from_db()
    assert not key.active


# --- Sending ------------------------------------------------------------------------------------------


def send(client, secret, expected=200, path="requests", form="json", headers=None, **values):
    sent = {"service_code": COVER, "lat": HERE.y, "long": HERE.x} if path == "requests" else {}
    sent |= {name: value for name, value in values.items() if value is not None}
    if secret:
        sent["api_key"] = secret
    answer = client.post(
        f"{ROOT}/{path}.{form}",
        {name: value for name, value in sent.items() if value != ""},
        headers={"accept-language": "en"} | (headers or {}),
    )
    assert answer.status_code == expected, answer.content.decode()
    return answer


@pytest.fixture
def secret(cover):
    return make_key()[0]


def test_sending_a_request(client, cover, secret):
    rule = FilingStandard.objects.create(type=cover, condition="井盖缺失", limit=2, limit_unit="urgent_hour")
    component = make_component(HERE, type=cover)
    answer = send(
        client,
        secret,
        **{
            "attribute[condition]": str(rule.pk),
            "attribute[component_code]": component.code,
            "description": "井盖没了",
            "address_string": "人民路口",
            "first_name": "三",
            "last_name": "张",
            "phone": "13800000000",
            "email": "zhang@example.org",
            "device_id": "device-7",
            "account_id": "account-7",
            "media_url": "https://example.org/p.jpg",
            "jurisdiction_id": "9901",
        },
    )
    (told,) = answer.json()
    assert list(told) == ["service_request_id", "service_notice", "account_id"]
    case = Case.objects.get(number=told["service_request_id"])
    assert (case.source, case.state, case.type, case.component) == ("public", "reported", cover, component)
    assert (case.description, case.address, case.reporter) == ("井盖没了", "人民路口", None)
    assert case.geom.equals_exact(HERE, 1e-9)
    contact = ReporterContact.objects.get(case=case)
    assert (contact.name, contact.phone, contact.email) == ("张三", "13800000000", "zhang@example.org")
    line = case.transitions.get(action="supplement")
    assert "市民APP" in line.reason and "https://example.org/p.jpg" in line.reason
    assert "井盖缺失" in line.reason
    assert line.detail["open311"] == "市民APP"
    everything = json.dumps([line.detail, line.reason]) + json.dumps(Open311Post.objects.get().attributes)
    assert "device-7" not in everything and "account-7" not in everything
    # Nobody is told who, nor what was written.
    (public,) = get(client, f"requests/{case.number}")
    assert (public["description"], public["media_url"]) == (None, None)
    assert [one["description"] for one in get(client, "servicerequestupdates")] == ["Received"]


def test_sending_in_xml(client, secret):
    answer = send(client, secret, form="xml")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "service_requests"
    assert [one.tag for one in root[0]] == ["service_request_id", "service_notice", "account_id"]
    assert Case.objects.filter(number=root[0][0].text).exists()


def test_the_key_may_come_in_a_header(client, secret):
    send(client, "", headers={"X-Api-Key": secret})
    assert Case.objects.count() == 1


def test_without_a_good_key_nothing_happens(client, secret):
    reader, _key = make_key(label="只读", may_post=False)
    revoked, key = make_key(label="旧")
    keys.revoke(None, key)
    for bad, word in (("", "api_key"), ("wrong", "not known"), (reader, "only read"), (revoked, "revoked")):
        (told,) = send(client, bad, 403).json()
        assert told["code"] == 403 and word in told["description"]
    root = ElementTree.fromstring(send(client, "", 403, form="xml").content)
    assert (root.tag, root[0].tag, root[0][0].text) == ("errors", "error", "403")
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("values", "status", "word"),
    [
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": "x"}, 404, "services.json"),
        ({"lat": ""}, 400, "both"),
        ({"lat": "", "long": ""}, 400, "place"),
        ({"lat": "91"}, 400, "90"),
        ({"lat": "10", "long": "10"}, 400, ""),
        ({"lat": "", "long": "", "address_id": "none"}, 400, "lat and long"),
        ({"lat": "", "long": "", "address_string": "某处"}, 400, "lat and long"),
        ({"email": "nobody"}, 400, "email"),
        ({"description": "x" * 4001}, 400, "4000"),
        ({"phone": "1" * 31}, 400, "30"),
        ({"media_url": "file:///etc/passwd"}, 400, "https"),
        ({"media_url": "http://["}, 400, "https"),
        ({"attribute[colour]": "red"}, 400, "component_code"),
        ({"attribute[component_code]": "77"}, 400, "leave it out"),
        ({"jurisdiction_id": "elsewhere"}, 404, "9901"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(client, secret, values, status, word):
    told = send(client, secret, status, **values).json()
    assert told[0]["code"] == status
    assert word in told[0]["description"]
    assert not Case.objects.exists()
    assert not Open311Post.objects.exists()


def test_a_form_is_wanted(client, secret):
    answer = client.post(
        f"{ROOT}/requests.json", "{}", content_type="application/json", headers={"accept-language": "en"}
    )
    assert answer.status_code == 400
    assert "form" in answer.json()[0]["description"]


def test_an_address_instead_of_a_point(client, secret):
    from assets.models import Building

    building = Building.objects.create(code="b-1", name="锦绣园3号楼", address="人民路9号", geom=HERE)
    building.refresh_from_db()
    for number, values in enumerate(({"address_id": "b-1"}, {"address_string": "人民路9号"}), start=1):
        send(client, secret, lat="", long="", **values)
        case = Case.objects.order_by("-id").first()
        assert Case.objects.count() == number
        assert case.address == "人民路9号"
        assert case.geom.equals_exact(building.anchor, 1e-9)


def test_sent_twice_it_happens_once(client, secret):
    other = make_key(label="另一个")[0]
    twice = {"headers": {"Idempotency-Key": "ticket-7"}, "description": "一"}
    first = send(client, secret, **twice)
    again = send(client, secret, **twice)
    assert first.json() == again.json()
    assert again["Idempotent-Replay"] == "true"
    assert Case.objects.count() == 1
    assert "new id" in send(client, secret, 400, **(twice | {"description": "二"})).json()[0]["description"]
    # Another system's ticket of the same name is another.
    assert send(client, other, **twice).json() != first.json()
    assert send(client, secret, idempotency_key="ticket-8").json() != first.json()
    assert Case.objects.count() == 3


def test_tokens(client, secret):
    answer = send(client, secret, headers={"Idempotency-Key": "ticket-7"})
    number = answer.json()[0]["service_request_id"]
    token = answer["Open311-Token"]
    assert get(client, f"tokens/{token}") == [{"service_request_id": number, "token": token}]
    assert get(client, "tokens/ticket-7", api_key=secret)[0]["service_request_id"] == number
    error(client, "tokens/ticket-7", 404)
    error(client, "tokens/ticket-7", 404, api_key=make_key(label="另一个")[0])
    error(client, "tokens/nothing", 404)
    error(client, "tokens/ticket-7", 403, api_key="wrong")


def test_the_hour_has_an_end(client, cover):
    secret, _key = make_key(per_hour=2)
    send(client, secret)
    send(client, secret)
    answer = send(client, secret, 429)
    assert answer.json()[0]["code"] == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    Open311Post.objects.update(at=timezone.now() - timedelta(hours=2))
    send(client, secret)


def test_about_a_person_nothing_comes_back(client, person, secret):
    values = {"service_code": "gbt30428_2_2013-event-04-03"}
    answer = send(client, secret, headers={"Idempotency-Key": "t-1"}, **values)
    assert list(answer.json()[0]) == ["service_notice", "account_id"]
    assert "Open311-Token" not in answer
    case = Case.objects.get()
    error(client, f"requests/{case.number}", 404)
    error(client, "tokens/t-1", 404, api_key=secret)
    told = send(client, secret, 400, media_url="https://example.org/p.jpg", **values)
    assert "no photo" in told.json()[0]["description"]


def test_sending_an_update(client, secret):
    number = send(client, secret).json()[0]["service_request_id"]
    sent = {
        "path": "servicerequestupdates",
        "service_request_id": number,
        "update_id": "u-1",
        "status": "CLOSED",
        "updated_datetime": "2026-01-01T00:00:00Z",
        "description": "又塌了一块",
        "media_url": "https://example.org/q.jpg",
    }
    (told,) = send(client, secret, **sent).json()
    assert list(told) == ["update_id"]
    assert send(client, secret, **sent).json() == [told]
    case = Case.objects.get()
    line = case.transitions.get(pk=told["update_id"])
    assert case.state == "reported"
    assert "又塌了一块" in line.reason and "https://example.org/q.jpg" in line.reason
    assert case.transitions.filter(action="supplement").count() == 2
    # It is for staff: the public reads the stages.
    assert [one["description"] for one in get(client, "servicerequestupdates")] == ["Received"]
    root = ElementTree.fromstring(send(client, secret, form="xml", **sent).content)
    assert (root.tag, root[0].tag, root[0][0].tag) == (
        "service_request_updates",
        "request_update",
        "update_id",
    )
    update = {"path": "servicerequestupdates", "service_request_id": number}
    send(client, secret, 400, **update)
    send(client, secret, 400, **update, status="broken")
    send(client, secret, 400, path="servicerequestupdates", description="x")
    send(client, secret, 404, path="servicerequestupdates", service_request_id="A1", description="x")
    send(client, make_key(label="另一个")[0], 404, **update, description="x")
    send(client, "", 403, **update, description="x")
    Case.objects.update(state="closed")
    assert "closed" in send(client, secret, 400, **update, description="x").json()[0]["description"]


# --- The form of answers ----------------------------------------------------------------------------


def test_xml_says_what_json_says_whatever_the_text():
    data = [{"code": 400, "description": 'a<b>&"c"\x00\x1f\ud800\n漢'}]
    element = ElementTree.fromstring(render.as_xml("errors", data))
    again = json.loads(render.as_json(data))
    assert element[0][1].text == again[0]["description"] == 'a<b>&"c"\n漢'
