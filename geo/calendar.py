"""Working time. The calendar is data: special days and office hours, per county, with a weekday rule behind.

Three units of deadlines (GB/T 30428.8): ``urgent_hour`` runs round the clock; ``work_hour`` counts inside the
official day; ``work_day`` counts working days, make-up Saturdays too, leaves out the starting day and ends
at the close of the last official day.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models.signals import post_delete, post_save

URGENT_HOUR, WORK_HOUR, WORK_DAY = "urgent_hour", "work_hour", "work_day"
UNITS = (URGENT_HOUR, WORK_HOUR, WORK_DAY)
# In force where no office hours were entered.
DEFAULT_HOURS = ((time(9), time(12)), (time(14), time(18)))
# A calendar without a single working hour in four years is a mistake, not a holiday.
_HORIZON_DAYS = 1500
_FRESH_SECONDS = 60


class CalendarError(ValueError):
    """The calendar cannot answer: no working time within sight, or an unknown unit."""


class Calendar:
    """Working days and hours of one county.

    ``days`` maps dates to whether they are worked; ``hours`` lists (valid from, valid to or None, opens,
    closes). Times are wall clock in ``settings.TIME_ZONE``; instants come and go as aware datetimes, in UTC.
    """

    def __init__(self, days: dict[date, bool], hours=(), zone: str | None = None):
        self.days = days
        self.hours = sorted(hours, key=lambda row: row[2])
        self.zone = ZoneInfo(zone or settings.TIME_ZONE)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked; a day the calendar does not name follows its weekday."""
        return self.days.get(day, day.weekday() < 5)

    def working_day_before(self, day: date) -> date:
        """The last working day before one."""
        for number in range(1, _HORIZON_DAYS):
            if self.stretches(earlier := day - timedelta(days=number)):
                return earlier
        raise CalendarError(f"no working day in the {_HORIZON_DAYS} days before {day}")

    def stretches(self, day: date) -> list[tuple[datetime, datetime]]:
        """The official hours of a day as aware intervals; none on a day off."""
        if not self.is_working_day(day):
            return []
        valid = [(o, c) for start, end, o, c in self.hours if start <= day and (end is None or day < end)]
        return [
            (datetime.combine(day, opens, self.zone), datetime.combine(day, closes, self.zone))
            for opens, closes in valid or DEFAULT_HOURS
        ]

    def openings(self, first: date) -> Iterator[datetime]:
        """When the office opens on each working day from ``first`` on, without end."""
        return (self.stretches(day)[0][0] for day in self._working_days(first))

    def add(self, start: datetime, amount: float, unit: str) -> datetime:
        """The instant ``amount`` units of working time after ``start``, in UTC.

        A part of a work day is that part of the next official day.
        """
        if amount < 0:
            raise CalendarError(f"working time cannot be negative: {amount}")
        if unit == URGENT_HOUR:
            return (start + timedelta(hours=amount)).astimezone(UTC)
        if unit == WORK_HOUR:
            return self._run(start, timedelta(hours=amount)).astimezone(UTC)
        if unit != WORK_DAY:
            raise CalendarError(f"unknown unit of working time: {unit!r}")
        if amount == 0:
            return start.astimezone(UTC)
        whole = math.ceil(amount) - 1
        days = self._working_days(start.astimezone(self.zone).date() + timedelta(days=1))
        for _skipped in range(whole):
            next(days)
        stretches = self.stretches(next(days))
        share = amount - whole
        if share == 1:
            return stretches[-1][1].astimezone(UTC)
        length = sum((closes - opens for opens, closes in stretches), timedelta())
        return self._run(stretches[0][0], length * share).astimezone(UTC)

    def between(self, start: datetime, end: datetime, unit: str) -> float:
        """How many units of working time lie between two instants; negative when ``end`` is earlier.

        For ``work_day`` the days after the starting day up to the one ``end`` lies in, its part by the clock.
        """
        if end < start:
            return -self.between(end, start, unit)
        if unit == URGENT_HOUR:
            return (end - start) / timedelta(hours=1)
        first, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        if unit == WORK_HOUR:
            return sum(self._worked(day, start, end) for day in _days(first, last)) / 3600
        if unit != WORK_DAY:
            raise CalendarError(f"unknown unit of working time: {unit!r}")
        total = 0.0
        for day in _days(first + timedelta(days=1), last):
            length = sum((closes - opens).total_seconds() for opens, closes in self.stretches(day))
            if length:
                total += self._worked(day, start, end) / length
        return total

    def _worked(self, day: date, start: datetime, end: datetime) -> float:
        overlap = (min(closes, end) - max(opens, start) for opens, closes in self.stretches(day))
        return sum(max(part, timedelta()).total_seconds() for part in overlap)

    def _run(self, start: datetime, left: timedelta) -> datetime:
        """Walk ``left`` through official hours; the walk ends at a close rather than at the next opening."""
        for day in self._working_days(start.astimezone(self.zone).date()):
            for opens, closes in self.stretches(day):
                begins = max(opens, start)
                if begins < closes:
                    if left <= closes - begins:
                        return begins + left
                    left -= closes - begins
        raise CalendarError("unreachable")

    def _working_days(self, first: date) -> Iterator[date]:
        idle = 0
        day = first
        while idle < _HORIZON_DAYS:
            if self.stretches(day):
                idle = 0
                yield day
            else:
                idle += 1
            day += timedelta(days=1)
        raise CalendarError(f"no working day in the {_HORIZON_DAYS} days up to {day}")


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


