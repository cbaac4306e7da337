"""Whether a flow can be put in force: every fault, each with where it is and what would be right.

Form first (what ``cases.flow_data`` reads), then sense: every state reached, every state left, somebody to
do it, every name known. A fault stops activation; a warning is only shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cases import flow, guards
from cases.flow import Flow
from cases.flow_data import compile_flow
from cases.models import Case
from geo.calendar import UNITS
from geo.models import Role

CLOCKS = ("step", "handle", "none")
TIMER_CLOCKS = ("due_at", "handle_due_at", "close_due_at", "review_at")
DOES = ("notice", "supervise", "move")
# A name in a definition: letters, digits and underscores, as it stands in addresses and logs.
MOST_NAME, MOST_STATES, MOST_MOVES = 20, 40, 200


@dataclass(frozen=True)
class Fault:
    """What is wrong: ``pointer`` into the definition, words, and whether it only warns."""

    pointer: str
    words: str
    warning: bool = False


def check(definition: dict) -> list[Fault]:
    """All faults of a definition; without faults it can be compiled and put in force."""
    faults = _form(definition)
    if faults:
        return faults
    table = compile_flow(definition)
    return [*_names(table), *_ways(table), *_people(table), *_timers(table)]


# --- Form -------------------------------------------------------------------------------------------


def _form(definition: dict) -> list[Fault]:
    faults: list[Fault] = []

    def wrong(pointer: str, words: str):
        faults.append(Fault(pointer, words))

    def named(pointer: str, value, what: str):
        good = isinstance(value, str) and value.isidentifier() and value.isascii() and value == value.lower()
        if not good or len(value) > MOST_NAME:
            wrong(
                pointer,
                _("%(what)s takes small letters, digits and underscores, at most %(most)d.")
                % {"what": what, "most": MOST_NAME},
            )

    def words_of(pointer: str, value, needed=True):
        if value is None and not needed:
            return
        if not isinstance(value, dict) or not str(value.get("zh", "")).strip():
            wrong(pointer, _("A name in Chinese is needed."))

    def limit_of(pointer: str, value, negative=False):
        if value is None:
            return
        amount = value.get("amount") if isinstance(value, dict) else None
        if not isinstance(amount, (int, float)) or (amount < 0 and not negative):
            wrong(pointer, _("A limit is a number of working time, for example 4."))
        elif value.get("unit") not in UNITS:
            wrong(pointer, _("The unit of a limit is one of: %s.") % ", ".join(UNITS))

    if not isinstance(definition, dict):
        return [Fault("", _("A definition is a JSON object."))]
    words_of("/label", definition.get("label"))
    prefix = definition.get("prefix")
    if not (isinstance(prefix, str) and 1 <= len(prefix) <= 2 and prefix.isascii() and prefix.isupper()):
        wrong("/prefix", _("Numbers begin with one or two capital letters."))
    states, moves = definition.get("states"), definition.get("moves")
    if not isinstance(states, list) or not 0 < len(states) <= MOST_STATES:
        wrong("/states", _("A flow has between one and %d states.") % MOST_STATES)
        states = []
    if not isinstance(moves, list) or not 0 < len(moves) <= MOST_MOVES:
        wrong("/moves", _("A flow has between one and %d moves.") % MOST_MOVES)
        moves = []
    for number, state in enumerate(states):
        here = f"/states/{number}"
        named(f"{here}/code", state.get("code"), _("The code of a state"))
        words_of(f"{here}/label", state.get("label"))
        limit_of(f"{here}/limit", state.get("limit"))
        if state.get("phase") not in Case.Phase.values:
            wrong(f"{here}/phase", _("The phase is one of: %s.") % ", ".join(Case.Phase.values))
        if state.get("clock", "step") not in CLOCKS:
            wrong(f"{here}/clock", _("The clock is one of: %s.") % ", ".join(CLOCKS))
    codes = [state.get("code") for state in states]
    for code in sorted({code for code in codes if codes.count(code) > 1 and code}):
        wrong("/states", _("There are two states “%s”.") % code)
    for number, move in enumerate(moves):
        here = f"/moves/{number}"
        named(f"{here}/action", move.get("action"), _("The code of an action"))
        words_of(f"{here}/label", move.get("label"))
        words_of(f"{here}/next", move.get("next"), needed=False)
        starts = move.get("from")
        if not isinstance(starts, list) or not starts:
            wrong(f"{here}/from", _("Say from which states it starts."))
            starts = []
        for state in starts:
            if state not in (*codes, ""):
                wrong(f"{here}/from", _("There is no state “%s”.") % state)
        if move.get("to") not in (*codes, flow.SAME, flow.BEFORE):
            wrong(f"{here}/to", _("There is no state “%s”.") % move.get("to"))
        if move.get("by", "scope") not in flow.ACTORS:
            wrong(f"{here}/by", _("Who may is one of: %s.") % ", ".join(flow.ACTORS))
        for name in ("needs", "takes", "guards", "effects", "then"):
            if not isinstance(move.get(name, []), list):
                wrong(f"{here}/{name}", _("This is a list of names."))
    for number, timer in enumerate(definition.get("timers", [])):
        here = f"/timers/{number}"
        named(f"{here}/kind", timer.get("kind"), _("The name of a clock"))
        if timer.get("clock") not in TIMER_CLOCKS:
            wrong(f"{here}/clock", _("The deadline is one of: %s.") % ", ".join(TIMER_CLOCKS))
        limit_of(f"{here}/after", timer.get("after"))
        if timer.get("do", "notice") not in DOES:
            wrong(f"{here}/do", _("What it does is one of: %s.") % ", ".join(DOES))
        share = timer.get("share")
        if share is not None and not (isinstance(share, (int, float)) and 0 < share < 1):
            wrong(f"{here}/share", _("A share lies between 0 and 1."))
    return faults


# --- Sense ------------------------------------------------------------------------------------------


def _names(table: Flow) -> list[Fault]:
    """Names that the code must know: inputs, guards, effects, moves that follow."""
    from cases.effects import EFFECTS
    from cases.outcomes import OUTCOMES

    faults = []
    for number, move in enumerate(table.moves):
        for part, known in (
            ("needs", flow.INPUTS),
            ("takes", flow.INPUTS),
            ("guards", guards.GUARDS),
            ("effects", EFFECTS),
        ):
            for name in getattr(move, part):
                if name not in known:
                    faults.append(
                        Fault(
                            f"/moves/{number}/{part}",
                            _("“%(name)s” is not known. Known: %(known)s.")
                            % {"name": name, "known": ", ".join(known)},
                        )
                    )
        if move.when and move.when not in OUTCOMES:
            words = _("“%(name)s” is not known. Known: %(known)s.")
            told = words % {"name": move.when, "known": ", ".join(OUTCOMES)}
            faults.append(Fault(f"/moves/{number}/when", told))
        for name in move.then:
            if not any(one.by == flow.SYSTEM for one in table.of(name)):
                words = _("What follows, “%s”, is no move of the system in this flow.") % name
                faults.append(Fault(f"/moves/{number}/then", words))
    return faults


def _ways(table: Flow) -> list[Fault]:
    """Every state is reached from the beginning and leads to an end; ends are those the product knows."""
    faults = []
    starts = [move for move in table.start("") if move.by != flow.SYSTEM]
    if not starts:
        faults.append(Fault("/moves", _("No move begins a case: one must start from nothing.")))
    onward: dict[str, set[str]] = {code: set() for code in ("", *table.states)}
    into: dict[str, set[str]] = {code: set() for code in table.states}
    for move in table.moves:
        for state in move.start:
            if move.end not in (flow.SAME, flow.BEFORE):
                onward[state].add(move.end)
                into[move.end].add(state)
    # Back to where it was handled: to every state from which a check is entered.
    checks = {code for code, state in table.states.items() if state.phase == Case.Phase.CHECK}
    handled = {state for check in checks for state in into[check]} - checks - {""}
    for number, move in enumerate(table.moves):
        if move.end == flow.BEFORE:
            for state in move.start:
                onward[state] |= handled
            if not handled:
                words = _("There is no check to go back from.")
                faults.append(Fault(f"/moves/{number}/to", words))
    reached = _closure({""}, onward)
    backward: dict[str, set[str]] = {code: set() for code in onward}
    for state, ends in onward.items():
        for end in ends:
            backward[end].add(state)
    ends = {code for code, state in table.states.items() if state.phase == Case.Phase.ENDED}
    leading = _closure(ends, backward)
    for number, code in enumerate(table.states):
        here, label = f"/states/{number}", table.state_label(code)
        if code not in reached:
            faults.append(Fault(here, _("No way leads to “%s”.") % label))
        if code not in leading:
            faults.append(Fault(here, _("No way leads from “%s” to an end.") % label))
        if code in ends and code not in Case.ENDED:
            known = ", ".join(Case.ENDED)
            faults.append(Fault(here, _("A state that ends a case is one of: %s.") % known))
        if code in Case.ENDED and code not in ends:
            faults.append(Fault(here, _("“%s” ends a case; its phase must say so.") % code))
    if not ends:
        faults.append(Fault("/states", _("No state ends a case.")))
    return faults


def _closure(start: set[str], ways: dict[str, set[str]]) -> set[str]:
    found, left = set(start), list(start)
    while left:
        for state in ways.get(left.pop(), ()):
            if state not in found:
                found.add(state)
                left.append(state)
    return found


def _people(table: Flow) -> list[Fault]:
    """Somebody may leave every state: a role has the permission, or the system or a clock does it."""
    granted = {permission for role in Role.objects.all() for permission in role.permissions}
    by_clock = {timer.action for timer in table.timers if timer.do == "move"}
    faults = []
    for number, move in enumerate(table.moves):
        if move.by in (flow.SYSTEM, flow.REPORTER):
            continue
        if not move.permission:
            faults.append(Fault(f"/moves/{number}/permission", _("Say which right it needs.")))
        elif move.permission not in granted:
            words = _("No role has the right “%s”, so nobody may do it.") % move.permission
            faults.append(Fault(f"/moves/{number}/permission", words))
    follows = {name for move in table.moves for name in move.then}
    for number, (code, state) in enumerate(table.states.items()):
        if state.phase == Case.Phase.ENDED:
            continue
        doers = [
            move
            for move in table.start(code)
            if move.end != flow.SAME
            and (
                (move.by == flow.SYSTEM and move.action in by_clock | follows)
                or (move.by not in (flow.SYSTEM, flow.REPORTER) and move.permission in granted)
            )
        ]
        if not doers:
            words = _("Nobody may bring a case on from “%s”.") % table.state_label(code)
            faults.append(Fault(f"/states/{number}", words))
        elif not any(move.main for move in doers) and state.phase != Case.Phase.PAUSED:
            words = _("“%s” has no main step; it is on nobody's list of things to do.") % table.state_label(
                code
            )
            faults.append(Fault(f"/states/{number}", words, warning=True))
    return faults


def _timers(table: Flow) -> list[Fault]:
    faults = []
    kinds = [timer.kind for timer in table.timers]
    for number, timer in enumerate(table.timers):
        here = f"/timers/{number}"
        if kinds.count(timer.kind) > 1:
            faults.append(Fault(f"{here}/kind", _("There are two clocks “%s”.") % timer.kind))
        for state in timer.states:
            if state not in table.states:
                faults.append(Fault(f"{here}/states", _("There is no state “%s”.") % state))
        for phase in timer.phases:
            if phase not in Case.Phase.values:
                faults.append(Fault(f"{here}/phases", _("There is no phase “%s”.") % phase))
        if timer.do == "move" and not any(one.by == flow.SYSTEM for one in table.of(timer.action)):
            faults.append(
                Fault(f"{here}/action", _("“%s” is no move of the system in this flow.") % timer.action)
            )
    levels = [timer.level for timer in table.timers if timer.do == "supervise"]
    if levels != sorted(set(levels)) or (levels and levels[0] != 1) or len(levels) > 3:
        faults.append(Fault("/timers", _("Supervision goes through the levels 1, 2 and 3 in this order.")))
    return faults
