"""The clocks of cases: warnings, overdue steps, the three levels of supervision, reviews, archiving.

Which clocks a case has is in its flow (``Flow.timers``). ``Case.timer_at`` keeps when the next one rings; a
job asks for the rows that are due (an index of open cases, however many there are) and rings them one by
one. That a clock rang is a row of ``Alarm``, unique for case, kind and deadline, written in the transaction
of what it does: it rings once, whoever crashes in between, and again only for a new deadline. Rings that were
missed while nothing ran are made up for in their order, so that no level of supervision is left out.

Beside its flow's clocks a supervised complaint that is not done has one that rings each working day when the
office opens; there a day that was missed is over, and the next one counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases import deadlines, effects, flow
from cases.models import Alarm, Case
from cases.steps import Given, Run
from geo.calendar import add_working_time, calendar_for, working_time_between

# Of a batch each case is a transaction of its own; what is left is done at the next turn.
BATCH = 500
# What rang of a case, as (kind, deadline).
Rang = set[tuple[str, datetime]]
# Lines of the log that are no move.
LINES = {
    "warning": "warned",
    "overdue": "overdue",
    "legacy_review": "review_due",
    Alarm.DAILY: "remind_daily",
}
DAILY = flow.Timer(Alarm.DAILY, "")


class Ring(NamedTuple):
    """A clock that rings ``at`` an instant, for the deadline ``clock``."""

    at: datetime
    clock: datetime
    timer: flow.Timer


def rings(case: Case, table: flow.Flow | None = None) -> list[Ring]:
    """All that may ring in the state the case is in, soonest first, whether it rang already or not."""
    table = table or flow.flow_of(case)
    found = []
    for timer in table.timers:
        if case.phase not in timer.phases and case.state not in timer.states:
            continue
        clock = getattr(case, timer.clock)
        if clock is not None:
            found.append(Ring(_when(case, timer, clock), clock, timer))
    return sorted(found, key=lambda ring: (ring.at, ring.timer.level))


def _when(case: Case, timer: flow.Timer, clock: datetime) -> datetime:
    if timer.share is not None:
        begun, unit = case.dispatched_at or case.reported_at, deadlines.limit_of(case)[1]
        if begun >= clock:
            return clock
        whole = working_time_between(begun, clock, unit, case.area_code)
        return min(add_working_time(begun, whole * timer.share, unit, case.area_code), clock)
    if timer.after is not None:
        return add_working_time(clock, timer.after.amount, timer.after.unit, case.area_code)
    return clock


def _daily(case: Case, rang: Rang, now: datetime) -> Ring | None:
    """The next day on which a supervised complaint is called to mind, today included."""
    if not (case.supervised and case.flow == flow.COMPLAINT and case.is_open):
        return None
    for opens in calendar_for(case.area_code).openings(timezone.localdate(now)):
        clock = effects.day_of(opens)
        if (Alarm.DAILY, clock) not in rang:
            return Ring(opens, clock, DAILY)
    return None


def next_ring(
    case: Case, rang: Rang, table: flow.Flow | None = None, now: datetime | None = None
) -> Ring | None:
    """The next clock that has not rung yet; ``rang`` holds (kind, deadline)."""
    left = [ring for ring in rings(case, table) if (ring.timer.kind, ring.clock) not in rang]
    if daily := _daily(case, rang, now or timezone.now()):
        left.append(daily)
    return min(left, key=lambda ring: (ring.at, ring.timer.level), default=None)


def rang_before(case: Case) -> Rang:
    """What has rung for a case, as (kind, deadline)."""
    return set(Alarm.objects.filter(case=case).values_list("kind", "clock")) if case.pk else set()


def settle(case: Case, table: flow.Flow, now: datetime | None = None) -> None:
    """Set, in memory, when the case's next clock rings."""
    case.timer_at = _at(next_ring(case, rang_before(case), table, now))


def _at(ring: Ring | None) -> datetime | None:
    return ring.at if ring else None


def ring_due(now: datetime | None = None, batch: int = BATCH) -> int:
    """Ring all clocks that are due, a batch at most; how many cases were looked at."""
    now = now or timezone.now()
    due = Case.objects.filter(timer_at__lte=now).order_by("timer_at").values_list("pk", flat=True)
    count = 0
    for pk in list(due[:batch]):
        count += ring(pk, now)
    return count


def ring(pk: int, now: datetime) -> bool:
    """Ring what is due of one case; False when another worker has it or nothing is due any more."""
    with transaction.atomic():
        case = (
            Case.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("type", "component", "holder_unit", "filing_standard", "grid", "unit_grid")
            .filter(pk=pk, timer_at__lte=now)
            .first()
        )
        if case is None:
            return False
        run = Run(case, None, Given(), now)
        # A move changes which clocks there are, so they are looked up anew after each ring.
        while (due := next_ring(case, rang_before(case), run.table, now)) and due.at <= now:
            Alarm.objects.create(case=case, kind=due.timer.kind, clock=due.clock, at=now)
            _do(run, due)
        case.timer_at = _at(due)
        case.save()
        run.finish()
    return True


def _do(run: Run, ring: Ring) -> None:
    timer = ring.timer
    if timer.do == "move":
        run.system(timer.action, {"clock": timer.kind})
    elif timer.do == "supervise":
        line = run.note("supervise", {"clock": ring.clock.isoformat()})
        run.case.supervised = True
        run.case.supervision_level = max(run.case.supervision_level, timer.level)
        effects.supervise(run, line, timer.level, ring.clock)
    elif action := LINES.get(timer.kind):
        line = run.note(action, {"clock": ring.clock.isoformat()})
        if timer is DAILY and run.case.phase != Case.Phase.UNIT:
            line.to_unit_id = None  # the desk has it
    if timer.kind == "legacy_review":
        # A legacy problem is looked at each quarter until it is written off.
        run.case.review_at = ring.clock + timedelta(days=settings.CASE_LEGACY_REVIEW_DAYS)


def settle_all(batch: int = 2000) -> int:
    """Set the clocks of all open cases that have none, after a load by COPY; how many were set."""
    count, last = 0, 0
    living = ~Q(state__in=Case.ENDED) | Q(review_at__isnull=False)
    open_cases = Case.objects.filter(living, timer_at=None)
    while rows := list(
        open_cases.filter(pk__gt=last).select_related("filing_standard").order_by("pk")[:batch]
    ):
        last = rows[-1].pk
        rang: dict[int, set] = {}
        for case_id, kind, clock in Alarm.objects.filter(case__in=rows).values_list(
            "case_id", "kind", "clock"
        ):
            rang.setdefault(case_id, set()).add((kind, clock))
        for case in rows:
            case.timer_at = _at(next_ring(case, rang.get(case.pk, set())))
        Case.objects.bulk_update(rows, ["timer_at"])
        count += len(rows)
    return count
