"""Every address, asked by people to whom it should tell nothing.

All that stands and happens in district 990102 carries a marker. The walk asks every address the project has,
with that district's own codes and numbers, as nobody, as a dispatcher of the other district, as a department
that holds nothing, as an administrator without any area, and as a grid worker elsewhere. The marker must not
come back, and nothing may break.
"""

import gzip
import itertools
import re
import uuid
from datetime import date

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from assets.models import Building, Enterprise, Estate, House, Household, ResidentUnit, RiskPoint, Shop
from cases.evaluation import tasks
from cases.models import (
    CaseAttachment,
    JointMeeting,
    MeetingItem,
    Report,
    ReporterContact,
    Supervision,
    Transition,
)
from geo.models import Attachment, Message, UnitSubscription, Webhook, WebhookDelivery
from geo.registry import layers
from grids.models import CheckIn, PlanProposal
from tests.cases.evaluation.made import computed, leaf, make_evaluator, make_model, make_task
from tests.factories import at, make_case, make_component, make_rule, make_unit, make_user, make_worker
from tests.grids.planning.plans import make_plan

pytestmark = pytest.mark.django_db

MARKER = "XSECRETX"
OUTSIDERS = ("nobody", "other area", "other unit", "administrator", "worker elsewhere")
QUERIES = ("", f"?q={MARKER}", "?area=990102", "?bbox=83.92,39.5,83.93,39.52", "?lon=83.9225&lat=39.5025")
# What a system administrator sees and may change: names of accounts and units, and what leaves the house.
OFFICE = (
    "/manage/users/",
    "/manage/organisations/",
    "/manage/messages/",
    "/manage/outbox/",
    "/manage/subscriptions/",
    "/manage/webhooks/",
    "/manage/deliveries/",
)
OUTSIDE = ("message", "subscription", "webhook", "delivery")
# The API's own description takes long and asks no row.
ABOUT_ITSELF = ("api/schema/", "api/docs/")
# Third-party pages that show no rows of ours; the admin is walked below by its own permission.
SKIPPED = ("admin/", "static/", "media/")


@pytest.fixture
def secrets(city):
    """One row of everything in district 990102, each with the marker in its words."""
    with connection.cursor() as cursor:
        # Rows of all kinds share a few numbers, so that few of them reach a row behind every address.
        cursor.execute(
            "select setval(format('%I.%I', schemaname, sequencename),"
            " greatest((select max(last_value) from pg_sequences), 7770000)) from pg_sequences"
        )
    place = at(2.25, 0.25)
    unit = make_unit(f"{MARKER} unit", area_code="990102")
    estate = Estate.objects.create(code="e-1", name=f"{MARKER} estate", geom=place)
    building = Building.objects.create(code="b-1", name=f"{MARKER} building", geom=place, estate=estate)
    house = House.objects.create(building=building, floor=1, door="101")
    Household.objects.create(house=house, people=3)
    for model in (Shop, Enterprise):
        model.objects.create(code=f"{model.__name__}-1", name=f"{MARKER} {model.__name__}", building=building)
    ResidentUnit.objects.create(code="r-1", name=f"{MARKER} school", geom=place)
    component = make_component(place, name=f"{MARKER} cover", owner_unit=unit)
    risk = RiskPoint.objects.create(
        code="R1", name=f"{MARKER} risk", category="x", likelihood=1, exposure=1, consequence=1, geom=place
    )
    rule = make_rule(
        unit, name=f"{MARKER} rule", area_code="990102", post=f"{MARKER} post", manual=f"{MARKER} manual"
    )
    reporter = make_user(f"{MARKER}reporter")
    case = make_case(
        place,
        description=f"{MARKER} words",
        address=f"{MARKER} street",
        component=component,
        holder_unit=unit,
        state="dispatched",
        reporter=reporter,
    )
    ReporterContact.objects.create(case=case, name=f"{MARKER} contact", phone="123")
    Transition.objects.create(
        case=case, action="dispatch", to_state="dispatched", to_unit=unit, actor=reporter, at=case.reported_at
    )
    report = Report.objects.create(
        kind="bulletin",
        title=f"{MARKER} report",
        area_code="990102",
        start=date(2026, 1, 1),
        end=date(2026, 1, 31),
        content={"heading": MARKER, "figures": [], "parts": []},
        made_by=reporter,
    )
    attachment = Attachment.objects.create(
        owner=reporter, media_type="image/png", sha256="0" * 64, size=9, width=1, height=1
    )
    attachment.original.save("walk.png", ContentFile(MARKER.encode()))
    CaseAttachment.objects.create(case=case, attachment=attachment)
    worker = make_worker(reporter, grid="990102001001001", role="leader", area_code="990102")
    worker.name = f"{MARKER} worker"
    worker.save()
    check_in = CheckIn.objects.create(
        worker=worker, geom=place, result="inside", client_key=uuid.uuid4(), note=MARKER, target_name=MARKER
    )
    plan = make_plan(
        make_user(role="planner", area="9901"), ["990102001001"], streets=0, name=f"{MARKER} plan"
    )
    proposal = PlanProposal.objects.create(
        plan=plan,
        community_code="990102001001",
        revision=0,
        grids=3,
        message=f"{MARKER} message",
        created_by=plan.created_by,
    )
    evaluation = _evaluation()
    meeting = JointMeeting.objects.create(
        area_code="990102", held_on=date(2026, 1, 1), title=f"{MARKER} meeting", minutes=f"{MARKER} minutes"
    )
    item = MeetingItem.objects.create(meeting=meeting, case=case, question=f"{MARKER} question")
    order = Supervision.objects.create(
        case=case,
        level=0,
        number="D99010220260101001",
        unit=unit,
        reason=f"{MARKER} order",
        at=timezone.now(),
        area_code="990102001001",
    )
    webhook = Webhook.objects.create(name=f"{MARKER} hook", url=f"https://{MARKER}.example/", owner=reporter)
    return {
        "message": Message.objects.create(
            channel="sms",
            user=reporter,
            template="case.dispatched",
            language="en",
            body=f"{MARKER} message",
            gateway="outbox",
            state="sent",
            about=case.number,
        ),
        "subscription": UnitSubscription.objects.create(
            unit=unit, kind="case.dispatched", channel="mail", address=f"{MARKER}@example.cn"
        ),
        "webhook": webhook,
        "delivery": WebhookDelivery.objects.create(
            webhook=webhook,
            event=uuid.uuid4(),
            type="cn.wangge.case.dispatched",
            body=f'{{"data": "{MARKER}"}}',
            since=timezone.now(),
        ),
        "meeting": meeting,
        "meeting_item": item,
        "supervision": order,
        "evaluation": evaluation,
        "evaluation_subject": evaluation.subjects.get(),
        "evaluation_model": evaluation.model,
        "case": case,
        "component": component,
        "building": building,
        "unit": unit,
        "attachment": attachment,
        "worker": worker,
        "check_in": check_in,
        "risk": risk,
        "rule": rule,
        "plan": plan,
        "proposal": proposal,
        "report": report,
    }


