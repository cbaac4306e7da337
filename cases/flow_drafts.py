"""Changing flows: a draft is copied from a version, edited row by row, checked, tried and put in force.

A version that was in force is never changed; cases end in the version they began in. Two people in one
draft: each change names the revision it was made on, and the second is told instead of writing over the
first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import flow_check
from cases.models import FlowVersion
from geo import audit
from geo.problems import Problem
from geo.texts import fitting

PERMISSION = "cases.edit_flows"
# So many steps back.
MOST_EARLIER = 30
State = FlowVersion.State


def start(user, name: str, version: int) -> FlowVersion:
    """A draft of the next version of a flow, copied from ``version``."""
    _may(user)
    with transaction.atomic():
        origin = FlowVersion.objects.select_for_update().filter(name=name, version=version).first()
        if origin is None:
            raise Problem(_("There is no such flow."), status=404, kind="not-found")
        # A form sent twice, or from two tabs, begins one draft, as long as nothing was changed in it.
        untouched = FlowVersion.objects.filter(name=name, state=State.DRAFT, created_by=user, revision=0)
        for known in untouched:
            if known.definition == origin.definition | {"version": known.version}:
                return known
        newest = FlowVersion.objects.filter(name=name).aggregate(Max("version"))["version__max"]
        draft = FlowVersion.objects.create(
            name=name,
            version=newest + 1,
            label=origin.label,
            label_en=origin.label_en,
            definition=origin.definition | {"version": newest + 1},
            created_by=user,
        )
        audit.log(user, "flow.draft", draft, origin=version)
    return draft


def change(user, name: str, version: int, revision: int, edit: Callable[[dict], None]) -> FlowVersion:
    """Apply ``edit`` to a copy of a draft's definition; 409 when somebody changed it since ``revision``."""
    _may(user)
    with transaction.atomic():
        draft = _draft(name, version)
        if draft.revision != revision:
            raise Problem(
                _("Somebody else changed this draft meanwhile; look at it as it is now and change it again."),
                status=409,
                kind="conflict",
            )
        definition = copy.deepcopy(draft.definition)
        edit(definition)
        draft.earlier = [*draft.earlier, draft.definition][-MOST_EARLIER:]
        _write(draft, definition)
    return draft


def undo(user, name: str, version: int) -> FlowVersion:
    """One step back."""
    _may(user)
    with transaction.atomic():
        draft = _draft(name, version)
        if not draft.earlier:
            raise Problem(_("There is nothing to undo."), status=409, kind="state")
        definition = draft.earlier.pop()
        _write(draft, definition)
    return draft


def discard(user, name: str, version: int) -> None:
    """Throw a draft away."""
    _may(user)
    with transaction.atomic():
        draft = _draft(name, version)
        audit.log(user, "flow.discard", draft)
        draft.delete()


def activate(user, name: str, version: int, note: str) -> FlowVersion:
    """Put a draft in force: new cases begin in it, those under way end in their own version.

    422 with every fault when it cannot be lived in.
    """
    _may(user)
    note = fitting(note, 300, "note")
    if not note:
        detail = _("Say what changed.")
        raise Problem(detail, errors=[{"pointer": "/note", "detail": detail}])
    with transaction.atomic():
        draft = _draft(name, version)
        faults = [fault for fault in flow_check.check(draft.definition) if not fault.warning]
        if faults:
            raise Problem(
                _("This flow cannot be put in force: %s") % faults[0].words,
                kind="faults",
                errors=[{"pointer": fault.pointer, "detail": fault.words} for fault in faults],
            )
        FlowVersion.objects.filter(name=name, state=State.ACTIVE).update(state=State.RETIRED)
        draft.state, draft.note = State.ACTIVE, note
        draft.activated_by, draft.activated_at, draft.earlier = user, timezone.now(), []
        draft.save()
        audit.log(user, "flow.activate", draft, reason=draft.note)
    return draft


def _may(user) -> None:
    if not user.can(PERMISSION):
        raise Problem(_("Your role does not change flows."), status=403, kind="forbidden")


def _draft(name: str, version: int) -> FlowVersion:
    draft = FlowVersion.objects.select_for_update().filter(name=name, version=version).first()
    if draft is None:
        raise Problem(_("There is no such flow."), status=404, kind="not-found")
    if draft.state != State.DRAFT:
        raise Problem(
            _("This version was put in force and does not change any more; make a draft of it."),
            status=409,
            kind="state",
        )
    return draft


def _write(draft: FlowVersion, definition: dict) -> None:
    draft.definition = definition
    draft.label = definition.get("label", {}).get("zh", "")[:60] or draft.label
    draft.label_en = definition.get("label", {}).get("en", "")[:60]
    draft.revision += 1
    draft.save()


# --- Edits ------------------------------------------------------------------------------------------


def put_state(definition: dict, number: int | None, row: dict) -> None:
    """Write a state, or add it; a new code is taken over by the moves and clocks that name the old one."""
    states = definition["states"]
    if number is None:
        states.append(row)
        return
    old, new = states[number]["code"], row["code"]
    states[number] = row
    if old != new:
        for move in definition["moves"]:
            move["from"] = [new if state == old else state for state in move["from"]]
            move["to"] = new if move["to"] == old else move["to"]
        for timer in definition.get("timers", []):
            if old in timer.get("states", []):
                timer["states"] = [new if state == old else state for state in timer["states"]]


def drop_state(definition: dict, number: int) -> None:
    """Take a state out, with the moves that lead to it and, of others, their beginning there."""
    code = definition["states"].pop(number)["code"]
    kept = []
    for move in definition["moves"]:
        move["from"] = [state for state in move["from"] if state != code]
        if move["from"] and move["to"] != code:
            kept.append(move)
    definition["moves"] = kept


def put_move(definition: dict, number: int | None, row: dict) -> None:
    """Write a move, or add it."""
    if number is None:
        definition["moves"].append(row)
    else:
        definition["moves"][number] = row


def drop_move(definition: dict, number: int) -> None:
    """Take a move out."""
    definition["moves"].pop(number)


def put_timer(definition: dict, number: int | None, row: dict) -> None:
    """Write a clock, or add it."""
    timers = definition.setdefault("timers", [])
    if number is None:
        timers.append(row)
    else:
        timers[number] = row


def drop_timer(definition: dict, number: int) -> None:
    """Take a clock out."""
    definition["timers"].pop(number)
