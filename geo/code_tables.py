"""Small tables that every installation begins with: roles, dictionaries, working calendar.

Each app may have such a ``code_tables.py`` with ``load()``; ``manage.py load_code_tables`` calls them all, as
often as one likes: what an operator changed since is kept.
"""

import csv
from collections.abc import Iterator
from datetime import date

import chinese_calendar
from django.conf import settings

from geo import roles
from geo.models import CalendarDay, Dictionary, DictionaryItem, NotificationTemplate, OfficeHours

# Chinese names of the library's holidays, which it gives in English.
_HOLIDAYS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}
FIRST_YEAR = 2020


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of ``fixtures/NAME``, a CSV in UTF-8."""
    with open(settings.BASE_DIR / "fixtures" / name, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def load() -> dict[str, int]:
    """Load the ground's tables; returns how many rows each table has from here."""
    return {
        "roles": roles.load(),
        "calendar days": load_calendar(),
        "office hours": _load_hours(),
        "dictionary items": _load_dictionaries(),
        "notification templates": load_templates(),
    }


def load_calendar(first_year: int = FIRST_YEAR) -> int:
    """National holidays and make-up working days, as far as ``chinesecalendar`` knows them.

    The library has a year's table once the State Council has published it; a newer version brings more.
    Days that are there already stay as they are.
    """
    days = []
    for day, holiday in chinese_calendar.holidays.items():
        if day.year >= first_year and day.weekday() < 5:
            days.append(CalendarDay(date=day, is_working=False, name=_HOLIDAYS.get(holiday, holiday)))
    for day, holiday in chinese_calendar.workdays.items():
        if day.year >= first_year and day.weekday() >= 5:
            name = f"{_HOLIDAYS.get(holiday, holiday)}调休"
            days.append(CalendarDay(date=day, is_working=True, name=name))
    CalendarDay.objects.bulk_create(days, ignore_conflicts=True)
    return len(days)


def _load_hours() -> int:
    """Office hours are only a beginning: where any are there, they are the operator's."""
    if OfficeHours.objects.exists():
        return OfficeHours.objects.count()
    hours = [
        OfficeHours(
            area_code=row["area_code"],
            opens=row["opens"],
            closes=row["closes"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in rows("office_hours.csv")
    ]
    return len(OfficeHours.objects.bulk_create(hours))


def _load_dictionaries() -> int:
    """Words keep their codes; a word that an operator renamed or retired stays so."""
    dictionaries, items = {}, []
    for number, row in enumerate(rows("dictionaries.csv")):
        code = row["dictionary"]
        if code not in dictionaries:
            names = {"name": row["dictionary_name"], "name_en": row["dictionary_name_en"]}
            dictionaries[code] = Dictionary.objects.get_or_create(code=code, defaults=names)[0]
        if row["code"]:
            items.append(
                DictionaryItem(
                    dictionary=dictionaries[code],
                    code=row["code"],
                    name=row["name"],
                    name_en=row["name_en"],
                    position=number,
                )
            )
    DictionaryItem.objects.bulk_create(items, ignore_conflicts=True)
    return len(items)


def load_templates() -> int:
    """Words of messages: those that an operator changed stay, the others follow the file."""
    key = ("code", "channel", "language")
    templates = [NotificationTemplate(**row) for row in rows("notification_templates.csv")]
    known = {
        tuple(getattr(one, name) for name in key): one
        for one in NotificationTemplate.objects.filter(changed_at=None)
    }
    changed = []
    for shipped in templates:
        old = known.get(tuple(getattr(shipped, name) for name in key))
        if old and (old.subject, old.body) != (shipped.subject, shipped.body):
            old.subject, old.body = shipped.subject, shipped.body
            changed.append(old)
    NotificationTemplate.objects.bulk_update(changed, ["subject", "body"])
    NotificationTemplate.objects.bulk_create(templates, ignore_conflicts=True)
    return len(templates)
