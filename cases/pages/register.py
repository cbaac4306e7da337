"""The desk's door for what residents say: registering a complaint or letter, and asking for a contact."""

from __future__ import annotations

import json
import uuid

from django.contrib.auth.decorators import login_required
from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import actions, flow, inputs, queries
from cases.models import Case
from cases.pages.case import find
from cases.pages.console import visible
from geo import audit, search
from geo.coordinates import CoordinateError, to_wgs84
from geo.problems import Problem
from geo.texts import all_fitting, fitting

# What staff at a desk may say that a thing came by; see ``Case.Source``.
SOURCES = (Case.Source.HOTLINE, Case.Source.PUBLIC, Case.Source.LEADER, Case.Source.MEDIA)
FLOWS = (flow.COMPLAINT, flow.LETTER)
MOST_PLACES = 12


def may_register(user) -> bool:
    """Whether the desk's registration is for this user: to report, and not out in the grid."""
    return user.can("cases.report") and not user.can("grids.check_in")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def register(request):
    """The dialog in which a complaint or letter is registered; what is wrong comes back in the dialog."""
    visible(request)
    if not may_register(request.user):
        raise PermissionDenied(_("Your role does not register what residents say."))
    problem = None
    if request.method == "POST":
        try:
            case = _report(request)
        except Problem as caught:
            problem = caught
        else:
            response = HttpResponse(status=204)
            words = _("Registered as %s.") % case.number
            told = {"words": words, "number": case.number, "registered": True}
            response["HX-Trigger"] = json.dumps({"case-acted": told})
            return response
    return render(request, "cases/register.html", _form(request, problem), status=422 if problem else 200)


def _form(request, problem: Problem | None) -> dict:
    errors = {}
    for error in problem.errors if problem else ():
        errors.setdefault(error.get("pointer", "").strip("/").split("/")[0], error["detail"])
    chosen = request.POST.get("flow") or (
        flow.COMPLAINT if request.user.can("cases.complaints") else flow.LETTER
    )
    return {
        "flows": [(name, flow.current(name).label) for name in FLOWS],
        "chosen": chosen,
        "kinds": inputs.choices(flow.KIND),
        "sources": [(value, Case.Source(value).label) for value in SOURCES],
        "data": request.POST,
        "problem": problem,
        "errors": errors,
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
    }


def _report(request) -> Case:
    data = request.POST
    errors = []
    try:
        lon, lat = to_wgs84(float(data["lon"]), float(data["lat"]), "wgs84")
        key = uuid.UUID(data.get("client_key", ""))
    except (KeyError, ValueError, CoordinateError):
        lon = lat = key = None
        errors.append(
            {"pointer": "/lon", "detail": _("Set the place: by address, on the map or by numbers.")}
        )
    if not data.get("description", "").strip():
        errors.append({"pointer": "/description", "detail": _("Say what it is about.")})
    if data.get("flow") == flow.COMPLAINT and not data.get("complaint_kind"):
        errors.append({"pointer": "/complaint_kind", "detail": _("Choose what kind of complaint it is.")})
    if data.get("flow") not in FLOWS:
        errors.append({"pointer": "/flow", "detail": _("Choose what it is.")})
    said = {}
    try:
        said = all_fitting(data, description=1000, address=200, name=60, phone=30)
    except Problem as problem:
        errors += problem.errors
    if errors:
        raise Problem(errors[0]["detail"], errors=errors, title=_("Something is missing"))
    case, _new = actions.report(
        request.user,
        actions.Place(Point(lon, lat, srid=4326), raw_lon=lon, raw_lat=lat),
        client_key=key,
        flow_name=data["flow"],
        source=data.get("source", ""),
        description=said["description"],
        address=said["address"],
        urgent=bool(data.get("urgent")),
        complaint_kind=data.get("complaint_kind", "") if data["flow"] == flow.COMPLAINT else "",
        contact=actions.Contact(said["name"], said["phone"]),
    )
    return case


@login_required
@never_cache
@require_GET
def places(request):
    """Places for a text, each with where it is: [{"title", "detail", "lon", "lat"}]; no cases, no people."""
    visible(request)
    found = [
        {name: row[name] for name in ("title", "detail", "lon", "lat")}
        for group in search.search(request.user, request.GET.get("q", ""))
        if group["id"] not in ("case", "person")
        for row in group["results"]
        if row["lon"] is not None
    ]
    return JsonResponse({"places": found[:MOST_PLACES]})


@login_required
@never_cache
@require_POST
def contact(request, number: str):
    """The reporter's contact, once, for a stated reason; every look is written to the audit log."""
    case = find(request, number)
    problem, told = "", None
    reason = request.POST.get("reason", "").strip()
    if not queries.may_reveal(request.user, case):
        raise PermissionDenied(_("Your role does not read reporters' contacts."))
    try:
        fitting(reason, 200, "reason")
    except Problem as refused:
        problem = refused.detail
    if not reason:
        problem = _("Say what you need the contact for; it is written to the audit log.")
    elif not problem:
        told = getattr(case, "reporter_contact", None)
        if told is None:
            problem = _("No contact was left.")
        else:
            audit.log(request.user, "case.reveal_contact", case, reason=reason, area_code=case.area_code)
    context = {"case": case, "contact": told, "reason": reason, "problem": problem}
    return render(request, "cases/contact.html", context, status=422 if problem else 200)
