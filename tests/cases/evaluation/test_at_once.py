"""Two assessors, two editors, two drawers at the same moment: one wins, the other is told."""

import uuid

import pytest

from cases.evaluation import authoring, collecting, sampling, tasks
from cases.models import EvaluationTask, Inspection, ReportedValue
from geo.models import User
from geo.problems import Problem
from tests.cases.evaluation.made import (
    computed,
    field,
    item,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
    subject,
)
from tests.cases.test_at_once import together
from tests.factories import at, make_city, make_component, make_type, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user():
    from geo import roles

    roles.load()
    make_city()
    return make_evaluator()


def fresh(person):
    return User.objects.get(pk=person.pk)


def problems(results):
    found = [one for one in results if isinstance(one, Problem)]
    assert len(found) == sum(isinstance(one, Exception) for one in results), results
    return found


def test_two_assessors(user):
    people = [make_user(role="assessor", area="9901") for _number in range(2)]
    for number in range(8):
        make_component(at(0.06 + number / 8, 0.06), type=make_type(type_code="01"))
    model = make_model(user, [leaf(reported(user), "50"), leaf(field(user), "50")])
    task = make_task(user, model, ["990101"])
    rule = {"item": item(task, "街面秩序").pk, "of": "component", "number": 1}
    sampling.set_rules(user, task.pk, {"cells": "unit", "per_subject": 50, "points": [rule]})
    sampling.draw(user, task.pk, seed="a1")
    tasks.set_assessors(user, task.pk, [{"user": one.pk} for one in people])
    tasks.move(user, task.pk, "start")
    point = task.points.first()
    where = {"item": item(task, "重大舆情").pk, "subject": subject(task, "990101").pk}

    told = together(
        *(
            lambda who=who: collecting.inspect(
                fresh(who), task.pk, client_key=uuid.uuid4(), point=point.pk, position=point.geom
            )
            for who in people
        )
    )
    assert [one.kind for one in problems(told)] == ["inspected"] and Inspection.objects.count() == 1
    told = together(
        *(lambda who=who: collecting.enter_value(fresh(who), task.pk, value="3", **where) for who in people)
    )
    assert [one.kind for one in problems(told)] == ["entered"] and ReportedValue.objects.count() == 1
    # Closing the collection against one more value: whichever is first, nothing slips in afterwards.
    told = together(
        lambda: tasks.move(fresh(user), task.pk, "close_collecting"),
        lambda: collecting.inspect(
            fresh(people[0]),
            task.pk,
            client_key=uuid.uuid4(),
            point=task.points.last().pk,
            position=point.geom,
        ),
    )
    assert all(one.kind == "state" for one in problems(told))


def test_the_same_inspection_sent_twice_at_once(user):
    person = make_user(role="assessor", area="9901")
    task = make_task(user, make_model(user, [leaf(field(user), "100")]), ["990101"])
    tasks.set_assessors(user, task.pk, [{"user": person.pk}])
    tasks.move(user, task.pk, "start")
    given = {
        "client_key": uuid.uuid4(),
        "item": item(task, "街面秩序").pk,
        "subject": subject(task, "990101").pk,
        "position": at(0.2, 0.2),
    }
    told = together(*(lambda: collecting.inspect(fresh(person), task.pk, **given) for _send in range(2)))
    assert not problems(told) and sorted(new for _row, new in told) == [False, True]


def test_the_same_task_made_twice_at_once(user):
    """One form sent twice makes one draft; of two forms the second is told who was first."""
    other = make_evaluator()
    model = make_model(user, [leaf(field(user), "100")])
    keys = [uuid.uuid4(), uuid.uuid4()]
    told = together(
        *(lambda: make_task(fresh(user), model, ["990101"], client_key=keys[0]) for _send in range(2))
    )
    assert not problems(told) and told[0].pk == told[1].pk and EvaluationTask.objects.count() == 1
    told = together(
        *(
            lambda who=who, key=key: make_task(fresh(who), model, ["990101"], client_key=key, name="十一月")
            for who, key in zip((user, other), (keys[1], uuid.uuid4()), strict=True)
        )
    )
    assert [one.kind for one in problems(told)] == ["taken"] and EvaluationTask.objects.count() == 2
    with pytest.raises(Problem):
        make_task(other, model, ["990101"], client_key=keys[0])


def test_two_publish_or_move(user):
    model = authoring.create_model(user, name="x", subject="area", area_code="9901")
    tree = [leaf(computed(user), "100")]
    told = together(
        *(lambda: authoring.save_tree(fresh(user), model.pk, revision=0, tree=tree) for _send in range(2))
    )
    assert [one.kind for one in problems(told)] == ["stale"]
    told = together(*(lambda: authoring.publish_model(fresh(user), model.pk) for _send in range(2)))
    assert [one.kind for one in problems(told)] == ["frozen"]
    model.refresh_from_db()
    task = make_task(user, model, ["990101"])
    told = together(*(lambda: tasks.move(fresh(user), task.pk, "start") for _send in range(2)))
    assert [one.status for one in problems(told)] == [409]
    assert task.log.count() == 1
    told = together(*(lambda: authoring.new_version(fresh(user), model.pk) for _send in range(2)))
    assert not problems(told) and told[0].pk == told[1].pk
