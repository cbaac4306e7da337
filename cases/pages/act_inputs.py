"""The smaller inputs of an action's dialog: what they offer, and what comes back."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, flow, guards
from cases.models import Case, CaseRequest, OwnerQuestion
from geo.models import Area, DictionaryItem, Organisation
from geo.problems import Problem
from geo.words import in_language

YES, NO = "yes", "no"


def context(request, case: Case, asked: set[str]) -> dict:
    """What the dialog needs to ask for working time, days, desks and choices."""
    told: dict = {"pick_one": [], "picked": dict(request.POST.items())}
    told["chosen_units"] = request.POST.getlist("units")
    if flow.AMOUNT in asked:
        amount, unit = deadlines.limit_of(case)
        waiting = guards.pending(case, CaseRequest.Kind.EXTEND)
        told |= {"most_amount": amount, "limit_unit": deadlines.unit_words(unit)}
        if waiting:
            told |= {"asked_amount": f"{waiting.amount:g}", "most_amount": waiting.amount}
    if flow.DAY in asked:
        today = timezone.localdate()
        waiting = guards.pending(case, CaseRequest.Kind.SUSPEND)
        told |= {
            "first_day": today + timedelta(days=1),
            "last_day": today + timedelta(days=settings.CASE_SUSPEND_DAYS),
            "asked_day": waiting.review_on.isoformat() if waiting else "",
        }
    if flow.DESK in asked:
        told["desks"] = desks(case)
    for name in (flow.COMPLEXITY, flow.KIND, flow.MARK, flow.ANSWER, flow.STARS):
        if name in asked:
            label, choices = _choices(name)
            told["pick_one"].append((name, label, choices))
    if flow.CALL_BACK in asked:
        yes_no = [(YES, _("Yes")), (NO, _("No"))]
        told["pick_one"] += [
            ("contacted", _("Reached?"), yes_no),
            ("solved", _("Solved?"), yes_no),
            ("satisfied", _("Satisfied?"), yes_no),
        ]
    return told


def _choices(name: str) -> tuple[str, list[tuple[str, str]]]:
    if name == flow.COMPLEXITY:
        return _("How hard"), [("general", _("General")), ("complex", _("Complex"))]
    if name == flow.MARK:
        return _("Mark"), list(Case.Mark.choices)
    if name == flow.ANSWER:
        return _("Answer"), [row for row in OwnerQuestion.Answer.choices if row[0]]
    if name == flow.STARS:
        return _("Stars"), [(str(n), "★" * n) for n in range(1, 6)]
    kinds = DictionaryItem.objects.filter(dictionary__code="complaint_kind", active=True)
    return _("Kind of complaint"), [(row.code, in_language(row.name, row.name_en)) for row in kinds]


def desks(case: Case) -> list[Area]:
    """Areas of the level that has the case now, in the same district, other than its own."""
    length = 9 if case.state == Case.State.AT_STREET else 12
    now = (case.desk_code or case.area_code)[:length]
    rows = Area.objects.filter(
        code__startswith=now[:6], level=Area.CODE_LENGTHS[length], valid_to=None
    ).exclude(code=now)
    return list(rows.select_related("parent").order_by("code"))


def given(request) -> dict:
    """The fields of ``Given`` that come from these inputs."""
    data = request.POST
    answers = {YES: True, NO: False}
    try:
        return {
            "units": list(
                Organisation.objects.for_user(request.user).filter(
                    pk__in=[pk for pk in data.getlist("units") if pk.isdecimal()]
                )
            )
            if data.getlist("units")
            else [],
            "amount": float(data["amount"]) if data.get("amount") else None,
            "day": date.fromisoformat(data["day"]) if data.get("day") else None,
            "stars": int(data["stars"]) if data.get("stars") else None,
            **{name: data.get(name, "").strip() for name in ("desk", "complexity", "kind", "mark", "answer")},
            **{name: answers.get(data.get(name)) for name in ("contacted", "solved", "satisfied")},
        }
    except ValueError:
        raise Problem(_("The form was damaged on its way; open it again."), status=400) from None
