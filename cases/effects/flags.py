"""Flags beside the state: difficult, supervised, marked."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, flow
from cases.effects.registry import effect
from cases.models import Alarm, Case, CaseHold, OwnerQuestion, Supervision
from geo.calendar import add_working_time
from geo.numbers import mint
from geo.problems import Problem


@effect("difficult")
def _difficult(run, line):
    """It is listed as difficult."""
    run.case.difficult = True


@effect("not_difficult")
def _not_difficult(run, line):
    """It leaves the list of difficult ones."""
    run.case.difficult = False


def difficult_by_rule(run, line) -> None:
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
