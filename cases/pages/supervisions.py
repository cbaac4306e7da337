"""Supervision orders: the list, one order to print, and its Word file."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases import supervisions
from cases.models import Case, Supervision
from geo import audit

PAGE = 50
STATES = {
    "open": gettext_lazy("To be replied to"),
    "late": gettext_lazy("Reply overdue"),
    "replied": gettext_lazy("Replied"),
}
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _check(request) -> None:
    if not request.user.can(Supervision.scope.permission):
        raise PermissionDenied(_("Your roles see no supervision orders."))


def _find(request, number: str) -> Supervision:
    order = supervisions.find(request.user, number)
    if order is None:
        raise Http404
    return order


@login_required
@never_cache
@require_GET
def supervisions_page(request):
    """Orders within the scope, by state and level."""
    _check(request)
    rows = supervisions.listed(request.user)
    state, level = request.GET.get("state", ""), request.GET.get("level", "")
    if state in STATES:
        rows = rows.filter(supervisions.in_state(state))
    levels = [(str(value), label) for value, label in Supervision.Level.choices]
    if level in dict(levels):
        rows = rows.filter(level=int(level))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "states": STATES.items(),
        "level": level,
        "levels": levels,
        "now": timezone.now(),
    }
    return render(request, "cases/supervisions.html", context)


@login_required
@never_cache
@require_GET
def order_page(request, number: str):
    """One order, as it is printed."""
    _check(request)
    order = _find(request, number)
    context = {
        "order": order,
        "lines": supervisions.lines(request.user, order),
        "sees_case": Case.objects.for_user(request.user).filter(pk=order.case_id).exists(),
    }
    return render(request, "cases/supervision.html", context)


@login_required
@never_cache
@require_GET
def word(request, number: str):
    """The order as a Word file."""
    _check(request)
    order = _find(request, number)
    content = supervisions.document(request.user, order)
    audit.log(request.user, "supervision.export", order, area_code=order.area_code, number=order.number)
    response = HttpResponse(content, content_type=WORD)
    response["Content-Disposition"] = f'attachment; filename="{order.number}.docx"'
    return response
