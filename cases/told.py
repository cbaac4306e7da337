"""Who wants to hear what happened to cases, inside the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Callable

from cases.models import Case, Transition

listeners: list[Callable[[Case, list[Transition], bool], None]] = []


def tell(case: Case, lines: list[Transition], created: bool) -> None:
    """``lines`` are what was just written into the log of ``case``; ``created`` says that it is new."""
    for one in listeners:
        one(case, lines, created)
