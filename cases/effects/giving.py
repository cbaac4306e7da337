"""Giving a case out and taking it back: units, helpers, desks."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, desks, dispatch
from cases.effects.flags import difficult_by_rule
from cases.effects.handling import lapse
from cases.effects.registry import effect
from cases.models import Case, CaseHold
from geo.problems import Problem


def give_out(run, unit_id: int, line) -> None:
    """The unit holds it from now on, and its clock runs."""
    case = run.case
    case.holder_unit_id = unit_id
    case.lead_unit = None
    case.dispatched_at = case.dispatched_at or run.now
    case.handle_due_at = deadlines.handling_due(case, run.now)
    case.close_due_at = deadlines.close_due(case)
    line.to_unit_id = unit_id


@effect("dispatched")
def _dispatched(run, line):
    """A person gives it to a unit, whose clock runs from now on; a rule that names the unit goes with it."""
    case, unit = run.case, run.given.unit
    earlier = case.decision
    case.decision = {"reason": "hand", "unit": unit.pk, "unit_name": unit.name, "by": str(run.user)}
    case.decision |= dispatch.along(case, unit.pk, timezone.localdate(run.now))
    if earlier and earlier.get("reason") in ("tie", "none"):
        case.decision["instead_of"] = earlier
    case.auto_dispatched = False
    line.detail["decision"] = case.decision
    give_out(run, unit.pk, line)


@effect("auto_dispatched")
def _auto_dispatched(run, line):
    """A rule gives it to a unit, whose clock runs from now on."""
    run.case.auto_dispatched = True
    line.detail["decision"] = run.case.decision
    give_out(run, run.decided.unit_id, line)


@effect("returned")
def _returned(run, line):
    """A unit's return counts and frees the case; taken back by the dispatcher, it does not count."""
    case = run.case
    if run.move.by == "holder":
        case.return_count += 1
    line.detail["returned_by"] = case.holder_unit_id
    case.holder_unit = case.lead_unit = None
    case.handle_due_at = case.close_due_at = None
    lapse(run)
    difficult_by_rule(run, line)


@effect("sent_back")
def _sent_back(run, line):
    """A unit says it is not its duty; it stays beside the case, because it may be told to take it."""
    case = run.case
    case.return_count += 1
    line.detail["returned_by"] = case.holder_unit_id
    lapse(run)
    # Shifted twice without being handled: a hard spot from now on.
    if case.return_count >= settings.CASE_DIFFICULT_RETURNS and not case.mark and run.table.of("mark"):
        case.mark = line.detail["mark"] = Case.Mark.HARD


@effect("freed")
def _freed(run, line):
    """No unit has it any more, and no clock of handling runs."""
    case = run.case
    case.holder_unit = case.lead_unit = None
    case.handle_due_at = case.close_due_at = None


@effect("taken")
def _taken(run, line):
    """The unit signs for it; nothing else changes."""


@effect("insisted")
def _insisted(run, line):
    """The unit that sent it back has to take it; its clock goes on."""
    line.to_unit_id = run.case.holder_unit_id


@effect("in_hand")
def _in_hand(run, line):
    """The desk or community takes it up itself: its own unit holds it from now on."""
    unit_id = run.user.organisation_id
    if unit_id is None:
        raise Problem(_("Your account belongs to no unit, so it cannot take a case in hand."))
    give_out(run, unit_id, line)


@effect("helpers")
def _helpers(run, line):
    """Units that help; they see the case and are told, the holder stays responsible."""
    units = run.given.units
    line.detail["helpers"] = [unit.pk for unit in units]
    run.later(
        lambda: CaseHold.objects.bulk_create(
            [CaseHold(case=run.case, unit=unit, part=CaseHold.Part.HELPER) for unit in units],
            ignore_conflicts=True,
        )
    )
    run.concerned.update(unit.pk for unit in units)


@effect("sub_assigned")
def _sub_assigned(run, line):
    """A unit below or beside handles it; whoever had it stays accountable, under the same deadline."""
    case, unit = run.case, run.given.unit
    case.lead_unit_id = case.lead_unit_id or case.holder_unit_id
    case.holder_unit = unit
    line.to_unit = unit


@effect("to_desk")
def _to_desk(run, line):
    """Another area's desk has it (转办); back at the place's own, there is nothing to note."""
    line.detail["desk"] = run.given.desk
    run.case.desk_code = desks.kept(run.case, run.given.desk)


@effect("to_own_desk")
def _to_own_desk(run, line):
    """It goes up from here: the desk above the one that had it."""
    case = run.case
    if case.desk_code:
        case.desk_code = desks.kept(case, case.desk_code[: desks.LEVELS.get(case.state, desks.STREET)])


@effect("desk_up")
def _desk_up(run, line):
    """The desk above has it, in the same state."""
    line.detail["desk"] = run.case.desk_code = desks.above(run.case)


@effect("complexity")
def _complexity(run, line):
    """How hard it is, which decides the limit; general where nobody says."""
    run.case.complexity = run.given.complexity or run.case.complexity or "general"
    line.detail["complexity"] = run.case.complexity


@effect("kind")
def _kind(run, line):
    """What kind of complaint it is, which decides the limit."""
    run.case.complaint_kind = run.given.kind or run.case.complaint_kind
    line.detail["kind"] = run.case.complaint_kind
