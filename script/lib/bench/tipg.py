"""tipg beside ours (``--peers``): both as servers with two workers on loopback, asked over HTTP.

tipg is installed for the run in an environment of its own. It serves views over the same tables, with the
fields our tiles and features have, of a schema that is removed again. It may read without parallel workers,
as ours does, keeps its connections, and leaves no feature out. It knows no accounts; ours looks up session
and rights for each tile. No tile comes from a cache: ours is emptied before each round. Pages of features are
never kept. With ``--server`` ours is the running installation at that address (of this database and data
directory), nginx and all; without it, its web workers alone.
"""

import gzip
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from django.db.models import Q

from bench import web
from bench.city import code_of_the_city, raw
from bench.tiles import LAYERS, plain, spots
from bench.timing import milliseconds, ratio, table
from geo.models import Grant
from geo.registry import layers
from tiles.matrix import SETS
from tiles.queries import statement

VERSION = "1.6.1"
SCHEMA = "bench_tipg"
WORKERS = 2
CONNECTIONS = 1  # of each worker of tipg: as many active queries as ours, or a busy machine gives it more
# Set, level, places whose tiles are asked for, how many at once. In degrees tipg transforms each row by the
# words of a PROJ string and takes seconds for a tile: few are asked for.
ROUNDS = (
    *(("WebMercatorQuad", z, number, hands) for z in (15, 16, 17) for number, hands in ((30, 1), (120, 8))),
    ("WorldCRS84Quad", 15, 3, 1),
)
PAGE = 100
ASIDE = ".bench-"  # before the names of caches of earlier rounds


def measure(options) -> str:
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "tipg" / "bin" / "python"
        venv.create(Path(folder) / "tipg", with_pip=True)
        said = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", f"tipg=={VERSION}", "uvicorn"],
            capture_output=True,
            text=True,
        )
        if said.returncode:
            return (
                f"tipg {VERSION} could not be installed, and is not compared: {said.stderr.strip()[-500:]}\n"
            )
        with _views(), _tipg(python) as theirs, _ours(options.server) as asked:
            ours, headers, empty = asked
            return (
                _tiles(options, theirs, ours, headers, empty) + "\n" + _pages(options, theirs, ours, headers)
            )


@contextmanager
def _views():
    """Views of each layer, of what tiles draw and of all: id, geometry, every field a tile may carry."""
    connection = raw()
    connection.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
    try:
        drawn = [(name, name, layers[name].drawn) for name in LAYERS]
        for name, view, shown in [*drawn, *((name, f"{name}_all", Q()) for name in LAYERS)]:
            layer = layers[name]
            values = {f"f_{f.name}": statement.value_of(layer.model_class, f.path) for f in layer.fields}
            rows = layer.model_class.objects.filter(shown).order_by().annotate(**values)
            sql, params = rows.values_list("pk", "geom", *values).query.sql_with_params()
            text = plain(psycopg.ClientCursor(connection).mogrify(sql, params))
            names = ", ".join(["id", "geom", *(f'"{f.name}"' for f in layer.fields)])
            # The cast is for their catalogue, which asks a geometry for its type and CRS.
            shape = layer.model_class._meta.get_field("geom")
            columns = names.replace("geom", f"geom::geometry({shape.geom_type}, 4326) as geom", 1)
            connection.execute(f"create view {SCHEMA}.{view} as select {columns} from ({text}) as r({names})")
        yield
    finally:
        connection.execute(f"drop schema if exists {SCHEMA} cascade")
        connection.close()


@contextmanager
def _tipg(python: Path):
    known = django_connection.settings_dict
    user, host = quote(known["USER"] or "", safe=""), quote(known["HOST"] or "", safe="")
    password = f":{quote(known['PASSWORD'], safe='')}" if known["PASSWORD"] else ""
    port = web.free_port()
    environment = {
        "DATABASE_URL": f"postgresql://{user}{password}@{host}:{known['PORT'] or 5432}/{known['NAME']}"
        "?max_parallel_workers_per_gather=0&jit=off",
        "TIPG_DB_SCHEMAS": json.dumps([SCHEMA]),
        "TIPG_DB_SPATIAL_EXTENT": "false",
        "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_MAX_FEATURES_PER_TILE": "1000000",
        "TIPG_TILE_BUFFER": "64",
        "DB_MIN_CONN_SIZE": str(CONNECTIONS),
        "DB_MAX_CONN_SIZE": str(CONNECTIONS),
    }
    command = [str(python), "-m", "uvicorn", "tipg.main:app", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--log-level", "warning"]
    with web.serving(command, port, environment, f"/collections/{SCHEMA}.{LAYERS[0]}"):
        yield port


@contextmanager
def _ours(server: str):
    """Our server, installed or its workers alone: port, a city lead's cookie, how to empty its cache."""
    # On the disk of an installation: making a file in a crowded /tmp can take ten times as long.
    own = (
        nullcontext(settings.TILE_CACHE)
        if server
        else tempfile.TemporaryDirectory(dir=settings.TILE_CACHE.parent)
    )
    city = code_of_the_city()
    lead = (
        Grant.objects.filter(
            area_code=city, valid_to=None, user__is_active=True, role__permissions__contains=["assets.view"]
        )
        .order_by("pk")
        .first()
    )
    if lead is None:
        raise SystemExit(f"nobody is granted {city} with assets.view: load a city with its accounts")
    session = importlib.import_module(settings.SESSION_ENGINE).SessionStore()
    session["_auth_user_id"] = str(lead.user_id)
    session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[-1]
    session["_auth_user_hash"] = lead.user.get_session_auth_hash()
    session["grant"] = lead.pk
    session.create()
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}
    port = urlsplit(server).port if server else web.free_port()
    environment = {"DJANGO_SETTINGS_MODULE": "bench.served"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "gunicorn", "geo.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", str(WORKERS), "--log-level", "warning"]

    try:
        with own as folder:
            cache = Path(folder)
            environment["BENCH_TILES"] = folder
            serving = nullcontext() if server else web.serving(command, port, environment, "/healthz")
            with serving:
                yield port, cookie, lambda: _empty(cache)
            for gone in cache.glob(f"{ASIDE}*"):
                shutil.rmtree(gone)
    finally:
        session.delete()


