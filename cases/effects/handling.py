"""Handling: the clock stops, is extended, paused, goes on."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, guards
from cases.effects.registry import effect
from cases.models import Case, CaseRequest
from geo.calendar import add_working_time
from geo.problems import Problem


@effect("handled")
def _handled(run, line):
    """The clock of handling stops; what was asked for meanwhile is void."""
    run.case.handled_at = run.now
    lapse(run)


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


def lapse(run) -> None:
    """Requests that nobody decided are void once the case moves on."""
    if run.case.pk:
        rows = run.case.requests.filter(state=CaseRequest.State.PENDING)
        run.later(lambda: rows.update(state=CaseRequest.State.LAPSED, decided_at=run.now))
