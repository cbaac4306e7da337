"""The dialogs in which parts of a flow are edited: what they offer, and a row of the definition from them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import flow, flow_check, guards, outcomes
from cases.effects import EFFECTS
from cases.models import Case, FilingStandard, FlowVersion
from geo.models import Role
from geo.permission_words import words as permission_words
from geo.problems import Problem
from geo.texts import all_fitting

INPUT_WORDS = {
    flow.REASON: gettext_lazy("Reason"),
    flow.PHOTO: gettext_lazy("Photos"),
    flow.POSITION: gettext_lazy("Position on the spot"),
    flow.UNIT: gettext_lazy("Unit"),
    flow.TYPE: gettext_lazy("Type"),
    flow.CASE: gettext_lazy("The original case"),
    flow.PERSON: gettext_lazy("Who checks"),
    flow.AMOUNT: gettext_lazy("More time"),
    flow.DAY: gettext_lazy("Day"),
    flow.UNITS: gettext_lazy("Units"),
    flow.DESK: gettext_lazy("Desk"),
    flow.COMPLEXITY: gettext_lazy("How hard"),
    flow.KIND: gettext_lazy("Kind of complaint"),
    flow.MARK: gettext_lazy("Mark"),
    flow.STARS: gettext_lazy("Stars"),
    flow.CALL_BACK: gettext_lazy("Call back"),
    flow.ANSWER: gettext_lazy("Answer"),
}
CLOCK_WORDS = {
    "due_at": gettext_lazy("this step's deadline"),
    "handle_due_at": gettext_lazy("the handling deadline"),
    "close_due_at": gettext_lazy("the closing deadline"),
    "review_at": gettext_lazy("the day of review"),
}
DO_WORDS = {
    "notice": gettext_lazy("tells who is concerned"),
    "supervise": gettext_lazy("orders supervision"),
    "move": gettext_lazy("makes a move"),
}


def _words(data, name: str, most: int) -> dict:
    """A text in both languages."""
    said = all_fitting(data, **{f"{name}_zh": most, f"{name}_en": most})
    return {"zh": said[f"{name}_zh"], "en": said[f"{name}_en"]}


def _limit(data, name: str) -> dict | None:
    text = data.get(f"{name}_amount", "").strip()
    if not text:
        return None
    try:
        return {"amount": float(text), "unit": data.get(f"{name}_unit", "")}
    except ValueError:
        detail = _("A limit is a number of working time, for example 4.")
        raise Problem(detail, errors=[{"pointer": f"/{name}", "detail": detail}]) from None


class StateForm:
    """A state: code, names, what it means, its limit."""

    @staticmethod
    def read(data) -> dict:
        row = {"code": data.get("code", "").strip(), "label": _words(data, "label", 60)}
        row["phase"] = data.get("phase", "")
        if limit := _limit(data, "limit"):
            row["limit"] = limit
        if data.get("clock"):
            row["clock"] = data["clock"]
        if not row["code"]:
            detail = _("A code is needed: small letters, digits and underscores.")
            raise Problem(detail, errors=[{"pointer": "/code", "detail": detail}])
        return row

    @staticmethod
    def context(row: FlowVersion, data: dict) -> dict:
        return {
            "phases": Case.Phase.choices,
            "units": FilingStandard.Unit.choices,
            "clocks": [
                ("step", _("its own limit")),
                ("handle", _("the handling deadline")),
                ("none", _("none")),
            ],
            "limit": data.get("limit") or {},
        }


class MoveForm:
    """A move: from where to where, who may, what it needs, what it does."""

    @staticmethod
    def read(data) -> dict:
        row = {
            "action": data.get("action", "").strip(),
            "label": _words(data, "label", 60),
            "from": data.getlist("from"),
            "to": data.get("to", ""),
            "by": data.get("by", flow.SCOPE),
        }
        if data.get("permission"):
            row["permission"] = data["permission"]
        for name in ("needs", "takes", "guards", "effects"):
            if chosen := data.getlist(name):
                row[name] = chosen
        if then := [name.strip() for name in data.get("then", "").split(",") if name.strip()]:
            row["then"] = then
        if data.get("when"):
            row["when"] = data["when"]
        following = _words(data, "next", 200)
        if following["zh"] or following["en"]:
            row["next"] = following
        for name in ("main", "danger"):
            if data.get(name):
                row[name] = True
        if not row["action"] or not row["from"]:
            name = "action" if not row["action"] else "from"
            detail = _("A code is needed: small letters, digits and underscores.")
            if name == "from":
                detail = _("Say from which states it starts.")
            raise Problem(detail, errors=[{"pointer": f"/{name}", "detail": detail}])
        return row

    @staticmethod
    def context(row: FlowVersion, data: dict) -> dict:
        states = [(state["code"], state["label"].get("zh", "")) for state in row.definition["states"]]
        granted = sorted({right for role in Role.objects.all() for right in role.permissions})
        return {
            "states": [("", _("(beginning)")), *states],
            "ends": [
                (flow.SAME, _("(stays where it is)")),
                (flow.BEFORE, _("(back to where the check began)")),
                *states,
            ],
            "actors": [(name, name) for name in flow.ACTORS],
            "rights": [(right, permission_words(right)) for right in granted if right.startswith("cases.")],
            "inputs": [(name, INPUT_WORDS[name]) for name in flow.INPUTS],
            "guards": [(name, guards.why(name)) for name in sorted(guards.GUARDS)],
            "outcomes": sorted(outcomes.OUTCOMES),
            "effects": sorted(EFFECTS),
            "then": ", ".join(data.get("then", [])),
            "next": data.get("next") or {},
        }


class TimerForm:
    """A clock: which deadline, when it rings, what it does."""

    @staticmethod
    def read(data) -> dict:
        row = {"kind": data.get("kind", "").strip(), "clock": data.get("clock", "")}
        for name in ("phases", "states"):
            if chosen := data.getlist(name):
                row[name] = chosen
        if after := _limit(data, "after"):
            row["after"] = after
        if share := data.get("share", "").strip():
            try:
                row["share"] = float(share) / 100
            except ValueError:
                detail = _("A share lies between 0 and 1.")
                raise Problem(detail, errors=[{"pointer": "/share", "detail": detail}]) from None
        row["do"] = data.get("do", "notice")
        if row["do"] == "supervise":
            row["level"] = int(data.get("level") or 1)
        if row["do"] == "move":
            row["action"] = data.get("action", "").strip()
        return row

    @staticmethod
    def context(row: FlowVersion, data: dict) -> dict:
        return {
            "clocks": [(name, CLOCK_WORDS[name]) for name in flow_check.TIMER_CLOCKS],
            "does": [(name, DO_WORDS[name]) for name in flow_check.DOES],
            "phases": Case.Phase.choices,
            "states": [(state["code"], state["label"].get("zh", "")) for state in row.definition["states"]],
            "units": FilingStandard.Unit.choices,
            "after": data.get("after") or {},
            "percent": round(data["share"] * 100) if data.get("share") else "",
            "actions": sorted(
                {move["action"] for move in row.definition["moves"] if move.get("by") == flow.SYSTEM}
            ),
        }


FORMS = {"state": StateForm, "move": MoveForm, "timer": TimerForm}
