"""Tables of statistics from the facts, against the same counts read from the log."""

from django.db import connection

from bench.city import city_leader, code_of_the_city
from bench.timing import interleave, milliseconds, ratio, table
from cases.statistics import periods, sql
from cases.statistics.counts import CITY
from cases.statistics.indicators import INDICATORS, TABLES

# First times of the log in P by area: what the flow counts say, without tables of facts.
LOG = """
    select left(coalesce(nullif(c.filed_community_code, ''), c.area_code), %(child)s),
        count(*) filter (where f.reported >= %(a)s and f.reported < %(b)s),
        count(*) filter (where f.filed >= %(a)s and f.filed < %(b)s),
        count(*) filter (where f.sent >= %(a)s and f.sent < %(b)s)
    from cases_case c join (
        select case_id, min(at) filter (where action = 'report') as reported,
            min(at) filter (where to_state = 'filed') as filed,
            min(at) filter (where to_state = 'dispatched') as sent
        from cases_transition group by case_id
    ) f on f.case_id = c.id
    where c.area_code like %(under)s and c.flow = 'city_management'
    group by 1
"""
FLOWS = ("reported", "filed", "dispatched")


def _log(question) -> dict:
    a, b = question.periods[0].bounds
    area = question.of["area"]
    values = {"a": a, "b": b, "child": sql.CHILD_LENGTH[len(area)], "under": f"{area}%"}
    with connection.cursor() as cursor:
        cursor.execute(LOG, values)
        found = {key: dict(zip(FLOWS, numbers, strict=True)) for key, *numbers in cursor.fetchall()}
    return {key: row for key, row in found.items() if any(row.values())}


def measure(options) -> str:
    """Three flow counts both ways (equal, checked), then whole tables of indicators for longer periods."""
    code, rows = code_of_the_city(), []
    user = city_leader(code)
    with connection.cursor() as cursor:
        cursor.execute("select max(began_at)::date, count(*) from cases_casefact")
        day, cases = cursor.fetchone()
    if not cases:
        return "Statistics were not measured: there are no cases.\n"
    for unit in ("day", "month", "quarter", "year"):
        period = periods.of(unit, day)
        question = sql.Question(CITY, (period,), user, "area", {"area": code})
        if sql.figures(question, FLOWS)[0] != _log(question):
            raise SystemExit(f"{period.text}: the facts are not what the log says")
        whole = list(
            dict.fromkeys(one for name in TABLES["overview"].columns for one in INDICATORS[name].counts)
        )
        ways = interleave(
            {
                "facts": lambda q: sql.figures(q, FLOWS),
                "log": _log,
                "table": lambda q, codes=whole: sql.figures(q, codes),
            },
            [question],
            options.rounds,
        )
        rows.append(
            [
                period.text,
                milliseconds(ways["log"].percentile(0.5)),
                milliseconds(ways["facts"].percentile(0.5)),
                ratio(ways["facts"], ways["log"]),
                milliseconds(ways["table"].percentile(0.5)),
                milliseconds(ways["table"].percentile(1)),
            ]
        )
    return table(
        f"Statistics of {cases:,} cases by district, equal to the log (checked)",
        ["period", "log ms", "facts ms", "times as fast", "overview, 11 counts ms", "worst"],
        rows,
    )