# --- From the database ------------------------------------------------------------------------------

_cache: dict[str, tuple[float, Calendar]] = {}


def calendar_for(area_code: str = "") -> Calendar:
    """The calendar of the county an area code lies in; its rows go before the country's.

    Kept for a minute in the process; a change made elsewhere counts after that.
    """
    from geo.models import CalendarDay, OfficeHours

    county = area_code[:6]
    kept = _cache.get(county)
    if kept and clock.monotonic() - kept[0] < _FRESH_SECONDS:
        return kept[1]
    days: dict[date, bool] = {}
    # The empty code sorts first, so that the county's own row overwrites it.
    for day, working in (
        CalendarDay.objects.filter(area_code__in=("", county))
        .order_by("area_code")
        .values_list("date", "is_working")
    ):
        days[day] = working
    rows = list(OfficeHours.objects.filter(area_code__in=("", county)))
    own = [row for row in rows if row.area_code]
    hours = [(row.valid_from, row.valid_to, row.opens, row.closes) for row in own or rows]
    calendar = Calendar(days, hours)
    _cache[county] = (clock.monotonic(), calendar)
    return calendar


def add_working_time(start: datetime, amount: float, unit: str, area_code: str = "") -> datetime:
    """The instant ``amount`` of ``urgent_hour``, ``work_hour`` or ``work_day`` after ``start``, in UTC."""
    return calendar_for(area_code).add(start, amount, unit)


def working_time_between(start: datetime, end: datetime, unit: str, area_code: str = "") -> float:
    """Units of working time between two instants."""
    return calendar_for(area_code).between(start, end, unit)


def known_until(days: dict[date, bool]) -> date | None:
    """The last day of the last year that has a holiday: beyond it only weekdays are known."""
    years = sorted({day.year for day, working in days.items() if not working})
    return date(years[-1], 12, 31) if years else None


def forget(**_signal) -> None:
    """Drop what was kept: this process must see its own change at once."""
    _cache.clear()


def watch() -> None:
    """Forget calendars when their rows change. Called once, when the app is ready."""
    from geo.models import CalendarDay, OfficeHours

    for model in (CalendarDay, OfficeHours):
        post_save.connect(forget, sender=model, dispatch_uid=f"calendar-{model.__name__}-save")
        post_delete.connect(forget, sender=model, dispatch_uid=f"calendar-{model.__name__}-delete")
