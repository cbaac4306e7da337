"""The life of a case as a table: states, moves, who may, what it needs, and by when the next step is due.

A flow is data (``cases.flow_data`` reads it) with a name and a version; a case keeps the ones it was reported
under, so that a change of the table never changes the past. The functions that carry a move out are in
``cases.actions``; they ask this table and nothing else. Source: domain reference, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cases.models import Case
from geo.calendar import add_working_time
from geo.problems import Problem
from geo.words import in_language

CITY, LETTER, COMPLAINT = "city_management", "letter", "complaint"

# Who a move is for, beside its permission.
SCOPE = "scope"  # whoever has the permission where the case is, or over the desk that has it
HOLDER = "holder"  # the unit that holds the case, or the one that answers for it
VERIFIER = "verifier"  # whoever was asked to verify, or is on duty there; never the unit that handled it
ASKED = "asked"  # a unit that was asked whose it is
REPORTER = "reporter"  # whoever reported it: with an account, or by number and secret
SYSTEM = "system"  # nobody: the house does it by a rule
ACTORS = (SCOPE, HOLDER, VERIFIER, ASKED, REPORTER, SYSTEM)

# What a move may need or take: names of ``cases.steps.Given``.
REASON, PHOTO, POSITION, UNIT, TYPE, CASE, PERSON = (
    "reason",
    "photo",
    "position",
    "unit",
    "type",
    "duplicate_of",
    "verifier",
)
AMOUNT, DAY, UNITS, DESK = "amount", "day", "units", "desk"
COMPLEXITY, KIND, MARK = "complexity", "kind", "mark"
STARS, CALL_BACK, ANSWER = "stars", "call_back", "answer"
INPUTS = (
    *(REASON, PHOTO, POSITION, UNIT, TYPE, CASE, PERSON),
    *(AMOUNT, DAY, UNITS, DESK, COMPLEXITY, KIND, MARK, STARS, CALL_BACK, ANSWER),
)
# Where a move leads, when it is not a state of its own: it stays, or goes back to where it was handled, which
# is the state that the last check began in.
SAME, BEFORE = "", "@before"
# The permission to check, where it is not the inspectors' own.
CHECKS = {LETTER: "cases.rate_inner"}


@dataclass(frozen=True)
class Words:
    """A text of a flow in both languages; the reader's when it is shown."""

    zh: str = ""
    en: str = ""

    def __str__(self) -> str:
        return in_language(self.zh, self.en) or self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


@dataclass(frozen=True)
class Limit:
    """How long a state may last: working time of the place's calendar."""

    amount: float
    unit: str


@dataclass(frozen=True)
class State:
    """A state and what it means: its ``phase`` (``Case.Phase``), and which clock runs in it.

    ``clock``: "step" (its own limit), "handle" (the handling deadline), "none".
    """

    code: str
    label: Words
    phase: str
    limit: Limit | None = None
    clock: str = "step"


@dataclass(frozen=True)
class Move:
    """One row of the table: an action, the states it starts from, the state it leads to.

    ``needs`` must be given, ``takes`` may be; ``guards`` must hold (``cases.guards``), ``effects`` are what
    it changes beside the state (``cases.effects``), in order; ``then`` names moves of the system that follow
    at once, where they are possible. ``main`` is the button that is filled; ``danger`` ends a case or sends
    it back. ``when`` names what must have been given (``cases.outcomes``) for this row to be the one, where
    an action has several outcomes. A move that names the state it starts from enters it anew, with its clock.
    """

    action: str
    label: Words
    start: tuple[str, ...]
    end: str
    permission: str = ""
    by: str = SCOPE
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    next: Words = Words()
    then: tuple[str, ...] = ()
    when: str = ""
    main: bool = False
    danger: bool = False

    def leads_to(self, state: str) -> str:
        """The state after it, begun in ``state``; ``BEFORE`` stays as it is, only the log knows."""
        return self.end if self.end != SAME else state


@dataclass(frozen=True)
class Timer:
    """What rings, and when: ``after`` (may be negative) the ``clock`` of a case in one of ``phases``.

    ``share`` rings at a part of the time between being given out and the clock. ``do`` is "notice",
    "supervise" with a ``level``, or "move" with an ``action`` of the system.
    """

    kind: str
    clock: str
    phases: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    after: Limit | None = None
    share: float | None = None
    do: str = "notice"
    level: int = 0
    action: str = ""


