"""Words in what cases say: found wherever they stand, as plain reading finds them, by an index."""

import pytest
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from cases import queries
from cases.filters import Filters
from cases.models import Case
from tests.factories import at, make_case, make_user

pytestmark = pytest.mark.django_db

TEXTS = [
    ("路灯坏了，影响通行", "胜利北路 12 号门前"),
    ("灯", ""),
    ("灯笼被风吹落", "路灯下"),
    ("路 灯", "A3座LED屏"),
    ("It's 100% 'off'; a\\b & c|d !e :*", "B&B"),
    ("坏", "了"),
    ("𠮷野家门前油污", "ß街"),
]
WORDS = ["路灯", "灯", "灯坏", "坏了", "门", "前", "不在", "路灯坏了，影响通行的问题很严重"]
WORDS += ["胜利北路 12 号门前", "12 号", "A3座", "led", "B", "b&b", "𠮷", "𠮷野", "ß"]
WORDS += ["it's", "'off'", "a\\b", "& c|d !e :*", "100%", "%", "_", "\\", "'", "*"]


@pytest.fixture
def said(city):
    return [
        make_case(at(0.25, 0.25), description=description, address=address) for description, address in TEXTS
    ]


@pytest.mark.parametrize("text", WORDS)
@pytest.mark.parametrize("few", [False, True])
def test_as_reading_finds_them(said, text, few):
    found = {case.pk for case in Case.objects.filter(queries.said(text, few))}
    folded = text.upper() if text != "ß" else text
    assert found == {
        case.pk
        for case in said
        if any(folded in (part.upper() if text != "ß" else part) for part in (case.description, case.address))
    }


def test_by_the_index(said):
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_indexscan = off")
    for text in ("路灯", "灯"):
        assert "cases_case_pairs" in Case.objects.filter(queries.said(text)).explain()


def test_the_same_in_every_list(said):
    user = make_user(role="dispatcher", area="9901")
    page = Client(headers={"HX-Request": "true", "HX-Target": "list-pane"})
    page.force_login(user)
    api = APIClient()
    api.force_authenticate(user)
    lamps = {said[0].number, said[2].number}
    for view in ("all", "desk"):
        shown = page.get("/", {"view": view, "q": "路灯"}).content.decode()
        assert {case.number for case in said if case.number in shown} == lamps
    answer = api.get("/api/cases/", {"q": "路灯"}).json()
    assert ({row["number"] for row in answer["results"]}, answer["count"]) == (lamps, 2)
    assert api.get("/api/cases/counts/", {"q": "路灯 坏了"}).json()["all"] == 1
    groups = api.get("/api/search", {"q": "led"}).json()["groups"]
    assert [row["code"] for group in groups for row in group["results"]] == [said[3].number]


def test_a_type_by_its_name_and_a_number_by_its_beginning(said):
    kind = said[0].type
    user = make_user(role="dispatcher", area="9901")
    rows = Case.objects.for_user(user)
    for few in (False, True):
        named = Filters.read({"q": kind.name}, user).narrow(rows, few)
        assert set(named) == set(rows.filter(type=kind))
        begun = Filters.read({"q": said[0].number[:4].lower()}, user).narrow(rows, few)
        assert set(begun) == set(rows)
    api = APIClient()
    api.force_authenticate(user)
    assert api.get("/api/cases/", {"q": said[1].number.lower()}).json()["count"] == 1


def test_many_are_found_like_few(said, monkeypatch):
    user = make_user(role="dispatcher", area="990101")
    rows = Case.objects.for_user(user)
    parts = [part.filter(queries.said("灯")) for part in Case.objects.apart_for_user(user)]
    lamps = sorted(case.pk for case in said if "灯" in case.description + case.address)
    assert sorted(queries.looked_up(parts, 4)) == lamps and len(lamps) == 4
    assert queries.looked_up(parts, 3) is None
    assert queries.looked_up([]) == []
    page = Client(headers={"HX-Request": "true", "HX-Target": "list-pane"})
    page.force_login(user)
    api = APIClient()
    api.force_authenticate(user)
    for many in (False, True):
        if many:
            monkeypatch.setattr(queries, "looked_up", lambda *_parts: None)
        narrowed = Filters.read({"q": "灯", "view": "all"}, user).narrow(rows)
        assert sorted(narrowed.values_list("pk", flat=True)) == lamps
        assert api.get("/api/cases/", {"q": "灯"}).json()["count"] == 4
        assert len(api.get("/api/search", {"q": "路灯"}).json()["groups"][0]["results"]) == 2
        told = page.get("/", {"view": "all", "q": "灯"}).content.decode()
        assert ("10,000+" in told) == many