def _evaluation():
    """A published evaluation of the district, with a subject, model and item that carry the marker."""
    user = make_evaluator()
    indicator = computed(user, "filed", full_value="9", zero_value="0", name=f"{MARKER} indicator")
    model = make_model(user, [leaf(indicator, "100")], area_code="990102")
    task = make_task(user, model, ["990102"], area_code="990102", name=f"{MARKER} task")
    for action in ("start", "close_collecting", "publish"):
        task = tasks.move(user, task.pk, action)
    task.subjects.update(name=f"{MARKER} subject")
    return task


def patterns(resolver=None, prefix=""):
    """Every route as (route with converters, view name)."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.name


def values(secrets) -> dict[str, list[str]]:
    """What a route's parameter may be, by its name. A route with another name fails the walk: add it here."""
    case, component = secrets["case"], secrets["component"]
    pks = {str(row.pk) for row in secrets.values()}
    codes = ["990102", "990102001001", "990102001001001", component.code, "b-1", "e-1", "r-1", "R1", "Shop-1"]
    codes += ["Enterprise-1", secrets["unit"].code]
    return {
        "number": [case.number, secrets["supervision"].number],
        "code": codes,
        "pk": [*sorted(pks), case.number, *codes],
        "id": sorted(pks),
        "uuid": [str(secrets["attachment"].uuid)],
        "layer": sorted(layers),
        "collection": sorted(layers),
        "collection_id": sorted(layers),
        "item": [case.number, component.code, "b-1", *sorted(pks)],
        "item_id": [case.number, component.code, "b-1", *sorted(pks)],
        "feature_id": [case.number, component.code, "b-1", *sorted(pks)],
        "tms": ["WebMercatorQuad"],
        "matrix_set": ["WebMercatorQuad"],
        "action": ["close", "accept", "dispatch", "report_handled"],
        "verb": ["close", "accept", "dispatch", "report_handled"],
        "scope": ["public"],
        "expires": ["9999999999"],
        "signature": ["x"],
        "secret": ["WRONGWRO"],
        "screen": ["report", "tasks"],
        "what": ["result", "report"],
        "row": ["0"],
        "column": ["0"],
        "slug": ["case"],
        "measure": ["cases_reported"],
        "area": ["990102"],
        "format": ["json"],
        "form": ["json", "xml"],
        "service": ["gbt30428_2_2013-component-01-01"],
        "token": [str(case.client_key)],
        "rest": ["x"],
        "name": ["city", "units", "types", "city_management", *sorted(layers)],
        "kind": [
            "thumbnail",
            "original",
            "shown",
            "components",
            "buildings",
            "risk-points",
            "shops",
            "bulletin",
        ],
        "model": ["component"],
        "plan": [str(secrets["plan"].pk)],
        "proposal": [str(secrets["proposal"].pk)],
        "subject": [str(secrets["evaluation_subject"].pk)],
        "value": ["1"],
        "inspection": ["1"],
        "version": ["1"],
    }


