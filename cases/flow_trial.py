"""Trying a flow on the past: which steps of real cases it would not have allowed. One statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Max
from django.utils import timezone

from cases import flow
from cases.flow import Flow
from cases.models import Case, Transition


@dataclass(frozen=True)
class Step:
    """A kind of step that was made so often, with an example; why the flow would not have it."""

    action: str
    start: str
    end: str
    count: int
    example: str
    why: str


@dataclass(frozen=True)
class Trial:
    """The result: steps looked at, those that would not have been possible, open cases now in lost states."""

    days: int
    steps: int
    refused: list[Step]
    lost: list[tuple[str, int]]

    @property
    def refused_steps(self) -> int:
        return sum(step.count for step in self.refused)


NO_ACTION, NO_START, NO_END = "no_action", "no_start", "no_end"


def dry_run(user, table: Flow, days: int = 90) -> Trial:
    """Hold the steps of the last ``days`` within the user's scope against a flow; nothing is changed.

    Steps of the log that are no moves (what was added, a clock that rang) are left out.
    """
    cases = Case.objects.for_user(user).filter(flow=table.name)
    since = timezone.now() - timedelta(days=days)
    kinds = (
        Transition.objects.filter(case__in=cases, at__gte=since)
        .exclude(from_state=F("to_state"))
        .order_by()
        .values("action", "from_state", "to_state")
        .annotate(count=Count("pk"), example=Max("case__number"))
    )
    refused, steps = [], 0
    for kind in kinds:
        steps += kind["count"]
        if why := _why(table, kind["action"], kind["from_state"], kind["to_state"]):
            refused.append(
                Step(
                    kind["action"],
                    kind["from_state"],
                    kind["to_state"],
                    kind["count"],
                    kind["example"],
                    why,
                )
            )
    open_now = cases.exclude(state__in=Case.ENDED).order_by().values("state").annotate(count=Count("pk"))
    lost = [(row["state"], row["count"]) for row in open_now if row["state"] not in table.states]
    return Trial(days, steps, sorted(refused, key=lambda step: -step.count), lost)


def _why(table: Flow, action: str, start: str, end: str) -> str:
    moves = table.of(action)
    if not moves:
        return NO_ACTION
    starting = [move for move in moves if start in move.start]
    if not starting:
        return NO_START
    if not any(move.end in (end, flow.BEFORE) for move in starting):
        return NO_END
    return ""
