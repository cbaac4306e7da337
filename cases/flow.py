"""The life of a case as one table: states, moves, who may, what it needs, and by when the next step is due.

A flow is data with a name and a version; a case keeps the ones it was reported under, so that a change of
the table never changes the past. The functions that carry a move out are in ``cases.actions``; they ask this
table and nothing else. Source: domain reference, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models import Case
from geo.calendar import add_working_time
from geo.problems import Problem

S = Case.State

# Who a move is for, beside its permission.
SCOPE = "scope"  # whoever has the permission where the case is
HOLDER = "holder"  # the unit that holds the case
VERIFIER = "verifier"  # whoever was asked to verify, or is on duty there; never the unit that handled it
SYSTEM = "system"  # nobody: the house does it by a rule

# What a move may need or take.
REASON, PHOTO, POSITION, UNIT, TYPE, CASE, PERSON = (
    "reason",
    "photo",
    "position",
    "unit",
    "type",
    "duplicate_of",
    "verifier",
)


@dataclass(frozen=True)
class Move:
    """One row of the table: an action, the states it starts from, the state it leads to.

    ``needs`` must be given, ``takes`` may be; ``then`` names a move of the system that follows at once.
    ``main`` is the button that is filled; ``danger`` ends a case or sends it back.
    """

    action: str
    label: object
    start: tuple[str, ...]
    end: str
    permission: str = ""
    by: str = SCOPE
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    next: object = ""
    then: str = ""
    main: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Limit:
    """How long a state may last: working time of the place's calendar."""

    amount: float
    unit: str


@dataclass(frozen=True)
class Flow:
    """A named, versioned table of moves."""

    name: str
    version: int
    moves: tuple[Move, ...]
    limits: dict[str, Limit] = field(default_factory=dict)

    def of(self, action: str) -> list[Move]:
        """The rows of an action; several where different people may do it."""
        return [move for move in self.moves if move.action == action]

    def start(self, state: str) -> list[Move]:
        """The rows that begin in a state, in the table's order."""
        return [move for move in self.moves if state in move.start]

    @property
    def actions(self) -> list[str]:
        return list(dict.fromkeys(move.action for move in self.moves))

    def due(self, state: str, now: datetime, area_code: str) -> datetime | None:
        """When a state entered now should be left, by the flow's own limits (not the filing rule's)."""
        limit = self.limits.get(state)
        return add_working_time(now, limit.amount, limit.unit, area_code) if limit else None


_BEFORE_DISPATCH = (S.ACCEPTED, S.VERIFYING_BEFORE, S.FILED)
_AFTER_DISPATCH = (S.DISPATCHED, S.HANDLING, S.SUSPENDED, S.HANDLED, S.VERIFYING_AFTER, S.REWORK, S.VERIFIED)
_WITH_UNIT = (S.DISPATCHED, S.HANDLING, S.REWORK)

