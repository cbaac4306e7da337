"""Verbs on tasks: making one, its subjects and assessors, and the table of its states.

| state | action | next | needs |
| --- | --- | --- | --- |
| draft | start | collecting | subjects; a draw, if the sampling has rules |
| collecting | close_collecting | review | |
| review | reopen | collecting | a reason |
| review | publish | published | no gaps, or a reason |
| published | withdraw | review | a reason |
| published | archive | archived | |
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.evaluation import results
from cases.models import (
    EvaluationModel,
    EvaluationTask,
    ModelItem,
    TaskAssessor,
    TaskStep,
    TaskSubject,
)
from cases.models.evaluation import ASSESS, MANAGE
from geo import audit, outputs
from geo.models import Area, Grant, Organisation, User
from geo.problems import Problem
from geo.texts import fitting

MOST_SUBJECTS = 500
State = EvaluationTask.State
# Trades that are evaluated as posts (岗位), by the role that makes them; the rest is nobody's post.
POSTS = ("acceptor", "dispatcher", "supervisor", "shift_lead")

audit.ACTIONS |= {
    "evaluation_task.create": gettext_lazy("Made an evaluation task"),
    "evaluation_task.change": gettext_lazy("Changed an evaluation task"),
    "evaluation_task.delete": gettext_lazy("Deleted a draft of an evaluation task"),
    "evaluation_task.draw": gettext_lazy("Drew the sample of an evaluation"),
    "evaluation_task.start": gettext_lazy("Began to collect data of an evaluation"),
    "evaluation_task.close_collecting": gettext_lazy("Closed the collection of an evaluation"),
    "evaluation_task.reopen": gettext_lazy("Reopened the collection of an evaluation"),
    "evaluation_task.publish": gettext_lazy("Published an evaluation"),
    "evaluation_task.withdraw": gettext_lazy("Withdrew a published evaluation"),
    "evaluation_task.archive": gettext_lazy("Archived an evaluation"),
    "evaluation_task.export": gettext_lazy("Exported an evaluation"),
    "evaluation_value.enter": gettext_lazy("Filled in a value of an evaluation"),
    "evaluation_value.accept": gettext_lazy("Accepted a value of an evaluation"),
    "evaluation_value.return": gettext_lazy("Returned a value of an evaluation"),
    "evaluation_inspection.add": gettext_lazy("Recorded an inspection of an evaluation"),
    "evaluation_inspection.forget": gettext_lazy("Took out an inspection of an evaluation"),
}


@dataclass(frozen=True)
class Move:
    """An action on a task: from which state to which, and whether it wants a reason."""

    action: str
    source: str
    target: str
    label: object
    reason: bool = False


MOVES = {
    move.action: move
    for move in (
        Move("start", State.DRAFT, State.COLLECTING, gettext_lazy("Begin to collect")),
        Move("close_collecting", State.COLLECTING, State.REVIEW, gettext_lazy("Close and review")),
        Move("reopen", State.REVIEW, State.COLLECTING, gettext_lazy("Collect again"), reason=True),
        Move("publish", State.REVIEW, State.PUBLISHED, gettext_lazy("Publish")),
        Move("withdraw", State.PUBLISHED, State.REVIEW, gettext_lazy("Withdraw"), reason=True),
        Move("archive", State.PUBLISHED, State.ARCHIVED, gettext_lazy("Archive")),
    )
}


def moves_from(state: str) -> list[Move]:
    return [move for move in MOVES.values() if move.source == state]


# --- Peer groups --------------------------------------------------------------------------------------

PEERS = {
    "city": gettext_lazy("Cities"),
    "district": gettext_lazy("Districts"),
    "county": gettext_lazy("Counties and county-level cities"),
    "subdistrict": gettext_lazy("Sub-districts"),
    "town": gettext_lazy("Towns and townships"),
    "community": gettext_lazy("Residents' communities"),
    "village": gettext_lazy("Villages"),
}


def peer_group(code: str) -> str:
    """Which areas an area is compared with, by its code (domain reference, section 2)."""
    if len(code) <= 4:
        return "city"
    if len(code) == 6:
        return "county" if int(code[4:]) > 20 else "district"
    if len(code) == 9:
        return "subdistrict" if int(code[6:]) < 100 else "town"
    return "village" if 200 <= int(code[9:]) < 400 else "community"


def peers_label(task_subject: str, peers: str) -> str:
    """A peer group in words."""
    if task_subject == EvaluationModel.Subject.AREA:
        return str(PEERS.get(peers, peers))
    if task_subject == EvaluationModel.Subject.UNIT:
        return str(dict(Organisation.Kind.choices).get(peers, peers))
    return peers


# --- Making a task ------------------------------------------------------------------------------------


def create_task(
    user,
    *,
    name: str,
    model: EvaluationModel,
    area_code: str,
    period_from: date,
    period_to: date,
    subjects: Iterable,
    assessors: Iterable[dict] = (),
    collect_due: date | None = None,
    review_due: date | None = None,
    sampling: dict | None = None,
    client_key: uuid.UUID | None = None,
) -> EvaluationTask:
    """A draft. ``subjects`` are area codes, ids of units, or ids of users; ``assessors`` are
    {"user": id, "item": id or None, "subject": key or None}. A second send of a key gives the first one's."""
    errors = []
    name = fitting(name, 100, "name")
    if not name:
        errors.append({"pointer": "/name", "detail": _("Give the task a name.")})
    if model.state != EvaluationModel.State.PUBLISHED:
        detail = _("“%s” is not in force; publish it first.") % model
        errors.append({"pointer": "/model", "detail": detail})
    if period_to <= period_from:
        detail = _("The last day must not be before the first.")
        errors.append({"pointer": "/period_to", "detail": detail})
    if collect_due and review_due and review_due < collect_due:
        detail = _("The review is due after the data, not before.")
        errors.append({"pointer": "/review_due", "detail": detail})
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    if not user.scope.covers(MANAGE, area_code):
        raise Problem(_("Your role does not manage evaluations there."), status=403, kind="forbidden")
    with transaction.atomic():
        # One after the other: whoever comes second finds what the first has made.
        EvaluationModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        same = {
            "name": name,
            "model": model,
            "area_code": area_code,
            "period_from": period_from,
            "period_to": period_to,
        }
        if (made := _made_before(user, client_key, same)) is not None:
            return made
        task = EvaluationTask.objects.create(
            **same,
            collect_due=collect_due,
            review_due=review_due,
            seed=secrets.token_hex(8),
            sampling=sampling or {},
            created_by=user,
            client_key=client_key,
        )
        _add_subjects(task, list(dict.fromkeys(subjects)))
        set_assessors(user, task.pk, assessors)
        audit.log(user, "evaluation_task.create", task, area_code=area_code, name=name)
    return task