def _empty(cache: Path) -> None:
    """Aside, and removed in the end: right after a removal ext4 searches long for places of new files."""
    for number, layer in enumerate(cache.glob("v-*/*")):
        layer.rename(cache / f"{ASIDE}{time.time_ns()}-{number}")


def _addresses(connection, set_id: str, z: int, number: int) -> list[tuple[int, int, int]]:
    matrix_set = SETS[set_id]
    found = set()
    for lon, lat in spots(connection, number):
        column, _last, row, _end = matrix_set.cover(z, (lon, lat, lon, lat))
        found.add((z, column, row))
    return sorted(found)


def _ids(data: bytes, name: str) -> set[int]:
    import mapbox_vector_tile

    decoded = mapbox_vector_tile.decode(data) if data else {}
    features = decoded.get(name, {}).get("features", [])
    return {feature.get("id") or feature["properties"]["id"] for feature in features}


def _unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _tiles(options, theirs: int, ours: int, headers: dict, empty) -> str:
    connection = raw()
    lines = []
    for set_id, z, number, hands in ROUNDS:
        items = [
            (name, address)
            for address in _addresses(connection, set_id, z, number)
            for name in LAYERS
            if not layers[name].binned or SETS[set_id].scale(z) <= (layers[name].max_scale or 1e9)
        ]

        def their_path(item, set_id=set_id):
            name, (level, x, y) = item
            fields = statement.fields_at(layers[name], SETS[set_id].scale(level))
            wanted = ",".join(["id", *(f.name for f in fields)])
            return f"/collections/{SCHEMA}.{name}/tiles/{set_id}/{level}/{x}/{y}?properties={wanted}"

        def our_path(item, set_id=set_id):
            name, address = item
            return f"/tiles/{name}/{set_id}/{'/'.join(map(str, address))}.mvt"

        zipped = {"Accept-Encoding": "gzip"}
        sites = {
            "tipg": web.Site(theirs, their_path, zipped),
            "ours": web.Site(ours, our_path, zipped | headers, empty),
        }
        seen = 0
        for item in items:
            got = {name: _unpacked(site.get(item)) for name, site in sites.items()}
            features = _ids(got["tipg"], "default")
            seen += len(features)
            if missing := features - _ids(got["ours"], item[0]):
                raise SystemExit(f"tile {set_id} {item}: ours lacks {len(missing)} features")
        if not seen:
            raise SystemExit(f"tipg has no feature in any tile of {set_id} {z}")
        asked = web.ask_in_turns(sites, items, options.rounds if number > 3 else 1, hands)
        for name, one in asked.items():
            lines.append(
                [
                    set_id,
                    z,
                    hands,
                    name,
                    f"{len(items) * len(one.totals) / sum(one.totals):.0f}",
                    milliseconds(one.percentile(0.5)),
                    milliseconds(one.percentile(0.95)),
                    ratio(one, asked["tipg"]),
                ]
            )
    connection.close()
    return table(
        f"Uncached tiles beside tipg {VERSION}, over HTTP, {WORKERS} workers each",
        ["set", "level", "at once", "way", "tiles/s", "p50 ms", "p95", "times tipg"],
        lines,
    )


def _pages(options, theirs: int, ours: int, headers: dict) -> str:
    """Pages of a hundred features in a box of some 500 m, with all their fields, as GeoJSON."""
    connection = raw()
    boxes = [
        ",".join(f"{part:.6f}" for part in (lon - 0.003, lat - 0.0025, lon + 0.003, lat + 0.0025))
        for lon, lat in spots(connection, 25)
    ]
    connection.close()
    items = [(name, box) for box in boxes for name in LAYERS]
    sites = {
        "tipg": web.Site(
            theirs,
            lambda i: f"/collections/{SCHEMA}.{i[0]}_all/items?limit={PAGE}&bbox={i[1]}&f=geojson&sortby=id",
        ),
        "ours": web.Site(ours, lambda i: f"/ogc/collections/{i[0]}/items?limit={PAGE}&bbox={i[1]}", headers),
    }
    for item in items:
        their, our = (
            [feature["properties"]["code"] for feature in json.loads(site.get(item))["features"]]
            for site in sites.values()
        )
        if their != our:
            raise SystemExit(f"page {item} differs: {len(their)} and {len(our)} features")
    lines = []
    for hands in (1, 8):
        asked = web.ask_in_turns(sites, items, options.rounds, hands)
        for name, one in asked.items():
            lines.append(
                [
                    hands,
                    name,
                    f"{len(items) * len(one.totals) / sum(one.totals):.0f}",
                    milliseconds(one.percentile(0.5)),
                    milliseconds(one.percentile(0.95)),
                    ratio(one, asked["tipg"]),
                ]
            )
    return table(
        f"A page of {PAGE} features in a box beside tipg {VERSION}, the same in the same order (checked)",
        ["at once", "way", "pages/s", "p50 ms", "p95", "times tipg"],
        lines,
    )