CITY_MANAGEMENT_1 = Flow(
    name="city_management",
    version=1,
    moves=(
        Move(
            "report",
            pgettext_lazy("verb", "Report"),
            ("",),
            S.REPORTED,
            "cases.report",
            takes=(PHOTO, TYPE),
            next=_("An acceptor looks at it."),
        ),
        Move(
            "accept",
            _("Accept"),
            (S.REPORTED,),
            S.ACCEPTED,
            "cases.accept",
            next=_("It can be verified on the spot or filed."),
            main=True,
        ),
        Move("auto_accept", _("Accepted by rule"), (S.REPORTED,), S.ACCEPTED, by=SYSTEM),
        Move(
            "reject",
            _("Not accept"),
            (S.REPORTED,),
            S.REJECTED,
            "cases.accept",
            needs=(REASON,),
            next=_("It ends here; whoever reported it is told why."),
            danger=True,
        ),
        Move(
            "confirm_self_handled",
            _("Confirm as handled by the reporter"),
            (S.REPORTED,),
            S.CLOSED,
            "cases.accept",
            next=_("It is closed and counted as handled by the reporter."),
        ),
        Move(
            "file_case",
            _("File the case"),
            (S.ACCEPTED,),
            S.FILED,
            "cases.file",
            needs=(TYPE,),
            next=_("It is dispatched by the rules, or waits for the dispatcher."),
            then="auto_dispatch",
            main=True,
        ),
        Move("auto_file", _("Filed by rule"), (S.ACCEPTED,), S.FILED, by=SYSTEM),
        Move(
            "ask_verify_before",
            _("Ask to verify"),
            (S.ACCEPTED,),
            S.VERIFYING_BEFORE,
            "cases.accept",
            takes=(PERSON,),
            next=_("The nearest inspector on duty looks at the place."),
        ),
        Move(
            "verify_true",
            _("It is so"),
            (S.VERIFYING_BEFORE,),
            S.ACCEPTED,
            "cases.verify",
            VERIFIER,
            needs=(PHOTO, POSITION),
            next=_("It goes back to the acceptor for filing."),
            main=True,
        ),
        Move(
            "verify_false",
            _("It is not so"),
            (S.VERIFYING_BEFORE,),
            S.VOID,
            "cases.verify",
            VERIFIER,
            needs=(REASON, PHOTO, POSITION),
            next=_("It ends as void."),
            danger=True,
        ),
        Move(
            "merge",
            _("Merge as duplicate"),
            (S.REPORTED, *_BEFORE_DISPATCH),
            S.VOID,
            "cases.accept",
            needs=(CASE,),
            next=_("It ends here and is shown with the other case."),
        ),
        Move("merge", _("Merged by the reporter"), (S.REPORTED,), S.VOID, by=SYSTEM),
        Move(
            "merge",
            _("Merge as duplicate"),
            (S.FILED,),
            S.VOID,
            "cases.dispatch",
            needs=(CASE,),
            next=_("It ends here and is shown with the other case."),
        ),
        Move(
            "dispatch",
            _("Dispatch"),
            (S.FILED,),
            S.DISPATCHED,
            "cases.dispatch",
            needs=(UNIT,),
            next=_("The unit has the time of the filing rule from now on."),
            main=True,
        ),
        Move("auto_dispatch", _("Dispatched by rule"), (S.FILED,), S.DISPATCHED, by=SYSTEM),
        Move(
            "return_back",
            _("Return to the acceptor"),
            (S.FILED,),
            S.ACCEPTED,
            "cases.dispatch",
            needs=(REASON,),
            next=_("The acceptor corrects type or place."),
            danger=True,
        ),
        Move(
            "start",
            _("Start handling"),
            (S.DISPATCHED, S.REWORK),
            S.HANDLING,
            "cases.handle",
            HOLDER,
            next=_("Others see that you are on it."),
            main=True,
        ),
        Move(
            "report_handled",
            _("Report as handled"),
            (S.HANDLING,),
            S.HANDLED,
            "cases.handle",
            HOLDER,
            needs=(PHOTO,),
            takes=(REASON,),
            next=_("The clock stops; an inspector checks on the spot."),
            then="ask_verify_after",
            main=True,
        ),
        Move(
            "return_back",
            _("Not my duty"),
            _WITH_UNIT,
            S.FILED,
            "cases.handle",
            HOLDER,
            needs=(REASON,),
            next=_("The dispatcher decides anew."),
            danger=True,
        ),
        Move(
            "return_back",
            _("Take back from the unit"),
            _WITH_UNIT,
            S.FILED,
            "cases.dispatch",
            needs=(REASON,),
            next=_("It waits to be dispatched anew."),
            danger=True,
        ),
        Move(
            "ask_verify_after",
            _("Ask to check"),
            (S.HANDLED,),
            S.VERIFYING_AFTER,
            "cases.dispatch",
            takes=(PERSON,),
            next=_("An inspector checks on the spot."),
            main=True,
        ),
        Move("ask_verify_after", _("Check asked by rule"), (S.HANDLED,), S.VERIFYING_AFTER, by=SYSTEM),
        Move(
            "verify_pass",
            _("It is handled"),
            (S.VERIFYING_AFTER,),
            S.VERIFIED,
            "cases.verify",
            VERIFIER,
            needs=(PHOTO, POSITION),
            next=_("It can be closed."),
            main=True,
        ),
        Move(
            "verify_fail",
            _("It is not handled"),
            (S.VERIFYING_AFTER,),
            S.REWORK,
            "cases.verify",
            VERIFIER,
            needs=(REASON, PHOTO, POSITION),
            next=_("The unit has to do it again."),
            danger=True,
        ),
        Move(
            "close",
            pgettext_lazy("case", "Close"),
            (S.VERIFIED,),
            S.CLOSED,
            "cases.close",
            next=_("It ends here."),
            main=True,
        ),
        Move(
            "void",
            _("Void"),
            (S.REPORTED, *_BEFORE_DISPATCH),
            S.VOID,
            "cases.file",
            needs=(REASON,),
            next=_("It ends here; its number is kept."),
            danger=True,
        ),
        Move(
            "void",
            _("Void"),
            _AFTER_DISPATCH,
            S.VOID,
            "cases.void",
            needs=(REASON,),
            next=_("It ends here; its number is kept."),
            danger=True,
        ),
    ),
    # Defaults of the reference; the handling clock comes from the filing rule instead.
    limits={
        S.REPORTED: Limit(0.25, "work_hour"),
        S.ACCEPTED: Limit(0.5, "work_hour"),
        S.VERIFYING_BEFORE: Limit(2, "work_hour"),
        S.FILED: Limit(0.5, "work_hour"),
        S.HANDLED: Limit(0.5, "work_hour"),
        S.VERIFYING_AFTER: Limit(4, "work_hour"),
        S.VERIFIED: Limit(0.5, "work_hour"),
    },
)

