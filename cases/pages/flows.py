"""The flows: drawn, explained, and edited as drafts until they are put in force."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import flow, flow_check, flow_data, flow_drafts, flow_graph, flow_trial, guards
from cases.effects import EFFECTS
from cases.models import Case, FilingStandard, FlowVersion
from cases.pages import flow_forms
from geo.permission_words import words as permission_words
from geo.problems import Problem

TABS = {
    "moves": gettext_lazy("Moves"),
    "states": gettext_lazy("States"),
    "clocks": gettext_lazy("Clocks"),
    "faults": pgettext_lazy("flow", "Faults"),
    "trial": gettext_lazy("Try on past cases"),
}
ACTORS = {
    flow.SCOPE: gettext_lazy("whoever has the right there"),
    flow.HOLDER: gettext_lazy("the unit that holds it"),
    flow.VERIFIER: gettext_lazy("whoever was asked to check"),
    flow.ASKED: gettext_lazy("a unit that was asked"),
    flow.REPORTER: gettext_lazy("whoever reported it"),
    flow.SYSTEM: gettext_lazy("by rule"),
}
# The clocks that the shipped flows have; an operator's own goes by its code.
TIMERS = {
    "warning": pgettext_lazy("clock", "Warning"),
    "overdue": gettext_lazy("Overdue"),
    "level_1": gettext_lazy("Supervision, level 1"),
    "level_2": gettext_lazy("Supervision, level 2"),
    "level_3": gettext_lazy("Supervision, level 3"),
    "step_overdue": gettext_lazy("Step overdue"),
    "take_overdue": gettext_lazy("Not taken in time"),
    "review": gettext_lazy("Day of review"),
    "unrated": gettext_lazy("Not rated in time"),
    "legacy_review": gettext_lazy("Review of what was left"),
}
WHYS = {
    flow_trial.NO_ACTION: gettext_lazy("There is no such action."),
    flow_trial.NO_START: gettext_lazy("It does not start from that state."),
    flow_trial.NO_END: gettext_lazy("It leads to another state."),
}


def _check(request) -> None:
    if not request.user.can("cases.view_rules"):
        raise PermissionDenied(_("Your roles do not show the flows."))


def _row(name: str, version: int) -> FlowVersion:
    row = FlowVersion.objects.filter(name=name, version=version).first()
    if row is None:
        raise Http404
    return row


@login_required
@never_cache
@require_GET
def flows_page(request):
    """All flows with their versions, and how many cases each has."""
    _check(request)
    of_versions = Case.objects.for_user(request.user).exclude(state__in=Case.ENDED).order_by()
    cases = {
        (name, version): count
        for name, version, count in of_versions.values_list("flow", "flow_version").annotate(
            count=Count("pk")
        )
    }
    groups: dict[str, list[dict]] = {}
    for row in FlowVersion.objects.select_related("activated_by", "created_by").order_by("name", "-version"):
        row.open = cases.get((row.name, row.version), 0)
        groups.setdefault(row.name, []).append(row)
    context = {"groups": list(groups.values()), "may_edit": request.user.can(flow_drafts.PERMISSION)}
    return render(request, "cases/flows.html", context)


@login_required
@never_cache
@require_GET
def flow_page(request, name: str, version: int):
    """One version: the picture, and below it moves, states, clocks, faults and the trial."""
    _check(request)
    row = _row(name, version)
    return render(request, "cases/flow.html", _context(request, row))


def _context(request, row: FlowVersion, problem: Problem | None = None) -> dict:
    tab = request.GET.get("tab", "moves")
    faults = flow_check.check(row.definition)
    blocked = [fault for fault in faults if not fault.warning]
    editing = row.state == FlowVersion.State.DRAFT and request.user.can(flow_drafts.PERMISSION)
    context = {
        "row": row,
        "tab": tab if tab in TABS else "moves",
        "tabs": [(code, label, len(faults) if code == "faults" else None) for code, label in TABS.items()],
        "faults": [fault for fault in faults if not fault.warning],
        "warnings": [fault for fault in faults if fault.warning],
        "editing": editing,
        "may_edit": request.user.can(flow_drafts.PERMISSION),
        "problem": problem,
    }
    try:
        table = flow_data.compile_flow(row.definition)
        context["graph"] = flow_graph.draw(table)
        context |= _tables(table, request)
    except (KeyError, TypeError, AttributeError):
        # The form itself is broken: the check says where, there is nothing to draw.
        context["graph"] = None
        if not blocked:
            raise
        return context
    if context["tab"] == "trial" and not blocked:
        trial = flow_trial.dry_run(request.user, table)
        context["trial"] = trial
        names = {move.action: str(move.label) for move in table.moves}
        context["refused"] = [
            {
                "step": step,
                "action": names.get(step.action, step.action),
                "start": table.state_label(step.start) or step.start,
                "end": table.state_label(step.end) or step.end,
                "why": WHYS[step.why],
            }
            for step in trial.refused
        ]
        context["lost"] = [(table.state_label(code) or code, count) for code, count in trial.lost]
    return context


def _tables(table: flow.Flow, request) -> dict:
    chosen = request.GET.get("state", "")
    names = {move.action: str(move.label) for move in table.moves}
    moves = []
    for number, move in enumerate(table.moves):
        if chosen and chosen not in move.start and chosen != move.end:
            continue
        moves.append(
            {
                "number": number,
                "move": move,
                "starts": [table.state_label(state) or _("(beginning)") for state in move.start],
                "end": table.state_label(move.end) if move.end in table.states else "",
                "stays": move.end == flow.SAME,
                "before": move.end == flow.BEFORE,
                "by": ACTORS[move.by],
                "right": permission_words(move.permission) if move.permission else "",
                "asked": [flow_forms.INPUT_WORDS.get(name, name) for name in move.needs],
                "then": [names.get(action, action) for action in move.then],
                "guards": [guards.why(name) for name in move.guards if name in guards.GUARDS],
            }
        )
    units = dict(FilingStandard.Unit.choices)
    return {
        "chosen": chosen,
        "chosen_label": table.state_label(chosen),
        "moves": moves,
        "states": [
            {
                "number": number,
                "state": state,
                "phase": Case.Phase(state.phase).label if state.phase in Case.Phase.values else state.phase,
                "unit": units.get(state.limit.unit, "") if state.limit else "",
            }
            for number, state in enumerate(table.states.values())
        ],
        "clocks": [
            {
                "number": number,
                "timer": timer,
                "label": TIMERS.get(timer.kind, timer.kind),
                "action": names.get(timer.action, timer.action),
                "clock": flow_forms.CLOCK_WORDS.get(timer.clock, timer.clock),
                "where": [Case.Phase(phase).label for phase in timer.phases if phase in Case.Phase.values]
                + [table.state_label(state) for state in timer.states],
                "unit": units.get(timer.after.unit, "") if timer.after else "",
                "percent": round(timer.share * 100) if timer.share else None,
                "does": flow_forms.DO_WORDS.get(timer.do, timer.do),
            }
            for number, timer in enumerate(table.timers)
        ],
        "in_words": len(EFFECTS),
    }


# --- Editing ----------------------------------------------------------------------------------------


@login_required
@require_POST
def new_draft(request, name: str, version: int):
    """Begin the next version from this one."""
    _check(request)
    draft = flow_drafts.start(request.user, name, version)
    return _go(reverse("flow-page", args=[draft.name, draft.version]))


@login_required
@require_POST
def step(request, name: str, version: int, what: str):
    """Undo the last change of a draft, throw it away, or put it in force."""
    _check(request)
    here = reverse("flow-page", args=[name, version])
    try:
        if what == "undo":
            flow_drafts.undo(request.user, name, version)
        elif what == "discard":
            flow_drafts.discard(request.user, name, version)
            return _go(reverse("flows"))
        elif what == "activate":
            flow_drafts.activate(request.user, name, version, request.POST.get("note", ""))
        else:
            raise Http404
    except Problem as problem:
        row = _row(name, version)
        return render(request, "cases/flow.html", _context(request, row, problem), status=problem.status)
    return _go(here)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def part(request, name: str, version: int, kind: str, number: str):
    """The dialog of a state, a move or a clock of a draft ("new" adds one), and writing it."""
    _check(request)
    row = _row(name, version)
    if kind not in flow_forms.FORMS:
        raise Http404
    at = int(number) if number.isdecimal() else None
    rows = row.definition.get(f"{kind}s", [])
    if at is not None and at >= len(rows):
        raise Http404
    form = flow_forms.FORMS[kind]
    problem, revision = None, row.revision
    data = rows[at] if at is not None else {}
    if request.method == "POST":
        drop = "drop" in request.POST
        try:
            revision = int(request.POST.get("revision") or -1)
            data = form.read(request.POST)

            def edit(definition):
                if drop:
                    getattr(flow_drafts, f"drop_{kind}")(definition, at)
                else:
                    getattr(flow_drafts, f"put_{kind}")(definition, at, data)

            flow_drafts.change(request.user, name, version, revision, edit)
            response = HttpResponse(status=204)
            tab = {"state": "states", "move": "moves", "timer": "clocks"}[kind]
            response["HX-Redirect"] = reverse("flow-page", args=[name, version]) + f"?tab={tab}"
            return response
        except Problem as caught:
            problem = caught
    context = form.context(row, data) | {
        "row": row,
        # Somebody was faster: the form stays at what it was opened on, or the next press would write over it.
        "revision": revision if problem and problem.kind == "conflict" else row.revision,
        "kind": kind,
        "number": number,
        "at": at,
        "data": data,
        "problem": problem,
        "errors": {e.get("pointer", "").strip("/"): e["detail"] for e in problem.errors} if problem else {},
    }
    return render(request, f"cases/flow_{kind}.html", context, status=problem.status if problem else 200)


@login_required
@require_GET
def definition(request, name: str, version: int):
    """The definition as JSON, to keep or to bring to another installation."""
    _check(request)
    row = _row(name, version)
    text = json.dumps(row.definition, ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{row.name}-{row.version}.json"'
    return response


def _go(address: str) -> HttpResponse:
    response = HttpResponse(status=303)
    response["Location"] = address
    return response
