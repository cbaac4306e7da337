"""What a move changes beside the state: names that a flow's data may use.

An effect gets the run (case, user, what was given, the present) and the line of the log that is being
written. It changes the case in memory and may add rows of its own with ``run.later``, which are written once
the case has its id. Deadlines come from ``cases.deadlines``, and once given are not moved by a change of
rules or calendar.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, desks, dispatch, flow, guards, verifiers
from cases.models import Alarm, Case, CaseHold, CaseRequest, OwnerQuestion, Rating, Supervision, Transition
from geo.calendar import add_working_time
from geo.numbers import mint
from geo.problems import Problem

if TYPE_CHECKING:
    from cases.steps import Run

S = Case.State
# What later effects of the same move go by; done before them, in whatever order a flow names them.
FIRST = ("complexity", "kind")
EFFECTS: dict[str, Callable[[Run, Transition], None]] = {}


def effect(name: str):
    """Register an effect under its name."""

    def register(function):
        EFFECTS[name] = function
        return function

    return register


# --- Accepting and filing ---------------------------------------------------------------------------


@effect("accepted")
def _accepted(run, line):
    """Notes when it was accepted, once."""
    run.case.accepted_at = run.case.accepted_at or run.now


@effect("filed")
def _filed(run, line):
    """Type, filing rule, and the snapshot of where it is that statistics keep."""
    case, given = run.case, run.given
    case.type = given.type or case.type
    case.filing_standard = deadlines.standard_for(case.type_id, given.standard)
    case.filed_at = case.filed_at or run.now
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(g.code, ''), coalesce(u.code, ''), coalesce(d.code, '')"
            " from (select %s::bigint as grid, ST_SetSRID(ST_MakePoint(%s, %s), 4326) as point) as here"
            " left join grids_grid g on g.id = here.grid"
            " left join lateral (select code, duty_grid_id from grids_unitgrid"
            "   where community_code = %s and retired_on is null and ST_Intersects(geom, here.point)"
            "   order by code limit 1) as u on true"
            " left join grids_dutygrid d on d.id = u.duty_grid_id",
            [case.grid_id, case.geom.x, case.geom.y, case.area_code],
        )
        codes = cursor.fetchone()
    case.filed_community_code = case.area_code
    case.filed_grid_code, case.filed_unit_grid_code, case.filed_duty_grid_code = codes


@effect("merged")
def _merged(run, line):
    """It lives on in another case."""
    run.case.duplicate_of = run.given.original
    line.detail["duplicate_of"] = run.given.original.number


@effect("unmerged")
def _unmerged(run, line):
    """It lives on its own again; the other case's log says so."""
    case, other = run.case, run.case.duplicate_of
    line.detail["duplicate_of"] = other.number
    case.duplicate_of = None
    case.closed_at = None
    run.later(
        lambda: Transition.objects.create(
            case=other,
            action="unmerged",
            from_state=other.state,
            to_state=other.state,
            actor=run.user,
            unit=run.user.organisation,
            at=run.now,
            reason=line.reason,
            detail={"case": case.number},
        )
    )


# --- Giving out and taking back ---------------------------------------------------------------------


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
    _lapse(run)
    _difficult_by_rule(run, line)


@effect("sent_back")
def _sent_back(run, line):
    """A unit says it is not its duty; it stays beside the case, because it may be told to take it."""
    case = run.case
    case.return_count += 1
    line.detail["returned_by"] = case.holder_unit_id
    _lapse(run)
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


# --- Handling ---------------------------------------------------------------------------------------


@effect("handled")
def _handled(run, line):
    """The clock of handling stops; what was asked for meanwhile is void."""
    run.case.handled_at = run.now
    _lapse(run)


@effect("self_done")
def _self_done(run, line):
    """Solved where it was found, without a unit."""
    run.case.self_handled = True
    run.case.handled_at = run.now
    run.case.known_doer = run.user.pk  # the log does not tell yet (guards.self_handler)


@effect("asked_extension")
def _asked_extension(run, line):
    """The unit asks for more time, at most the limit itself; the clock runs on."""
    case, given = run.case, run.given
    amount, unit = deadlines.limit_of(case)
    if given.amount is None or not 0 < given.amount <= amount:
        detail = _("An extension may be at most the limit itself: %(amount)g %(unit)s.") % {
            "amount": amount,
            "unit": deadlines.unit_words(unit),
        }
        raise Problem(detail, errors=[{"pointer": "/amount", "detail": detail}])
    line.detail |= {"amount": given.amount, "unit": unit}
    _ask(run, line, CaseRequest.Kind.EXTEND, amount=given.amount, unit=unit)


