"""Periods P = [a, b): days, weeks, months, quarters, half-years, years, or any two days (Asia/Shanghai)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.rest import bad_parameter

UNITS = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "quarter": gettext_lazy("Quarter"),
    "half": gettext_lazy("Half-year"),
    "year": gettext_lazy("Year"),
    "days": gettext_lazy("Any two days"),
}
_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
MOST_DAYS = 366 * 12


@dataclass(frozen=True)
class Period:
    """Days from ``first`` until ``end`` (exclusive); ``unit`` is a key of ``UNITS``."""

    unit: str
    first: date
    end: date

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The instants a and b."""
        return midnight(self.first), midnight(self.end)

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def text(self) -> str:
        """As in an address: 2026-11-27, 2026-W48, 2026-11, 2026-Q4, 2026-H2, 2026, 2026-11-01..2026-11-27."""
        day = self.first
        return {
            "day": lambda: day.isoformat(),
            "week": lambda: "{}-W{:02d}".format(*day.isocalendar()[:2]),
            "month": lambda: f"{day:%Y-%m}",
            "quarter": lambda: f"{day.year}-Q{(day.month + 2) // 3}",
            "half": lambda: f"{day.year}-H{1 if day.month < 7 else 2}",
            "year": lambda: str(day.year),
            "days": lambda: f"{day.isoformat()}..{self.last.isoformat()}",
        }[self.unit]()

    @property
    def label(self) -> str:
        """As people say it."""
        day = self.first
        words = {"year": day.year, "month": day.month, "quarter": (day.month + 2) // 3}
        if self.unit == "day":
            return day.isoformat()
        if self.unit == "week":
            year, week, _weekday = day.isocalendar()
            return _("Week %(week)d of %(year)d") % {"week": week, "year": year}
        if self.unit == "month":
            return _("%(year)d-%(month)02d") % words
        if self.unit == "quarter":
            return _("Quarter %(quarter)d of %(year)d") % words
        if self.unit == "half":
            text = _("First half of %(year)d") if day.month < 7 else _("Second half of %(year)d")
            return text % words
        if self.unit == "year":
            return _("Year %(year)d") % words
        return _("%(first)s to %(last)s") % {"first": day.isoformat(), "last": self.last.isoformat()}

    def step(self, number: int) -> Period:
        """So many periods later, or earlier when negative."""
        if self.unit in _MONTHS:
            return _months(self.unit, _add(self.first, number * _MONTHS[self.unit]))
        length = (self.end - self.first).days
        first = self.first + timedelta(days=length * number)
        return Period(self.unit, first, first + timedelta(days=length))

    @property
    def before(self) -> Period:
        """The one before, which changes are told against (环比)."""
        return self.step(-1)

    def pieces(self) -> list[Period]:
        """What a chart over the period shows: days up to a month, weeks up to a half-year, else months.

        Pieces begin and end with the period, and none begins in the future.
        """
        length = (self.end - self.first).days
        unit = "day" if length <= 31 else "week" if length <= 100 else "month"
        found, day, today = [], self.first, timezone.localdate()
        while day < self.end and day <= today:
            whole = of(unit, day)
            end = min(whole.end, self.end)
            found.append(Period(unit if (day, end) == (whole.first, whole.end) else "days", day, end))
            day = end
        return found


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def _add(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _months(unit: str, day: date) -> Period:
    size = _MONTHS[unit]
    first = date(day.year, (day.month - 1) // size * size + 1, 1)
    return Period(unit, first, _add(first, size))


def of(unit: str, day: date) -> Period:
    """The period of a unit that a day lies in."""
    if unit in _MONTHS:
        return _months(unit, day)
    if unit == "week":
        first = day - timedelta(days=day.weekday())
        return Period("week", first, first + timedelta(days=7))
    return Period("day", day, day + timedelta(days=1))


def days(first: date, last: date) -> Period:
    """From one day to another, both included."""
    if last < first:
        raise bad_parameter("period", _("The first day must not come after the last one."))
    if (last - first).days > MOST_DAYS:
        raise bad_parameter("period", _("A period takes twelve years at most."))
    return Period("days", first, last + timedelta(days=1))


_FORMS = (
    (r"(\d{4})-(\d\d)-(\d\d)\.\.(\d{4})-(\d\d)-(\d\d)", lambda n: days(date(*n[:3]), date(*n[3:]))),
    (r"(\d{4})-(\d\d)-(\d\d)", lambda n: of("day", date(*n))),
    (r"(\d{4})-W(\d\d)", lambda n: of("week", date.fromisocalendar(n[0], n[1], 1))),
    (r"(\d{4})-Q([1-4])", lambda n: of("quarter", date(n[0], n[1] * 3, 1))),
    (r"(\d{4})-H([12])", lambda n: of("half", date(n[0], n[1] * 6, 1))),
    (r"(\d{4})-(\d\d)", lambda n: of("month", date(n[0], n[1], 1))),
    (r"(\d{4})", lambda n: of("year", date(n[0], 1, 1))),
)


def read(text: str) -> Period:
    """The period of an address; a problem (400) when it is none."""
    for form, make in _FORMS:
        if found := re.fullmatch(form, text):
            numbers = [int(one) for one in found.groups()]
            try:
                if not 1970 <= numbers[0] <= 2200:
                    break
                return make(numbers)
            except ValueError:
                break
    raise bad_parameter(
        "period",
        _(
            "period takes a day (2026-11-27), a week (2026-W48), a month (2026-11), a quarter (2026-Q4), "
            "a half-year (2026-H2), a year (2026), or two days (2026-11-01..2026-11-27)."
        ),
    )
