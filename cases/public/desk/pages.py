"""The overview, a case's box in the drawer, and blocks."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Avg, Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.models import (
    Case,
    PublicBlock,
    PublicQuestion,
    PublicReport,
    Questionnaire,
    Rating,
    Suggestion,
)
from cases.public.desk import BLOCK, EDIT, actions
from geo.net import client_address
from geo.pages.common import attempt, cell, crumbs, office, page_of
from geo.problems import Problem

DAYS = 30
both = require_http_methods(["GET", "POST"])


def way(*steps) -> list[dict]:
    return crumbs((_("Work"), ""), (_("Residents' pages"), "public-desk"), *steps)


@office(EDIT, BLOCK)
@require_GET
def overview(request):
    """What residents sent in the last thirty days, and what waits for somebody."""
    since = timezone.now() - timedelta(days=DAYS)
    seen = Case.objects.for_user(request.user).filter(source=Case.Source.PUBLIC)
    figures = seen.filter(reported_at__gte=since).aggregate(
        reported=Count("pk"),
        ended=Count("pk", filter=Q(phase=Case.Phase.ENDED)),
        refused=Count("pk", filter=Q(state=Case.State.REJECTED)),
    )
    ratings = Rating.objects.filter(kind=Rating.Kind.OUTER, at__gte=since, case__in=seen).aggregate(
        n=Count("pk"), stars=Avg("stars"), said=Count("solved"), solved=Count("pk", filter=Q(solved=True))
    )
    to_accept = seen.filter(state=Case.State.REPORTED)
    waiting = [
        (
            _("Reports to accept"),
            to_accept.count(),
            f"{reverse('console')}?view=all&source=public&state=reported",
        ),
        (
            _("Suggestions to answer"),
            Suggestion.objects.filter(state=Suggestion.State.NEW).count(),
            reverse("public-desk-suggestions"),
        ),
        (
            _("Questions without an answer"),
            PublicQuestion.objects.filter(answered_at=None, case__in=seen).count(),
            reverse("public-desk-questions"),
        ),
        (
            _("Appeals against blocks"),
            PublicBlock.objects.filter(lifted_at=None, answer="").exclude(appeal="").count(),
            reverse("public-desk-blocks"),
        ),
        (
            _("Open questionnaires"),
            Questionnaire.objects.filter(
                published=True,
                opens_on__lte=timezone.localdate(),
                closes_on__gt=timezone.localdate(),
            ).count(),
            reverse("public-desk-questionnaires"),
        ),
    ]
    return render(
        request,
        "cases/public/desk/overview.html",
        {
            "title": _("Residents' pages"),
            "crumbs": crumbs((_("Work"), ""), (_("Residents' pages"), "")),
            "figures": figures,
            "ratings": ratings,
            "share": round(100 * ratings["solved"] / ratings["said"]) if ratings["said"] else None,
            "days": DAYS,
            "waiting": waiting,
            "may_edit": request.user.can(EDIT),
            "may_block": request.user.can(BLOCK),
        },
    )


# --- A case's box -----------------------------------------------------------------------------------


@login_required
@never_cache
@both
def case_box(request, number: str):
    """What came by the residents' pages about a case: the questions, and asking one. A part of the drawer."""
    problem = None
    if request.method == "POST":
        try:
            actions.ask(request.user, number, request.POST.get("question", ""), ip=client_address(request))
        except Problem as error:
            if error.status == 404:
                raise Http404 from None
            problem = error
    case = Case.objects.for_user(request.user).filter(number=number).first()
    if case is None:
        raise Http404
    questions = list(PublicQuestion.objects.filter(case=case).select_related("asked_by"))
    reports = PublicReport.objects.filter(case=case).aggregate(
        n=Count("pk"), more=Count("pk", filter=Q(line__isnull=False))
    )
    first = actions.first_report(case)
    is_asking = any(one.answered_at is None for one in questions)
    may_ask = first is not None and actions.may_ask(request.user, case)
    return render(
        request,
        "cases/public/desk/case_box.html",
        {
            "case": case,
            "questions": questions,
            "reports": reports,
            "may_ask": may_ask and not is_asking,
            "may_block": request.user.can(BLOCK) and first is not None and bool(first.contact_hash),
            "problem": problem,
            "text": request.POST.get("question", "") if problem else "",
        },
        status=problem.status if problem and problem.status == 422 else 200,
    )