@effect("asked_suspension")
def _asked_suspension(run, line):
    """The unit asks for a pause until a day of review; the clock runs on."""
    _check_review(run.given.day)
    line.detail["review_on"] = run.given.day.isoformat()
    _ask(run, line, CaseRequest.Kind.SUSPEND, review_on=run.given.day)


def _check_review(day) -> None:
    today = timezone.localdate()
    if day is None or not today < day <= today + timedelta(days=settings.CASE_SUSPEND_DAYS):
        detail = _("The day of review lies after today and within %d days.") % settings.CASE_SUSPEND_DAYS
        raise Problem(detail, errors=[{"pointer": "/day", "detail": detail}])


def _ask(run, line, kind: str, **values) -> None:
    run.later(
        lambda: CaseRequest.objects.create(
            case=run.case,
            kind=kind,
            reason=line.reason,
            asked_by=run.user,
            asked_unit_id=run.case.holder_unit_id,
            asked_at=run.now,
            due_before=run.case.handle_due_at,
            **values,
        )
    )


def _decide(run, line, kind: str, state: str) -> CaseRequest:
    row = guards.pending(run.case, kind)
    row.state, row.decided_by, row.decided_at = state, run.user, run.now
    row.decision_reason = line.reason
    line.to_unit_id = row.asked_unit_id
    return row


@effect("extended")
def _extended(run, line):
    """What was granted is added to the deadline that runs; the decider may grant less than was asked."""
    case, given = run.case, run.given
    row = _decide(run, line, CaseRequest.Kind.EXTEND, CaseRequest.State.APPROVED)
    if given.amount is not None:
        if not 0 < given.amount <= row.amount:
            detail = _("At most what was asked for can be granted: %g.") % row.amount
            raise Problem(detail, errors=[{"pointer": "/amount", "detail": detail}])
        row.amount = given.amount
    case.handle_due_at = add_working_time(case.handle_due_at, row.amount, row.unit, case.area_code)
    case.close_due_at = deadlines.close_due(case)
    case.extended_count += 1
    row.due_after = case.handle_due_at
    line.detail |= {"amount": row.amount, "unit": row.unit}
    run.later(row.save)


@effect("extension_refused")
def _extension_refused(run, line):
    """The deadline stays."""
    run.later(_decide(run, line, CaseRequest.Kind.EXTEND, CaseRequest.State.REFUSED).save)


@effect("suspension_refused")
def _suspension_refused(run, line):
    """The clock runs on."""
    run.later(_decide(run, line, CaseRequest.Kind.SUSPEND, CaseRequest.State.REFUSED).save)


@effect("suspended")
def _suspended(run, line):
    """The clock stops; what is left of the limit is kept, and a day on which somebody looks again."""
    case = run.case
    row = _decide(run, line, CaseRequest.Kind.SUSPEND, CaseRequest.State.APPROVED)
    if run.given.day:
        _check_review(run.given.day)
        row.review_on = run.given.day
    run.later(row.save)
    pause(case, run.now, row.review_on)
    line.detail["review_on"] = row.review_on.isoformat()


def pause(case: Case, now: datetime, review_on) -> None:
    """Stop the handling clock of a case in memory; it is looked at again at the end of ``review_on``."""
    case.paused_at = now
    case.paused_left = deadlines.left_of(case, now)
    case.review_at = datetime.combine(review_on, time(9), timezone.get_current_timezone())
    case.handle_due_at = case.close_due_at = None


@effect("resumed")
def _resumed(run, line):
    """The clock goes on with what was left."""
    case = run.case
    case.handle_due_at = deadlines.due_with(case, run.now, case.paused_left or 0)
    case.close_due_at = deadlines.close_due(case)
    case.paused_at = case.paused_left = case.review_at = None


def _lapse(run) -> None:
    """Requests that nobody decided are void once the case moves on."""
    if run.case.pk:
        rows = run.case.requests.filter(state=CaseRequest.State.PENDING)
        run.later(lambda: rows.update(state=CaseRequest.State.LAPSED, decided_at=run.now))


# --- Checking, rating, closing ----------------------------------------------------------------------


@effect("verifier_asked")
def _verifier_asked(run, line):
    """Somebody is asked to check: the one named, else the nearest on duty."""
    if run.given.verifier is not None:
        run.case.verifier = run.given.verifier
    else:
        run.case.verifier_id = next(iter(verifiers.on_duty(run.case)), None)
    line.detail["verifier"] = run.case.verifier_id


@effect("verified_before")
def _verified_before(run, line):
    """Looked at before filing; nobody is asked any more."""
    run.case.verifier = None


@effect("verified")
def _verified(run, line):
    """Checked and found good, by whoever did it."""
    run.case.verifier = run.user  # who did it, whoever was asked
    run.case.verified_at = run.now


