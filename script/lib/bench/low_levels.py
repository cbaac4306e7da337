"""Zoomed away: no tile over 300 kB or 100 ms, at any level of either matrix set."""

import time

from django.contrib.gis.geos import Point

from bench.city import city_leader, code_of_the_city, raw
from bench.tiles import spots
from bench.timing import milliseconds, table
from geo.registry import layers
from tiles.matrix import SETS, to_mercator
from tiles.queries import tile

HALF = 20037508.342789244


def _address(matrix_set, z, lon, lat):
    if matrix_set.srid == 4326:
        side = 180 / 2**z
        return int((lon + 180) // side), int((90 - lat) // side)
    x, y = to_mercator(lon, lat)
    side = 2 * HALF / 2**z
    return int((x + HALF) // side), int((HALF - y) // side)


def measure(options) -> str:
    connection = raw()
    user = city_leader(code_of_the_city())
    places = [Point(*pair) for pair in spots(connection, 60)]
    rows, over = [], []
    for set_id, matrix_set in SETS.items():
        for layer in layers.values():
            worst_ms, worst_kb, at_ms, at_kb = 0.0, 0.0, "", ""
            for z in range(18):
                for x, y in {_address(matrix_set, z, p.x, p.y) for p in places}:
                    taken = []
                    for _ in range(2):  # the second, with its plan prepared, is what a running server does
                        begun = time.perf_counter()
                        data = tile(layer.id, set_id, z, x, y, user)
                        taken.append(time.perf_counter() - begun)
                    if min(taken) > worst_ms:
                        worst_ms, at_ms = min(taken), f"{z}/{x}/{y}"
                    if len(data) / 1000 > worst_kb:
                        worst_kb, at_kb = len(data) / 1000, f"{z}/{x}/{y}"
            rows.append([set_id, layer.id, milliseconds(worst_ms), at_ms, f"{worst_kb:.0f}", at_kb])
            if worst_ms > 0.1 or worst_kb > 300:
                over.append(f"{layer.id} ({set_id})")
    words = "none over 100 ms or 300 kB" if not over else "over 100 ms or 300 kB: " + ", ".join(over)
    return table(
        f"Heaviest tile of each layer, levels 0 to 17, uncached: {words}",
        ["set", "layer", "worst ms", "at", "worst kB", "at"],
        rows,
    )
