"""One action for many cases: first what would happen, then each by itself.

A case that cannot take the action is told with the reason, before and after; the others are not held up by
it. Each case is a transaction of its own under its row's lock, and a retry under the same client key does
nothing twice.
"""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cases import actions, flow, guards, queries
from cases.models import Case
from cases.steps import Given
from geo.problems import Problem

# So many at once; more would keep a request too long.
MOST = 200
# What can be said once for all of them; a photo, a position or a duplicate belongs to one case.
FOR_ALL = {flow.REASON, flow.UNIT, flow.UNITS, flow.AMOUNT, flow.DAY, flow.COMPLEXITY, flow.MARK}


@dataclass(frozen=True)
class Line:
    """A case and, where the action is not possible for it, why."""

    case: Case
    why: str = ""


def chosen(user, numbers: list[str]) -> list[Case]:
    """The cases with these numbers that the user sees, with what actions look at."""
    if len(numbers) > MOST:
        raise Problem(_("At most %d cases at once.") % MOST, kind="too-many")
    rows = (
        queries.told()
        .for_user(user)
        .filter(number__in=numbers)
        .order_by(queries.urged_first(), "due_at", "pk")
    )
    return guards.know(list(rows))


def offered(user, cases: list[Case]) -> list[tuple[flow.Move, int]]:
    """Actions that could be done for all at once, with how many of the cases each is open to, most first."""
    count: Counter[str] = Counter()
    first: dict[str, flow.Move] = {}
    for case in cases:
        for move in flow.allowed(user, case):
            if set(move.needs) <= FOR_ALL | ({flow.TYPE} if case.type_id else set()):
                count[move.action] += 1
                first.setdefault(move.action, move)
    return [(first[action], number) for action, number in count.most_common()]


def preview(user, cases: list[Case], action: str) -> list[Line]:
    """What the action would do to each: possible, or why not. Nothing is changed."""
    lines = []
    for case in cases:
        if any(move.action == action for move in flow.allowed(user, case)):
            lines.append(Line(case))
        else:
            lines.append(Line(case, _why_not(user, case, action)))
    return lines


def _why_not(user, case: Case, action: str) -> str:
    moves = [move for move in flow.flow_of(case).of(action) if move.by != flow.SYSTEM]
    if not moves:
        return _("Its flow has no such action.")
    starting = [move for move in moves if case.state in move.start]
    if not starting:
        return _("It is “%s”.") % case.get_state_display()
    own = [move for move in starting if flow.may(user, case, move)]
    if not own:
        return _("It is not yours to do.")
    for name in own[0].guards:
        if not guards.holds(name, case):
            return guards.why(name)
    return ""


def carry_out(user, numbers: list[str], action: str, given: Given, client_key: uuid.UUID) -> list[Line]:
    """Do it, case by case; each line says what stood against it, if anything did."""
    lines = []
    for case in chosen(user, numbers):
        own = copy.copy(given)
        own.client_key = uuid.uuid5(client_key, case.number)
        try:
            lines.append(Line(actions.act(case.number, action, user, own)))
        except Problem as problem:
            lines.append(Line(case, str(problem.detail)))
    return lines