def addresses(secrets):
    """Concrete addresses of every route, lists also with the questions that could find the secrets."""
    known = values(secrets)
    for route, _name in patterns():
        if route.startswith(SKIPPED):
            continue
        text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
        text = re.sub(r"[\^$]|\\Z", "", text).replace("\\.", ".").replace("/?", "/")
        names = re.findall(r"<(?:\w+:)?(\w+)>", text)
        if "z" in names:
            yield from _tiles(text, names, known)
            continue
        unknown = [one for one in names if one not in known]
        assert not unknown, f"teach the walk the parameter {unknown} of {route!r}"
        if not names:
            yield from (f"/{text}{query}" for query in (QUERIES if text not in ABOUT_ITSELF else QUERIES[:1]))
            continue
        choices = [known[one] for one in names]
        if text.startswith("evaluation/") and len(names) > 1:
            # Parts of a task or model: with every other number they would be asked a thousand times.
            own = [str(secrets["evaluation"].pk), str(secrets["evaluation_model"].pk)]
            choices[0] = own if names[0] == "pk" else choices[0]
        for chosen in itertools.product(*choices):
            url = text
            for value in chosen:
                url = re.sub(r"<(?:\w+:)?\w+>", lambda _match, v=value: v, url, count=1)
            yield "/" + url


def _tiles(text, names, known):
    """The tile over 83.9225 E 39.5025 N at level 14 of WebMercatorQuad, for every layer."""
    spot = {"z": "14", "x": "12011", "y": "6232", "column": "12011", "row": "6232"}
    rest = [one for one in names if one not in spot]
    for chosen in itertools.product(*(known.get(one, ["x"]) for one in rest)):
        filled = text
        for one, value in {**spot, **dict(zip(rest, chosen, strict=True))}.items():
            filled = re.sub(rf"<(?:\w+:)?{one}>", value, filled)
        yield "/" + filled


def route_of(address: str) -> str:
    """The route that an address is answered by; the address itself where there is none."""
    try:
        return resolve(address.partition("?")[0]).route
    except Resolver404:
        return address


def body(response) -> bytes:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def without_question(content: bytes) -> bytes:
    """An answer may repeat the question ("nothing found for ..."): that is no leak."""
    return re.sub(rb'(q=|value="|%s)'.replace(b"%s", "“".encode()) + MARKER.encode(), b"", content)


def logged_in(client) -> bool:
    """Whether the client still sends a session: who is logged out is told to forget it."""
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return bool(cookie and cookie.value)


def outsider(kind):
    if kind == "nobody":
        return None
    if kind == "other area":
        return make_user(role="shift_lead", area="990101")
    if kind == "other unit":
        return make_user(role="department", unit=make_unit())
    if kind == "administrator":
        return make_user(role="system_admin")
    user = make_user(role="grid_worker")
    make_worker(user, grid="990101001001001")
    return user


@pytest.mark.parametrize("kind", OUTSIDERS)
def test_nothing_comes_back(client, secrets, kind):
    user = outsider(kind)
    if user:
        client.force_login(user)
    client.raise_request_exception = False
    own = OFFICE if kind == "administrator" else ()
    leaks, broken, not_read = [], [], set()
    for address in addresses(secrets):
        if (route := route_of(address)) in not_read:
            continue
        response = client.get(address)
        if response.status_code == 405:
            not_read.add(route)  # whatever row it is asked for
        if response.status_code >= 500:
            broken.append(f"{response.status_code} {address}")
        elif MARKER.encode() in without_question(body(response)) and not address.startswith(own):
            leaks.append(address)
        if user is not None and not logged_in(client):
            client.force_login(user)
    assert not broken, "\n".join(broken)
    assert not leaks, "\n".join(leaks)


def test_the_marker_is_there_to_be_found(client, secrets):
    """The walk proves something: whoever may see the district does find the marker."""
    client.force_login(make_user(role="shift_lead", area="9901"))
    found = [
        address
        for address in addresses(secrets)
        if ("api/cases" in address or address.endswith(".mvt"))
        and MARKER.encode() in body(client.get(address))
    ]
    assert any("api/cases" in address for address in found), found
    assert any(address.endswith(".mvt") for address in found), found
