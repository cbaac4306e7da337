"""What a move changes beside the state: names that a flow's data may use.

An effect gets the run (case, user, what was given, the present) and the line of the log that is being
written. It changes the case in memory and may add rows of its own with ``run.later``, which are written once
the case has its id. Deadlines come from ``cases.deadlines``, and once given are not moved by a change of
rules or calendar.
"""

from cases.effects import checking, filing
from cases.effects.flags import day_of, supervise
from cases.effects.giving import give_out
from cases.effects.handling import pause
from cases.effects.registry import EFFECTS, effect

# What later effects of the same move go by; done before them, in whatever order a flow names them.
FIRST = ("complexity", "kind")

__all__ = ["EFFECTS", "FIRST", "checking", "day_of", "effect", "filing", "give_out", "pause", "supervise"]
