"""One case on one page: its story, its place, its deadlines, what can be done now; also on paper."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases import supervisions
from cases.filters import Filters
from cases.models import Case
from cases.pages.case import case_context, find
from cases.pages.console import visible, wants
from geo.templatetags.times import deadline


@login_required
@never_cache
@require_GET
def sheet(request, number: str):
    """The page, or only what it tells, after something was done."""
    visible(request)
    case = find(request, number)
    context = case_context(request, case) | {
        "way": "case-sheet",
        "filters": Filters(),
        "deadlines": deadlines(case),
        "orders": list(supervisions.listed(request.user).filter(case=case)),
    }
    return render(
        request, "cases/sheet_body.html" if wants(request, "sheet") else "cases/sheet.html", context
    )


def deadlines(case: Case) -> list[dict]:
    """The case's clocks in order: label, until when, when done and whether in time, or that it runs."""
    told = []
    if case.is_open and case.due_at and case.due_at not in (case.handle_due_at, case.close_due_at):
        told.append(_clock(_("This step"), case.due_at, None, runs=True))
    if case.handle_due_at:
        told.append(_clock(_("Handling"), case.handle_due_at, case.handled_at, runs=case.is_open))
    if case.close_due_at:
        told.append(_clock(_("Closing"), case.close_due_at, case.closed_at, runs=case.is_open))
    return told


def _clock(label: str, until: datetime, done: datetime | None, *, runs: bool) -> dict:
    row = {"label": label, "until": until, "done": done, "runs": runs}
    if done and done <= until:
        row |= {"tone": "ontime", "shape": "tick", "words": _("in time")}
    elif done:
        row |= dict(zip(("tone", "shape", "words"), deadline(until, now=done), strict=True))
    return row
