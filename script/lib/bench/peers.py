"""Peers beside ours (``--peers``). django-vectortiles: same tables, tiles and fields, one process, no HTTP.

Installed for the run alone, into a folder that goes again. It draws what meets the bare tile, ours also
what lies in the margin that keeps symbols whole, so its features must all be among ours (checked first).
tipg is compared over HTTP, see ``bench.tipg``.
"""

import subprocess
import sys
import tempfile

import mapbox_vector_tile

from bench.city import city_leader, code_of_the_city, raw
from bench.tiles import LAYERS, SET, addresses, ids
from bench.timing import interleave, milliseconds, ratio, table
from geo.registry import layers
from tiles.queries import statement, tile

VERSION = "1.0.2"


def _peer(name: str, z: int):
    """Their layer over our model with the fields our tile has at this level."""
    from vectortiles.backends.postgis import VectorLayer

    layer = layers[name]
    values = {
        f"f_{field.name}": statement.value_of(layer.model_class, field.path)
        for field in statement.fields_at(layer, SET.scale(z))
    }
    made = VectorLayer()
    made.id, made.tile_buffer, made.tile_fields = name, 64, ("id", *values)
    made.queryset = layer.model_class.objects.filter(layer.drawn).order_by().annotate(**values)
    return made


def _their_ids(data: bytes, name: str) -> set[int]:
    decoded = mapbox_vector_tile.decode(bytes(data)) if data else {}
    return {feature["properties"]["id"] for feature in decoded.get(name, {}).get("features", [])}


def measure(options) -> str:
    if not options.peers:
        return ""
    from bench import tipg

    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder),
                *(f"django-vectortiles=={VERSION}", "mercantile"),
            ],
            capture_output=True,
            text=True,
        )
        if said.returncode:
            first = f"django-vectortiles could not be installed: {said.stderr.strip()[-500:]}\n"
        else:
            sys.path.append(folder)
            first = _beside_vectortiles(options)
            sys.path.remove(folder)
    return first + "\n" + tipg.measure(options)


def _beside_vectortiles(options) -> str:
    connection = raw()
    user = city_leader(code_of_the_city())
    rows = []
    for z in (15, 16, 17):  # coarser, ours may draw sums
        theirs = {name: _peer(name, z) for name in LAYERS}
        items = [
            (name, address)
            for address in addresses(connection, z, 20)
            for name in LAYERS
            if not layers[name].binned or SET.scale(z) <= (layers[name].max_scale or 1e9)
        ]

        def ours(item):
            return tile(item[0], SET.id, *item[1], user)

        def peer(item, theirs=theirs):
            name, (level, x, y) = item
            return theirs[name].get_tile(x, y, level)

        for item in items:
            if missing := _their_ids(peer(item), item[0]) - ids(ours(item), item[0]):
                raise SystemExit(f"tile {item}: ours lacks {len(missing)} features")
        ways = interleave({"django-vectortiles": peer, "ours": ours}, items, options.rounds)
        for name, way in ways.items():
            rows.append(
                [
                    z,
                    name,
                    milliseconds(way.percentile(0.5)),
                    milliseconds(way.percentile(0.95)),
                    ratio(way, ways["django-vectortiles"]),
                ]
            )
    return table(
        "Uncached tiles beside django-vectortiles, in one process, without HTTP",
        ["level", "way", "p50 ms", "p95", "times django-vectortiles"],
        rows,
    )