def _made_before(user, key: uuid.UUID | None, same: dict) -> EvaluationTask | None:
    """The task that this key made; refused when it was another, or when somebody has made the same."""
    if key and (known := EvaluationTask.objects.filter(client_key=key).first()) is not None:
        if known.created_by_id == user.pk and all(getattr(known, field) == same[field] for field in same):
            return known
        raise Problem(
            _("This form has made a task already; open a new form for another one."),
            status=422,
            kind="client-key",
        )
    twin = EvaluationTask.objects.filter(**same).select_related("created_by").first()
    if twin is not None:
        detail = _("%(who)s has made “%(name)s” for these days already; open it, or choose another name.")
        detail %= {"who": twin.created_by, "name": twin.name}
        raise Problem(detail, status=409, kind="taken", errors=[{"pointer": "/name", "detail": detail}])
    return None


def _add_subjects(task: EvaluationTask, keys: list) -> None:
    if not keys:
        detail = _("Choose who is evaluated.")
        raise Problem(detail, errors=[{"pointer": "/subjects", "detail": detail}])
    if len(keys) > MOST_SUBJECTS:
        detail = _("At most %d are evaluated in one task.") % MOST_SUBJECTS
        raise Problem(detail, errors=[{"pointer": "/subjects", "detail": detail}])
    build = {"area": _areas, "unit": _units, "post": _posts}[task.model.subject]
    TaskSubject.objects.bulk_create(build(task, keys))


def _missing(keys: list) -> Problem:
    detail = _("Not known, or not within this task's area: %s.") % ", ".join(str(key) for key in keys[:5])
    return Problem(detail, errors=[{"pointer": "/subjects", "detail": detail}])


