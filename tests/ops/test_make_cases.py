"""Cases copied into earlier years for measuring: the same lives, earlier, and no more open ones."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cases.models import Case, CaseFact, CaseHold, Supervision, Transition
from cases.statistics import facts
from geo import tallies
from geo.models import Tally
from geo.registry import layers, measures
from tests.factories import at, make_case, make_unit
from tests.ops.installation import ROOT
from tiles import triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_cases(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "script/lib")
    from bench import make_cases

    return make_cases


def life(case: Case) -> None:
    """A log that leads to where the case is."""
    day = timedelta(days=1)
    case.transitions.create(action="report", to_state="reported", at=case.reported_at)
    if case.state != "reported":
        case.transitions.create(
            action="close", from_state="reported", to_state=case.state, at=case.reported_at + day
        )


def test_ended_cases_live_again_in_earlier_years(city, make_cases, monkeypatch):
    unit, now = make_unit("环卫"), timezone.now()
    ended = {"state": "closed", "holder_unit": unit, "dispatched_at": now, "closed_at": now}
    closed = make_case(at(0.2, 0.2), reported_at=now - timedelta(days=30), **ended)
    merged = make_case(at(0.2, 0.2), state="void", duplicate_of=closed, reported_at=now - timedelta(days=20))
    opened = make_case(at(1.2, 0.2), state="reported")
    late = make_case(at(0.2, 0.3), state="void", duplicate_of=opened, reported_at=now - timedelta(days=9))
    for case in (closed, merged, opened, late):
        life(case)
    facts.rebuild()
    monkeypatch.setattr(make_cases, "ORDERS_EACH", 1)
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        tables = make_cases.tables_of(cursor)
        sources = [make_cases.Source.of(cursor, table) for table in tables]
        with make_cases._bare(cursor, tables, print):
            make_cases._orders(cursor)
            # Two whole years and one case of a third.
            make_cases._years(cursor, sources, 4 + 3 + 3 + 1, print)
    make_cases._count_anew(print)

    assert Case.objects.count() == 11
    assert Case.objects.exclude(phase="ended").get() == opened
    assert Case.objects.filter(number__startswith=closed.number[:7]).count() == 11
    weeks = timedelta(days=35)
    earlier = Case.objects.get(state="closed", reported_at=closed.reported_at - weeks)
    assert earlier.closed_at == closed.closed_at - weeks
    assert earlier.number[7:15] == "20251127"
    assert earlier.grid_id == closed.grid_id and earlier.geom == closed.geom
    assert earlier.duplicates.get().reported_at == merged.reported_at - weeks
    # What is open was not copied, so the copy of its duplicate stands alone.
    assert Case.objects.get(reported_at=late.reported_at - weeks).duplicate_of is None
    assert Case.objects.order_by("reported_at").first().reported_at == late.reported_at - 3 * weeks
    assert CaseHold.objects.filter(case__state="closed").count() == 3
    assert Transition.objects.count() == 7 + 7 - 1 + 6 + 2
    assert Supervision.objects.count() == 3
    counted = list(CaseFact.objects.order_by("pk").values())
    facts.rebuild()
    assert list(CaseFact.objects.order_by("pk").values()) == counted
    kept = sorted(Tally.objects.values_list("measure", "area_code", "day", "klass", "value"))
    tallies.rebuild(measures["cases_reported"])
    assert sorted(Tally.objects.values_list("measure", "area_code", "day", "klass", "value")) == kept
    assert not any(triggers.differences(layers[name]) for name in ("cases", "closed_cases"))
    # The tables are as they were: triggers and ids go on.
    life(make_case(at(1.2, 0.2)))
    assert CaseFact.objects.count() == 12
