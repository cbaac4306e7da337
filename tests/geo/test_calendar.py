"""Deadlines in working time."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from geo.calendar import Calendar, CalendarError, add_working_time, working_time_between
from geo.models import CalendarDay, OfficeHours

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.fixture
def calendar():
    """2026-10: National Day 1st to 7th off, Saturday the 10th made up; 9-12 and 14-18 otherwise."""
    days = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}
    return Calendar(days, zone="Asia/Shanghai")


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2026-10-03T23:30", 2, "urgent_hour", "2026-10-04T01:30"),
        ("2026-09-28T10:00", 1, "work_hour", "2026-09-28T11:00"),
        ("2026-09-28T11:00", 2, "work_hour", "2026-09-28T15:00"),
        (
            "2026-09-28T13:00",
            4,
            "work_hour",
            "2026-09-28T18:00",
        ),  # ends at the close, not at the next opening
        ("2026-09-28T17:00", 4, "work_hour", "2026-09-29T12:00"),
        ("2026-09-30T17:30", 1, "work_hour", "2026-10-08T09:30"),  # over the holidays
        ("2026-10-09T17:30", 1, "work_hour", "2026-10-10T09:30"),  # the make-up Saturday counts
        ("2026-10-10T17:30", 1, "work_hour", "2026-10-12T09:30"),
        ("2026-09-28T08:00", 1, "work_day", "2026-09-29T18:00"),  # the starting day is not counted
        ("2026-09-30T10:00", 1, "work_day", "2026-10-08T18:00"),
        ("2026-10-08T10:00", 3, "work_day", "2026-10-12T18:00"),
        ("2026-10-02T10:00", 2, "work_day", "2026-10-09T18:00"),
        ("2026-09-28T10:00", 0.5, "work_day", "2026-09-29T14:30"),
        ("2026-09-28T10:00", 0, "work_day", "2026-09-28T10:00"),
    ],
)
def test_deadlines(calendar, start, amount, unit, due):
    assert calendar.add(local(start), amount, unit) == local(due)
    assert calendar.add(local(start), amount, unit).tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end", "unit", "units"),
    [
        ("2026-10-03T23:30", "2026-10-04T01:30", "urgent_hour", 2),
        ("2026-09-28T11:00", "2026-09-28T15:00", "work_hour", 2),
        ("2026-09-30T17:30", "2026-10-08T09:30", "work_hour", 1),
        ("2026-10-01T00:00", "2026-10-07T23:00", "work_hour", 0),
        ("2026-10-08T10:00", "2026-10-12T18:00", "work_day", 3),
        ("2026-09-28T10:00", "2026-09-29T14:30", "work_day", 0.5),
        ("2026-09-28T15:00", "2026-09-28T11:00", "work_hour", -2),
    ],
)
def test_what_lies_between(calendar, start, end, unit, units):
    assert calendar.between(local(start), local(end), unit) == pytest.approx(units)


def test_adding_and_measuring_agree(calendar):
    for hour in range(24):
        start = local(f"2026-09-29T{hour:02d}:17")
        for unit, amount in (("work_hour", 13.25), ("work_day", 2.75), ("urgent_hour", 5.5)):
            assert calendar.between(start, calendar.add(start, amount, unit), unit) == pytest.approx(amount)


def test_mistakes(calendar):
    with pytest.raises(CalendarError, match="negative"):
        calendar.add(local("2026-09-28T10:00"), -1, "work_hour")
    with pytest.raises(CalendarError, match="fortnight"):
        calendar.add(local("2026-09-28T10:00"), 1, "fortnight")
    idle = Calendar({date.fromordinal(n): False for n in range(739000, 745000)}, zone="Asia/Shanghai")
    with pytest.raises(CalendarError, match="no working day"):
        idle.add(local("2026-09-28T10:00"), 1, "work_day")


def test_a_county_goes_before_the_country(db):
    OfficeHours.objects.create(opens=time(9), closes=time(17), valid_from=date(2020, 1, 1))
    OfficeHours.objects.create(
        area_code="990101", opens=time(10), closes=time(20), valid_from=date(2020, 1, 1)
    )
    CalendarDay.objects.create(date=date(2026, 9, 29), is_working=False)
    CalendarDay.objects.create(date=date(2026, 9, 29), is_working=True, area_code="990101")
    start = local("2026-09-28T10:00")
    assert add_working_time(start, 1, "work_day", "990102001") == local("2026-09-30T17:00")
    assert add_working_time(start, 1, "work_day", "990101001") == local("2026-09-29T20:00")
    assert working_time_between(start, local("2026-09-28T23:00"), "work_hour", "990101") == 10
    # A change counts at once.
    CalendarDay.objects.filter(area_code="990101").get().delete()
    assert add_working_time(start, 1, "work_day", "990101001") == local("2026-09-30T20:00")


def test_hours_change_with_the_season():
    hours = [
        (date(2026, 5, 1), date(2026, 10, 1), time(8), time(18)),
        (date(2026, 10, 1), None, time(9), time(17)),
    ]
    calendar = Calendar({}, hours, zone="Asia/Shanghai")
    assert calendar.add(local("2026-09-30T17:00"), 2, "work_hour") == local("2026-10-01T10:00")