@effect("failed")
def _failed(run, line):
    """It goes back with what was left of the limit, and at least half of it."""
    run.case.verifier = run.user
    _again(run)
    _difficult_by_rule(run, line)


@effect("back_again")
def _back_again(run, line):
    """The feedback is poor; clock and count as after a failed check, the checker stays."""
    _again(run)


def _again(run) -> None:
    case = run.case
    case.rework_count += 1
    if case.holder_unit_id:
        case.handle_due_at = deadlines.rework_due(case, run.now)
        case.close_due_at = deadlines.close_due(case)
    case.handled_at = None
    case.self_handled = False


@effect("redone")
def _redone(run, line):
    """A complaint is handled once more, within half of its limit."""
    case = run.case
    case.rework_count += 1
    case.handle_due_at = deadlines.half_due(case, run.now)
    case.close_due_at = deadlines.close_due(case)
    case.handled_at = None


@effect("rated_inner")
def _rated_inner(run, line):
    """Grid staff's stars."""
    _rate(run, line, Rating.Kind.INNER, stars=run.given.stars)


@effect("rated_outer")
def _rated_outer(run, line):
    """The resident's stars."""
    _rate(run, line, Rating.Kind.OUTER, stars=run.given.stars, solved=run.given.solved)


@effect("called_back")
def _called_back(run, line):
    """What a call back found; of somebody not reached, nothing else is kept."""
    given = run.given
    answers = {"contacted": given.contacted, "solved": given.solved, "satisfied": given.satisfied}
    if not given.contacted:
        answers |= {"solved": None, "satisfied": None}
    line.detail["call_back"] = answers
    _rate(run, line, Rating.Kind.CALL_BACK, **answers)


def _rate(run, line, kind: str, **values) -> None:
    if values.get("stars"):
        line.detail["stars"] = values["stars"]
    run.later(
        lambda: Rating.objects.create(
            case=run.case, kind=kind, words=line.reason, by=run.user, at=run.now, **values
        )
    )


@effect("explained")
def _explained(run, line):
    """Why it is closed although the person is not satisfied; somebody else reviews that."""


@effect("reviewed_close")
def _reviewed_close(run, line):
    """Four eyes: whoever explained does not review the explanation."""
    explained = guards.explanation(run.case)
    if explained.actor_id == run.user.pk:
        raise Problem(_("Somebody else has to review your explanation."), status=403, kind="not-yours")
    line.detail["explained_by"] = explained.actor_id


@effect("explanation_refused")
def _explanation_refused(run, line):
    """It is explained anew or done once more; nothing else changes."""


@effect("closed")
def _closed(run, line):
    """Notes when it ended."""
    run.case.closed_at = run.now


@effect("reopened")
def _reopened(run, line):
    """A new case begins where the closed one was, linked to it and filed at once."""
    old = run.case
    line.detail["reopened"] = True
    new = Case(
        flow=old.flow,
        flow_version=run.table.version,
        state=S.FILED,
        phase=Case.Phase.DESK,
        source=old.source,
        type=old.type,
        component=old.component,
        geom=old.geom,
        raw_lon=old.raw_lon,
        raw_lat=old.raw_lat,
        raw_crs=old.raw_crs,
        position_source=old.position_source,
        accuracy_m=old.accuracy_m,
        description=old.description,
        address=old.address,
        reporter=old.reporter,
        client_key=run.key_for("reopened"),
        reopened_from=old,
        filing_standard=old.filing_standard,
        reported_at=run.now,
        accepted_at=run.now,
        filed_at=run.now,
        filed_community_code=old.area_code,
        filed_grid_code=old.filed_grid_code,
        filed_unit_grid_code=old.filed_unit_grid_code,
        filed_duty_grid_code=old.filed_duty_grid_code,
        due_at=run.table.due(S.FILED, run.now, old.area_code),
        number=mint(run.table.prefix, old.area_code, timezone.localdate()),
        area_code=old.area_code,
        grid_id=old.grid_id,
    )
    run.begins(new, line)
    line.detail["case"] = new.number


# --- Flags beside the state -------------------------------------------------------------------------


@effect("difficult")
def _difficult(run, line):
    """It is listed as difficult."""
    run.case.difficult = True


@effect("not_difficult")
def _not_difficult(run, line):
    """It leaves the list of difficult ones."""
    run.case.difficult = False


def _difficult_by_rule(run, line) -> None:
    """Twice returned: nobody knows whose it is. Twice reworked: it does not get mended."""
    case = run.case
    if case.difficult or not run.table.of("mark_difficult"):
        return
    if case.return_count >= settings.CASE_DIFFICULT_RETURNS:
        reason = "returns"
    elif case.rework_count >= settings.CASE_DIFFICULT_REWORKS:
        reason = "reworks"
    else:
        return
    case.difficult = True
    line.detail["difficult"] = reason


