"""The smaller inputs of an action as a form asks for them: names, words, choices and bounds.

Reason, photo, position, type, original case and verifier have forms of their own; all others are told here,
so that a form (the phone's, another program's) need not know what a flow may ask.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, flow, guards
from cases.models import Case, CaseRequest, OwnerQuestion
from geo.models import DictionaryItem
from geo.words import in_language

YES, NO = "yes", "no"
PARTS = ("contacted", "solved", "satisfied")  # of a call back


def words(name: str) -> str:
    """What an input is called."""
    return {
        flow.COMPLEXITY: _("How hard"),
        flow.KIND: _("Kind of complaint"),
        flow.MARK: _("Mark"),
        flow.ANSWER: _("Answer"),
        flow.STARS: _("Stars"),
        flow.UNIT: _("Unit"),
        flow.UNITS: _("Units that help"),
        "contacted": _("Reached?"),
        "solved": _("Solved?"),
        "satisfied": _("Satisfied?"),
    }[name]


def choices(name: str) -> list[tuple[str, str]]:
    """What an input offers, as (value, words)."""
    if name == flow.COMPLEXITY:
        return [("general", _("General")), ("complex", _("Complex"))]
    if name == flow.MARK:
        return [(value, str(label)) for value, label in Case.Mark.choices]
    if name == flow.ANSWER:
        return [(value, str(label)) for value, label in OwnerQuestion.Answer.choices if value]
    if name == flow.STARS:
        return [(str(n), "★" * n) for n in range(1, 6)]
    if name == flow.KIND:
        kinds = DictionaryItem.objects.filter(dictionary__code="complaint_kind", active=True)
        return [(row.code, in_language(row.name, row.name_en)) for row in kinds]
    return [(YES, _("Yes")), (NO, _("No"))]


def of(case: Case, move: flow.Move, known: set[str] = frozenset(), offered=choices) -> list[dict]:
    """The inputs of a move for a case; what the case knows already may be left as it is.

    ``offered`` is ``choices``, or what remembers its answers where many cases are told at once.
    """
    told = []
    for name in dict.fromkeys((*move.needs, *move.takes)):
        needed = name in move.needs and name not in known
        if name == flow.CALL_BACK:
            # What was said is asked for once somebody was reached.
            told += [_choice(part, needed and part == "contacted", offered) for part in PARTS]
        elif name in (flow.UNIT, flow.UNITS):
            told.append({"name": name, "label": words(name), "kind": name, "needed": needed})
        elif name == flow.AMOUNT:
            told.append(_amount(case, needed))
        elif name == flow.DAY:
            told.append(_day(case, move, needed))
        elif name in (flow.COMPLEXITY, flow.KIND, flow.MARK, flow.ANSWER, flow.STARS):
            value = {flow.COMPLEXITY: case.complexity, flow.KIND: case.complaint_kind}.get(name, "")
            told.append(_choice(name, needed, offered) | {"value": value})
    return told


def _choice(name: str, needed: bool, offered) -> dict:
    return {
        "name": name,
        "label": words(name),
        "kind": "choice",
        "needed": needed,
        "choices": [list(pair) for pair in offered(name)],
    }


def _amount(case: Case, needed: bool) -> dict:
    """Working time in the unit of the limit; of a request that waits, no more than was asked for."""
    most, unit = deadlines.limit_of(case)
    waiting = guards.pending(case, CaseRequest.Kind.EXTEND)
    asked = {"value": f"{waiting.amount:g}", "most": waiting.amount} if waiting else {"most": most}
    in_words = deadlines.unit_words(unit)
    label = _("More time (%s)") % in_words
    return {"name": flow.AMOUNT, "label": label, "kind": "number", "needed": needed, "unit": in_words} | asked


def _day(case: Case, move: flow.Move, needed: bool) -> dict:
    """A day of review (within the longest suspension), or one that a unit promises."""
    today = timezone.localdate()
    promised = "promised" in move.effects
    told = {
        "name": flow.DAY,
        "label": _("Promised day") if promised else _("Day of review"),
        "kind": "day",
        "needed": needed,
        "first": today + timedelta(days=1),
    }
    if not promised:
        told["last"] = today + timedelta(days=settings.CASE_SUSPEND_DAYS)
        if waiting := guards.pending(case, CaseRequest.Kind.SUSPEND):
            told["value"] = waiting.review_on.isoformat()
    return told
