"""What the administrators' pages share: who may enter, lists, forms."""

import functools
from datetime import date, datetime
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.urls import reverse
from django.utils.translation import gettext as _

from geo import accounts
from geo.problems import Problem

PER_PAGE = 50


def office(*permissions: str):
    """A page for whoever holds one of the permissions; others are told so, strangers log in first."""

    def decorate(view):
        @functools.wraps(view)
        def wrapper(request, *args, **kwargs):
            if not any(request.user.can(permission) for permission in permissions):
                accounts.need(request.user, permissions[0])
            return view(request, *args, **kwargs)

        return login_required(wrapper)

    return decorate


def cell(text, url: str = "", **more) -> dict:
    """A cell of a list; with ``post`` a button. A day is written as everywhere: 2026-11-27."""
    if isinstance(text, date) and not isinstance(text, datetime):
        text = text.isoformat()
    return {"text": "" if text is None else text, "url": url, **more}


def yes(value: bool) -> str:
    return _("Yes") if value else _("No")


def crumbs(*steps) -> list[dict]:
    """The way here: (label, URL name or "") pairs, the last without address."""
    return [{"label": label, "url": reverse(name) if name else ""} for label, name in steps]


def page_of(request, queryset) -> tuple[list, dict]:
    """One page of a list and its pager, by ``?page=``."""
    page = Paginator(queryset, PER_PAGE).get_page(request.GET.get("page"))

    def address(number: int) -> str:
        return "?" + urlencode([*((k, v) for k, v in request.GET.items() if k != "page"), ("page", number)])

    pager = {
        "note": _("%(n)d in all") % {"n": page.paginator.count},
        "previous": address(page.previous_page_number()) if page.has_previous() else "",
        "next": address(page.next_page_number()) if page.has_next() else "",
    }
    return list(page), pager


def attempt(form, action) -> bool:
    """Run an action for a valid form; what it refuses is shown in the form."""
    if not form.is_valid():
        return False
    try:
        action()
    except Problem as problem:
        form.add_error(None, problem.detail)
        return False
    return True
