"""The same requests on two databases of one city, of which one has ten times as many years of cases.

``--pair SMALL,LARGE`` names them; ``make-cases`` makes them. Whatever people do every day should take as long
in both: a ratio near one. A process for each goes through all of Django, without HTTP; they are asked in
turns. ``--explain`` adds for each request the statement that took longest in the large one, with its plan.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from bench import people, tiles
from bench.city import code_of_the_city, database_url, raw
from bench.timing import Way, milliseconds, ratio, table
from cases.filters import VIEWS
from cases.models import Case, JointMeeting, Supervision
from cases.statistics import periods

TILES_EACH = 8
GROWS = ("cases_case", "cases_transition", "cases_casefact", "cases_casespell", "cases_supervision")
PANE = {"HX-Request": "true", "HX-Target": "list-pane"}


def measure(options) -> str:
    names = options.pair.split(",")
    if len(names) != 2:
        return "Cases at scale are asked of two databases: give `--pair SMALL,LARGE` (see make-cases).\n"
    measured = connection.settings_dict["NAME"]
    try:
        said = [_vacuumed(name) for name in names]
        _use(names[0])
        groups = [group for group in _groups() if re.search(options.match, group[0])]
    finally:
        _use(measured)
    requests = [one for _label, ones, *_rest in groups for one in ones]
    with ExitStack() as stack:
        small, large = (stack.enter_context(_process(name, requests)) for name in names)
        rows, explained, at = [], [], 0
        for label, ones, *told in groups:
            numbers, at = list(range(at, at + len(ones))), at + len(ones)
            ways = _in_turns({"small": small, "large": large}, numbers, options.rounds)
            same = {_ask(small, number)["digest"] == _ask(large, number)["digest"] for number in numbers}
            rows.append(
                [
                    label,
                    milliseconds(ways["small"].percentile(0.5)),
                    milliseconds(ways["large"].percentile(0.5)),
                    ratio(ways["small"], ways["large"]),
                    ("yes" if same == {True} else "NO") if told else "",
                ]
            )
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
            if options.explain:
                explained += [_explained(label, small, large, number) for number in numbers[:1]]
    heads = ["request", f"{names[0]} ms", f"{names[1]}", "times as long", "same figures"]
    return table(f"Cases at scale: {'; '.join(said)}", heads, rows) + "\n".join(["", *explained])


def _in_turns(processes: dict, numbers: list[int], rounds: int) -> dict[str, Way]:
    """As ``interleave``, with the seconds that each process tells; one round before is not counted."""
    ways = {name: Way(name, None) for name in processes}
    for counted in range(rounds + 1):
        for name, process in processes.items():
            seconds = [_ask(process, number)["seconds"] for number in numbers]
            if counted:
                ways[name].rounds.append(seconds)
    return ways


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _vacuumed(name: str) -> str:
    """Both are swept and counted alike before they are compared; how large it is."""
    _use(name)
    with connection.cursor() as cursor:
        for one in (*GROWS, "cases_casehold", "cases_casecheck", "geo_tally", "tiles_tilebin"):
            cursor.execute(f"vacuum (analyze) {one}")
        counts = []
        for one in GROWS:
            cursor.execute(f"select count(*) from {one}")
            counts.append(f"{cursor.fetchone()[0]:,} {one.split('_')[1]}s")
        cursor.execute("select pg_size_pretty(pg_database_size(current_database()))")
        counts.append(cursor.fetchone()[0])
        cursor.execute("select count(*) from cases_case where phase <> 'ended'")
        counts.append(f"{cursor.fetchone()[0]:,} open")
    return f"{name}: {', '.join(counts)}"


# --- What is asked ----------------------------------------------------------------------------------


def _get(path: str, who="", headers=None) -> dict:
    return {"path": path, "who": who, "headers": headers or {}}


def _groups() -> list[tuple]:
    """(label, requests that are told together[, True: their figures must be the same in both])."""
    city = code_of_the_city()
    leader = people.one("leader", areas=[4]).username
    street = people.one("leader", areas=[9]).username
    community = people.one("community_desk").username
    unit = people.one("department", unit=True).username
    desk = people.one("dispatcher", areas=[4]).username
    shift = people.one("shift_lead", areas=[4]).username
    worker = people.one("grid_worker").username
    groups = []
    for title, who in (("city lead", leader), ("street lead", street), ("department", unit)):
        for view in VIEWS:
            groups.append((f"console, {title}, {view}", [_get(f"/?view={view}", who, PANE)]))
        groups.append((f"console, {title}, newest first", [_get("/?view=all&sort=new", who, PANE)]))
    groups += [
        ("console, city lead, last changed first", [_get("/?view=all&sort=changed", leader, PANE)]),
        ("console, whole page, dispatcher", [_get("/?view=mine", desk)]),
        ("tabs' counts of an open page, city lead", [_get(f"/console/news/?since={_stamp()}", leader)]),
        ("map beside the list of all, city lead", [_get("/console/points/?view=all&cell=0.01", leader)]),
        ("map beside the list of all, street lead", [_get("/console/points/?view=all&cell=0.002", street)]),
        ("REST list, closed cases, city lead", [_get("/api/cases/?state=closed", leader)]),
        ("REST counts, city lead", [_get("/api/cases/counts/", leader)]),
        ("console, community, all", [_get("/?view=all", community, PANE)]),
        ("tasks of a grid worker", [_get("/api/me/tasks", worker)]),
        *_narrowed(leader, street),
        *_found(desk),
        *_one_case(leader, desk),
        *_tiles(leader),
        *_statistics(city, leader),
        *_outside(),
    ]
    for tab in ("hot", "hard", "blocked", "legacy"):
        groups.append((f"spots, {tab}", [_get(f"/spots/?tab={tab}", shift)]))
    groups += [*_bulk(desk), *_meetings(leader), *_orders(leader)]
    groups.append(("measures of the city", [_get(f"/api/measures/?area={city}", leader)]))
    return groups


def _stamp() -> str:
    return (timezone.now() - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _narrowed(leader: str, street: str) -> list[tuple]:
    """The list with a filter that leaves few of very many."""
    rarest = Case.objects.exclude(type=None).order_by().values("type").annotate(n=Count("pk")).order_by("n")
    filters = {
        "the rarest type": f"type={rarest[0]['type']}",
        "closed this month": "closed=month",
        "reported in 7 days": "reported=7d",
        "overdue": "due=overdue",
        "not satisfied": "mark=discontent",
    }
    return [
        (f"console, {title}, {words}", [_get(f"/?view=all&{query}", who, PANE)])
        for title, who in (("city lead", leader), ("street lead", street))
        for words, query in filters.items()
    ]


def _found(desk: str) -> list[tuple]:
    case = Case.objects.exclude(type=None).exclude(address="").order_by("-reported_at").first()
    words = {
        "the kind that is most common": _most_common(),
        "an address": case.address,
        "nothing": "无此字句之处",
    }
    groups = [
        ("search, a number", [_get(f"/api/search?q={case.number}", desk)]),
        ("search, beginning of a number", [_get(f"/api/search?q={case.number[:13]}", desk)]),
        ("console, a number", [_get(f"/?view=all&q={case.number}", desk, PANE)]),
    ]
    for title, text in words.items():
        groups.append((f"search, words, {title}", [_get(f"/api/search?q={text}", desk)]))
        groups.append((f"console, words, {title}", [_get(f"/?view=all&q={text}", desk, PANE)]))
    return groups


def _most_common() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "select t.name from cases_case c join assets_itemtype t on t.id = c.type_id"
            " group by 1 order by count(*) desc limit 1"
        )
        return cursor.fetchone()[0]


def _one_case(leader: str, desk: str) -> list[tuple]:
    drawer = {"HX-Request": "true", "HX-Target": "drawer"}
    numbers = {
        "open": Case.objects.exclude(phase="ended").order_by("-reported_at"),
        "closed": Case.objects.filter(state="closed").order_by("-reported_at"),
    }
    groups = []
    for title, rows in numbers.items():
        ones = list(rows.values_list("number", flat=True)[:8])
        groups.append((f"a case, {title}, drawer", [_get(f"/cases/{n}/", desk, drawer) for n in ones]))
        groups.append((f"a case, {title}, REST", [_get(f"/api/cases/{n}/", leader) for n in ones]))
    return groups


def _tiles(leader: str) -> list[tuple]:
    groups = []
    database = raw()
    for layer in ("cases", "closed_cases"):
        for z in (10, 13, 14, 16):
            spots = tiles.addresses(database, z, TILES_EACH)
            paths = [f"/tiles/{layer}/WebMercatorQuad/{'/'.join(map(str, spot))}.mvt" for spot in spots]
            groups.append((f"tiles of {layer}, level {z}", [_get(path, leader) for path in paths]))
    database.close()
    return groups


def _statistics(city: str, leader: str) -> list[tuple]:
    # The day before the last one with reports: a whole one.
    last = timezone.localdate(Case.objects.latest("reported_at").reported_at) - timedelta(days=1)
    groups = []
    for unit in ("day", "month", "quarter", "year"):
        period = periods.of(unit, last).text
        asked = f"table=overview&by=area&area={city}&period={period}"
        groups.append((f"overview by district, {unit}", [_get(f"/statistics/?{asked}", leader)]))
        groups.append((f"the same, REST, {unit}", [_get(f"/api/statistics/table/?{asked}", leader)], True))
    days = f"{(last - timedelta(days=30)).isoformat()}..{last.isoformat()}"
    groups.append(
        (
            "chart of 31 days",
            [_get(f"/statistics/series/?table=overview&area={city}&period={days}", leader)],
        )
    )
    return groups


def _outside() -> list[tuple]:
    case = Case.objects.filter(flow="city_management", state="closed").order_by("-reported_at").first()
    lon, lat = case.geom.coords
    near = f"lat={lat:.6f}&long={lon:.6f}&radius=100"
    box = f"{lon - 0.01:.4f},{lat - 0.01:.4f},{lon + 0.01:.4f},{lat + 0.01:.4f}"
    return [
        ("Open311, list of 50", [_get("/open311/v2/requests.json?page_size=50")]),
        ("Open311, 50 open ones", [_get("/open311/v2/requests.json?page_size=50&status=open")]),
        ("Open311, within 100 m", [_get(f"/open311/v2/requests.json?{near}")]),
        ("Open311, one", [_get(f"/open311/v2/requests/{case.number}.json")]),
        ("Open311, 50 updates", [_get("/open311/v2/servicerequestupdates.json?page_size=50")]),
        ("public map, page", [_get("/public/map/")]),
        ("public map, a box", [_get(f"/public/map/data/?bbox={box}")]),
    ]


def _bulk(desk: str) -> list[tuple]:
    rows = Case.objects.filter(phase="unit", flow="city_management").order_by("due_at", "pk")
    numbers = list(rows.values_list("number", flat=True)[:200])
    preview = {"path": "/bulk/preview/", "who": desk, "data": {"numbers": numbers, "action": "remind"}}
    return [
        ("bulk, choosing", [_get("/bulk/?view=unit", desk)]),
        (f"bulk, preview of {len(numbers)}", [preview]),
    ]


def _meetings(leader: str) -> list[tuple]:
    groups = [("meetings", [_get("/meetings/", leader)])]
    if meeting := JointMeeting.objects.first():
        groups.append(("one meeting", [_get(f"/meetings/{meeting.pk}/", leader)]))
    return groups


def _orders(leader: str) -> list[tuple]:
    groups = [("supervision orders", [_get("/supervisions/", leader)])]
    for state in ("open", "replied"):
        groups.append((f"supervision orders, {state}", [_get(f"/supervisions/?state={state}", leader)]))
    if order := Supervision.objects.first():
        groups.append(("one order", [_get(f"/supervisions/{order.number}/", leader)]))
    return groups


# --- Who answers ------------------------------------------------------------------------------------


@contextmanager
def _process(name: str, requests: list[dict]):
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench.asked"],
            env={
                **os.environ,
                "DATABASE_URL": database_url(name),
                "DJANGO_SETTINGS_MODULE": "bench.served",
                "BENCH_TILES": f"{folder}/tiles",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            process.stdin.write(json.dumps(requests) + "\n")
            yield process
        finally:
            process.stdin.close()
            process.wait()


def _ask(process: subprocess.Popen, number: int, what="ask") -> dict:
    process.stdin.write(json.dumps([what, number]) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit("a process that was asked has ended")
    return json.loads(line)


def _explained(label: str, small, large, number: int) -> str:
    before, now = (_ask(process, number, "explain") for process in (small, large))
    lines = [
        f"#### {label}: {now['statements']} statements, {before['all_ms']:.0f} and {now['all_ms']:.0f} ms;"
        f" the slowest {before['ms']:.0f} and {now['ms']:.0f} ms",
        *(f"- **{what}**" for what in now["amiss"]),
        "",
        "```",
        now["sql"][:1500],
        "",
        *now["plan"],
        "```",
        "",
    ]
    return "\n".join(lines)