def _areas(task, keys: list[str]) -> list[TaskSubject]:
    found = {
        area.code: area
        for area in Area.objects.filter(code__in=keys, valid_to=None)
        if area.code.startswith(task.area_code)
    }
    if lost := [key for key in keys if key not in found]:
        raise _missing(lost)
    groups: dict[str, list[str]] = {}
    for code in keys:
        groups.setdefault(peer_group(code), []).append(found[code].name)
    if len(groups) > 1:
        told = _("; ").join(f"{PEERS[group]}: {'、'.join(names[:3])}" for group, names in groups.items())
        detail = _("Only areas of one kind are compared with each other. Here are several: %s.") % told
        raise Problem(detail, kind="peers", errors=[{"pointer": "/subjects", "detail": detail}])
    peers = next(iter(groups))
    return [
        TaskSubject(task=task, code=code, area_code=code, name=found[code].name, peers=peers) for code in keys
    ]


def _units(task, keys: list[int]) -> list[TaskSubject]:
    found = Organisation.objects.filter(active=True, area_code__startswith=task.area_code).in_bulk(keys)
    if lost := [key for key in keys if key not in found]:
        raise _missing(lost)
    return [
        TaskSubject(
            task=task,
            unit=found[key],
            area_code=found[key].area_code,
            name=found[key].name,
            peers=found[key].kind,
        )
        for key in keys
    ]


def post_grants():
    """The grants of today that make somebody hold a post."""
    return Grant.objects.filter(role__code__in=POSTS).exclude(valid_to__lte=timezone.localdate())


def _posts(task, keys: list[int]) -> list[TaskSubject]:
    """Staff with a post's role. Their rows are tied to their own unit's place, for their own chain."""
    people = User.objects.filter(is_active=True).select_related("organisation").in_bulk(keys)
    roles: dict[int, object] = {}
    for grant in post_grants().filter(user__in=keys).select_related("role"):
        roles.setdefault(grant.user_id, grant.role)
    ok = {
        key
        for key, person in people.items()
        if key in roles and person.organisation and person.organisation.area_code.startswith(task.area_code)
    }
    if lost := [key for key in keys if key not in ok]:
        raise _missing(lost)
    return [
        TaskSubject(
            task=task,
            user=people[key],
            area_code=people[key].organisation.area_code,
            name=str(people[key]),
            peers=str(roles[key])[:40],
        )
        for key in keys
    ]


def locked(user, pk: int, *states: str, permission: str = MANAGE) -> EvaluationTask:
    """The task under lock, if it is the user's to manage and in one of the states."""
    task = (
        EvaluationTask.objects.for_user(user, permission)
        .select_for_update(of=("self",))
        .select_related("model")
        .filter(pk=pk)
        .first()
    )
    if task is None:
        raise Problem(_("There is no such task, or not within your scope."), status=404, kind="not-found")
    return in_state(task, *states)


def in_state(task: EvaluationTask, *states: str) -> EvaluationTask:
    if states and task.state not in states:
        wanted = _(" or ").join(f"“{State(state).label}”" for state in states)
        detail = _("The task is in the state “%(is)s”; this is done in %(wanted)s.")
        raise Problem(
            detail % {"is": task.get_state_display(), "wanted": wanted},
            status=409,
            kind="state",
            state=task.state,
        )
    return task


def set_assessors(user, pk: int, rows: Iterable[dict]) -> None:
    """Who gathers what: replaces the list. ``item`` and ``subject`` (its id) narrow the part."""
    with transaction.atomic():
        task = locked(user, pk, State.DRAFT, State.COLLECTING)
        rows = list(rows)
        items = set(task.model.items.values_list("pk", flat=True))
        subjects = set(task.subjects.values_list("pk", flat=True))
        able = {one.pk: one for one in assessors_for(task.area_code)}
        made = {}
        for row in rows:
            person, item, subject = row.get("user"), row.get("item") or None, row.get("subject") or None
            if person not in able:
                detail = _("This person's roles do not include assessing here.")
                raise Problem(detail, errors=[{"pointer": "/assessors", "detail": detail}])
            if (item and item not in items) or (subject and subject not in subjects):
                detail = _("The assessor's part is not of this task.")
                raise Problem(detail, errors=[{"pointer": "/assessors", "detail": detail}])
            made[person, item, subject] = TaskAssessor(
                task=task, user_id=person, item_id=item, subject_id=subject
            )
        before = set(task.assessors.values_list("user_id", flat=True))
        task.assessors.all().delete()
        TaskAssessor.objects.bulk_create(made.values())
        people = sorted({key[0] for key in made})
        if task.state == State.COLLECTING:
            _tell(task, [able[pk] for pk in people if pk not in before])
        if rows or before:
            audit.log(user, "evaluation_task.change", task, area_code=task.area_code, assessors=people)


