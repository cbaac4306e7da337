"""Many cases at once, and cases in parts."""

import uuid

import pytest
from django.test import Client

from cases import actions, bulk, children
from cases.models import Case
from cases.steps import Given
from geo.models import User
from geo.problems import Problem
from tests.cases.people import act, case_in, evidence, make_people, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


def test_what_would_happen_is_told_before(people):
    filed = [case_in("filed", people) for _n in range(3)]
    done = case_in("closed", people)
    user = fresh(people.dispatcher)
    cases = bulk.chosen(user, [case.number for case in (*filed, done)])
    ((move, count), *_rest) = bulk.offered(user, cases)
    assert count == 3 and move.action in ("dispatch", "return_back", "mark_difficult")
    lines = bulk.preview(user, cases, "dispatch")
    assert {line.case.number: bool(line.why) for line in lines} == {
        **{case.number: False for case in filed},
        done.number: True,
    }
    assert Case.objects.filter(state="filed").count() == 3


def test_each_by_itself_and_not_twice(people):
    filed = [case_in("filed", people) for _n in range(3)]
    done = case_in("closed", people)
    user, key = fresh(people.dispatcher), uuid.uuid4()
    numbers = [case.number for case in (*filed, done)]
    lines = bulk.carry_out(user, numbers, "dispatch", Given(unit=people.unit), key)
    assert sum(not line.why for line in lines) == 3
    assert Case.objects.filter(state="dispatched", holder_unit=people.unit).count() == 3
    again = bulk.carry_out(user, numbers, "dispatch", Given(unit=people.unit), key)
    assert sum(not line.why for line in again) == 3
    assert all(case.transitions.count() == 1 for case in filed)


def test_only_what_one_sees(people):
    case = case_in("filed", people)
    assert bulk.chosen(fresh(people.other_dispatcher), [case.number]) == []
    lines = bulk.preview(fresh(people.leader), bulk.chosen(fresh(people.leader), [case.number]), "dispatch")
    assert lines[0].why


def test_too_many(people):
    with pytest.raises(Problem):
        bulk.chosen(fresh(people.lead), [str(n) for n in range(bulk.MOST + 1)])


def test_what_needs_a_photo_is_not_offered(people):
    case = case_in("handling", people)
    user = fresh(people.department)
    actions_ = {move.action for move, _n in bulk.offered(user, bulk.chosen(user, [case.number]))}
    assert "report_handled" not in actions_ and "ask_suspend" in actions_


def test_parts_have_units_of_their_own(people):
    whole = case_in("dispatched", people)
    key = uuid.uuid4()
    parts = [(people.unit, "修井盖"), (people.other_unit, "修路灯")]
    made = children.split(whole.number, fresh(people.dispatcher), parts, client_key=key)
    assert [part.holder_unit_id for part in made] == [people.unit.pk, people.other_unit.pk]
    assert all(part.state == "dispatched" and part.parent_id == whole.pk for part in made)
    assert made[0].handle_due_at and made[0].timer_at
    assert [line.action for line in made[0].transitions.all()] == ["report", "dispatch"]
    again = children.split(whole.number, fresh(people.dispatcher), parts, client_key=key)
    assert [part.pk for part in again] == [part.pk for part in made]
    with pytest.raises(Problem) as caught:
        children.split(made[0].number, fresh(people.dispatcher), parts)
    assert caught.value.status == 409


def test_the_whole_is_closed_after_its_parts(people):
    whole = case_in("verified", people)
    (part,) = children.split(whole.number, fresh(people.dispatcher), [(people.unit, "清理")])
    answer = act(people.acceptor, whole.number, "close")
    assert answer.status_code == 409 and part.state == "dispatched"
    assert act(people.department, part.number, "start").status_code == 200
    given = {"attachments": [photo(people.department)]}
    assert act(people.department, part.number, "report_handled", **given).status_code == 200
    answer = act(people.worker, part.number, "verify_pass", **evidence(people.worker))
    assert answer.status_code == 200, answer.content
    assert act(people.acceptor, part.number, "close").status_code == 200
    assert act(people.acceptor, whole.number, "close").status_code == 200


@pytest.mark.parametrize("who, status", [("acceptor", 403), ("department", 403), ("other_dispatcher", 404)])
def test_who_may_split(people, who, status):
    whole = case_in("dispatched", people)
    with pytest.raises(Problem) as caught:
        children.split(whole.number, fresh(getattr(people, who)), [(people.unit, "清理")])
    assert caught.value.status == status


def test_bad_parts(people):
    whole = case_in("dispatched", people)
    for parts in ([], [(None, "清理")], [(people.unit, " ")]):
        with pytest.raises(Problem) as caught:
            children.split(whole.number, fresh(people.dispatcher), parts)
        assert caught.value.status == 422
    assert not whole.children.exists()


def test_merged_and_separated_again(people):
    first, second = case_in("filed", people), case_in("reported", people)
    acceptor = fresh(people.acceptor)
    actions.act(second.number, "merge", acceptor, Given(duplicate_of=first.number))
    second.refresh_from_db()
    assert (second.state, second.duplicate_of_id) == ("void", first.pk)
    actions.act(second.number, "unmerge", acceptor, Given(reason="不是同一处"))
    second.refresh_from_db()
    assert (second.state, second.phase, second.duplicate_of_id) == ("reported", "desk", None)
    assert first.transitions.filter(action="unmerged", detail__case=second.number).exists()


def page(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_pages_of_many(people):
    filed = [case_in("filed", people) for _n in range(2)]
    done = case_in("closed", people)
    browser = page(people.dispatcher)
    assert filed[0].number in browser.get("/bulk/?view=all").content.decode()
    numbers = [case.number for case in (*filed, done)]
    answer = browser.post("/bulk/preview/", {"numbers": numbers, "action": "dispatch"})
    text = answer.content.decode()
    assert answer.status_code == 200 and done.number in text and 'name="unit"' in text
    key = str(uuid.uuid4())
    given = {"numbers": numbers, "action": "dispatch", "unit": str(people.unit.pk), "client_key": key}
    answer = browser.post("/bulk/do/", given)
    assert answer.status_code == 200 and done.number in answer.content.decode()
    assert Case.objects.filter(state="dispatched").count() == 2
    # Somebody else's unit is not there to choose, and nothing is done.
    assert page(people.nobody).post("/bulk/do/", given).status_code == 403


def test_the_dialog_of_parts(people):
    whole = case_in("dispatched", people)
    browser = page(people.dispatcher)
    address = f"/cases/{whole.number}/split/"
    assert browser.get(address).status_code == 200
    bad = browser.post(address, {"unit": ["", ""], "words": ["", ""], "client_key": str(uuid.uuid4())})
    assert bad.status_code == 422
    given = {"unit": [str(people.unit.pk)], "words": ["修"], "client_key": str(uuid.uuid4())}
    assert browser.post(address, given).status_code == 204
    assert whole.children.count() == 1
    assert page(people.other_dispatcher).get(address).status_code == 404
