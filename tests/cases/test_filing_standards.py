"""Filing conditions and limits as data, for both editions of the types."""

import pytest

from assets import code_tables as types
from assets.models import ItemType
from cases import code_tables, deadlines
from cases.models import FilingStandard

pytestmark = pytest.mark.django_db


@pytest.fixture
def tables():
    types.load()
    return code_tables.load_filing_standards()


def test_every_type_of_2013_has_one(tables):
    bare = ItemType.objects.filter(standard="gbt30428_2_2013", filing_standards=None)
    assert not bare.exists()
    assert FilingStandard.objects.filter(type__standard="gbt30428_2_2013").count() == 471


def test_limits_of_the_published_table(tables):
    def first(kind, code):
        item = ItemType.objects.get(
            standard="gbt30428_2_2013", kind=kind, class_code=code[:2], type_code=code[2:]
        )
        row = deadlines.standard_for(item.pk)
        return row.limit, row.limit_unit

    assert first("component", "0101") == (2, "urgent_hour")
    assert first("component", "0137") == (3, "work_day")
    assert first("event", "0501") == (1, "urgent_hour")
    assert first("event", "0201") == (1, "work_day")
    assert first("event", "0101") == (2, "work_day")
    assert first("event", "0410") == (2, "work_hour")


def test_the_edition_of_2026_by_the_crosswalk(tables):
    cover = ItemType.objects.get(
        standard="gbt47678_5_2026", kind="component", class_code="01", type_code="001"
    )
    fault = ItemType.objects.get(standard="gbt47678_5_2026", kind="event", class_code="01", type_code="001")
    for item in (cover, fault):
        limits = FilingStandard.objects.filter(type=item).values_list("limit", "limit_unit")
        assert list(limits) == [(2, "urgent_hour"), (4, "work_hour"), (2, "work_day"), (5, "work_day")]


def test_an_operators_standards_are_kept(tables):
    item = FilingStandard.objects.first().type
    FilingStandard.objects.filter(type=item).delete()
    FilingStandard.objects.create(type=item, condition="本市规定", limit=6, limit_unit="work_hour")
    assert code_tables.load_filing_standards() == 0
    assert FilingStandard.objects.get(type=item).condition == "本市规定"
