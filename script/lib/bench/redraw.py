"""Publishing new borders, all triggers on, against joining every row with the grids anew. Rolled back.

Each plan merges a grid with a neighbour in k communities, so every row of the grid that goes has to move.
"""

import time

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


def _published(plans) -> tuple[float, dict]:
    """Seconds a publication takes, and where each row went."""
    with transaction.atomic():
        begun = time.perf_counter()
        publish([borders for borders, _gone in plans])
        taken = time.perf_counter() - begun
        where = _rows(plans)
        transaction.set_rollback(True)
    return taken, where


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
    rounds = min(options.rounds, 3)
    plans = []
    for community in Area.objects.filter(level="community", valid_to=None).order_by("code"):
        if len(plans) < 10 and (plan := merged(community)):
            plans.append(plan)
    lines = []
    for count in (1, 10):
        if len(plans) < count:
            continue
        chosen = plans[:count]
        before = _rows(chosen)
        _published(chosen)
        times = sorted(_published(chosen)[0] for _ in range(rounds))
        taken, after = _published(chosen)
        full, rejoined = _rejoined(chosen)
        if after != rejoined:
            raise SystemExit("publishing and joining anew disagree")
        moved = sum(
            code != before[label].get(row) for label, rows in after.items() for row, code in rows.items()
        )
        middle = sorted([*times, taken])[len(times) // 2]
        lines.append(
            [
                count,
                moved,
                f"{middle:.2f} ({min(times[0], taken):.2f}-{max(times[-1], taken):.2f})",
                f"{middle / moved * 1e6:.0f}" if moved else "",
                f"{full:.1f}",
                f"{full / middle:.1f}",
            ]
        )
    return table(
        "Publishing borders (rolled back), against joining all rows anew: same grids for all (checked)",
        ["grids merged", "rows moved", "publishing s", "us per moved row", "full join s", "times as fast"],
        lines,
    )