FLOWS: dict[tuple[str, int], Flow] = {(flow.name, flow.version): flow for flow in (CITY_MANAGEMENT_1,)}
CURRENT = CITY_MANAGEMENT_1


def flow_of(case: Case) -> Flow:
    """The table a case lives by."""
    try:
        return FLOWS[case.flow, case.flow_version]
    except KeyError:
        raise Problem(
            f"Flow {case.flow} version {case.flow_version} is not known here.", status=409, kind="flow"
        ) from None


def may(user, case: Case, move: Move) -> bool:
    """Whether this row of the table is open to the user for this case, whatever the case's state."""
    if move.by == SYSTEM or user is None or not user.is_authenticated:
        return False
    scope = user.scope
    if move.by == HOLDER:
        return case.holder_unit_id is not None and case.holder_unit_id in scope.units(move.permission)
    if move.by == VERIFIER:
        if not scope.with_permission(move.permission) or _belongs_to_holder(user, case):
            return False
        if case.verifier_id == user.pk:
            return True
    return scope.covers(move.permission, case.area_code, unit_id=case.holder_unit_id, grid_id=case.grid_id)


def _belongs_to_holder(user, case: Case) -> bool:
    """Nobody checks the work of the own unit."""
    if case.holder_unit_id is None or user.organisation_id is None:
        return False
    return user.organisation.path.startswith(case.holder_unit.path)


def allowed(user, case: Case) -> list[Move]:
    """The moves open to the user now, one per action, in the table's order, the main ones first."""
    found: dict[str, Move] = {}
    for move in flow_of(case).start(case.state):
        if move.action not in found and fits(case, move) and may(user, case, move):
            found[move.action] = move
    return sorted(found.values(), key=lambda move: not move.main)


def fits(case: Case, move: Move) -> bool:
    """What the state alone does not say: only a self-handled report is confirmed, and it is not accepted."""
    if move.action == "confirm_self_handled":
        return case.self_handled
    if move.action in ("accept", "auto_accept"):
        return not case.self_handled
    return True
