"""Invented lives of cases, written as the engine does: the case's row first, then the lines of its log."""

import random
import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from cases.models import Case, Transition
from tests.factories import make_case

UNIT = ("dispatched", "handling", "rework")
# From each state: what may happen, and where it leads. Actions joined with + are one run.
MOVES = {
    "reported": [("accept", 8), ("accept+file+dispatch", 6), ("reject", 1), ("void", 1)],
    "accepted": [("file_case", 6), ("ask_verify_before", 2), ("merge", 1), ("void", 1)],
    "verifying_before": [("verify_true", 5), ("verify_false", 1), ("void", 1)],
    "filed": [("dispatch", 8), ("auto_dispatch", 4), ("back_to_acceptor", 1), ("void", 1)],
    "dispatched": [("start", 8), ("return_back", 2), ("approve_extend", 1), ("supervise", 1), ("suspend", 1)],
    "handling": [
        ("report_handled", 8),
        ("report_handled+ask", 6),
        ("return_back", 1),
        ("take_back", 1),
        ("approve_extend", 1),
        ("suspend", 2),
        ("supervise", 1),
        ("remind", 1),
        ("void", 1),
    ],
    "suspended": [("resume", 5)],
    "handled": [("ask_verify_after", 5)],
    "verifying_after": [("verify_pass", 6), ("verify_fail", 3), ("void", 1)],
    "rework": [("start", 5), ("report_rework", 1)],
    "verified": [("close", 5)],
    "void": [("unmerge", 1)],
}
ENDS = {
    "accept": "accepted",
    "auto_accept": "accepted",
    "file_case": "filed",
    "auto_file": "filed",
    "ask_verify_before": "verifying_before",
    "verify_true": "accepted",
    "verify_false": "void",
    "merge": "void",
    "void": "void",
    "reject": "rejected",
    "dispatch": "dispatched",
    "auto_dispatch": "dispatched",
    "back_to_acceptor": "accepted",
    "return_back": "filed",
    "take_back": "filed",
    "start": "handling",
    "report_handled": "handled",
    "ask_verify_after": "verifying_after",
    "verify_pass": "verified",
    "verify_fail": "rework",
    "close": "closed",
    "suspend": "suspended",
    "resume": "handling",
    "report_rework": "handling",
    "confirm_self_handled": "closed",
    "unmerge": "accepted",
}
RUNS = {
    "accept+file+dispatch": ("auto_accept", "auto_file", "auto_dispatch"),
    "report_handled+ask": ("report_handled", "ask_verify_after"),
}


class Life:
    """One case, step by step. ``clocks`` gets the deadlines in force after each line."""

    def __init__(self, place, at, clocks, **values):
        self.clocks, self.at = clocks, at
        self.case = make_case(place, state="reported", reported_at=at, **values)
        self.write("report")

    def write(self, *actions, unit=None, **changes):
        """Carry out actions as one run at ``self.at``."""
        case, lines = self.case, []
        for action in actions:
            detail = {}
            before = "" if action == "report" else case.state
            name = {
                "back_to_acceptor": "return_back",
                "report_rework": "start",
                "take_back": "return_back",
            }.get(action, action)
            line = Transition(
                case=case,
                action=name,
                from_state=before,
                at=self.at,
                to_state=ENDS.get(action, case.state),
            )
            case.state = line.to_state
            if action in ("dispatch", "auto_dispatch"):
                line.to_unit = case.holder_unit = unit
                case.dispatched_at = case.dispatched_at or self.at
                days = changes.get("days", 3)
                case.handle_due_at = self.at + timedelta(days=days)
                case.close_due_at = case.handle_due_at + timedelta(days=1)
            if action in ("return_back", "take_back"):
                detail["returned_by"] = case.holder_unit_id
                line.unit = case.holder_unit if action == "return_back" else None
                case.holder_unit = case.handle_due_at = case.close_due_at = None
            if action == "approve_extend":
                case.handle_due_at += timedelta(days=changes.get("days", 2))
                case.close_due_at = case.handle_due_at + timedelta(days=1)
            if action in ("file_case", "auto_file"):
                case.filed_at = case.filed_at or self.at
                case.filed_community_code = case.area_code
                case.filed_grid_code = case.grid.code if case.grid else ""
            if action == "report_handled":
                case.handled_at = self.at
            if action == "verify_fail":
                case.handled_at = None
                case.handle_due_at = self.at + timedelta(days=1)
                case.close_due_at = case.handle_due_at + timedelta(days=1)
            if action in ("close", "confirm_self_handled"):
                case.closed_at = self.at
            if action in ("ask_verify_before", "ask_verify_after"):
                case.due_at = self.at + timedelta(hours=changes.get("hours", 12))
            line.detail = detail
            lines.append(line)
        case.save()
        Transition.objects.bulk_create(lines)
        if case.holder_unit_id:
            case.holds.get_or_create(unit_id=case.holder_unit_id)
        for line in lines:
            self.clocks[line.pk] = (case.handle_due_at, case.close_due_at, case.due_at)
        return self

    def wait(self, **time):
        self.at += timedelta(**time)
        return self


def random_life(rng: random.Random, place, start: datetime, clocks, units, types) -> Case:
    """A life of up to twenty runs, with every detour there is."""
    source = rng.choice(["supervisor", "worker", "public", "hotline", "leader"])
    mine = source == "supervisor" and rng.random() < 0.25
    at = start + timedelta(minutes=rng.randrange(60 * 24 * 60))
    life = Life(place, at, clocks, source=source, type=rng.choice(types), self_handled=mine)
    if mine:
        life.wait(minutes=rng.randrange(1, 600)).write(rng.choice(["confirm_self_handled", "void"]))
        return life.case
    for _step in range(rng.randrange(1, 20)):
        moves = MOVES.get(life.case.state)
        if not moves:
            break
        names, weights = zip(*moves, strict=True)
        action = rng.choices(names, weights)[0]
        if action == "unmerge" and not life.case.duplicate_of_id:
            break
        if action == "approve_extend" and life.case.handle_due_at is None:
            continue
        life.wait(minutes=rng.choice([1, 30, 600, 2_000, 6_000]))
        more = {"unit": rng.choice(units), "days": rng.choice([1, 3, 10]), "hours": rng.choice([1, 8, 40])}
        life.write(*RUNS.get(action, (action,)), **more)
    return life.case


def at_noon(year, month, day):
    return datetime(year, month, day, 12, tzinfo=timezone.get_default_timezone())


def key():
    return uuid.uuid4()
