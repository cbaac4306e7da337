"""Following a report: by number and secret, then by what the browser remembers; answering, rating."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.models import PublicReport, Suggestion
from cases.public import actions, codes, limits, queries, telling
from cases.public.pages.common import missing, page, question, show
from geo.problems import Problem


@page
@require_http_methods(["GET", "POST"])
def track(request):
    """The two fields, and checking them."""
    if request.method == "GET":
        return _form(request, number=request.GET.get("number", ""))
    number = request.POST.get("number", "").strip().upper()[:24]
    try:
        limits.check_captcha(request, limits.TRACK_HERE)
        found = _open(request, number, request.POST.get("secret", ""))
    except Problem as problem:
        return _form(request, number=number, problem=problem)
    return _to(request, found, long=bool(request.POST.get("remember")))


@page
@require_GET
def open_link(request, number: str, secret: str):
    """The link of a report: the secret leaves the address at once."""
    number = number.upper()[:24]
    if limits.asks(request, limits.TRACK_HERE):
        return redirect(f"{reverse('public:track')}?number={number}")
    try:
        found = _open(request, number, secret)
    except Problem as problem:
        return _form(request, number=number, problem=problem)
    return _to(request, found, long=True)


def _open(request, number: str, secret: str) -> PublicReport | Suggestion:
    """What number and secret open together. Wrong tries are counted and told alike, whatever was wrong."""
    for limit, whose in ((limits.TRACK_HERE, limits.here(request)), (limits.TRACK_NUMBER, number)):
        if limits.used(limit, whose) >= limit.most:
            raise limits.too_often(limit)
    found = queries.find_report(number, secret) or queries.find_suggestion(number, secret)
    if found is None:
        limits.count(limits.TRACK_HERE, limits.here(request))
        limits.count(limits.TRACK_NUMBER, number)
        detail = _("Number and code do not fit together. Both stand on the page you got after sending.")
        raise Problem(detail, status=403, kind="secret", errors=[{"pointer": "/secret", "detail": detail}])
    return found


def _to(request, found: PublicReport | Suggestion, *, long: bool):
    if isinstance(found, Suggestion):
        response = redirect("public:suggestion", found.pk)
        codes.remember(request, response, "s", found.pk, long=long)
    else:
        response = redirect("public:case", found.case.number)
        codes.remember(request, response, "r", found.pk, long=long)
    return response


def _form(request, *, number: str = "", problem: Problem | None = None):
    context = {
        "number": number[:24],
        "problem": problem,
        "own": bool(codes.remembered(request)),
        "captcha": question(request, limits.TRACK_HERE),
    }
    return show(request, "track", context, status=problem.status if problem else 200)


@page
@require_GET
def mine(request):
    """What this browser remembers."""
    context = {"reports": queries.own_reports(request), "suggestions": queries.own_suggestions(request)}
    return show(request, "mine", context)


@page
@require_POST
def forget(request):
    """Take everything, or one report, out of this browser's memory."""
    response = redirect("public:mine")
    mark = request.POST.get("mark", "")
    codes.forget(request, response, mark[:1], int(mark[1:]) if mark[1:].isdecimal() else 0)
    messages.success(request, _("Forgotten on this device. With number and code it can be opened again."))
    return response


# --- One report -------------------------------------------------------------------------------------


def _mine(request, number: str) -> PublicReport:
    found = queries.own_report(request, number)
    if found is None:
        raise missing(_("Open the report with its number and code first."))
    return found


@page
@require_GET
def case(request, number: str):
    """The story of a report, and what its reporter can do now."""
    report = queries.own_report(request, number)
    if report is None:
        return redirect(f"{reverse('public:track')}?number={number[:24]}")
    return _page(request, report)


def _page(request, report: PublicReport, problem: Problem | None = None, **more):
    now = timezone.now()
    if report.seen_at is None or (now - report.seen_at).total_seconds() > 3600:
        PublicReport.objects.filter(pk=report.pk).update(seen_at=now)
    errors = {}
    for error in problem.errors if problem else ():
        errors.setdefault(error.get("pointer", "").strip("/"), error["detail"])
    follow = queries.follow(report)
    context = {
        "report": report,
        "case": report.case,
        "since": report.since,
        **follow,
        "may_rate": follow["rating"] is None and actions.may(follow["live"], "rate"),
        "may_withdraw": report.line_id is None and actions.may(report.case, "withdraw"),
        "stars": [5, 4, 3, 2, 1],
        "channels": telling.channels(),
        "contact": getattr(report, "contact", None) if telling.channels() else None,
        "problem": problem,
        "errors": errors,
        "data": request.POST,
        "client_key": uuid.uuid4(),
        **more,
    }
    return show(request, "case", context, status=problem.status if problem else 200)


def _do(request, number: str, act, done: str):
    """Something with one's own report; what is wrong is said on its page."""
    report = _mine(request, number)
    try:
        limits.take(limits.SAY_HERE, limits.here(request))
        act(report)
    except Problem as problem:
        return _page(request, report, problem)
    messages.success(request, done)
    return redirect("public:case", number)


def _key(request) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("client_key", ""))
    except ValueError:
        return None


@page
@require_POST
def rate(request, number: str):
    """Stars, and whether it is solved."""
    data = request.POST
    stars = int(data["stars"]) if data.get("stars", "").isdecimal() and len(data["stars"]) == 1 else None
    solved = {"yes": True, "no": False}.get(data.get("solved", ""))

    def act(report):
        actions.rate(report, stars, solved, data.get("words", ""), _key(request))

    return _do(request, number, act, _("Thank you. Your rating was noted."))


@page
@require_POST
def answer(request, number: str):
    """An answer to the desk's question."""
    return _do(
        request,
        number,
        lambda report: actions.answer(report, request.POST.get("answer", "")),
        _("Your answer was passed on."),
    )


@page
@require_POST
def withdraw(request, number: str):
    """Take a report back."""
    return _do(
        request,
        number,
        lambda report: actions.withdraw(report, request.POST.get("words", ""), _key(request)),
        _("The report was withdrawn."),
    )


@page
@require_POST
def tell(request, number: str):
    """Be told, in two steps: a code is sent, the code comes back; or be told no more."""
    report = _mine(request, number)
    data = request.POST
    if "stop" in data:
        actions.tell_no_more(report)
        messages.success(request, _("You are told no more. The number was deleted."))
        return redirect("public:case", number)
    try:
        limits.take(limits.CODE_HERE, limits.here(request))
        agreed = actions.tell_me(
            report, data.get("channel", ""), data.get("address", "").strip(), data.get("code", "")
        )
    except Problem as problem:
        return _page(request, report, problem, telling=bool(data.get("code")))
    if agreed is None:
        return _page(request, report, telling=True)
    messages.success(request, _("You will be told when something happens."))
    return redirect("public:case", number)
