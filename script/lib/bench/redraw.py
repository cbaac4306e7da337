"""Publishing new borders, all triggers on, against joining every row with the grids anew. Rolled back.

Each plan merges a grid with a neighbour in k communities, so every row of the grid that goes has to move.
"""

import statistics
import time
from contextlib import contextmanager

import shapely
from django.db import connection, transaction

from bench.timing import table
from geo.models import Area
from grids import assignment
from grids.models import Grid
from grids.publication import Border, NewBorders, publish, to_django, to_shapely

REJOIN = """
    with found as (
        select r.id, (
            select g.id from grids_grid g where g.community_code = r.area_code and g.retired_on is null
                and ST_Intersects(g.geom, r.anchor) order by g.code limit 1
        ) as new_id from {table} r
    )
    update {table} t set grid_id = found.new_id from found
    where t.id = found.id and found.new_id is distinct from t.grid_id returning t.id, t.grid_id
"""


# Every row, moved or not: the index finds its grid, and it is written.
WRITE_ALL = """
    update {table} r set grid_id = (
        select g.id from grids_grid g where g.community_code = r.area_code and g.retired_on is null
            and ST_Intersects(g.geom, r.anchor) order by g.code limit 1
    )
"""
COUNTS = (1, 10, 100)
ALL_AT = 10


def merged(community: Area) -> tuple[NewBorders, str] | None:
    """A community's borders with its two first neighbours made one, and the code that goes."""
    grids = {
        g.code: to_shapely(g.geom)
        for g in Grid.objects.filter(community_code=community.code, retired_on=None)
    }
    codes = sorted(grids)
    for gone in reversed(codes):
        for heir in codes:
            one = shapely.coverage_union_all([grids[heir], grids[gone]])
            if heir != gone and one.geom_type == "Polygon" and not one.interiors:
                borders = {code: Border(shape) for code, shape in grids.items() if code != gone}
                borders[heir] = Border(one)
                return NewBorders(community.code, borders, to_shapely(community.geom)), gone
    return None


def _wal() -> int:
    """Bytes of log written so far, by this whole server."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_current_wal_insert_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


@contextmanager
def _timed():
    """What the block takes: seconds and bytes of log; the list is filled when it ends."""
    spent: list = []
    log, begun = _wal(), time.perf_counter()
    yield spent
    spent += [time.perf_counter() - begun, _wal() - log]


def _published(plans) -> tuple[list, dict]:
    """What a publication takes, and where each row went."""
    with transaction.atomic():
        with _timed() as spent:
            publish([borders for borders, _gone in plans])
        where = _rows(plans)
        transaction.set_rollback(True)
    return spent, where


def _movers(before: dict, after: dict) -> list:
    """What it takes to write nothing but the new grid of each row that moves, without any trigger of ours."""
    codes = dict(Grid.objects.values_list("code", "id"))
    with transaction.atomic(), connection.cursor() as cursor:
        work = []
        for model in assignment.located_models():
            table, was = model._meta.db_table, before[model._meta.label]
            moved = [
                (row, codes[code]) for row, code in after[model._meta.label].items() if code != was.get(row)
            ]
            if moved:
                cursor.execute(f"alter table {table} disable trigger user")
                work.append((table, [list(one) for one in zip(*moved, strict=True)]))
        with _timed() as spent:
            for table, moved in work:
                cursor.execute(
                    f"update {table} t set grid_id = m.grid"
                    " from unnest(%s::bigint[], %s::bigint[]) m(id, grid) where t.id = m.id",
                    moved,
                )
        transaction.set_rollback(True)
    return spent


def _written_anew() -> list:
    """What it takes to write the grid of all rows, moved or not."""
    with transaction.atomic(), connection.cursor() as cursor:
        with _timed() as spent:
            for model in assignment.located_models():
                cursor.execute(WRITE_ALL.format(table=model._meta.db_table))
        transaction.set_rollback(True)
    return spent


def _rows(plans) -> dict:
    """Rows per grid of the communities concerned, per table."""
    found = {}
    codes = [borders.community for borders, _gone in plans]
    with connection.cursor() as cursor:
        for model in assignment.located_models():
            cursor.execute(
                f"select r.id, g.code from {model._meta.db_table} r join grids_grid g on g.id = r.grid_id"
                " where r.area_code = any(%s)",
                [codes],
            )
            found[model._meta.label] = dict(cursor.fetchall())
    return found


def _rejoined(plans) -> tuple[float, dict]:
    """The same borders written without a word to the rows, then every row of every table joined anew."""
    with transaction.atomic():
        for borders, gone in plans:
            for code, border in borders.grids.items():
                Grid.objects.filter(code=code).update(geom=to_django(border.geometry))
            Grid.objects.filter(code=gone).update(retired_on="2026-01-01")
        begun = time.perf_counter()
        with connection.cursor() as cursor:
            for model in assignment.located_models():
                cursor.execute(REJOIN.format(table=model._meta.db_table))
                cursor.fetchall()
        taken = time.perf_counter() - begun
        where = _rows(plans)
        transaction.set_rollback(True)
    return taken, where


def measure(options) -> str:
    rounds = min(options.rounds, 5)
    plans = []
    for community in Area.objects.filter(level="community", valid_to=None).order_by("code"):
        if len(plans) < COUNTS[-1] and (plan := merged(community)):
            plans.append(plan)
    lines, to_compare, written = [], 0.0, ""
    for count in COUNTS:
        if len(plans) < count:
            continue
        chosen = plans[:count]
        before = _rows(chosen)
        _published(chosen)
        publishing, moving = [], []
        for _ in range(rounds):
            spent, after = _published(chosen)
            publishing.append(spent)
            moving.append(_movers(before, after))
        full, rejoined = _rejoined(chosen)
        if after != rejoined:
            raise SystemExit("publishing and joining anew disagree")
        moved = sum(
            code != before[label].get(row) for label, rows in after.items() for row, code in rows.items()
        )
        ours, least = (statistics.median(seconds for seconds, _wal in one) for one in (publishing, moving))
        # Others may write to the same log meanwhile; the least is nearest to the truth.
        log, least_log = (min(log for _seconds, log in one) for one in (publishing, moving))
        lines.append(
            [
                count,
                moved,
                f"{ours:.2f} ({min(publishing)[0]:.2f}-{max(publishing)[0]:.2f})",
                f"{(ours - 0.1) / moved * 1e6:.0f}" if moved else "",
                f"{least:.2f}",
                f"{log / 1e6:.1f} / {least_log / 1e6:.1f} MB = {log / least_log:.2f}" if least_log else "",
                f"{full:.1f}",
                f"{full / ours:.0f}",
            ]
        )
        if count == ALL_AT:
            to_compare = ours
    # Last, because it leaves as many dead rows as there are rows.
    if to_compare:
        anew, anew_log = _written_anew()
        written = f"Writing all rows anew: {anew:.0f} s, {anew_log / 1e6:,.0f} MB of log,"
        written += f" {anew / to_compare:.0f} times what publishing {ALL_AT} takes. Vacuum afterwards.\n"
    return (
        table(
            "Publishing borders (rolled back), against joining all rows anew: same grids for all (checked)",
            [
                "grids merged",
                "rows moved",
                "publishing s",
                "us per moved row beyond 0.1 s",
                "writing the movers alone s",
                "log of both",
                "full join s",
                "times as fast",
            ],
            lines,
        )
        + "\n"
        + written
    )
