"""Joint meetings: the list, one meeting with its agenda and minutes, and deciding an item."""

from __future__ import annotations

import uuid
from datetime import date

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assets.models import ItemType
from cases import inputs, meetings, rules
from cases.models import JointMeeting, MeetingItem
from cases.pages.case import find as find_case
from geo.models import Area
from geo.problems import Problem

State = JointMeeting.State
PAGE = 50
MOST_OFFERED = 200


def _check(request, permission: str = meetings.VIEW) -> None:
    if not request.user.can(permission):
        raise PermissionDenied(_("Your roles see no joint meetings."))


def _find(request, pk: int) -> JointMeeting:
    meeting = JointMeeting.objects.for_user(request.user).filter(pk=pk).first()
    if meeting is None:
        raise Http404
    return meeting


def _area_name(code: str) -> str:
    return Area.objects.filter(code=code, valid_to=None).values_list("name", flat=True).first() or code


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def meetings_page(request):
    """Meetings within the scope, newest first, and planning another."""
    _check(request)
    problem = None
    if request.method == "POST":
        try:
            return redirect("meeting", _plan(request).pk)
        except Problem as refused:
            problem = refused
    user = request.user
    rows = JointMeeting.objects.for_user(user).select_related("created_by")
    state = request.GET.get("state", "")
    if state in State.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    names = dict(
        Area.objects.filter(code__in={row.area_code for row in page}, valid_to=None).values_list(
            "code", "name"
        )
    )
    _count(page.object_list)
    codes = user.scope.areas(meetings.PERMISSION)
    context = {
        "rows": [(row, names.get(row.area_code, row.area_code)) for row in page],
        "page": page,
        "state": state,
        "states": State.choices,
        "may_hold": bool(codes),
        "areas": _areas(codes),
        "data": request.POST,
        "problem": problem,
        "errors": _errors(problem),
        "today": timezone.localdate(),
    }
    return render(request, "cases/meetings.html", context, status=problem.status if problem else 200)


def _errors(problem: Problem | None) -> dict[str, str]:
    """What is wrong, by field."""
    return {
        error.get("pointer", "").strip("/"): error["detail"] for error in (problem.errors if problem else ())
    }


def _count(rows: list[JointMeeting]) -> None:
    """How many items each has, and how many are decided; one statement."""
    found: dict[int, list[int]] = {}
    items = MeetingItem.objects.filter(meeting__in=[row.pk for row in rows])
    for meeting, decided in items.values_list("meeting", "decided_at"):
        line = found.setdefault(meeting, [0, 0])
        line[0] += 1
        line[1] += decided is not None
    for row in rows:
        row.n_items, row.n_decided = found.get(row.pk, (0, 0))


def _areas(codes) -> list[Area]:
    """Where the user may hold meetings: the areas of the grants and the districts and streets below."""
    areas = Area.objects.filter(valid_to=None, level__in=["city", "district", "street"]).order_by("code")
    return [area for area in areas.only("code", "name", "level") if area.code.startswith(tuple(codes))]


def _plan(request) -> JointMeeting:
    data = request.POST
    try:
        day = date.fromisoformat(data.get("held_on", ""))
    except ValueError:
        day = None
    return meetings.plan(
        request.user, area_code=data.get("area_code", ""), held_on=day, title=data.get("title", "")
    )


@login_required
@never_cache
@require_GET
def meeting_page(request, pk: int):
    """Agenda, decisions and minutes; printed as the record of the meeting."""
    _check(request)
    return _meeting(request, _find(request, pk))


def _meeting(request, meeting: JointMeeting, problem: Problem | None = None):
    user = request.user
    items, hidden = meetings.items_of(user, meeting)
    open_to = meeting.state == State.PLANNED and user.scope.covers(meetings.PERMISSION, meeting.area_code)
    context = {
        "meeting": meeting,
        "area": _area_name(meeting.area_code),
        "items": items,
        "hidden": hidden,
        "open": open_to,
        "parties": dict(rules.parties()),
        "candidates": list(meetings.candidates(user, meeting)[:MOST_OFFERED]) if open_to else [],
        "holdable": open_to and meeting.held_on <= timezone.localdate(),
        "data": request.POST,
        "problem": problem,
    }
    return render(request, "cases/meeting.html", context, status=problem.status if problem else 200)


def _refusable(request, pk: int, do):
    """Carry out, and come back to the meeting; what is wrong is told on its page."""
    _check(request, meetings.PERMISSION)
    meeting = _find(request, pk)
    try:
        do()
    except Problem as problem:
        return _meeting(request, meeting, problem)
    return redirect("meeting", pk)


