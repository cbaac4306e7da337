"""The due days of tasks ring: on the working day before, and once when they have passed.

That one rang is a row of ``TaskReminder``, written in the transaction of the notices: once, whoever crashes
in between. What was missed while nothing ran is made up for as long as it is true: an overdue day is not
called to mind as one to come.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from cases.evaluation.collecting import Parts
from cases.models import EvaluationTask, TaskReminder, TaskSubject
from cases.models.evaluation import MANAGE
from geo import accounts, outputs
from geo.calendar import calendar_for

State, Kind = EvaluationTask.State, TaskReminder.Kind
# Far enough to reach the working day before, over the longest holidays.
AHEAD = timedelta(days=15)


def ring_due(now: datetime | None = None) -> int:
    """Remind of the days that are due, in office hours; how many tasks were told of."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    soon = Q(state=State.COLLECTING, collect_due__lte=today + AHEAD)
    soon |= Q(state=State.REVIEW, review_due__lte=today + AHEAD)
    found = EvaluationTask.objects.filter(soon).order_by("pk").values_list("pk", flat=True)
    return sum(_ring(pk, now) for pk in list(found))


@transaction.atomic
def _ring(pk: int, now: datetime) -> bool:
    """One task, under its lock: its state does not change meanwhile."""
    tasks = EvaluationTask.objects.select_for_update(of=("self",), skip_locked=True)
    task = tasks.select_related("model").filter(pk=pk).first()
    due = task and {State.COLLECTING: task.collect_due, State.REVIEW: task.review_due}.get(task.state)
    if due is None:
        return False
    calendar, today = calendar_for(task.area_code), timezone.localdate(now)
    office = calendar.stretches(today)
    if not office or now < office[0][0]:
        return False
    if today > due:
        kind = Kind.LATE
    elif today >= calendar.working_day_before(due):
        kind = Kind.SOON
    else:
        return False
    _row, new = TaskReminder.objects.get_or_create(task=task, state=task.state, kind=kind, due=due)
    if new:
        outputs.tell_all([_notice(task, user, kind, due) for user in _whom(task)])
    return new


def _whom(task: EvaluationTask) -> list:
    """Who has still something to fill in or to look at; of a review, who manages tasks there."""
    if task.state == State.REVIEW:
        managers = accounts.holders(MANAGE)
        return [user for user in managers if user.scope.covers(MANAGE, task.area_code)]
    left = _left(task)
    rows = task.assessors.filter(user__is_active=True).select_related("user")
    people = {row.user_id: row.user for row in rows.order_by("user_id")}
    parts = {pk: Parts(user, task) for pk, user in people.items()}
    return [user for pk, user in people.items() if any(parts[pk].covers(*one) for one in left)]


def _left(task: EvaluationTask) -> set[tuple[int, int]]:
    """What nobody has filled in or looked at yet, as (item, subject)."""
    leaves = [item for item in task.model.items.filter(children=None) if item.definition]
    subjects = list(TaskSubject.objects.filter(task=task).values_list("pk", flat=True))
    values = set(task.values.exclude(state="returned").values_list("item_id", "subject_id"))
    seen = set(task.inspections.values_list("item_id", "subject_id"))
    drawn = set(task.points.values_list("item_id", "subject_id"))
    unseen = set(task.points.filter(inspection=None).values_list("item_id", "subject_id"))
    done = {"reported": values, "field": (seen - drawn) | (drawn - unseen)}
    return {
        (item.pk, subject)
        for item in leaves
        if item.definition["kind"] in done
        for subject in subjects
        if (item.pk, subject) not in done[item.definition["kind"]]
    }


def _notice(task: EvaluationTask, user, kind: str, due):
    with override(user.language or "zh-hans"):
        if task.state == State.REVIEW:
            title = _("An evaluation is to be reviewed: %s") % task.name
        else:
            title = _("You still have to assess: %s") % task.name
        words = _("It was due by %s.") if kind == Kind.LATE else _("It is due by %s.")
        name = "evaluation-task" if task.state == State.REVIEW else "evaluation-field"
        return outputs.notice(user, title, detail=words % due, url=reverse(name, args=[task.pk]), icon="star")
