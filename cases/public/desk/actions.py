"""Verbs of staff: ask whoever reported, block abuse of the form, answer an appeal."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, PublicBlock, PublicQuestion, PublicReport
from cases.public import telling
from cases.public.actions import field_problem
from cases.public.desk import BLOCK
from geo import accounts, audit
from geo.problems import Problem
from geo.texts import fitting

ASKING = ("cases.accept", "cases.dispatch")
MOST_DAYS = 365


def may_ask(user, case: Case) -> bool:
    """Whoever accepts or dispatches at the case's place asks; never the unit that handles it."""
    if case.holder_unit_id and case.holder_unit_id in user.scope.units("cases.handle"):
        return False
    return case.is_open and any(user.scope.covers(permission, case.area_code) for permission in ASKING)


def _case(user, number: str) -> Case:
    case = Case.objects.for_user(user).select_for_update(of=("self",)).filter(number=number).first()
    if case is None:
        raise Problem(_("There is no such case, or not within your scope."), status=404, kind="not-found")
    return case


def first_report(case: Case) -> PublicReport | None:
    """The way back of whoever reported first by the residents' pages."""
    return PublicReport.objects.filter(case=case).order_by("id").first()


def ask(user, number: str, text: str, *, ip: str | None = None) -> PublicQuestion:
    """Ask whoever reported a case, one question at a time. Problems: 403, 404, 409 asked already."""
    text = fitting(text, 300, "question")
    if not text:
        raise field_problem("question", _("Write a question."))
    with transaction.atomic():
        case = _case(user, number)
        if not may_ask(user, case):
            raise Problem(_("Your role does not reach this place."), status=403, kind="not-yours")
        report = first_report(case)
        if report is None:
            raise Problem(_("Nobody reported this by the residents' pages."), status=409, kind="state")
        if PublicQuestion.objects.filter(report=report, answered_at=None).exists():
            raise Problem(_("A question waits for its answer already."), status=409, kind="state")
        asked = PublicQuestion.objects.create(
            case=case, report=report, text=text, asked_by=user, asked_at=timezone.now()
        )
        audit.log(user, "public.question", case, area_code=case.area_code, ip=ip)
        telling.tell(case, "question", str(asked.pk))
    return asked


def block(user, number: str, reason: str, note: str, days: int, *, ip: str | None = None) -> PublicBlock:
    """Take no reports for some days from the phone that this case came from; the number is not shown."""
    accounts.need(user, BLOCK)
    if reason not in PublicBlock.Reason.values:
        raise field_problem("reason", _("Choose a reason."))
    note = fitting(note, 300, "note")
    if not note:
        raise field_problem("note", _("Say what happened; it is needed for an appeal."))
    if not 1 <= days <= MOST_DAYS:
        raise field_problem("days", _("From 1 to %d days.") % MOST_DAYS)
    with transaction.atomic():
        case = _case(user, number)
        report = first_report(case)
        if report is None or not report.contact_hash:
            raise Problem(_("This report came without a phone number."), status=409, kind="state")
        now = timezone.now()
        made = PublicBlock.objects.create(
            contact_hash=report.contact_hash,
            case=case,
            reason=reason,
            note=note,
            expires_at=now + timedelta(days=days),
            created_by=user,
        )
        audit.log(user, "public.block", made, reason=note, area_code=case.area_code, ip=ip, days=days)
    return made


def settle(user, pk: int, answer: str, lift: bool, *, ip: str | None = None) -> PublicBlock:
    """Answer an appeal, or end a block; who blocked may not decide on the appeal against it."""
    accounts.need(user, BLOCK)
    with transaction.atomic():
        found = PublicBlock.objects.select_for_update().filter(pk=pk).first()
        if found is None:
            raise Problem(_("There is no such block."), status=404, kind="not-found")
        if found.lifted_at:
            raise Problem(_("This block has ended already."), status=409, kind="state")
        if found.appeal and not lift and found.created_by_id == user.pk:
            raise Problem(
                _("Somebody else than who blocked decides on the appeal."), status=403, kind="own-decision"
            )
        found.answer = fitting(answer, 500, "answer")
        if not found.answer:
            raise field_problem("answer", _("Say why."))
        if lift:
            found.lifted_by, found.lifted_at = user, timezone.now()
        found.save(update_fields=["answer", "lifted_by", "lifted_at"])
        action = "public.unblock" if lift else "public.appeal"
        audit.log(user, action, found, reason=found.answer, ip=ip)
    return found