@login_required
@require_POST
def add(request, pk: int):
    """Put a case on the agenda."""
    data = request.POST
    return _refusable(
        request,
        pk,
        lambda: meetings.add_item(request.user, pk, data.get("number", ""), data.get("question", "")),
    )


@login_required
@require_POST
def hold(request, pk: int):
    """The meeting was held: keep its minutes."""
    return _refusable(request, pk, lambda: meetings.hold(request.user, pk, request.POST.get("minutes", "")))


@login_required
@require_POST
def remove(request, pk: int):
    """Take a case off the agenda."""
    _check(request, meetings.PERMISSION)
    meeting = meetings.remove_item(request.user, pk)
    return redirect("meeting", meeting.pk)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def decide(request, pk: int):
    """The form of a decision: what the case's flow does, for which unit, and the line it adds."""
    _check(request, meetings.PERMISSION)
    user = request.user
    item = (
        MeetingItem.objects.filter(
            pk=pk, meeting__in=JointMeeting.objects.for_user(user, meetings.PERMISSION)
        )
        .select_related("meeting")
        .first()
    )
    if item is None:
        raise Http404
    if request.method == "GET" and (item.decided_at or item.meeting.state != State.PLANNED):
        return redirect("meeting", item.meeting_id)
    case = find_case(request, item.case.number)
    units = meetings.units_of(item.meeting)
    problem = None
    if request.method == "POST":
        try:
            meetings.decide(user, pk, **_decision(request, units))
            return redirect("meeting", item.meeting_id)
        except Problem as refused:
            problem = refused
    moves = meetings.offered(user, case)
    context = {
        "item": item,
        "case": case,
        "meeting": item.meeting,
        "moves": moves,
        "takes_units": any("units" in move.takes for move in moves),
        "complexities": inputs.choices("complexity") if any("complexity" in m.takes for m in moves) else [],
        "units": units.order_by("kind", "path"),
        "parties": rules.parties(),
        "types": ItemType.objects.filter(active=True, standard=settings.CASE_STANDARD).order_by(
            "-kind", "class_code", "type_code"
        ),
        "chosen_type": request.POST.get("duty_type") or str(case.type_id or ""),
        "areas": Area.objects.filter(
            valid_to=None,
            code__in=[case.area_code[:digits] for digits in (4, 6, 9, 12)],
            code__startswith=item.meeting.area_code,
        ).order_by("-code"),
        "basis": meetings.basis_of(item.meeting),
        "data": request.POST,
        "chosen_units": request.POST.getlist("units"),
        "problem": problem,
        "errors": _errors(problem),
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
    }
    return render(request, "cases/meeting_decide.html", context, status=problem.status if problem else 200)


def _decision(request, units) -> dict:
    data = request.POST
    try:
        key = uuid.UUID(data["client_key"]) if data.get("client_key") else None
    except ValueError:
        raise Problem(_("The form was damaged on its way; open it again."), status=400) from None
    unit = data.get("unit", "")
    duty = None
    if data.get("add_duty"):
        names = ("name", "party", "area_code", "post", "manual")
        kind = data.get("duty_type", "")
        duty = meetings.Duty(
            **{name: data.get(f"duty_{name}", "").strip() for name in names},
            type=ItemType.objects.filter(pk=int(kind)).first() if kind.isdecimal() else None,
        )
    return {
        "decision": data.get("decision", ""),
        "action": data.get("action", ""),
        "unit": units.filter(pk=int(unit)).first() if unit.isdecimal() else None,
        "units": list(units.filter(pk__in=[pk for pk in data.getlist("units") if pk.isdecimal()])),
        "complexity": data.get("complexity", ""),
        "duty": duty,
        "client_key": key,
    }


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def case_meeting(request, number: str):
    """Choose the planned meeting that a case shall be put on."""
    _check(request, meetings.PERMISSION)
    case = find_case(request, number)
    problem = None
    if request.method == "POST":
        chosen = request.POST.get("meeting", "")
        try:
            if not chosen.isdecimal():
                raise Problem(_("Choose a meeting."))
            meetings.add_item(request.user, int(chosen), number, request.POST.get("question", ""))
            return redirect("meeting", int(chosen))
        except Problem as refused:
            problem = refused
    context = {
        "case": case,
        "fits": meetings.may_list(request.user, case),
        "meetings": meetings.planned_for(request.user, case).order_by("held_on"),
        "data": request.POST,
        "problem": problem,
    }
    return render(request, "cases/case_meeting.html", context, status=problem.status if problem else 200)
