"""Data that people bring: values filled in and reviewed, and what was seen on the spot."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal

from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.evaluation import tasks
from cases.evaluation.authoring import number
from cases.models import (
    EvaluationTask,
    Inspection,
    InspectionPhoto,
    ModelItem,
    ReportedValue,
    SamplePoint,
    TaskSubject,
)
from cases.models.evaluation import ASSESS, MANAGE
from geo import audit
from geo.models import Attachment
from geo.problems import Problem
from geo.texts import fitting

State = EvaluationTask.State
# Farther from its point than this (and than the fix is exact) an inspection is marked for the review.
FAR_METRES = 100
MOST_PHOTOS = 9


class Parts:
    """What somebody assesses in a task: items (with all below) and subjects."""

    def __init__(self, user, task: EvaluationTask):
        self.rows = list(task.assessors.filter(user=user)) if user.can(ASSESS) else []
        self.above = dict(task.model.items.values_list("pk", "parent_id"))

    def __bool__(self) -> bool:
        return bool(self.rows)

    def covers(self, item: int, subject: int) -> bool:
        chain = set()
        while item is not None:
            chain.add(item)
            item = self.above.get(item)
        return any(
            (row.item_id is None or row.item_id in chain) and row.subject_id in (None, subject)
            for row in self.rows
        )


def _open_task(user, pk: int) -> EvaluationTask:
    """The task, locked against a change of its state while data come in (shared by assessors)."""
    task = EvaluationTask.objects.for_user(user).filter(pk=pk).select_related("model").first()
    if task is None:
        raise Problem(_("There is no such task, or not within your scope."), status=404, kind="not-found")
    with connection.cursor() as cursor:
        cursor.execute("select state from cases_evaluationtask where id = %s for share", [pk])
        task.state = cursor.fetchone()[0]
    return tasks.in_state(task, State.COLLECTING)


def _leaf(task: EvaluationTask, item: int, subject: int, kind: str) -> tuple[ModelItem, TaskSubject]:
    row = ModelItem.objects.filter(pk=item, model=task.model).first()
    who = TaskSubject.objects.filter(pk=subject, task=task).first()
    if row is None or who is None or not row.definition or row.definition["kind"] != kind:
        raise Problem(_("There is no such item or subject in this task."), status=404, kind="not-found")
    return row, who


def _mine(user, task: EvaluationTask, item: int, subject: int) -> None:
    if not Parts(user, task).covers(item, subject):
        raise Problem(
            _("This part is not yours to assess. Ask whoever manages the task."),
            status=403,
            kind="forbidden",
        )


# --- Values filled in ---------------------------------------------------------------------------------


def enter_value(user, pk: int, *, item: int, subject: int, value, note: str = "") -> ReportedValue:
    """Fill in a value, or mend one that nobody has reviewed yet. A reviewed one stays."""
    with transaction.atomic():
        task = _open_task(user, pk)
        row, who = _leaf(task, item, subject, "reported")
        _mine(user, task, item, subject)
        errors: list[dict] = []
        amount = number(value, "/value", errors)
        if errors:
            raise Problem(errors[0]["detail"], errors=errors)
        same = ReportedValue.objects.select_for_update().filter(task=task, item=row, subject=who)
        kept = same.exclude(state=ReportedValue.State.RETURNED).first()
        if kept is not None and kept.state == ReportedValue.State.ACCEPTED:
            raise Problem(_("This value is reviewed already; it stays."), status=409, kind="reviewed")
        if kept is not None and kept.entered_by_id != user.pk:
            raise Problem(_("%s has filled this in meanwhile.") % kept.entered_by, status=409, kind="entered")
        if kept is None:
            kept = ReportedValue(task=task, item=row, subject=who, entered_by=user)
        kept.value, kept.note, kept.entered_at = amount, fitting(note, 300, "note"), timezone.now()
        try:
            with transaction.atomic():
                kept.save()
        except IntegrityError:
            raise Problem(
                _("Somebody else filled this in at the same moment."), status=409, kind="entered"
            ) from None
        audit.log(
            user,
            "evaluation_value.enter",
            kept,
            area_code=who.area_code,
            item=row.name,
            value=str(amount),
        )
    return kept


def review_value(user, pk: int, value_id: int, *, passed: bool, value=None, note: str = "") -> ReportedValue:
    """Accept a value as it is or corrected, or return it with a remark. Nobody reviews one's own."""
    note = fitting(note, 300, "note")
    with transaction.atomic():
        task = tasks.locked(user, pk, State.COLLECTING, State.REVIEW)
        row = ReportedValue.objects.select_for_update().filter(task=task, pk=value_id).first()
        if row is None:
            raise Problem(_("There is no such value in this task."), status=404, kind="not-found")
        if row.state != ReportedValue.State.PENDING:
            raise Problem(_("Already reviewed: %s.") % row.get_state_display(), status=409, kind="reviewed")
        if row.entered_by_id == user.pk:
            raise Problem(_("Another person reviews what you filled in."), status=403, kind="own")
        if not passed and not note:
            raise Problem(_("Say why."), errors=[{"pointer": "/note", "detail": _("Say why.")}])
        if passed:
            errors: list[dict] = []
            given = row.value if value in (None, "") else number(value, "/value", errors)
            if errors:
                raise Problem(errors[0]["detail"], errors=errors)
            if given != row.value and not note:
                detail = _("Say why the value was corrected.")
                raise Problem(detail, errors=[{"pointer": "/note", "detail": detail}])
            row.state, row.reviewed_value = ReportedValue.State.ACCEPTED, Decimal(given)
        else:
            row.state = ReportedValue.State.RETURNED
        row.review_note, row.reviewed_by, row.reviewed_at = note, user, timezone.now()
        row.save()
        audit.log(
            user,
            "evaluation_value.accept" if passed else "evaluation_value.return",
            row,
            reason=note,
            value=str(row.value),
            reviewed=str(row.reviewed_value),
        )
    return row


