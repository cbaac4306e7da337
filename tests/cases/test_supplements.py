"""Adding words and photos to a case that somebody else reported."""

import uuid

import pytest

from cases.actions import Given
from cases.models import Case
from cases.supplements import supplement
from geo.problems import Problem
from tests import factories


@pytest.fixture
def worker(city):
    user = factories.make_user(role="grid_worker")
    factories.make_worker(user, grid="990101001001001")
    return user


@pytest.mark.django_db
def test_words_are_added_once_and_the_case_stays_where_it_is(worker):
    case = factories.make_case(factories.at(0.2, 0.2), state=Case.State.ACCEPTED)
    key = uuid.uuid4()
    for _try in range(2):
        supplement(case.number, worker, Given(reason="盖子也碎了", client_key=key))
    line = case.transitions.get()
    assert (line.action, line.from_state, line.to_state, line.reason) == (
        "supplement",
        "accepted",
        "accepted",
        "盖子也碎了",
    )
    case.refresh_from_db()
    assert case.state == Case.State.ACCEPTED


@pytest.mark.django_db
def test_neither_ended_nor_unseen_cases_take_additions(worker):
    ended = factories.make_case(factories.at(0.2, 0.2), state=Case.State.CLOSED)
    with pytest.raises(Problem) as problem:
        supplement(ended.number, worker, Given(reason="还在"))
    assert problem.value.status == 409
    elsewhere = factories.make_case(factories.at(2.2, 1.2), state=Case.State.ACCEPTED)
    with pytest.raises(Problem) as problem:
        supplement(elsewhere.number, worker, Given(reason="还在"))
    assert problem.value.status == 404
    department = factories.make_user(role="department", unit=factories.make_unit())
    with pytest.raises(Problem) as problem:
        supplement(elsewhere.number, department, Given(reason="还在"))
    assert problem.value.status == 403
