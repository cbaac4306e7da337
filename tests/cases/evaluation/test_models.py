"""Models: weights in words, frozen versions, copies, two editors."""

import pytest
from django.db import DatabaseError, transaction

from cases.evaluation import authoring
from cases.models import EvaluationModel, ModelItem
from geo.models import AuditEntry
from geo.problems import Problem
from tests.cases.evaluation.made import (
    computed,
    field,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(city):
    return make_evaluator()


def test_weights_are_told_by_parent_and_sum(user):
    rate, rework = (
        computed(user),
        computed(user, "rework_rate", direction="lower", full_value="0", zero_value="20"),
    )
    model = authoring.create_model(user, name="区域", subject="area", area_code="9901")
    group = {"name": "办理", "weight": "60", "children": [leaf(rate, "50"), leaf(rework, "49.99")]}
    authoring.save_tree(user, model.pk, revision=0, tree=[group, leaf(field(user), "50")])
    model.refresh_from_db()
    wrong = authoring.faults(model)
    assert len(wrong) == 2
    assert any("办理" in text and "99.99" in text for text in wrong)
    assert any("110" in text for text in wrong)
    with pytest.raises(Problem) as refused:
        authoring.publish_model(user, model.pk)
    assert len(refused.value.errors) == 2
    group["children"][1]["weight"] = "50"
    authoring.save_tree(user, model.pk, revision=1, tree=[group, leaf(field(user), "40")])
    assert authoring.publish_model(user, model.pk).state == "published"


def test_published_versions_are_frozen_and_a_task_keeps_its_own(user):
    rate = computed(user)
    model = make_model(user, [leaf(rate, "100")])
    task = make_task(user, model, ["990101", "990102"])
    with pytest.raises(Problem) as refused:
        authoring.save_tree(user, model.pk, revision=1, tree=[leaf(rate, "100")])
    assert refused.value.status == 409
    for change in (
        lambda: model.items.update(weight=50),
        lambda: model.items.all().delete(),
        lambda: ModelItem.objects.create(model=model, name="x", weight=1),
    ):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            change()
    authoring.save_indicator(
        user, rate.pk, rate.definition() | {"full_value": "80", "zero_value": "10", "name": "新"}
    )
    assert model.items.get().definition["full_value"] == "95"
    second = authoring.new_version(user, model.pk)
    assert second.version == 2 and authoring.new_version(user, model.pk).pk == second.pk
    authoring.publish_model(user, second.pk)
    model.refresh_from_db()
    task.refresh_from_db()
    assert model.state == "retired" and task.model_id == model.pk
    assert second.items.get().definition["full_value"] == "80"
    with pytest.raises(Problem):
        make_task(user, model, ["990101"])


def test_a_copy_is_a_draft_of_its_own(user):
    group = {"name": "办理", "weight": "100", "children": [leaf(computed(user), "100")]}
    model = make_model(user, [group])
    copy = authoring.copy_model(user, model.pk)
    assert copy.code != model.code and copy.state == "draft"
    assert [(one.name, one.parent and one.parent.name) for one in copy.items.order_by("id")] == [
        ("办理", None),
        ("指标 close_rate", "办理"),
    ]
    authoring.delete_draft(user, copy.pk)
    assert not EvaluationModel.objects.filter(pk=copy.pk).exists()
    assert AuditEntry.objects.filter(action="evaluation_model.delete").count() == 1


def test_the_second_editor_is_told(user):
    model = authoring.create_model(user, name="区域", subject="area", area_code="9901")
    tree = [leaf(computed(user), "100")]
    authoring.save_tree(user, model.pk, revision=0, tree=tree)
    with pytest.raises(Problem) as refused:
        authoring.save_tree(user, model.pk, revision=0, tree=tree)
    assert refused.value.status == 409 and refused.value.extra["revision"] == 1


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"full_value": "60", "zero_value": "95"}, "/full_value"),
        ({"direction": "lower"}, "/full_value"),
        ({"full_value": "x"}, "/full_value"),
        ({"source": "nothing"}, "/source"),
        ({"steps": [["90", "80"], ["95", "100"]]}, "/steps/1/0"),
        ({"steps": [["95", "80"], ["90", "80"]]}, "/steps/1/1"),
        ({"name": " "}, "/name"),
    ],
)
def test_indicators_are_checked(user, data, pointer):
    with pytest.raises(Problem) as refused:
        computed(user, **data)
    assert pointer in [error["pointer"] for error in refused.value.errors]


def test_a_cap_is_no_lower_than_one_deduction(user):
    with pytest.raises(Problem):
        field(user, [{"name": "x", "points": "5", "cap": "2"}])
    with pytest.raises(Problem):
        field(user, [{"name": "", "points": "5"}])


def test_posts_are_not_seen_on_the_spot(user):
    model = authoring.create_model(user, name="岗位", subject="post", area_code="9901")
    authoring.save_tree(user, model.pk, revision=0, tree=[leaf(field(user), "100")])
    assert authoring.faults(model)


def test_others_may_not(user, city):
    model = make_model(user, [leaf(reported(user), "100")])
    for stranger in (make_user(role="leader", area="9901"), make_evaluator("990102")):
        with pytest.raises(Problem) as refused:
            authoring.new_version(stranger, model.pk)
        assert refused.value.status == 404
    with pytest.raises(Problem) as refused:
        computed(make_user(role="leader", area="9901"))
    assert refused.value.status == 403
    with pytest.raises(Problem):
        authoring.create_model(make_evaluator("990102"), name="x", subject="area", area_code="9901")
