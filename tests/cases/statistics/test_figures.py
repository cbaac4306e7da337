"""Figures equal what a slow reading of the log says, whatever happened and whatever the period."""

import itertools
import random
from datetime import date, timedelta

import pytest
from django.db import connection

from cases.models import Case
from cases.statistics import facts, sql
from cases.statistics.counts import CITY, COUNTS
from cases.statistics.periods import of, read
from tests.cases.statistics import slow
from tests.cases.statistics.lives import Life, at_noon, random_life
from tests.factories import at, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db

CODES = [code for code, count in COUNTS.items() if CITY in count.flows]
PERIODS = ("2026-03", "2026-04", "2026-W14", "2026-Q2", "2026", "2026-03-20..2026-04-09", "2026-05-05")


@pytest.fixture
def asker(city):
    return make_user("asker", role="leader", area="9901")


def _question(user, text, **more):
    return sql.Question(CITY, (read(text),), user, **more)


def _plain(found):
    """Without zeros, as the slow side tells it."""
    rows = {key: {code: n for code, n in row.items() if n} for key, row in found.items()}
    return {key: row for key, row in rows.items() if row}


def _town(seed, number=60):
    rng = random.Random(seed)
    units = [make_unit() for _ in range(3)]
    types = [make_type(type_code=f"{n:02d}", name=f"类{n}") for n in (1, 2)]
    types += [make_type("event", "02", "01", name="事")]
    clocks = {}
    for _case in range(number):
        place = at(rng.uniform(0.05, 2.95), rng.uniform(0.05, 1.95))
        random_life(rng, place, at_noon(2026, 2, 20), clocks, units, types)
    return clocks


@pytest.mark.parametrize("seed", range(4))
def test_figures_equal_the_log(asker, seed):
    clocks = _town(seed)
    cases = list(Case.objects.select_related("type"))
    keys = {
        "all": lambda case, past: "",
        "unit": lambda case, past: str(past.unit or ""),
        "source": lambda case, past: case.source,
        "type": lambda case, past: str(case.type_id),
        "class": lambda case, past: f"{case.type.standard}:{case.type.kind}:{case.type.class_code}",
        "area": lambda case, past: case.area_code[:6],
    }
    for text in PERIODS:
        a, b = read(text).bounds
        for by, key in keys.items():
            question = _question(asker, text, by=by, of={"area": "9901"})
            fast = _plain(sql.figures(question, CODES)[0])
            assert fast == slow.figures(cases, clocks, a, b, key), (seed, text, by)


def test_the_rows_behind_a_figure_are_as_many(asker):
    _town(11)
    for text in ("2026-03", "2026-Q2"):
        for by in ("area", "unit"):
            question = _question(asker, text, by=by, of={"area": "9901"})
            for key, row in sql.figures(question, CODES)[0].items():
                for code, number in row.items():
                    if COUNTS[code].rows != "case":
                        continue
                    text_ = sql.cases_of(question, code, key)
                    with connection.cursor() as cursor:
                        cursor.execute(f"select count(*), count(distinct case_id) from ({text_}) x(case_id)")
                        assert cursor.fetchone() == (number, number), (code, key)


def test_many_periods_are_one_statement(asker, django_assert_num_queries):
    _town(5)
    months = tuple(of("month", date(2026, month, 1)) for month in range(1, 7))
    question = _question(asker, "2026").asked(periods=months)
    asker.scope  # noqa: B018 (looked up before counting)
    with django_assert_num_queries(1):
        together = sql.figures(question, CODES)
    for month, row in zip(months, together, strict=True):
        assert row == sql.figures(question.asked(periods=(month,)), CODES)[0]


def test_a_rebuild_from_the_log_says_the_same_where_deadlines_never_changed(asker):
    clocks = {}
    units = [make_unit(), make_unit()]
    life = Life(at(0.2, 0.2), at_noon(2026, 3, 2), clocks, source="public")
    life.wait(hours=1).write("accept").wait(hours=1).write("ask_verify_before", hours=2)
    life.wait(hours=1).write("verify_true").wait(hours=1).write("file_case")
    life.wait(hours=1).write("dispatch", unit=units[0]).wait(hours=2).write("return_back")
    life.wait(hours=1).write("dispatch", unit=units[1]).wait(days=1).write("start")
    life.wait(hours=5).write("report_handled", "ask_verify_after", hours=30)
    life.wait(hours=5).write("verify_pass").wait(hours=5).write("close")
    texts = [*PERIODS, "2026-03-02", "2026-03-03", "2026-03-04"]
    by = {"by": "unit"}
    before = [sql.figures(_question(asker, text, **by), CODES)[0] for text in texts]
    assert facts.rebuild() == 1
    after = [sql.figures(_question(asker, text, **by), CODES)[0] for text in texts]
    # Limits of looks are the calendar's after a rebuild: what is due when may differ, not what was done.
    looks = [code for code in CODES if COUNTS[code].rows == "check"]
    for one in (*before, *after):
        for row in one.values():
            for code in looks:
                row.pop(code, None)
    assert [_plain(one) for one in before] == [_plain(one) for one in after]


