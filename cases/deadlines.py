"""The clock of handling: from the filing rule, in working time, fixed once it is set.

Changing a rule or the calendar later never moves a deadline that was given.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from cases.models import Case, FilingStandard
from geo.calendar import add_working_time, working_time_between


def standard_for(case_type_id: int | None, chosen: int | None = None) -> FilingStandard | None:
    """The filing rule chosen by its id, else the first of the type; ``None`` when the type has none."""
    rules = FilingStandard.objects.filter(type_id=case_type_id)
    return rules.filter(pk=chosen).first() if chosen else rules.first()


def limit_of(case: Case) -> tuple[float, str]:
    """Amount and unit of the handling limit; the city's default where no rule says otherwise."""
    standard = case.filing_standard
    return (standard.limit, standard.limit_unit) if standard else settings.CASE_DEFAULT_LIMIT


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
