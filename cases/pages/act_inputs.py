"""The smaller inputs of an action's dialog: what they offer, and what comes back."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from cases import desks, flow
from cases.inputs import NO, YES
from cases.models import Case
from geo.models import Organisation
from geo.problems import Problem


def context(request, case: Case, offered: dict, asked: set[str]) -> dict:
    """What the dialog needs to ask for working time, days, desks and choices."""
    told: dict = {"pick_one": [], "picked": dict(request.POST.items())}
    told["chosen_units"] = request.POST.getlist("units")
    for one in offered["inputs"]:
        value = one.get("value", "")
        if one["kind"] == "number":
            told |= {"most_amount": one["most"], "limit_unit": one["unit"], "asked_amount": value}
        elif one["kind"] == "day":
            told |= {"day_label": one["label"], "first_day": one["first"], "last_day": one.get("last")}
            told["asked_day"] = value
        elif one["kind"] == "choice":
            told["pick_one"].append((one["name"], one["label"], one["choices"]))
            told["picked"].setdefault(one["name"], value)
    if flow.DESK in asked:
        told["desks"] = list(desks.others(case))
    return told


def given(request) -> dict:
    """The fields of ``Given`` that come from these inputs."""
    data = request.POST
    answers = {YES: True, NO: False}
    try:
        return {
            "units": list(
                Organisation.objects.filter(
                    pk__in=[pk for pk in data.getlist("units") if pk.isdecimal()], active=True
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
