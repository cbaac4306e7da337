"""Many cases at once, and a case in parts: pages and dialogs of the desk."""

from __future__ import annotations

import json
import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import bulk, children, flow, inputs, queries
from cases.filters import Filters, page
from cases.models import Case
from cases.pages import act_inputs
from cases.pages.case import find
from cases.pages.console import visible
from cases.steps import Given
from geo.models import Organisation
from geo.problems import Problem
from geo.texts import fitting


@login_required
@never_cache
@require_GET
def bulk_page(request):
    """The cases of the console's filters (the first 200) to choose from, and what can be done for all."""
    filters = Filters.read(request.GET, request.user)
    rows = filters.tab(filters.narrow(visible(request)), request.user)
    first, _next = page(rows.defer("decision"), filters.sort, "", bulk.MOST)
    cases = bulk.chosen(request.user, [case.number for case in first])
    return render(
        request,
        "cases/bulk.html",
        {
            "cases": cases,
            "filters": filters,
            "most": bulk.MOST,
            "offered": bulk.offered(request.user, cases),
        },
    )


@login_required
@require_POST
def bulk_preview(request):
    """What the chosen action would do to the chosen cases, with what it needs."""
    visible(request)
    cases = bulk.chosen(request.user, request.POST.getlist("numbers"))
    action = request.POST.get("action", "")
    lines = bulk.preview(request.user, cases, action)
    able = [line.case for line in lines if not line.why]
    context = {"lines": lines, "able": able, "action": action, "client_key": uuid.uuid4()}
    if able:
        move = next(move for move in flow.allowed(request.user, able[0]) if move.action == action)
        asked = {*move.needs, *move.takes} & bulk.FOR_ALL
        context |= {"move": move, "asked": asked, "needed": set(move.needs), "data": {}, "errors": {}}
        context |= act_inputs.context(request, able[0], {"inputs": inputs.of(able[0], move)}, asked)
        if asked & {flow.UNIT, flow.UNITS}:
            context["units"] = _units(request, able[0])
    return render(request, "cases/bulk_preview.html", context)


@login_required
@require_POST
def bulk_do(request):
    """Carry it out; what was done and what was not, with the reasons."""
    visible(request)
    try:
        key = uuid.UUID(request.POST.get("client_key", ""))
    except ValueError:
        raise Problem(_("The form was damaged on its way; open it again."), status=400) from None
    unit = request.POST.get("unit", "")
    given = Given(
        reason=fitting(request.POST.get("reason", ""), 500, "reason"),
        unit=Organisation.objects.filter(pk=int(unit), active=True).first() if unit.isdecimal() else None,
        **act_inputs.given(request),
    )
    action = request.POST.get("action", "")
    lines = bulk.carry_out(request.user, request.POST.getlist("numbers"), action, given, key)
    return render(
        request,
        "cases/bulk_done.html",
        {
            "done": [line for line in lines if not line.why],
            "left": [line for line in lines if line.why],
        },
    )


def _units(request, case: Case):
    return queries.units_for(case, request.user).exclude(kind=Organisation.Kind.CENTRE)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def split(request, number: str):
    """The dialog in which a case is given out in parts."""
    visible(request)
    case: Case = find(request, number)
    problem = None
    rows = list(zip(request.POST.getlist("unit"), request.POST.getlist("words"), strict=False))
    if request.method == "POST":
        units = {str(unit.pk): unit for unit in _units(request, case)}
        parts = [(units.get(unit), words) for unit, words in rows if unit or words.strip()]
        try:
            key = uuid.UUID(request.POST.get("client_key", ""))
            made = children.split(number, request.user, parts, client_key=key)
            words = _("Parts were given out: %s.") % ", ".join(part.number for part in made)
            response = HttpResponse(status=204)
            response["HX-Trigger"] = json.dumps(
                {"case-acted": {"words": words, "number": number, "bad": False}}
            )
            return response
        except ValueError:
            problem = Problem(_("The form was damaged on its way; open it again."), status=400)
        except Problem as caught:
            problem = caught
    context = {
        "case": case,
        "units": _units(request, case),
        "rows": rows or [("", ""), ("", "")],
        "problem": problem,
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
    }
    return render(request, "cases/split.html", context, status=problem.status if problem else 200)