@effect("owner_asked")
def _owner_asked(run, line):
    """Units are asked whose it is, and have two work days to say so."""
    case, units = run.case, run.given.units
    due = add_working_time(run.now, *settings.CASE_OWNER_ANSWER, case.area_code)
    line.detail["asked"] = [unit.pk for unit in units]
    run.later(
        lambda: OwnerQuestion.objects.bulk_create(
            [
                OwnerQuestion(case=case, unit=unit, asked_by=run.user, asked_at=run.now, due_at=due)
                for unit in units
            ],
            ignore_conflicts=True,
        )
    )
    run.later(
        lambda: CaseHold.objects.bulk_create(
            [CaseHold(case=case, unit=unit, part=CaseHold.Part.HELPER) for unit in units],
            ignore_conflicts=True,
        )
    )
    run.concerned.update(unit.pk for unit in units)


@effect("owner_answered")
def _owner_answered(run, line):
    """A unit that was asked says whether it is its own."""
    units = run.user.scope.units(run.move.permission)
    line.detail["answer"] = run.given.answer
    run.later(
        lambda: OwnerQuestion.objects.filter(case=run.case, unit_id__in=units, answer="").update(
            answer=run.given.answer, words=line.reason, answered_by=run.user, answered_at=run.now
        )
    )


@effect("supervised")
def _supervised(run, line):
    """A leader orders it; the unit replies within a work day."""
    run.case.supervised = True
    supervise(run, line, Supervision.Level.BY_HAND)


def supervise(run, line, level: int, clock: datetime | None = None) -> None:
    """One supervision with a number of its own; ``clock`` is the deadline that was missed."""
    case = run.case
    reply_due = add_working_time(run.now, *settings.CASE_SUPERVISION_REPLY, case.area_code)
    number = mint("D", case.area_code, timezone.localdate(run.now))
    line.detail |= {"level": level, "supervision": number}
    line.to_unit_id = case.holder_unit_id
    if case.flow == flow.COMPLAINT:
        # The order itself is the day's reminder; the next one comes with the next working day.
        today = Alarm(case=case, kind=Alarm.DAILY, clock=day_of(run.now), at=run.now)
        Alarm.objects.bulk_create([today], ignore_conflicts=True)
    run.later(
        lambda: Supervision.objects.create(
            case=case,
            level=level,
            number=number,
            unit_id=case.lead_unit_id or case.holder_unit_id,
            ordered_by=run.user,
            reason=line.reason,
            clock=clock,
            at=run.now,
            reply_due_at=reply_due,
            area_code=case.area_code,
        )
    )


def day_of(now: datetime) -> datetime:
    """The beginning of an instant's day, by the clocks of the city."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


@effect("supervision_replied")
def _supervision_replied(run, line):
    """Every open supervision gets this reply."""
    rows = Supervision.objects.filter(case=run.case, replied_at=None)
    run.later(lambda: rows.update(reply=line.reason, replied_by=run.user, replied_at=run.now))


@effect("reminded")
def _reminded(run, line):
    """The holder is told; nothing else changes."""
    line.to_unit_id = run.case.holder_unit_id


@effect("marked")
def _marked(run, line):
    """It is marked as a hot, hard, blocked or legacy problem."""
    run.case.mark = run.given.mark
    line.detail["mark"] = run.given.mark
    _next_review(run)


@effect("unmarked")
def _unmarked(run, line):
    """The mark goes, and its review with it."""
    line.detail["mark"] = run.case.mark
    run.case.mark = ""
    run.case.review_at = None


@effect("blocked")
def _blocked(run, line):
    """The meeting found no owner: a blocked spot, until the next one decides."""
    run.case.mark = line.detail["mark"] = Case.Mark.BLOCKED


@effect("reviewed")
def _reviewed(run, line):
    """Looked at; it comes up again a quarter later."""
    _next_review(run)


def _next_review(run) -> None:
    """A legacy problem is looked at each quarter, other marks have no day."""
    later = run.now + timedelta(days=settings.CASE_LEGACY_REVIEW_DAYS)
    run.case.review_at = later if run.case.mark == Case.Mark.LEGACY else None


@effect("promised")
def _promised(run, line):
    """The unit's own day for a legacy problem, until the end of its office hours."""
    case, day = run.case, run.given.day
    if day is None or day <= timezone.localdate():
        detail = _("Promise a day after today.")
        raise Problem(detail, errors=[{"pointer": "/day", "detail": detail}])
    case.handle_due_at = datetime.combine(day, time(18), timezone.get_current_timezone())
    case.close_due_at = deadlines.close_due(case)
    case.handled_at = case.closed_at = None
    line.detail["promised"] = day.isoformat()
