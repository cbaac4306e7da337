"""Flows edited in the console: a draft, checked, tried on the past, put in force."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from lxml import html

from cases import code_tables, flow, flow_data, flow_drafts, flow_graph, flow_trial, todo
from cases.models import FlowVersion
from geo.models import AuditEntry, User
from geo.problems import Problem
from tests.cases.people import act, case_in, client, make_people, report
from tests.factories import make_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    code_tables.load()
    flow_data._compiled.clear()
    yield make_people()
    flow_data._compiled.clear()


def lead(people) -> User:
    return User.objects.get(pk=people.lead.pk)


def draft(people) -> FlowVersion:
    return flow_drafts.start(lead(people), "city_management", 2)


def shorter(definition):
    """A flow in which nobody waits for a shift lead to suspend."""
    for move in definition["moves"]:
        if move["action"] == "close":
            move["permission"] = "cases.dispatch"


def test_cases_end_in_the_version_they_began_in(people):
    old = case_in("verified", people)
    new = draft(people)
    flow_drafts.change(lead(people), new.name, new.version, 0, shorter)
    flow_drafts.activate(lead(people), new.name, new.version, "派遣员结案")
    assert flow.current().version == 3
    answer = report(people.worker, type=make_type(type_code="01", name="上水井盖").pk)
    assert answer.status_code == 201, answer.content
    assert act(people.dispatcher, old.number, "close").status_code == 403
    young = case_in("verified", people)
    assert young.flow_version == 3
    # Whose step it is, too, follows from the version each began in.
    assert list(todo.tasks(people.acceptor)) == [old]
    assert young in todo.tasks(people.dispatcher) and old not in todo.tasks(people.dispatcher)
    assert act(people.dispatcher, young.number, "close").status_code == 200
    assert act(people.acceptor, old.number, "close").status_code == 200
    assert AuditEntry.objects.filter(action="flow.activate").count() == 1


def test_a_version_in_force_does_not_change(people):
    row = FlowVersion.objects.get(name="city_management", version=2)
    with pytest.raises(Problem) as caught:
        flow_drafts.change(lead(people), row.name, 2, 0, shorter)
    assert caught.value.status == 409
    with pytest.raises(DatabaseError), transaction.atomic():
        FlowVersion.objects.filter(pk=row.pk).update(definition={})
    with pytest.raises(DatabaseError), transaction.atomic():
        FlowVersion.objects.filter(pk=row.pk).delete()


def test_a_faulty_draft_is_not_put_in_force(people):
    new = draft(people)

    def without_close(definition):
        definition["moves"] = [m for m in definition["moves"] if m["action"] not in ("close", "void")]

    flow_drafts.change(lead(people), new.name, new.version, 0, without_close)
    with pytest.raises(Problem) as caught:
        flow_drafts.activate(lead(people), new.name, new.version, "试")
    assert caught.value.status == 422 and caught.value.errors
    assert flow.current().version == 2


def test_the_second_of_two_is_told_and_a_step_is_undone(people):
    new = draft(people)
    flow_drafts.change(lead(people), new.name, new.version, 0, shorter)
    with pytest.raises(Problem) as caught:
        flow_drafts.change(lead(people), new.name, new.version, 0, shorter)
    assert (caught.value.status, caught.value.kind) == (409, "conflict")
    before = flow_data.shipped()["city_management", 2]["moves"]
    back = flow_drafts.undo(lead(people), new.name, new.version)
    assert back.definition["moves"] == before
    with pytest.raises(Problem):
        flow_drafts.undo(lead(people), new.name, new.version)


def test_a_draft_asked_for_twice_is_one(people):
    new = draft(people)
    assert draft(people) == new
    flow_drafts.change(lead(people), new.name, new.version, 0, shorter)
    assert draft(people) != new


def test_pressing_again_does_not_write_over_what_another_changed(people):
    """The dialog stays at the revision it was opened on: the second press is refused like the first."""
    browser, new = page(lead(people)), draft(people)
    address = f"/flows/{new.name}/{new.version}/parts/state/new/"
    flow_drafts.change(lead(people), new.name, new.version, 0, shorter)
    row = {"code": "waiting", "label_zh": "另一个名称", "phase": "desk", "revision": "0"}
    for _press in range(2):
        answer = browser.post(address, row)
        form = answer.content.decode()
        assert answer.status_code == 409 and "另一个名称" in form
        row["revision"] = html.fromstring(form).xpath("//input[@name='revision']/@value")[0]


def test_only_who_may(people):
    for person in (people.acceptor, people.department, people.leader, people.nobody):
        with pytest.raises(Problem) as caught:
            flow_drafts.start(User.objects.get(pk=person.pk), "city_management", 2)
        assert caught.value.status == 403


def test_a_state_that_gets_another_code_keeps_its_moves(people):
    new = draft(people)
    number = [s["code"] for s in new.definition["states"]].index("handling")
    row = new.definition["states"][number] | {"code": "working"}
    changed = flow_drafts.change(
        lead(people), new.name, new.version, 0, lambda d: flow_drafts.put_state(d, number, row)
    )
    assert not any("handling" in (*m["from"], m["to"]) for m in changed.definition["moves"])
    assert any("working" in m["from"] for m in changed.definition["moves"])


def test_tried_on_the_past(people):
    case = case_in("dispatched", people)
    assert act(people.department, case.number, "start").status_code == 200
    new = draft(people)
    flow_drafts.change(
        lead(people),
        new.name,
        new.version,
        0,
        lambda d: d.update(moves=[m for m in d["moves"] if m["action"] != "start"]),
    )
    new.refresh_from_db()
    trial = flow_trial.dry_run(lead(people), flow_data.compile_flow(new.definition))
    (step,) = trial.refused
    assert (step.action, step.count, step.example, step.why) == ("start", 1, case.number, "no_action")
    # Only what is in scope is looked at.
    other = User.objects.get(pk=people.other_dispatcher.pk)
    assert flow_trial.dry_run(other, flow_data.compile_flow(new.definition)).steps == 0


def test_the_picture_has_every_state_and_way(people):
    table = flow.current()
    graph = flow_graph.draw(table)
    assert {node.state.code for node in graph.nodes} == set(table.states)
    places = {(node.x, node.y) for node in graph.nodes}
    assert len(places) == len(graph.nodes)
    assert any(edge.back for edge in graph.edges) and any(edge.by_system for edge in graph.edges)
    ways = {(edge.start, edge.end) for edge in graph.edges}
    assert ("filed", "dispatched") in ways and ("verifying_after", "rework") in ways


def page(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_pages(people):
    browser = page(lead(people))
    assert browser.get("/flows/").status_code == 200
    for tab in ("moves", "states", "clocks", "faults", "trial"):
        shown = browser.get(f"/flows/city_management/2/?tab={tab}")
        # In words: code names are for whoever edits.
        assert shown.status_code == 200 and "auto_accept" not in shown.content.decode()
    assert browser.get("/flows/city_management/9/").status_code == 404
    assert browser.get("/flows/city_management/2/definition/").json()["prefix"] == "A"
    answer = browser.post("/flows/city_management/2/draft/")
    assert answer.status_code == 303 and answer["Location"] == "/flows/city_management/3/"
    for kind in ("state", "move", "timer"):
        for number in ("0", "new"):
            assert browser.get(f"/flows/city_management/3/parts/{kind}/{number}/").status_code == 200
    row = {"code": "waiting", "label_zh": "等待", "phase": "desk", "revision": "0", "limit_amount": "x"}
    answer = browser.post("/flows/city_management/3/parts/state/new/", row)
    assert answer.status_code == 422 and "4" in answer.content.decode()
    row |= {"limit_amount": "2", "limit_unit": "work_hour"}
    long = browser.post("/flows/city_management/3/parts/state/new/", row | {"label_zh": "等" * 61})
    assert long.status_code == 422 and "61" in long.content.decode()
    answer = browser.post("/flows/city_management/3/parts/state/new/", row)
    assert answer.status_code == 204 and "HX-Redirect" in answer
    # Nothing leads to it yet.
    answer = browser.post("/flows/city_management/3/activate/", {"note": "多一个环节"})
    assert answer.status_code == 422 and "等待" in answer.content.decode()
    drop = {"drop": "1", "revision": "1"} | row | {"revision": "1"}
    number = len(FlowVersion.objects.get(version=3).definition["states"]) - 1
    assert browser.post(f"/flows/city_management/3/parts/state/{number}/", drop).status_code == 204
    answer = browser.post("/flows/city_management/3/activate/", {"note": "无变化"})
    assert answer.status_code == 303
    assert FlowVersion.objects.get(version=3).state == "active"


def test_others_only_look_or_not_even_that(people):
    assert page(people.acceptor).get("/flows/").status_code == 200
    assert page(people.acceptor).post("/flows/city_management/2/draft/").status_code == 403
    assert page(people.worker).get("/flows/").status_code == 403
    assert client(people.acceptor).get("/flows/").status_code in (302, 200)
