"""No address asks the database more often because there is more to show, and none more often than it did.

Each address is asked with three and with twelve rows of everything. What it may ask stands in
``query_counts.json``; after a change that is meant, ``WANGGE_WRITE_COUNTS=1`` writes the file anew.
"""

import itertools
import json
import os
import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.open311.services import code_of
from geo import calendar
from geo.registry import layers, measures
from tests.everything import Everything
from tests.factories import make_user
from tests.test_walk import SKIPPED, body, logged_in, patterns
from tiles.api.layers import city_extent

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

BASELINE = Path(__file__).with_name("query_counts.json")
FEW, MANY = 3, 12
# Whoever does not get an answer is followed by the next.
ASKERS = (
    "shift_lead",
    "data_steward",
    "planner",
    "grid_worker",
    "system_admin",
    "security_admin",
    "audit_admin",
    "evaluator",
)
# These end the session, change something, or look at what is no row of ours.
LEFT_OUT = ("logout/", "login/", "i18n/", "healthz", "metrics", "public/captcha")
# Lists are asked with a filter too: a filter may join what the list does not show.
FILTERS = {
    "": ("?state=dispatched&area=990101&ordering=-due_at", "?case=FIRST"),
    "console/points/": ("?bbox=83.9,39.5,83.93,39.52",),
    "api/^cases/$": ("?area=9901&bbox=83.9,39.5,83.93,39.52&q=1", "?format=geojson"),
    "api/^cases/duplicates/$": ("?lon=83.9025&lat=39.502&type=TYPE",),
    "api/locate": ("?lon=83.9025&lat=39.502",),
    "api/search": ("?q=1",),
    "api/measures/": ("?area=9901",),
    "api/measures/shapes": ("?area=9901",),
    "api/measures/<slug:measure>/series": ("?area=9901",),
    "rules/": ("?tab=alarms", "?tab=gaps", "?tab=ties"),
    "supervisions/": ("?state=open",),
    "cockpit/": ("?area=9901", "?area=990101"),
    "console/options/<slug:name>/": ("?q=",),
    "public/map/data/": ("?bbox=83.9,39.5,83.93,39.52",),
    "public/nearby/": ("?area=990101&kind=toilet&kind=center",),
    "public/report/types/": ("?q=a",),
    "open311/v2/requests.<o311:form>": (
        "?bbox=83.9,39.5,83.93,39.52&status=open",
        "?lat=39.502&long=83.9025&radius=3000",
        "?service_request_id=FIRST",
    ),
    "open311/v2/servicerequestupdates.<o311:form>": ("?service_request_id=FIRST",),
    "statistics/": ("?by=unit&compare=1", "?by=type&area=990103&borders=today", "?table=workload&by=person"),
    "api/statistics/table/": ("?by=class",),
    "api/^dispatch-rules/try/$": ("?lon=83.9025&lat=39.502&type=TYPE",),
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def plain(route: str) -> str:
    """A route with its parameters as ``<name>``."""
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
    return PARAMETER.sub(r"<\1>", re.sub(r"[\^$]", "", text))


# Whose row a number or a code means, by the beginning of the route; elsewhere its own kind's name says it.
KINDS = {
    "manage/users": "person",
    "manage/grants": "person",
    "manage/organisations": "unit",
    "manage/roles": "role",
    "manage/dictionaries/words": "word",
    "manage/dictionaries": "dictionary",
    "manage/calendar": "day",
    "manage/basemaps": "base_map",
    "manage/open311": "open311_key",
    "manage/messages": "message",
    "manage/templates": "template",
    "manage/subscriptions": "subscription",
    "manage/webhooks": "webhook",
    "manage/deliveries": "delivery",
    "photos": "attachment",
    "api/attachments": "attachment",
    "api/dictionaries": "dictionary",
    "api/basemaps": "base_map",
    "basemaps": "base_map",
    "outputs": "output",
    "api/exports": "exchange",
    "data/exports": "exchange",
    "cases-import": "case_import",
    "data/imports": "import",
    "data/": "import",
    "api/areas": "community",
    "api/grids": "grid",
    "grids": "grid",
    "api/plans": "plan",
    "api/unit-grids": "unit_grid",
    "api/check-ins": "check_in",
    "api/components": "component",
    "components": "component",
    "console/component": "component",
    "api/types": "type",
    "api/estates": "estate",
    "api/buildings": "building",
    "buildings": "building",
    "assets/": "building",
    "api/shops": "shop",
    "api/enterprises": "enterprise",
    "api/resident-units": "resident_unit",
    "api/facilities": "facility",
    "api/service-centers": "center",
    "api/risk-points": "risk",
    "api/reference-lines": "line",
    "api/evaluation-models": "evaluation_model",
    "api/evaluation-tasks": "evaluation_task",
    "evaluation/models": "evaluation_model",
    "evaluation/tasks": "evaluation_task",
    "evaluation/indicators": "indicator",
    "api/dispatch-rules": "rule",
    "rules": "rule",
    "meetings/items": "meeting_item",
    "meetings": "meeting",
    "public/c": "component",
    "public/news": "text",
    "public/suggestions": "suggestion",
    "public/questionnaires": "questionnaire",
    "public-desk/blocks": "block",
    "public-desk/texts": "text",
    "public-desk/topics": "topic",
    "public-desk/suggestions": "suggestion",
    "public-desk/questionnaires": "questionnaire",
    "statistics/reports": "report",
    "statistics/templates": "template",
}


def codes(rows) -> list[str]:
    """What people know each row by."""
    return list(
        dict.fromkeys(
            getattr(row, "code", None) or getattr(row, "number", None) or str(row.pk) for row in rows
        )
    )


def codes_of(layer: str, first: dict) -> list[str]:
    """Codes of the rows that a layer may show; of all where it shows none of them by itself."""
    own = [row for row in first.values() if row._meta.label == layers[layer].model]
    return codes(own or first.values())


def known(text: str, name: str, first: dict) -> list[str]:
    """What a parameter of a route may be: the first that gets an answer is taken."""
    if text.startswith("flows/"):
        return {"name": ["city_management"], "version": ["2"], "kind": ["move"], "number": ["0"]}.get(
            name, VALUES.get(name)
        )
    if name == "number" and text.startswith("supervisions"):
        return [first["supervision"].number]
    if name == "number":
        return [first["case"].number]
    if name == "service":
        return [code_of(first["type"])]
    if name == "token":
        return [str(first["open311_post"].token)]
    if name in ("plan", "proposal"):
        return [str(first[name].pk)]
    if name == "subject":
        return [str(first["evaluation_subject"].pk)]
    if name in ("code", "pk", "uuid") or (name == "name" and "basemaps" in text):
        if text.startswith("ogc/"):
            return codes(first.values())
        row = first[next(kind for start, kind in KINDS.items() if text.startswith(start))]
        return [str(getattr(row, {"pk": "pk"}.get(name, name)))]
    return VALUES[name]


VALUES = {
    "matrix_set": ["WebMercatorQuad"],
    "action": ["dispatch", "close", "accept"],
    "verb": ["close"],
    "secret": ["WRONGWRO"],
    "kind": ["buildings", "original", "day", "bulletin"],
    "what": ["report", "file"],
    "screen": ["tasks"],
    "name": ["unit", "holder", "type", "area"],
    "form": ["json"],
    "rest": ["x"],
    "value": ["1"],
    "inspection": ["1"],
    "version": ["1"],
}


# These are walked one by one: each is a query of its own.
EACH = {
    "layer": lambda: sorted(layers),
    "collection": lambda: sorted(layers),
    "measure": lambda: sorted(measures),
}


def questions(first: dict) -> dict[str, list[str]]:
    """Name in the baseline > addresses of which the first that is answered counts."""
    found: dict[str, list[str]] = {}
    for route, _name in patterns():
        if route.startswith((*SKIPPED, *LEFT_OUT)) or "{z}" in route:
            continue
        text = plain(route)
        if {"z", "x", "y"} <= set(PARAMETER.findall(text)) or "<row>" in text:
            continue  # tiles are one prepared statement on a connection of their own
        names = PARAMETER.findall(text)
        walked = [one for one in names if one in EACH or (one == "name" and text.startswith("ogc/"))]
        rest = [one for one in names if one not in walked]
        for chosen in itertools.product(*((EACH.get(one) or EACH["layer"])() for one in walked)):
            label = text
            for one, value in zip(walked, chosen, strict=True):
                label = label.replace(f"<{one}>", value)
            candidates = []
            own = walked and text.startswith("ogc/")
            for picked in itertools.product(
                *(
                    codes_of(chosen[0], first) if own and one == "code" else known(text, one, first)
                    for one in rest
                )
            ):
                address = label
                for one, value in zip(rest, picked, strict=True):
                    address = address.replace(f"<{one}>", value)
                candidates.append("/" + address)
            found["/" + label] = candidates
            for query in FILTERS.get(route, ()):
                query = query.replace("FIRST", first["case"].number).replace("TYPE", str(first["type"].pk))
                name = re.sub(r"(case|service_request_id)=A\d+", r"\1=NUMBER", query)
                found["/" + label + re.sub(r"type=\d+", "type=NUMBER", name)] = [
                    a + query for a in candidates
                ]
    return found


def ask(clients: dict, user, address: str) -> tuple[int, list[str]]:
    """Status, and the statements it took in all; ``clients`` keeps one for each user."""
    client = clients.setdefault(user.pk, Client())
    if not logged_in(client):
        client.force_login(user)
    # Calendars and the city's extent are read once a minute by whoever happens to ask first.
    for county in ("", "9901", "990101", "990102"):
        calendar.calendar_for(county)
    city_extent()
    cache.clear()  # what anybody's question left for a minute
    connection.queries_log.clear()  # it keeps only so many
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
        body(response)
    return response.status_code, [one["sql"] for one in captured.captured_queries]


@pytest.fixture
def people(city):
    """Who asks, in the order of ``ASKERS``."""
    found = {}
    for role in ASKERS:
        found[role] = make_user(role, role=role, area="" if role == "grid_worker" else "9901")
    return found


def test_the_number_of_queries(city, people, settings):
    settings.SESSION_IDLE = 0  # a session in use is written once a minute, by whoever happens to ask then
    clients = {}
    everything = Everything(city, people["shift_lead"], people["data_steward"])
    first = everything.grow(FEW)
    taken: dict[str, tuple[str, str]] = {}
    few: dict[str, list[str]] = {}
    broken = []
    for label, candidates in questions(first).items():
        for address, role in itertools.product(candidates, ASKERS):
            status, statements = ask(clients, people[role], address)
            if status >= 500:
                broken.append(f"{status} {address}")
            if status == 200:
                taken[label], few[label] = (role, address), statements
            if status in (200, 405):
                break
    assert not broken, "\n".join(broken)
    with transaction.atomic():
        everything.grow(MANY)
        many = {label: ask(clients, people[role], address)[1] for label, (role, address) in taken.items()}
        transaction.set_rollback(True)
    # Another row may have been the first to be shown: ask once more.
    for label, (role, address) in taken.items():
        if len(few[label]) < len(many[label]):
            few[label] = ask(clients, people[role], address)[1]

    grown = [
        f"{label} ({taken[label][1]}): {len(few[label])} with {FEW} rows, {len(many[label])} with {MANY}\n"
        + "\n".join(f"    {one[:300]}" for one in surplus(few[label], many[label]))
        for label in taken
        if len(few[label]) < len(many[label])
    ]
    assert not grown, "\n".join(grown)
    counts = {label: len(statements) for label, statements in sorted(many.items())}
    if os.environ.get("WANGGE_WRITE_COUNTS") == "1":
        BASELINE.write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n")
    allowed = json.loads(BASELINE.read_text())
    assert not (new := sorted(set(counts) - set(allowed))), f"not in {BASELINE.name}: {new}"
    assert not (gone := sorted(set(allowed) - set(counts))), f"in {BASELINE.name}, but not answered: {gone}"
    more = [
        f"{label}: {counts[label]}, not {allowed[label]}"
        for label in counts
        if counts[label] > allowed[label]
    ]
    assert not more, "\n".join(more)


def surplus(few: list[str], many: list[str]) -> list[str]:
    """One statement of each shape that came more often."""

    def shapes(statements):
        found: dict[str, list[str]] = {}
        for one in statements:
            found.setdefault(re.sub(r"'[^']*'|\d+", "?", one), []).append(one)
        return found

    before, after = shapes(few), shapes(many)
    return [
        f"{len(after[one])}x {after[one][0]}" for one in after if len(after[one]) > len(before.get(one, []))
    ]
