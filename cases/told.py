"""Who else wants to know what happened to cases: modules beside this one add themselves here.

A listener is called inside the transaction of an action with the case, the lines that were written to its
log and whether the case is new. It only notes (one cheap insert); what takes time is a job of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.models import Case, Transition

listeners: list[Callable[[Case, list[Transition], bool], None]] = []


def tell(case: Case, lines: list[Transition], created: bool) -> None:
    """Tell every listener what was done to a case."""
    for listener in listeners:
        listener(case, lines, created)
