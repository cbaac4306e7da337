"""The first page, and what is read and said beside reports: news, help, suggestions, questionnaires."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.models import PublicText, Suggestion
from cases.public import board, codes, limits, queries
from cases.public.pages.common import LARGE, key_of, missing, page, question, show
from geo.pages.common import page_of
from geo.problems import Problem


@page
@require_GET
def home(request):
    """Large buttons for what people come for, and what is new."""
    context = {
        "texts": list(
            queries.texts(PublicText.Kind.NOTICE, PublicText.Kind.NEWS).order_by("-shown_from", "-id")[:3]
        ),
        "open_questionnaires": [one for one in queries.questionnaires() if one.is_open][:2],
        "own": len(codes.remembered(request)),
    }
    return show(request, "home", context)


@page
@require_POST
def large_type(request):
    """Large type on or off, remembered for a year."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("public:home")
    response = redirect(target)
    response.set_cookie(LARGE, request.POST.get("on", "0")[:1], max_age=365 * 86400, samesite="Lax")
    return response


@page
@require_GET
def privacy(request):
    """What is kept, why, for how long, and what one may ask for."""
    about = {
        "days": settings.PUBLIC_CONTACT_DAYS,
        "map_days": settings.PUBLIC_MAP_DAYS,
        "phone": settings.PUBLIC_PHONE,
    }
    return show(request, "privacy", about)


# --- News and help ----------------------------------------------------------------------------------


@page
@require_GET
def news(request):
    """Notices and news, the newest first."""
    rows = queries.texts(PublicText.Kind.NOTICE, PublicText.Kind.NEWS).order_by("-shown_from", "-id")
    found, pager = page_of(request, rows)
    return show(request, "news", {"texts": found, "pager": pager})


@page
@require_GET
def text(request, pk: int):
    """One notice or piece of news."""
    found = queries.texts(PublicText.Kind.NOTICE, PublicText.Kind.NEWS).filter(pk=pk).first()
    if found is None:
        raise missing(_("This text is not shown any more."))
    return show(request, "text", {"text": found})


@page
@require_GET
def help_page(request):
    """Questions that come up, with answers."""
    return show(request, "help", {"texts": list(queries.texts(PublicText.Kind.HELP))})


# --- Suggestions ------------------------------------------------------------------------------------


@page
@require_http_methods(["GET", "POST"])
def suggestions(request):
    """Public suggestions with their replies, and a form for one's own."""
    problem = None
    if request.method == "POST":
        if limits.is_program(request):
            return redirect("public:home")
        try:
            made, secret = _suggest(request)
        except Problem as error:
            problem = error
        else:
            kept = codes.token("suggested", [made.pk, secret])
            response = redirect(f"{reverse('public:suggestion', args=[made.pk])}?k={kept}")
            codes.remember(request, response, "s", made.pk)
            return response
    found, pager = page_of(request, Suggestion.objects.filter(public=True).order_by("-id"))
    errors = (
        {error.get("pointer", "").strip("/"): error["detail"] for error in problem.errors} if problem else {}
    )
    context = {
        "suggestions": found,
        "pager": pager,
        "problem": problem,
        "errors": errors,
        "data": request.POST,
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
        "captcha": question(request, limits.SAY_HERE),
    }
    return show(request, "suggestions", context, status=problem.status if problem else 200)


def _suggest(request):
    key = key_of(request.POST)
    if known := Suggestion.objects.filter(client_key=key).first():
        return known, codes.secret_for(key, "suggestion")
    title, words = request.POST.get("title", "").strip(), request.POST.get("text", "").strip()
    board.check_suggestion(title, words)
    limits.check_captcha(request, limits.SAY_HERE)
    limits.take(limits.SAY_HERE, limits.here(request))
    return board.suggest(key, title, words)


@page
@require_GET
def suggestion(request, pk: int):
    """One suggestion: a public one, or one's own."""
    own = codes.may_open(request, "s", pk)
    found = Suggestion.objects.filter(pk=pk, **({} if own else {"public": True})).first()
    if found is None:
        raise missing(_("There is no such suggestion, or it is not public."))
    kept = codes.read_token("suggested", request.GET.get("k", ""), 3600)
    secret = kept[1] if own and kept and kept[0] == pk else ""
    return show(
        request,
        "suggestion",
        {"suggestion": found, "own": own, "secret": codes.shown(secret) if secret else ""},
    )


# --- Questionnaires ---------------------------------------------------------------------------------


@page
@require_GET
def questionnaires(request):
    """Those that are open, and the totals of those that were."""
    return show(request, "questionnaires", {"questionnaires": queries.questionnaires()})


@page
@require_http_methods(["GET", "POST"])
def questionnaire(request, pk: int):
    """Fill one in; when it is over, its totals."""
    found = queries.with_items(pk)
    if found is None or not found.published:
        raise missing(_("There is no such questionnaire."))
    context = {"questionnaire": found, "client_key": request.POST.get("client_key") or uuid.uuid4()}
    problem = None
    if request.method == "POST":
        if limits.is_program(request):
            return redirect("public:home")
        try:
            key = key_of(request.POST)
            if not board.filled_before(key):
                chosen = board.read_sheet(found, request.POST)
                limits.check_captcha(request, limits.SAY_HERE)
                limits.take(limits.SAY_HERE, limits.here(request))
                board.fill_in(found, key, chosen)
        except Problem as error:
            problem = error
        else:
            messages.success(request, _("Thank you. Your answers were counted, without your name."))
            return redirect("public:questionnaires")
    if found.is_over and found.shows_results:
        context["totals"] = queries.totals(found)
    errors = (
        {error.get("pointer", "").strip("/"): error["detail"] for error in problem.errors} if problem else {}
    )
    context["items"] = [
        {
            "item": item,
            "name": f"q{item.pk}",
            "options": [
                {"value": str(at), "label": label, "on": str(at) in request.POST.getlist(f"q{item.pk}")}
                for at, label in enumerate(item.choices)
            ],
            "value": request.POST.get(f"q{item.pk}", ""),
            "error": errors.get(f"q{item.pk}", ""),
        }
        for item in found.items.all()
    ]
    context |= {"problem": problem, "errors": errors, "captcha": question(request, limits.SAY_HERE)}
    return show(request, "questionnaire", context, status=problem.status if problem else 200)
