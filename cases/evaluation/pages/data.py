"""Data that come in: values filled in and their review, inspections on the spot."""

from __future__ import annotations

import contextlib
import uuid

from django.contrib import messages
from django.contrib.gis.geos import Point
from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.evaluation import collecting, exports
from cases.evaluation.collecting import FAR_METRES, Parts
from cases.evaluation.pages.common import ENTRIES, after, back, find, frame
from cases.evaluation.pages.models import scale_words
from cases.models import EvaluationTask, Inspection, ReportedValue, SamplePoint
from cases.models.evaluation_tasks import InspectionPhoto
from geo import attachments
from geo.pages.common import office
from geo.problems import Problem

State = EvaluationTask.State
MOST_SHOWN = 200


def _entry(request, task: EvaluationTask, tab: str) -> dict:
    """The frame, for managers and assessors only."""
    context = frame(request, task, tab)
    if not (context["manages"] or context["assesses"]) or task.state == State.DRAFT:
        raise Http404
    return context


# --- Values -------------------------------------------------------------------------------------------


@office(*ENTRIES)
@never_cache
@require_GET
def data_page(request, pk: int):
    """Every value that is to be filled in, with its state; ``show`` is all | open | pending."""
    task = find(request, pk)
    context = _entry(request, task, "data")
    parts = Parts(request.user, task)
    subjects = exports.subjects_for(request.user, task)
    items = list(task.model.items.filter(definition__kind="reported"))
    current: dict[tuple[int, int], ReportedValue] = {}
    returned: dict[tuple[int, int], ReportedValue] = {}
    rows = ReportedValue.objects.filter(task=task, subject__in=subjects)
    for row in rows.select_related("entered_by", "reviewed_by").order_by("id"):
        (returned if row.state == ReportedValue.State.RETURNED else current)[row.item_id, row.subject_id] = (
            row
        )
    show = request.GET.get("show", "all")
    lines, counts = [], {"all": 0, "open": 0, "pending": 0}
    for item in items:
        for subject in subjects:
            mine = parts.covers(item.pk, subject.pk)
            if not (mine or context["manages"]):
                continue
            value = current.get((item.pk, subject.pk))
            kind = "open" if value is None else "pending" if value.state == "pending" else "done"
            counts["all"] += 1
            if kind in counts:
                counts[kind] += 1
            if show not in ("all", kind):
                continue
            lines.append(
                {
                    "item": item,
                    "subject": subject,
                    "value": value,
                    "returned": None if value else returned.get((item.pk, subject.pk)),
                    "scale": scale_words(item.definition),
                    "may_enter": mine
                    and task.state == State.COLLECTING
                    and (value is None or (kind == "pending" and value.entered_by_id == request.user.pk)),
                    "may_review": context["manages"]
                    and kind == "pending"
                    and task.state in (State.COLLECTING, State.REVIEW)
                    and value.entered_by_id != request.user.pk,
                }
            )
    labels = {"all": _("All"), "open": _("To be filled in"), "pending": _("To be reviewed")}
    context |= {
        "lines": lines,
        "show": show,
        "shows": [(key, label, counts[key]) for key, label in labels.items()],
    }
    return render(request, "cases/evaluation/data.html", context)


@require_POST
@back
def enter_value(request, pk: int):
    """Fill in one value."""
    post = request.POST
    collecting.enter_value(
        request.user,
        pk,
        item=_whole(post.get("item")),
        subject=_whole(post.get("subject")),
        value=post.get("value", ""),
        note=post.get("note", ""),
    )
    messages.success(request, _("Kept; it is reviewed next."))
    return redirect(after(request, reverse("evaluation-data", args=[pk])))


@require_POST
@back
def review_value(request, pk: int, value: int):
    """Accept, correct or return one value."""
    post = request.POST
    collecting.review_value(
        request.user,
        pk,
        value,
        passed=post.get("answer") == "accept",
        value=post.get("value", ""),
        note=post.get("note", ""),
    )
    messages.success(request, _("Reviewed."))
    return redirect(after(request, reverse("evaluation-data", args=[pk])))


def _whole(text) -> int:
    return int(text) if text and text.isdecimal() else 0


# --- On the spot --------------------------------------------------------------------------------------


