"""Somebody saw the same problem again: one rule for adding, for a report that says so, and for merging."""

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client

from cases import actions, phone_queries
from cases.actions import Given
from cases.models import Case
from geo import attachments
from geo.models import Attachment, Event, User
from geo.problems import Problem
from tests.cases.people import GRID, act, case_in, client, make_people, photo, report
from tests.factories import make_city, make_user, make_worker

DOORS = ("add", "report", "merge")


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


@pytest.fixture
def people(city):
    people = make_people()
    people.again = make_user("again", role="grid_worker")
    make_worker(people.again, grid=GRID)
    return people


def through(door, people, number, words="又看到了", who=None) -> tuple[int, dict, str]:
    """Somebody sees case ``number`` again: status, answer, and the photo that came with it."""
    who = who or people.again
    picture = photo(who)
    if door == "add":
        address = f"/api/cases/{number}/supplements/"
        answer = client(who).post(address, {"reason": words, "attachments": [picture]}, format="json")
    elif door == "report":
        answer = report(who, duplicate_of=number, description=words, attachments=[picture])
    else:
        own = report(who, description=words, attachments=[picture]).json()["number"]
        answer = act(people.acceptor, own, "merge", duplicate_of=number)
    return answer.status_code, answer.json(), picture


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS)
def test_what_the_case_shows(people, door):
    case = case_in("dispatched", people)
    status, answer, picture = through(door, people, case.number)
    assert status in (200, 201), answer
    for who in (people.dispatcher, people.department):
        told = client(who).get(f"/api/cases/{case.number}/").json()
        assert told["state"] == "dispatched"
        line = told["transitions"][-1]
        assert (line["action"], line["reason"]) == ("supplement", "又看到了")
        assert [one["uuid"] for one in told["photos"]] == [picture]
        assert client(who).get(f"/api/attachments/{picture}/").status_code == 200
    # The unit complained about does not learn who it was, and gets no original, whose notes might tell.
    assert told["transitions"][-1]["actor"] is None
    kept = Attachment.objects.get(uuid=picture)
    assert attachments.may_see(fresh(people.department), kept)
    assert not attachments.may_know(fresh(people.department), kept)
    assert attachments.may_know(fresh(people.dispatcher), kept)
    assert client(people.other_department).get(f"/api/attachments/{picture}/").status_code == 404
    assert told["duplicates"] == ([] if door == "add" else [repeating(case).number])
    if door != "add":
        assert repeating(case).state == "void"
    page = Client()
    page.force_login(fresh(people.dispatcher))
    drawer = page.get(f"/cases/{case.number}/", headers={"HX-Request": "true"}).text
    assert "又看到了" in drawer
    assert door == "add" or repeating(case).number in drawer
    event = Event.objects.get(layer="cases", verb="supplemented")
    assert event.unit_id == people.unit.pk


def repeating(case) -> Case:
    return Case.objects.get(duplicate_of=case)


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS)
def test_who_saw_it_again_hears_what_becomes_of_it(people, door):
    case = case_in("handling", people, reporter=people.worker)
    through(door, people, case.number)
    done = act(people.department, case.number, "report_handled", attachments=[photo(people.department)])
    assert done.status_code == 200

    def heard(person):
        rows = phone_queries.messages(fresh(person))
        return [(row["action"], row["mine"]) for row in rows if row["number"] == case.number]

    assert ("report_handled", True) in heard(people.again) and ("report_handled", True) in heard(
        people.worker
    )
    assert ("report_handled", True) not in heard(people.other_worker)


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["add", "report"])
def test_what_has_ended_is_reported_anew(people, door):
    case = case_in("closed", people)
    before = Case.objects.count()
    status, answer, _picture = through(door, people, case.number)
    assert status == 409 and answer["state"] == "closed" and "closed" not in answer["detail"]
    assert Case.objects.count() == before and not case.transitions.exists()


@pytest.mark.django_db
def test_at_the_desk_a_report_may_still_join_one_that_has_ended(people):
    case = case_in("closed", people)
    status, answer, _picture = through("merge", people, case.number)
    assert status == 200 and answer["duplicate_of"] == case.number
    assert case.transitions.get().action == "supplement"


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS)
def test_a_duplicate_names_its_original(people, door):
    case = case_in("dispatched", people)
    through("report", people, case.number)
    status, answer, _picture = through(door, people, repeating(case).number)
    assert status == (409 if door == "add" else 422)
    assert case.number in answer["detail"] and answer["duplicate_of"] == case.number


@pytest.mark.django_db
def test_not_what_one_does_not_see(people):
    case = case_in("dispatched", people)
    statuses = [through(door, people, case.number, who=people.other_worker)[0] for door in ("add", "report")]
    assert statuses == [404, 422] and not case.transitions.exists()


@pytest.mark.django_db
def test_a_retry_adds_nothing(people):
    case = case_in("dispatched", people)
    key, picture = str(uuid.uuid4()), photo(people.again)
    body = {"client_key": key, "duplicate_of": case.number, "attachments": [picture]}
    first, second = report(people.again, **body), report(people.again, **body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["number"] == second.json()["number"]
    assert case.transitions.filter(action="supplement").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_them_into_each_other():
    from geo import roles

    roles.load()
    make_city()
    people = make_people()
    one, other = case_in("accepted", people), case_in("accepted", people)
    barrier, results = threading.Barrier(2), []

    def merge(person, number, into):
        try:
            barrier.wait(10)
            results.append(actions.act(number, "merge", fresh(person), Given(duplicate_of=into)))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    pairs = ((people.acceptor, one.number, other.number), (people.lead, other.number, one.number))
    threads = [threading.Thread(target=merge, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wrong = [result for result in results if isinstance(result, Exception)]
    assert len(results) == 2 and len(wrong) == 1 and isinstance(wrong[0], Problem), results
    assert Case.objects.filter(duplicate_of__isnull=False).count() == 1
