"""Vector tiles, uncached and one at a time, against the statement a thin tile server would send.

``floor:base`` transforms on the fly from a table in random order; ``floor:clustered`` reads a stored Web
Mercator column of a table in Hilbert order: a thin server cannot beat the SQL it sends. The floors' tables
already hold the joined columns and have no scope to check; ``floor:bound`` is the second with its bounds
reckoned by the client, as ours are. Only tiles of which all make the same features are taken, which is
checked first (what is too dense is counted by ours, see ``low_levels``); the peers, when asked for, serve the
same tables over HTTP and are named with their transport.
"""

import random
from functools import partial

import psycopg
from django.db import connection as django_connection

from bench.city import city_leader, code_of_the_city, raw
from bench.timing import interleave, milliseconds, ratio, table
from geo.registry import layers
from tiles.matrix import SETS, to_mercator
from tiles.queries import bins, statement, tile
from tiles.queries.tiles import MOST

KINDS = ("base", "clustered", "bound")
LAYERS = ("components", "buildings")
SET = SETS["WebMercatorQuad"]
HALF = 20037508.342789244


def spots(connection, number: int) -> list[tuple[float, float]]:
    """Places of cases, or of components where there are none."""
    for source in ("cases_case", "assets_component"):
        rows = connection.execute(
            f"select ST_X(anchor), ST_Y(anchor) from {source} where area_code <> '' order by id limit 50000"
        ).fetchall()
        if len(rows) > number:
            return random.Random(3).sample(rows, number)
    raise SystemExit("this city has neither cases nor components")


def addresses(connection, z: int, number: int) -> list[tuple[int, int, int]]:
    """Tiles of WebMercatorQuad around those places."""
    side = 2 * HALF / 2**z
    found = set()
    for lon, lat in spots(connection, number):
        x, y = to_mercator(lon, lat)
        found.add((z, int((x + HALF) // side), int((HALF - y) // side)))
    return sorted(found)


def floors(connection, user):
    """The two floors' tables with every field a tile may carry; returns their columns."""
    for name in LAYERS:
        layer = layers[name]
        values = {f"f_{f.name}": statement.value_of(layer.model_class, f.path) for f in layer.fields}
        rows = layer.model_class.objects.filter(layer.drawn).order_by().values_list("pk", "geom", "geom_3857")
        sql, params = (
            rows.annotate(**values).values_list("pk", "geom", "geom_3857", *values).query.sql_with_params()
        )
        names = ", ".join(["id", "geom", "geom_3857", *(f'"{f.name}"' for f in layer.fields)])
        for kind, order in (("base", "random()"), ("clustered", "geom")):
            text = psycopg.ClientCursor(connection).mogrify(sql, params)
            # The geometries come out as the adapter's hex; the database reads them back.
            connection.execute(f"create temp table all_{name} as select * from ({plain(text)}) t({names})")
            connection.execute(
                f"create temp table {kind}_{name} as select * from all_{name} order by {order}"
            )
            connection.execute(f"drop table all_{name}")
            connection.execute(f"create index on {kind}_{name} using gist (geom)")
            connection.execute(f"create index on {kind}_{name} using gist (geom_3857)")
            connection.execute(f"analyze {kind}_{name}")


def plain(sql: str) -> str:
    """The ORM asks for geometries as bytea; a table wants them as they are."""
    return sql.replace("::bytea", "")


def floor_sql(kind: str, name: str, z: int) -> str:
    fields = statement.fields_at(layers[name], SET.scale(z))
    columns = "".join(f', "{f.name}"' for f in fields)
    margin = 64 / 4096
    envelope = "ST_TileEnvelope(%s, %s, %s)"
    wider = f"ST_TileEnvelope(%s, %s, %s, margin => {margin})"
    rows, shape, near, tile_box = {
        "base": ("base", "ST_Transform(geom, 3857)", f"geom && ST_Transform({wider}, 4326)", envelope),
        "clustered": ("clustered", "geom_3857", f"geom_3857 && {wider}", envelope),
        "bound": ("clustered", "geom_3857", "geom_3857 && %s::geometry", "%s::box2d"),
    }[kind]
    return (
        f"select ST_AsMVT(t, '{name}', 4096, 'geom', 'id') from (select"
        f" ST_AsMVTGeom({shape}, {tile_box}, 4096, 64) as geom, id{columns}"
        f" from {rows}_{name} where {near}) t"
    )


def ids(data: bytes, name: str) -> set[int]:
    # A development package (requirements-dev.txt), which an installation has no other use for.
    import mapbox_vector_tile

    decoded = mapbox_vector_tile.decode(bytes(data)) if data else {}
    return {feature["id"] for feature in decoded.get(name, {}).get("features", [])}


def measure(options) -> str:
    connection = raw()
    user = city_leader(code_of_the_city())
    floors(connection, user)
    rows = []
    for z in (14, 15, 16, 17):
        items = [(name, address) for address in addresses(connection, z, 40) for name in LAYERS]

        def ours(item):
            return tile(item[0], SET.id, *item[1], user)

        def floor(kind, item):
            name, (level, x, y) = item
            sql = floor_sql(kind, name, level)
            params = (level, x, y) * 2
            if kind == "bound":
                bounds, margin = SET.bounds(level, x, y), SET.bounds(level, x, y, 64 / 4096)
                params = (statement.box(bounds), statement.polygon(margin, SET.srid))
            return connection.execute(sql, params, prepare=True, binary=True).fetchone()[0]

        same_items = []
        for item in items:
            made = {kind: ids(floor(kind, item), item[0]) for kind in KINDS}
            mine = ids(ours(item), item[0])
            if all(one == mine for one in made.values()):
                same_items.append(item)
            elif not (bins.kept_at(layers[item[0]], SET, z) and len(made["base"]) > MOST * 0.8):
                raise SystemExit(
                    f"tile {item} differs: {[len(one) for one in (mine, *made.values())]} features"
                )
        ways = interleave(
            {f"floor:{kind}": partial(floor, kind) for kind in KINDS} | {"ours": ours},
            same_items,
            options.rounds,
        )
        for name, way in ways.items():
            rows.append(
                [
                    z,
                    name,
                    len(same_items),
                    f"{len(same_items) / (sum(way.totals) / len(way.totals)):.0f}",
                    milliseconds(way.percentile(0.5)),
                    milliseconds(way.percentile(0.95)),
                    milliseconds(way.percentile(0.99)),
                    ratio(way, ways["floor:base"]),
                    ratio(way, ways["floor:clustered"]),
                    ratio(way, ways["floor:bound"]),
                ]
            )
    django_connection.close()
    return table(
        "Uncached tiles, components and buildings, one at a time in one process",
        [
            "level",
            "way",
            "tiles",
            "tiles/s",
            "p50 ms",
            "p95",
            "p99",
            *(f"times floor:{kind}" for kind in KINDS),
        ],
        rows,
    )
