"""The clock of handling: by the flow's rule, in working time, fixed once it is set.

Changing a rule or the calendar later never moves a deadline that was given.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from cases import flow
from cases.models import Case, FilingStandard
from geo.calendar import add_working_time, working_time_between


def standard_for(case_type_id: int | None, chosen: int | None = None) -> FilingStandard | None:
    """The filing rule chosen by its id, else the first of the type; ``None`` when the type has none."""
    rules = FilingStandard.objects.filter(type_id=case_type_id)
    return rules.filter(pk=chosen).first() if chosen else rules.first()


def limit_of(case: Case) -> tuple[float, str]:
    """Amount and unit of the handling limit; the city's default where nothing says otherwise.

    The flow says what decides it: the filing rule, how hard a letter is, or what a complaint is.
    """
    by, limits = flow.flow_of(case).handling
    if by == "standard":
        standard = case.filing_standard
        return (standard.limit, standard.limit_unit) if standard else settings.CASE_DEFAULT_LIMIT
    limit = limits.get(getattr(case, by), limits.get(""))
    return (limit.amount, limit.unit) if limit else settings.CASE_DEFAULT_LIMIT


def unit_words(unit: str) -> str:
    """A unit of working time in words."""
    return str(FilingStandard.Unit(unit).label)


def handling_due(case: Case, now: datetime) -> datetime:
    """When handling that is given out now is due."""
    return add_working_time(now, *limit_of(case), case.area_code)


def rework_due(case: Case, now: datetime) -> datetime:
    """What was left of the limit when the unit reported it handled, but at least half of the limit."""
    amount, unit = limit_of(case)
    left = 0.0
    if case.handle_due_at and case.handled_at:
        left = working_time_between(case.handled_at, case.handle_due_at, unit, case.area_code)
    return add_working_time(now, max(left, amount / 2), unit, case.area_code)


def half_due(case: Case, now: datetime) -> datetime:
    """Half of the limit from now."""
    amount, unit = limit_of(case)
    return add_working_time(now, amount / 2, unit, case.area_code)


def left_of(case: Case, now: datetime) -> float:
    """What is left of the handling limit, in its unit; nothing once it is overdue."""
    if case.handle_due_at is None or case.handle_due_at <= now:
        return 0.0
    return working_time_between(now, case.handle_due_at, limit_of(case)[1], case.area_code)


def due_with(case: Case, now: datetime, left: float) -> datetime:
    """When handling is due that goes on now with so much of its limit."""
    return add_working_time(now, left, limit_of(case)[1], case.area_code)


def close_due(case: Case) -> datetime | None:
    """Handling due plus the allowance for verification."""
    if case.handle_due_at is None:
        return None
    return add_working_time(case.handle_due_at, *settings.CASE_VERIFY_ALLOWANCE, case.area_code)


def return_until(case: Case, sent_at: datetime) -> datetime:
    """Until when a unit may say "not my duty": a quarter of the limit or 4 work hours, the sooner one."""
    amount, unit = limit_of(case)
    share = add_working_time(sent_at, amount * settings.CASE_RETURN_SHARE, unit, case.area_code)
    hours = add_working_time(sent_at, settings.CASE_RETURN_WORK_HOURS, "work_hour", case.area_code)
    return min(share, hours)