@dataclass(frozen=True)
class Flow:
    """A named, versioned table of states and moves. ``prefix`` begins the numbers of its cases.

    ``handling`` says what the handling limit goes by ("standard", or a field of the case) and, for a field,
    the limit of each of its values ("" for all others).
    """

    name: str
    version: int
    label: Words
    prefix: str
    states: dict[str, State]
    moves: tuple[Move, ...]
    timers: tuple[Timer, ...] = ()
    handling: tuple[str, dict[str, Limit]] = field(default=("standard", {}))
    _by_action: dict[str, list[Move]] = field(default_factory=dict, repr=False, compare=False)
    _by_state: dict[str, list[Move]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        for move in self.moves:
            self._by_action.setdefault(move.action, []).append(move)
            for state in move.start:
                self._by_state.setdefault(state, []).append(move)

    def of(self, action: str) -> list[Move]:
        """The rows of an action; several where different people may do it."""
        return self._by_action.get(action, [])

    def start(self, state: str) -> list[Move]:
        """The rows that begin in a state, in the table's order."""
        return self._by_state.get(state, [])

    @property
    def actions(self) -> list[str]:
        return list(self._by_action)

    def phase(self, state: str) -> str:
        """What a state means (``Case.Phase``); a state that is not the flow's is with a desk."""
        known = self.states.get(state)
        return known.phase if known else Case.Phase.DESK

    def clock(self, state: str) -> str:
        """Which clock runs in a state: "step", "handle" or "none"."""
        known = self.states.get(state)
        return known.clock if known else "none"

    def state_label(self, state: str) -> str:
        known = self.states.get(state)
        return str(known.label) if known else ""

    def due(self, state: str, now: datetime, area_code: str) -> datetime | None:
        """When a state entered now should be left, by the flow's own limits (not the filing rule's)."""
        known = self.states.get(state)
        limit = known.limit if known else None
        return add_working_time(now, limit.amount, limit.unit, area_code) if limit else None


def flow_of(case: Case) -> Flow:
    """The table a case lives by."""
    from cases import flow_data

    found = flow_data.find(case.flow, case.flow_version)
    if found is None:
        raise Problem(
            f"Flow {case.flow} version {case.flow_version} is not known here.", status=409, kind="flow"
        )
    return found


def current(name: str = CITY) -> Flow:
    """The version of a flow that new cases begin in."""
    from cases import flow_data

    found = flow_data.current(name)
    if found is None:
        raise Problem(f"There is no flow {name} in force.", status=409, kind="flow")
    return found


def may(user, case: Case, move: Move) -> bool:
    """Whether this row of the table is open to the user for this case, whatever the case's state."""
    from cases import guards

    if move.by == SYSTEM or user is None or not user.is_authenticated:
        return False
    if move.by == REPORTER:
        # Whoever typed in what a resident said on the phone does not rate in the resident's name.
        for_another = "rated_outer" in move.effects and case.source == Case.Source.HOTLINE
        return case.reporter_id == user.pk and not for_another
    scope = user.scope
    if move.by == HOLDER:
        return holds(user, case, move.permission)
    if move.by == ASKED:
        units = scope.units(move.permission)
        return bool(units) and any(
            unit in units and not answer for unit, answer in guards.questions(case).items()
        )
    if move.by == VERIFIER:
        if not scope.with_permission(move.permission) or _did_it(user, case):
            return False
        if case.verifier_id == user.pk:
            return True
    if case.desk_code and scope.covers(move.permission, case.desk_code):
        return True
    if case.desk_code and case.phase == Case.Phase.DESK:
        # It was given to another area's desk: the place's own has it no more.
        return False
    return scope.covers(move.permission, case.area_code, unit_id=case.holder_unit_id, grid_id=case.grid_id)


def holds(user, case: Case, permission: str) -> bool:
    """Whether the user acts for the unit that holds a case or answers for it: by grant, or as its member."""
    units = {case.holder_unit_id, case.lead_unit_id} - {None}
    if units & user.scope.units(permission):
        return True
    return user.organisation_id in units and user.can(permission)


def _did_it(user, case: Case) -> bool:
    """Nobody checks the own work, or that of the own unit."""
    from cases import guards

    if case.self_handled and guards.self_handler(case) == user.pk:
        return True
    if case.holder_unit_id is None or user.organisation_id is None:
        return False
    return user.organisation.path.startswith(case.holder_unit.path)


def allowed(user, case: Case) -> list[Move]:
    """The moves open to the user now, one per action, in the table's order, the main ones first."""
    found: dict[str, Move] = {}
    for move in flow_of(case).start(case.state):
        if move.action not in found and may(user, case, move) and fits(case, move):
            found[move.action] = move
    return sorted(found.values(), key=lambda move: not move.main)


def hindrance(user, case: Case) -> str:
    """What stands against the user's main step, in words; "" where one is open, or none is the user's."""
    from cases import guards

    against: dict[str, None] = {}
    for move in flow_of(case).start(case.state):
        if move.main and may(user, case, move):
            lacking = [name for name in move.guards if not guards.holds(name, case)]
            if not lacking:
                return ""
            against |= dict.fromkeys(map(guards.why, lacking))
    return " ".join(against)


def fits(case: Case, move: Move) -> bool:
    """What the state alone does not say: whether all guards of the move hold for the case."""
    from cases import guards

    return all(guards.holds(name, case) for name in move.guards)
