"""Where effects are known by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.models import Transition
    from cases.steps import Run

EFFECTS: dict[str, Callable[[Run, Transition], None]] = {}


def effect(name: str):
    """Register an effect under its name."""

    def register(function):
        EFFECTS[name] = function
        return function

    return register