@office(EDIT)
@require_GET
def questions(request):
    """Questions to residents, those without an answer first."""
    rows = (
        PublicQuestion.objects.filter(case__in=Case.objects.for_user(request.user))
        .select_related("case", "asked_by")
        .order_by("answered_at", "-id")
    )
    found, pager = page_of(request, rows)
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Questions to residents"),
            "crumbs": way((_("Questions to residents"), "")),
            "columns": [_("Case"), _("Question"), _("Asked by"), _("Answer"), _("Asked")],
            "rows": [
                [
                    cell(row.case.number, reverse("case-page", args=[row.case.number])),
                    cell(row.text),
                    cell(row.asked_by),
                    cell(row.answer or _("none yet")),
                    cell(_when(row.asked_at)),
                ]
                for row in found
            ],
            "pager": pager,
            "empty": _("Nobody was asked yet."),
            "empty_hint": _("A question is asked in the drawer of a case that a resident reported."),
        },
    )


def _when(moment) -> str:
    return date_format(timezone.localtime(moment), "Y-m-d H:i")


# --- Blocks -----------------------------------------------------------------------------------------


class BlockForm(forms.Form):
    """Why, and for how long."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=PublicBlock.Reason.choices)
    days = forms.IntegerField(label=gettext_lazy("Days"), min_value=1, max_value=actions.MOST_DAYS, initial=7)
    note = forms.CharField(
        label=gettext_lazy("What happened"), max_length=300, widget=forms.Textarea(attrs={"rows": 3})
    )


class SettleForm(forms.Form):
    """The answer to an appeal, or why a block ends."""

    answer = forms.CharField(
        label=gettext_lazy("Answer"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    lift = forms.BooleanField(label=gettext_lazy("End the block"), required=False)


@office(BLOCK)
@require_GET
def blocks(request):
    """Contacts that may not report, by the hash of a number that nobody here sees."""
    now = timezone.now()
    found, pager = page_of(request, PublicBlock.objects.select_related("created_by", "case").order_by("-id"))

    def state(row) -> str:
        if row.lifted_at:
            return _("ended early")
        if row.expires_at <= now:
            return _("over")
        if row.appeal and not row.answer:
            return _("appeal to be answered")
        return _("in force")

    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Blocked contacts"),
            "lead": _(
                "A block concerns abuse of the form. It is set in the drawer of a case, goes by the number's"
                " hash, ends by itself, and whoever is blocked may appeal."
            ),
            "crumbs": way((_("Blocked contacts"), "")),
            "columns": [_("Block"), _("Reason"), _("State"), _("Until"), _("Blocked by")],
            "rows": [
                [
                    cell(f"#{row.pk}", reverse("public-desk-block", args=[row.pk])),
                    cell(row.get_reason_display()),
                    cell(state(row)),
                    cell(_when(row.expires_at)),
                    cell(row.created_by),
                ]
                for row in found
            ],
            "pager": pager,
            "empty": _("Nobody is blocked."),
        },
    )


@both
@office(BLOCK)
def block_new(request, number: str):
    """Block the contact that a report came from."""
    if not Case.objects.for_user(request.user).filter(number=number).exists():
        raise Http404
    form = BlockForm(request.POST or None)

    def act():
        said = form.cleaned_data
        actions.block(
            request.user, number, said["reason"], said["note"], said["days"], ip=client_address(request)
        )

    if request.method == "POST" and attempt(form, act):
        messages.success(request, _("Blocked. It ends by itself, and an appeal is possible."))
        return redirect("public-desk-blocks")
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": _("Block the contact of %s") % number,
            "lead": _("Only for abuse of the form, never because a report is a nuisance."),
            "crumbs": way((_("Blocked contacts"), "public-desk-blocks"), (number, "")),
            "form": form,
            "verb": _("Block"),
            "back": reverse("case-page", args=[number]),
        },
    )


@both
@office(BLOCK)
def block(request, pk: int):
    """One block: why, the appeal, and the answer to it."""
    row = get_object_or_404(PublicBlock.objects.select_related("created_by", "case"), pk=pk)
    form = SettleForm(request.POST or None, initial={"answer": row.answer})

    def act():
        said = form.cleaned_data
        actions.settle(request.user, pk, said["answer"], said["lift"], ip=client_address(request))

    if request.method == "POST" and attempt(form, act):
        messages.success(request, _("Saved."))
        return redirect("public-desk-blocks")
    lead = f"{row.get_reason_display()}: {row.note}"
    if row.appeal:
        lead += " " + _("Appeal: %s") % row.appeal
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": _("Block %s") % f"#{row.pk}",
            "lead": lead,
            "crumbs": way((_("Blocked contacts"), "public-desk-blocks"), (f"#{row.pk}", "")),
            "form": form,
            "verb": _("Save"),
            "back": reverse("public-desk-blocks"),
        },
    )