# --- On the spot --------------------------------------------------------------------------------------


def inspect(
    user,
    pk: int,
    *,
    client_key,
    item: int | None = None,
    subject: int | None = None,
    point: int | None = None,
    position: Point | None = None,
    accuracy_m: float | None = None,
    found: dict[str, int] | None = None,
    photos: Iterable[Attachment] = (),
    unreachable: bool = False,
    note: str = "",
) -> tuple[Inspection, bool]:
    """Record what was seen; answers the row and whether it is new (a second send of a key is not).

    ``position`` is where the assessor stands (EPSG:4326). Problems need a photo, a point that could not be
    reached a note.
    """
    try:
        key = uuid.UUID(str(client_key))
    except ValueError:
        raise Problem(_("“%(uuid)s” is no UUID.") % {"uuid": client_key}, status=400) from None
    note, photos = fitting(note, 300, "note"), list(photos)
    check_number(photos)
    with transaction.atomic():
        if (known := Inspection.objects.filter(client_key=key).first()) is not None:
            if known.assessor_id != user.pk:
                raise Problem(_("This key belongs to another inspection."), status=422, kind="key")
            return known, False
        task = _open_task(user, pk)
        spot = None
        if point is not None:
            # The lock lets one of two assessors at a point go first.
            spot = SamplePoint.objects.select_for_update().filter(task=task, pk=point).first()
            if spot is None:
                raise Problem(_("There is no such point in this task."), status=404, kind="not-found")
            item, subject = spot.item_id, spot.subject_id
        row, who = _leaf(task, item or 0, subject or 0, "field")
        _mine(user, task, row.pk, who.pk)
        if spot is not None:
            other = Inspection.objects.filter(point=spot).select_related("assessor").first()
            if other is not None:
                raise Problem(
                    _("%s has recorded this point already.") % other.assessor, status=409, kind="inspected"
                )
        elif SamplePoint.objects.filter(task=task, item=row, subject=who).exists():
            detail = _("This item is assessed at the points that were drawn; choose one of them.")
            raise Problem(detail, errors=[{"pointer": "/point", "detail": detail}])
        lines = _found(row, found or {})
        _evidence(position, lines, photos, unreachable, note, user)
        inspection = Inspection(
            task=task,
            item=row,
            subject=who,
            point=spot,
            assessor=user,
            client_key=key,
            position=position,
            accuracy_m=accuracy_m,
            distance_m=_metres(position, spot.geom) if spot else None,
            found=[] if unreachable else lines,
            unreachable=unreachable,
            note=note,
        )
        try:
            with transaction.atomic():
                inspection.save()
        except IntegrityError:
            # The same send, a moment faster.
            return Inspection.objects.get(client_key=key, assessor=user), False
        InspectionPhoto.objects.bulk_create(
            [InspectionPhoto(inspection=inspection, attachment=photo) for photo in photos]
        )
        audit.log(
            user,
            "evaluation_inspection.add",
            inspection,
            area_code=who.area_code,
            item=row.name,
            point=spot.code if spot else "",
            found=lines,
        )
    return inspection, True


def check_number(photos: list) -> None:
    """Refused where there are too many photos, before any is stored."""
    if len(photos) > MOST_PHOTOS:
        detail = _("At most %d photos.") % MOST_PHOTOS
        raise Problem(detail, errors=[{"pointer": "/photos", "detail": detail}])


def _found(item: ModelItem, counts: dict[str, int]) -> list[dict]:
    known = {problem["code"] for problem in item.definition["problems"]}
    lines = []
    for code, count in counts.items():
        if code not in known or not 0 <= count <= 999:
            detail = _("The number of problems must be from 0 to 999.")
            raise Problem(detail, errors=[{"pointer": f"/found/{code}", "detail": detail}])
        if count:
            lines.append({"code": code, "count": count})
    return lines


def _evidence(position, lines, photos, unreachable: bool, note: str, user) -> None:
    errors = []
    if position is None:
        errors.append({"pointer": "/position", "detail": _("Take your position: it shows you were there.")})
    if lines and not photos and not unreachable:
        errors.append({"pointer": "/photos", "detail": _("Deductions need a photo.")})
    if unreachable and not note:
        errors.append({"pointer": "/note", "detail": _("Say why the point could not be looked at.")})
    if any(photo.owner_id != user.pk for photo in photos):
        errors.append({"pointer": "/photos", "detail": _("These photos are not yours.")})
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)


def _metres(one: Point, other: Point) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "select ST_Distance(%s::geometry::geography, %s::geometry::geography)",
            [one.hexewkb.decode(), other.hexewkb.decode()],
        )
        return cursor.fetchone()[0]


def forget_inspection(user, pk: int, inspection_id: int, reason: str) -> None:
    """Take a wrong inspection out while data are collected; the audit log keeps what it said."""
    reason = fitting(reason, 300, "reason")
    if not reason:
        raise Problem(_("Say why."), errors=[{"pointer": "/reason", "detail": _("Say why.")}])
    with transaction.atomic():
        task = _open_task(user, pk)
        row = Inspection.objects.select_for_update().filter(task=task, pk=inspection_id).first()
        manages = EvaluationTask.objects.for_user(user, MANAGE).filter(pk=pk).exists()
        if row is None or not (manages or row.assessor_id == user.pk):
            raise Problem(_("There is no such inspection, or not yours."), status=404, kind="not-found")
        audit.log(
            user,
            "evaluation_inspection.forget",
            row,
            reason=reason,
            found=row.found,
            item=row.item_id,
            point=row.point_id,
        )
        row.delete()
