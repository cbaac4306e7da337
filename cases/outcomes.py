"""What an action found, where it has several outcomes: names that a flow's data may use as ``when``.

An outcome looks at the case and at what was given with the action. The outcomes of one action exclude each
other, and one of them holds for whatever complete answer is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings

from cases.models import Case

if TYPE_CHECKING:
    from cases.steps import Given

OUTCOMES: dict[str, Callable[[Case, Given], bool]] = {}


def outcome(name: str):
    """Register an outcome under its name."""

    def register(function):
        OUTCOMES[name] = function
        return function

    return register


def holds(name: str, case: Case, given: Given) -> bool:
    """Whether a row of the table with this ``when`` is the one; without, always."""
    return not name or OUTCOMES[name](case, given)


@outcome("unit_chosen")
def _unit_chosen(case, given):
    """A unit was chosen."""
    return given.unit is not None


@outcome("no_unit_chosen")
def _no_unit_chosen(case, given):
    """No unit was chosen."""
    return given.unit is None


@outcome("content")
def _content(case, given):
    """Reached, solved, satisfied."""
    return bool(given.contacted and given.solved and given.satisfied)


@outcome("discontent")
def _discontent(case, given):
    """Reached, and not solved or not satisfied."""
    return bool(given.contacted) and False in (given.solved, given.satisfied)


def _tried(case) -> int:
    """How often somebody called in vain since the reply."""
    reply = case.transitions.filter(action="reply").order_by("-id").values_list("id", flat=True).first()
    return case.transitions.filter(action="call_back", id__gt=reply or 0).count()


@outcome("not_reached_yet")
def _not_reached_yet(case, given):
    """Not reached, and the call can be tried again."""
    return given.contacted is False and _tried(case) + 1 < settings.CASE_CALLS


@outcome("never_reached")
def _never_reached(case, given):
    """Not reached, for the last time that it is tried."""
    return given.contacted is False and _tried(case) + 1 >= settings.CASE_CALLS