def assessors_for(area_code: str):
    """Whose roles let them assess in an area."""
    today = timezone.localdate()
    grants = Grant.objects.filter(role__permissions__contains=[ASSESS]).exclude(valid_to__lte=today)
    ok = [
        grant.user_id
        for grant in grants.only("user_id", "area_code", "unit_id")
        if not grant.area_code
        or area_code.startswith(grant.area_code)
        or grant.area_code.startswith(area_code)
    ]
    return User.objects.filter(pk__in=ok, is_active=True).select_related("organisation").order_by("name")


def delete_draft(user, pk: int) -> None:
    """Throw a draft away."""
    with transaction.atomic():
        task = locked(user, pk, State.DRAFT)
        audit.log(user, "evaluation_task.delete", task, area_code=task.area_code, name=task.name)
        # Its log is empty: the first line is its beginning.
        task.delete()


# --- States -------------------------------------------------------------------------------------------


def move(user, pk: int, action: str, reason: str = "") -> EvaluationTask:
    """Take a task one step on, or back with a reason."""
    step = MOVES.get(action)
    if step is None:
        raise Problem(_("There is no such action: %s.") % action, status=404, kind="not-found")
    reason = fitting(reason, 300, "reason")
    if step.reason and not reason:
        raise Problem(_("Say why."), errors=[{"pointer": "/reason", "detail": _("Say why.")}])
    with transaction.atomic():
        task = locked(user, pk, step.source)
        if action == "start":
            _ready(task)
        elif action == "close_collecting":
            results.compute(task)
        elif action == "publish":
            _publish(task, reason)
        elif action == "withdraw":
            task.published_at = None
        task.state = step.target
        task.save()
        _log(task, user, action, step.source, step.target, reason)
        audit.log(user, f"evaluation_task.{action}", task, area_code=task.area_code, reason=reason)
        if action == "start":
            _tell(
                task,
                [
                    row.user
                    for row in task.assessors.select_related("user").distinct("user_id").order_by("user_id")
                ],
            )
        elif action == "publish":
            _tell_evaluated(task)
    return task


def recompute(user, pk: int) -> EvaluationTask:
    """Count and score anew while in review."""
    with transaction.atomic():
        task = locked(user, pk, State.REVIEW)
        results.compute(task)
        task.save()
    return task


def _ready(task: EvaluationTask) -> None:
    if task.sampling.get("points") and task.drawn_at is None:
        raise Problem(_("The sample has not been drawn yet."), status=409, kind="not-ready")
    leaves = ModelItem.objects.filter(model=task.model, children=None)
    kinds = {item.definition["kind"] for item in leaves if item.definition}
    if kinds & {"reported", "field"} and not task.assessors.exists():
        raise Problem(
            _("Somebody must fill in values or go to look: name an assessor."), status=409, kind="not-ready"
        )


def _publish(task: EvaluationTask, reason: str) -> None:
    results.compute(task)
    gaps = results.gaps(task)
    if gaps and not reason:
        detail = _("Data are missing in %(n)d places, first in %(first)s. With gaps a reason is needed.")
        raise Problem(
            detail % {"n": len(gaps), "first": f"{gaps[0].subject} · {gaps[0].item}"},
            kind="gaps",
            errors=[{"pointer": "/reason", "detail": _("Say why.")}],
        )
    task.published_at = timezone.now()


def _log(task, user, action: str, source: str, target: str, reason: str = "") -> None:
    TaskStep.objects.create(
        task=task,
        action=action,
        from_state=source,
        to_state=target,
        actor=user,
        reason=reason,
        at=timezone.now(),
    )


def _tell(task: EvaluationTask, people) -> None:
    url = reverse("evaluation-field", args=[task.pk])
    title = _("You assess: %s") % task.name
    detail = _("Data are due by %s.") % task.collect_due if task.collect_due else ""
    outputs.tell_all([outputs.notice(one, title, detail=detail, url=url, icon="star") for one in people])


def _tell_evaluated(task: EvaluationTask) -> None:
    """Staff hear of what is kept about them."""
    people = [row.user for row in task.subjects.exclude(user=None).select_related("user")]
    url = reverse("evaluation-task", args=[task.pk])
    title = _("Your evaluation is published: %s") % task.name
    outputs.tell_all([outputs.notice(one, title, url=url, icon="star") for one in people])
