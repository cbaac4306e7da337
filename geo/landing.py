"""Where somebody lands: at the desk, or with a phone in the phone app.

A phone opens the phone app: for those who work outside at any time, for all others who have it after they
logged in. Whoever wants the desk there says so once (``/?desk=1``, kept in a cookie); ``/?desk=0`` takes
that back.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

COOKIE = "desk"
YEAR = 365 * 86400
# All that can be done outside, with a phone. A role that holds anything else has work at the desk.
OUTSIDE = frozenset(
    {
        "assets.view",
        "assets.view_households",
        "assets.view_risks",
        "cases.community",
        "cases.grid_handle",
        "cases.rate_inner",
        "cases.report",
        "cases.verify",
        "cases.view",
        "geo.view",
        "grids.check_in",
        "grids.view",
        "grids.view_check_ins",
        "grids.view_workers",
    }
)


def is_phone(request) -> bool:
    """Whether the device calls itself a phone: by its client hint, else by its name. Tablets do not."""
    hint = request.headers.get("Sec-CH-UA-Mobile")
    if hint:
        return hint == "?1"
    agent = request.headers.get("User-Agent", "")
    return "Mobi" in agent and "iPad" not in agent


def works_outside(user) -> bool:
    """Whether all of the user's work can be done with a phone."""
    return user.can("cases.report") and user.scope.permissions <= OUTSIDE


def phone_url(user) -> str:
    """The address of the phone app; "" for whoever sees no cases."""
    try:
        return reverse("phone:home") if user.can("cases.view") else ""
    except NoReverseMatch:
        return ""


def prefers_desk(request) -> bool:
    return request.COOKIES.get(COOKIE) == "1"


def after_login(request, user) -> str:
    """Where a log-in without a wish of its own leads; "" for the desk."""
    return phone_url(user) if is_phone(request) and not prefers_desk(request) else ""


def from_desk(request) -> HttpResponse | None:
    """The answer to whoever opens the desk's first page and belongs elsewhere, or chose between the two."""
    phone = phone_url(request.user)
    choice = request.GET.get("desk")
    if choice == "1":
        response = redirect("/")
        response.set_cookie(COOKIE, "1", max_age=YEAR, samesite="Lax")
        return response
    if choice == "0" and phone:
        response = redirect(phone)
        response.delete_cookie(COOKIE, samesite="Lax")
        return response
    # An address with a query is a link that somebody followed: it shows what it names.
    if request.GET or not phone or prefers_desk(request):
        return None
    return redirect(phone) if is_phone(request) and works_outside(request.user) else None