@pytest.mark.parametrize("seed", (21, 22))
def test_a_rebuild_gives_every_flow_count_again(asker, seed):
    _town(seed, 40)
    flow = [code for code in CODES if "kind" not in COUNTS[code].sql and COUNTS[code].rows != "check"]
    texts = PERIODS
    before = [sql.figures(_question(asker, text, by="type"), flow)[0] for text in texts]
    facts.rebuild()
    assert before == [sql.figures(_question(asker, text, by="type"), flow)[0] for text in texts]


def test_a_published_month(asker):
    """972 due, 911 closed, 737 on time: 93.72 % and 75.82 % share the denominator (domain reference, 5)."""
    from cases.statistics.indicators import INDICATORS

    unit, clocks, kind = make_unit(), {}, make_type(type_code="01")
    for number in range(972):
        life = Life(at(0.2, 0.2), at_noon(2026, 3, 3), clocks, source="worker", type=kind)
        life.write("auto_accept", "auto_file", "auto_dispatch", unit=unit, days=5)
        if number < 911:
            life.wait(days=2).write("start", "report_handled", "ask_verify_after")
            life.wait(days=2 if number < 737 else 8).write("verify_pass", "close")
    figures = sql.figures(_question(asker, "2026-03"), ("due_close", "closed", "closed_on_time"))[0][""]
    assert figures == {"due_close": 972, "closed": 911, "closed_on_time": 737}
    shown = {
        code: INDICATORS[code].text(INDICATORS[code].of(figures))
        for code in ("closed_rate", "closed_on_time_rate")
    }
    assert shown == {"closed_rate": "93.72 %", "closed_on_time_rate": "75.82 %"}
    assert INDICATORS["closed_rate"].text(INDICATORS["closed_rate"].of({})) == "—"


def test_scope(asker, city):
    _town(7, 30)
    everything = sql.figures(_question(asker, "2026"), ("reported",))[0][""]["reported"]
    east = make_user(role="leader", area="990102")
    inside = Case.objects.filter(area_code__startswith="990102").count()
    assert 0 < inside < everything
    assert sql.figures(_question(east, "2026"), ("reported",))[0][""]["reported"] == inside
    assert sql.figures(_question(make_user(), "2026"), ("reported",)) == [{}]
    unit = Case.objects.exclude(holder_unit=None).first().holder_unit
    own = make_user(role="department", unit=unit)
    rows = sql.figures(_question(own, "2026", by="unit"), ("pending_handle", "handled", "returned"))[0]
    assert set(rows) <= {str(unit.pk)}


def test_borders_of_a_day(asker, city):
    """By today's borders and by those of filing: the same here, where none changed, and all are placed."""
    _town(9, 25)
    filed = _question(asker, "2026", by="area", of={"area": "990101001001"})
    today = filed.asked(borders=date(2026, 6, 1))
    assert sql.figures(filed, ("reported", "filed")) == sql.figures(today, ("reported", "filed"))
    before = filed.asked(borders=date(2024, 6, 1))
    assert sql.figures(before, ("reported",)) == [{}]


def test_a_case_follows_new_borders_in_what_its_viewers_may_count(asker):
    life = Life(at(0.2, 0.2), at_noon(2026, 3, 2), {}, source="public")
    life.wait(hours=1).write("reject")
    Case.objects.filter(pk=life.case.pk).update(geom=at(2.2, 0.2))
    east = make_user(role="leader", area="990102")
    assert sql.figures(_question(east, "2026"), ("reported",))[0][""]["reported"] == 1


def test_periods_of_every_kind():
    texts = ("2026-11-27", "2026-W48", "2026-11", "2026-Q4", "2026-H2", "2026", "2026-11-01..2026-11-27")
    for text in texts:
        period = read(text)
        assert period.text == text
        assert period.before.end == period.first
        assert period.step(1).before == period
    assert read("2026-W48").first == date(2026, 11, 23)
    assert read("2026-H2").end == date(2027, 1, 1)
    pieces = read("2026-Q1").pieces()
    assert pieces[0].first == date(2026, 1, 1) and pieces[-1].end == date(2026, 4, 1)
    assert all(one.end == other.first for one, other in itertools.pairwise(pieces))
    assert (read("2026-02").end - read("2026-02").first) == timedelta(days=28)


def test_evaluation_computes_from_the_same_figures(asker, settings):
    from cases.evaluation import sources

    settings.CITY_CODE = "9901"
    _town(13)
    period = sources.Period(date(2026, 3, 1), date(2026, 4, 1))
    for by, keys in (("area", ["990101", "990102", "990101001"]), ("unit", _units())):
        told = sources.figures(["closed_on_time_rate", "handled"], period, by, keys)
        for key in keys:
            question = _question(asker, "2026-03", of={by: str(key)})
            figures = sql.figures(question, ("due_close", "closed_on_time", "handled"))[0].get("", {})
            rate = told["closed_on_time_rate", key]
            assert (rate.numerator, rate.denominator) == (
                figures.get("closed_on_time", 0),
                figures.get("due_close", 0),
            )
            assert told["handled", key].value == figures.get("handled", 0)


def _units():
    return sorted(set(Case.objects.exclude(holder_unit=None).values_list("holder_unit", flat=True)))
