"""Flows as data: from JSON to the table that ``cases.flow`` works with, and back to where they are kept.

A definition is a dictionary::

    {"name": "letter", "version": 1, "label": {"zh": "…", "en": "…"}, "prefix": "W",
     "handling": {"by": "standard" | a field of the case, "limits": {value: {"amount", "unit"}}},
     "states": [{"code", "label", "phase", "limit": {"amount", "unit"}, "clock"}],
     "moves": [{"action", "label", "from": [states], "to", "permission", "by", "needs", "takes", "guards",
                "effects", "next", "then", "when", "main", "danger"}],
     "timers": [{"kind", "clock", "phases", "states", "after": {"amount", "unit"}, "share", "do", "level",
                 "action"}]}

``from`` with the empty state is where cases begin. Shipped definitions are ``fixtures/flows/*.json``; those
made in the console are rows of ``FlowVersion``. A version never changes once it was in force, so the compiled
table is kept in the process.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from cases.flow import Flow, Limit, Move, State, Timer, Words
from cases.models import FlowVersion

FOLDER = "fixtures/flows"


def compile_flow(definition: dict) -> Flow:
    """The table of a definition. Its form is taken as right; ``cases.flow_check`` says what is wrong."""
    return Flow(
        name=definition["name"],
        version=definition["version"],
        label=_words(definition["label"]),
        prefix=definition["prefix"],
        states={state["code"]: _state(state) for state in definition["states"]},
        moves=tuple(_move(move) for move in definition["moves"]),
        timers=tuple(_timer(timer) for timer in definition.get("timers", ())),
        handling=_handling(definition.get("handling")),
    )


def _words(value: dict | None) -> Words:
    return Words(**{name: value.get(name, "") for name in ("zh", "en")}) if value else Words()


def _limit(value: dict | None) -> Limit | None:
    return Limit(value["amount"], value["unit"]) if value else None


def _handling(row: dict | None) -> tuple[str, dict[str, Limit]]:
    if not row:
        return "standard", {}
    return row["by"], {value: _limit(limit) for value, limit in row.get("limits", {}).items()}


def _state(row: dict) -> State:
    usual = {"unit": "handle", "ended": "none", "paused": "none"}.get(row["phase"], "step")
    return State(
        row["code"],
        _words(row["label"]),
        row["phase"],
        limit=_limit(row.get("limit")),
        clock=row.get("clock", usual),
    )


def _move(row: dict) -> Move:
    lists = {name: tuple(row.get(name, ())) for name in ("needs", "takes", "guards", "effects", "then")}
    return Move(
        action=row["action"],
        label=_words(row["label"]),
        start=tuple(row["from"]),
        end=row["to"],
        permission=row.get("permission", ""),
        by=row.get("by", "scope"),
        next=_words(row.get("next")),
        when=row.get("when", ""),
        main=row.get("main", False),
        danger=row.get("danger", False),
        **lists,
    )


def _timer(row: dict) -> Timer:
    plain = {name: row[name] for name in ("share", "do", "level", "action") if name in row}
    return Timer(
        kind=row["kind"],
        clock=row["clock"],
        phases=tuple(row.get("phases", ())),
        states=tuple(row.get("states", ())),
        after=_limit(row.get("after")),
        **plain,
    )


# --- Where they are ---------------------------------------------------------------------------------


@cache
def shipped() -> dict[tuple[str, int], dict]:
    """The definitions that come with the product, by name and version."""
    found = {}
    for path in sorted(Path(settings.BASE_DIR, FOLDER).glob("*.json")):
        definition = json.loads(path.read_text(encoding="utf-8"))
        found[definition["name"], definition["version"]] = definition
    return found


_compiled: dict[tuple[str, int], Flow] = {}


def find(name: str, version: int) -> Flow | None:
    """The table of a version that is or was in force; ``None`` where there is none."""
    if found := _compiled.get((name, version)):
        return found
    if definition := shipped().get((name, version)):
        _compiled[name, version] = compile_flow(definition)
        return _compiled[name, version]
    row = FlowVersion.objects.filter(~Q(state=FlowVersion.State.DRAFT), name=name, version=version).first()
    if row is None:
        return None
    _compiled[name, version] = compile_flow(row.definition)
    return _compiled[name, version]


def current(name: str) -> Flow | None:
    """The version in force. One small query: it may have been changed by another process a moment ago."""
    version = (
        FlowVersion.objects.filter(name=name, state=FlowVersion.State.ACTIVE)
        .values_list("version", flat=True)
        .first()
    )
    if version is None:
        # Before the code tables are loaded, the newest that is shipped.
        version = max((number for flow, number in shipped() if flow == name), default=0)
    return find(name, version)


def in_force() -> list[Flow]:
    """The versions in force, one of each flow; one query."""
    versions = dict(sorted(shipped()))
    versions |= dict(
        FlowVersion.objects.filter(state=FlowVersion.State.ACTIVE).values_list("name", "version")
    )
    return [flow for name, version in sorted(versions.items()) if (flow := find(name, version))]


def every() -> list[Flow]:
    """All versions that are or were in force; one query, and one more for those new to this process."""
    tried = FlowVersion.objects.exclude(state=FlowVersion.State.DRAFT)
    wanted = {*shipped(), *tried.values_list("name", "version")}
    if fresh := wanted - _compiled.keys() - shipped().keys():
        for row in tried.filter(name__in={name for name, _version in fresh}):
            if (row.name, row.version) in fresh:
                _compiled[row.name, row.version] = compile_flow(row.definition)
    return [flow for name, version in sorted(wanted) if (flow := find(name, version))]


def load() -> int:
    """Write the shipped flows that are not there yet; the newest is in force where none was chosen."""
    made = 0
    for (name, version), definition in sorted(shipped().items()):
        if FlowVersion.objects.filter(name=name, version=version).exists():
            continue
        newest = version == max(number for flow, number in shipped() if flow == name)
        active = FlowVersion.objects.filter(name=name, state=FlowVersion.State.ACTIVE)
        # What an operator made stays in force; an older one of ours makes way.
        if newest and not active.filter(created_by__isnull=False).exists():
            active.update(state=FlowVersion.State.RETIRED)
            state = FlowVersion.State.ACTIVE
        else:
            state = FlowVersion.State.RETIRED
        FlowVersion.objects.create(
            name=name,
            version=version,
            state=state,
            label=definition["label"]["zh"],
            label_en=definition["label"]["en"],
            definition=definition,
        )
        made += 1
    return made
