"""The due days of a task ring once each, to whoever has something left to do."""

from datetime import UTC, date, datetime

import pytest

from cases.evaluation import collecting, reminding, tasks
from cases.models import EvaluationTask
from geo.models import Attachment, Dictionary, DictionaryItem, Notice, User
from tests.cases.evaluation.made import field as on_the_spot
from tests.cases.evaluation.made import (
    item,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
    subject,
)
from tests.factories import at, make_user

pytestmark = pytest.mark.django_db

# A Monday; the working day before is Friday the 6th.
DUE = date(2026, 11, 9)
AREAS = ("990101", "990102")


def morning(day: int, hour: int = 10) -> datetime:
    return datetime(2026, 11, day, hour - 8, tzinfo=UTC)


@pytest.fixture
def user(city):
    return make_evaluator()


@pytest.fixture
def task(user):
    model = make_model(user, [leaf(reported(user), "100")])
    made = make_task(user, model, AREAS, collect_due=DUE, review_due=DUE)
    people = [make_user(name, role="assessor", area="9901") for name in ("甲", "乙")]
    parts = [
        {"user": who.pk, "subject": subject(made, code).pk} for who, code in zip(people, AREAS, strict=True)
    ]
    tasks.set_assessors(user, made.pk, parts)
    tasks.move(user, made.pk, "start")
    Notice.objects.all().delete()
    return made


def told() -> list[tuple[str, bool]]:
    """Who was told since the last time, and whether of something overdue."""
    rows = [
        (one.user.username, "已" in one.detail)
        for one in Notice.objects.select_related("user").order_by("pk")
    ]
    Notice.objects.all().delete()
    return sorted(rows)


def test_the_working_day_before_and_once_when_overdue(user, task):
    assert reminding.ring_due(morning(5)) == 0 and told() == []
    assert reminding.ring_due(morning(6, 8)) == 0  # before the office opens
    assert reminding.ring_due(morning(6)) == 1
    assert told() == [("乙", False), ("甲", False)]
    # Neither the weekend nor the day itself says it again.
    assert [reminding.ring_due(morning(day)) for day in (6, 7, 9)] == [0, 0, 0]
    # One of them is done, and is left in peace.
    done = User.objects.get(username="甲")
    collecting.enter_value(
        done, task.pk, item=item(task, "重大舆情").pk, subject=subject(task, AREAS[0]).pk, value="1"
    )
    assert [reminding.ring_due(morning(day)) for day in (10, 11)] == [1, 0]
    assert told() == [("乙", True)]
    # Then somebody has to review it.
    tasks.move(user, task.pk, "close_collecting")
    assert [reminding.ring_due(morning(day)) for day in (11, 12)] == [1, 0]
    assert told() == [(user.username, True)]
    tasks.move(user, task.pk, "publish", "缺数据")
    assert reminding.ring_due(morning(30)) == 0


def test_what_was_missed_is_told_as_overdue_only(task):
    assert reminding.ring_due(morning(20)) == 1
    assert told() == [("乙", True), ("甲", True)]
    assert set(task.reminders.values_list("kind", flat=True)) == {"late"}


def test_photos_of_inspections_are_looked_over(client, user):
    model = make_model(user, [leaf(on_the_spot(user), "100")])
    task = make_task(user, model, AREAS)
    assessor = make_user("甲", role="assessor", area="9901")
    tasks.set_assessors(user, task.pk, [{"user": assessor.pk}])
    tasks.move(user, task.pk, "start")
    photo = Attachment.objects.create(owner=assessor, media_type="image/jpeg", sha256="0" * 64, size=1)
    seen, _new = collecting.inspect(
        User.objects.get(pk=assessor.pk),
        task.pk,
        client_key="6f6f2a1e-1f3b-4d55-9a0e-000000000001",
        item=item(task, "街面秩序").pk,
        subject=subject(task, "990101").pk,
        position=at(0.2, 0.2),
        photos=[photo],
    )
    dictionary = Dictionary.objects.get_or_create(code="photo_refusal", defaults={"name": "不予公开"})[0]
    DictionaryItem.objects.get_or_create(dictionary=dictionary, code="person", defaults={"name": "有人"})
    html, address = {"HTTP_ACCEPT": "text/html"}, f"/photos/{photo.uuid}/"
    assert client.get(f"/api/attachments/{photo.uuid}/public/").status_code == 404
    # A district that is one of those compared does not look over the evaluation's photos.
    client.force_login(make_user(role="acceptor", area="990101"))
    assert str(photo.uuid) not in client.get("/photos/", **html).text
    assert client.get(address, **html).status_code == 404
    client.force_login(make_user(role="acceptor", area="9901"))
    assert str(photo.uuid) in client.get("/photos/", **html).text
    assert client.get(address, **html).status_code == 200
    client.post(address, {"decision": "refused", "reason": "person"}, **html)
    photo.refresh_from_db()
    assert (photo.review, seen.photos.count()) == ("refused", 1)
    assert EvaluationTask.objects.get(pk=task.pk).state == "collecting"
