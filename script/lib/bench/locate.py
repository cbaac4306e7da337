"""From a point to its grid: our statement, a bare round trip, the ORM; no wrong answer allowed."""

import random

from django.contrib.gis.geos import Point

from bench.city import raw
from bench.timing import interleave, milliseconds, ratio, table
from grids.models import Grid
from grids.queries import find


def points(number: int) -> list[Point]:
    """Points all over the grids, one in ten of them exactly on a border."""
    dice = random.Random(7)
    grids = list(Grid.objects.filter(retired_on=None).order_by("code"))
    made = []
    for _ in range(number):
        grid = dice.choice(grids)
        if dice.random() < 0.1:
            made.append(Point(*dice.choice(grid.geom.shell.coords), srid=4326))
        else:
            west, south, east, north = grid.geom.extent
            made.append(Point(dice.uniform(west, east), dice.uniform(south, north), srid=4326))
    return made


def measure(options) -> str:
    connection = raw()
    places = points(400)
    bare = (
        "select code from grids_grid where retired_on is null"
        " and ST_Intersects(geom, ST_SetSRID(ST_MakePoint(%s, %s), 4326)) order by code limit 1"
    )

    def by_orm(point):
        return Grid.objects.filter(retired_on=None, geom__intersects=point).order_by("code").first()

    def prepared(point):
        return connection.execute(bare, (point.x, point.y), prepare=True).fetchone()

    wrong = 0
    for point in places:
        ours, orm = find(point).grid, by_orm(point)
        wrong += (ours["code"] if ours else None) != (orm.code if orm else None)
    ways = interleave(
        {
            "select 1": lambda _point: connection.execute("select 1", prepare=True).fetchone(),
            "prepared point in grid": prepared,
            "locate (chain, grid, border, unit grid)": find,
            "ORM, grid only": by_orm,
        },
        places,
        options.rounds,
    )
    one = ways["select 1"]
    rows = [
        [name, milliseconds(way.percentile(0.5)), milliseconds(way.percentile(0.95)), ratio(one, way)]
        for name, way in ways.items()
    ]
    return table(
        f"Locate, {len(places)} points one by one, {wrong} wrong",
        ["way", "p50 ms", "p95 ms", "times `select 1`"],
        rows,
    )