@office(*ENTRIES)
@never_cache
@require_http_methods(["GET", "POST"])
def field_page(request, pk: int):
    """Made for a phone held in one hand: the points to visit, and the form of one inspection.

    ``point`` (or ``item`` and ``subject`` where nothing was drawn) opens the form.
    """
    task = find(request, pk)
    context = _entry(request, task, "field")
    parts = Parts(request.user, task)
    problem = None
    if request.method == "POST":
        try:
            _row, new = _inspect(request, pk)
        except Problem as refused:
            problem = refused
        else:
            messages.success(request, _("Recorded.") if new else _("This was recorded already."))
            return redirect("evaluation-field", pk=pk)
    subjects = {one.pk: one for one in exports.subjects_for(request.user, task)}
    items = {one.pk: one for one in task.model.items.filter(definition__kind="field")}
    points = [
        point
        for point in SamplePoint.objects.filter(task=task, subject__in=subjects)
        .select_related("inspection", "grid")
        .order_by("subject__code", "grid__place", "rule", "place")
        if context["manages"] or parts.covers(point.item_id, point.subject_id)
    ]
    for point in points:
        point.seen = getattr(point, "inspection", None)
    have_points = {(point.item_id, point.subject_id) for point in points}
    free = [
        {"item": item, "subject": subject}
        for item in items.values()
        for subject in subjects.values()
        if (item.pk, subject.pk) not in have_points and parts.covers(item.pk, subject.pk)
    ]
    context |= {
        "points": points,
        "open": sum(1 for point in points if not point.seen),
        "free": free,
        "items": items,
        "subjects": subjects,
        "inspections": _inspections(request, task, subjects, context["manages"]),
        "chosen": _chosen(request, points, items, subjects, parts),
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
        "problem": problem,
        "data": request.POST,
        "source": reverse("evaluation-draw-json", args=[pk]),
        "far": FAR_METRES,
    }
    return render(request, "cases/evaluation/field.html", context, status=422 if problem else 200)


def _chosen(request, points, items, subjects, parts: Parts) -> dict | None:
    """What the form is about, if the caller assesses it and it is open."""
    data = request.POST if request.method == "POST" else request.GET
    pk = _whole(data.get("point"))
    if pk:
        point = next((one for one in points if one.pk == pk), None)
        if point is None or not parts.covers(point.item_id, point.subject_id):
            return None
        item, subject = items[point.item_id], subjects[point.subject_id]
    else:
        point = None
        item, subject = items.get(_whole(data.get("item"))), subjects.get(_whole(data.get("subject")))
        if item is None or subject is None or not parts.covers(item.pk, subject.pk):
            return None
    problems = [
        one | {"count": data.get(f"found-{one['code']}", "0") or "0"} for one in item.definition["problems"]
    ]
    return {"point": point, "item": item, "subject": subject, "problems": problems}


def _inspect(request, pk: int) -> tuple[Inspection, bool]:
    post = request.POST
    position = accuracy = None
    with contextlib.suppress(ValueError):
        lon, lat = float(post.get("lon", "")), float(post.get("lat", ""))
        if -180 <= lon <= 180 and -90 <= lat <= 90:
            position = Point(lon, lat, srid=4326)
            accuracy = float(post.get("accuracy") or 0) or None
    found = {}
    for name, text in post.items():
        if name.startswith("found-") and text.strip():
            if not text.strip().isdecimal():
                raise Problem(_("The number of problems must be from 0 to 999."))
            found[name.removeprefix("found-")] = int(text)
    return collecting.inspect(
        request.user,
        pk,
        client_key=post.get("client_key", ""),
        point=_whole(post.get("point")) or None,
        item=_whole(post.get("item")) or None,
        subject=_whole(post.get("subject")) or None,
        position=position,
        accuracy_m=accuracy,
        found=found,
        photos=_photos(request),
        unreachable=post.get("unreachable") == "1",
        note=post.get("note", ""),
    )


def _photos(request) -> list:
    """Uploaded photos, each under a key made of the form's, so that a second send keeps no second copy."""
    try:
        key = uuid.UUID(request.POST.get("client_key", ""))
    except ValueError:
        return []
    files = request.FILES.getlist("photos")
    collecting.check_number(files)
    return [
        attachments.store(request.user, file, uuid.uuid5(key, f"{number}:{file.name}:{file.size}"))[0]
        for number, file in enumerate(files)
    ]


def _inspections(request, task, subjects, manages: bool) -> list[Inspection]:
    """What was recorded, newest first: all for managers, one's own for assessors."""
    rows = Inspection.objects.filter(task=task, subject__in=subjects)
    if not manages:
        rows = rows.filter(assessor=request.user)
    rows = rows.select_related("item", "subject", "point", "assessor").prefetch_related(
        Prefetch("photos", InspectionPhoto.objects.select_related("attachment"))
    )
    found = list(rows[:MOST_SHOWN])
    for row in found:
        names = {one["code"]: one["name"] for one in row.item.definition["problems"]}
        row.told = [f"{names.get(line['code'], line['code'])} × {line['count']}" for line in row.found]
        row.is_far = row.distance_m is not None and row.distance_m > FAR_METRES + (row.accuracy_m or 0)
        row.may_forget = task.state == State.COLLECTING and (manages or row.assessor_id == request.user.pk)
    return found


@require_POST
@back
def forget(request, pk: int, inspection: int):
    """Take a wrong inspection out."""
    collecting.forget_inspection(request.user, pk, inspection, request.POST.get("reason", ""))
    messages.success(request, _("Taken out."))
    return redirect("evaluation-field", pk=pk)
