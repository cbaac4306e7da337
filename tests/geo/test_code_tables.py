"""The tables every installation begins with."""

from datetime import date, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from assets.models import ItemType
from geo.calendar import add_working_time, calendar_for, known_until
from geo.models import CalendarDay, Dictionary, DictionaryItem, OfficeHours, Role


@pytest.fixture
def loaded(db):
    call_command("load_code_tables", stdout=StringIO())


def counts():
    return [
        model.objects.count()
        for model in (Role, CalendarDay, OfficeHours, Dictionary, DictionaryItem, ItemType)
    ]


def test_loading_twice_is_loading_once_and_keeps_changes(loaded):
    before = counts()
    assert all(before)
    CalendarDay.objects.filter(date=date(2025, 10, 1)).update(is_working=True)
    DictionaryItem.objects.filter(code="weather").update(name="下雪", active=False)
    ItemType.objects.filter(type_code="01").update(active=False, name="x")
    OfficeHours.objects.filter(closes="18:00").update(closes="17:00")
    call_command("load_code_tables", stdout=StringIO())
    assert counts() == before
    assert CalendarDay.objects.get(date=date(2025, 10, 1)).is_working
    assert set(DictionaryItem.objects.filter(code="weather").values_list("name", "active")) == {
        ("下雪", False)
    }
    assert not ItemType.objects.filter(type_code="01", active=True).exists()
    assert not ItemType.objects.filter(name="x").exists()
    assert OfficeHours.objects.filter(closes="17:00").exists()


def test_both_standards_and_their_crosswalk(loaded):
    def find(standard, kind, code):
        return ItemType.objects.get(
            standard=standard, kind=kind, class_code=code[:2], type_code=code[2:], active=True
        )

    old, new = "gbt30428_2_2013", "gbt47678_5_2026"
    assert ItemType.objects.filter(standard=old, kind="component").count() == 119
    assert ItemType.objects.filter(standard=old, kind="event").count() == 77
    assert ItemType.objects.filter(standard=new, kind="component").count() == 153
    assert ItemType.objects.filter(standard=new, kind="event").count() == 250
    cover = find(old, "component", "0101")
    assert (cover.name, cover.initials) == ("上水井盖", "ssjg")
    assert cover.successor == find(new, "component", "01001")
    assert find(old, "component", "0507").successor.full_code == "01070"
    assert find(old, "event", "0114").successor.full_code == "06014"
    assert find(old, "event", "0405").successor.class_code == "09"
    assert find(old, "event", "0501").successor is None
    # The same number of another kind is another type.
    assert find(new, "component", "01001") != find(new, "event", "01001")
    assert find(old, "event", "0403").no_photo and find(old, "event", "0101").names_a_home


def test_the_calendar_knows_make_up_days(loaded):
    calendar = calendar_for("990101")
    assert not calendar.is_working_day(date(2025, 10, 2))
    assert calendar.is_working_day(date(2025, 9, 28))  # a Sunday, made up
    assert not calendar.is_working_day(date(2025, 9, 27))
    assert known_until(calendar.days) >= date(2026, 12, 31)
    # Beyond what was published, weekdays.
    assert calendar.is_working_day(date(2040, 10, 1)) and not calendar.is_working_day(date(2040, 10, 6))
    start = datetime(2025, 9, 30, 17, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert add_working_time(start, 2, "work_hour") == datetime(
        2025, 10, 9, 10, tzinfo=ZoneInfo("Asia/Shanghai")
    )


def test_words_of_a_dictionary(loaded, client):
    from tests.factories import make_user

    DictionaryItem.objects.filter(dictionary__code="extend_reason", code="parts").update(active=False)
    address = "/api/dictionaries/extend_reason/"
    assert client.get(address).status_code in (401, 403)
    client.force_login(make_user())
    words = client.get(address, headers={"Accept-Language": "en"}).json()
    assert [word["code"] for word in words] == ["weather", "coordination", "other"]
    assert words[0]["label"] == "Weather" and words[0]["name"] == "天气原因"
    assert client.get("/api/dictionaries/none/").status_code == 404
