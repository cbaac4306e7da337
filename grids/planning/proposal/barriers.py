"""Where neighbours do not meet: along a river or a railway that no road crosses."""

import numpy as np
import shapely

from grids.coverage import metric
from grids.planning.lattice import shared_lengths

# A border runs along a barrier where it is this near (metres), and is closed if nearly all of it does.
ALONG_M, NEARLY_ALL = 2.0, 0.9
# A road that meets the barrier this near to a border (metres) is a way across it.
BRIDGE_M = 5.0


def closed(shapes: np.ndarray, barred: list, walked: list) -> tuple[frozenset, dict]:
    """Pairs of blocks (by index, the smaller first) that nobody can cross between, and all shared lengths.

    ``barred`` and ``walked`` are lines in WGS-84; where a walked line meets a barred one is a bridge.
    """
    latitude = float(shapely.bounds(shapes[0])[1]) if len(shapes) else 0.0
    shared = shared_lengths(shapes, latitude)
    if not barred:
        return frozenset(), shared
    river = metric(shapely.union_all(barred), latitude)
    bridges = shapely.MultiPoint([])
    if walked:
        bridges = shapely.intersection(river, metric(shapely.union_all(walked), latitude))
    flat = metric(shapes, latitude)
    banks = set(np.flatnonzero(shapely.dwithin(flat, river, ALONG_M)).tolist())
    near = shapely.buffer(river, ALONG_M)
    shapely.prepare(near)
    found = set()
    for one in sorted(banks):
        for other in shared.get(one, {}):
            if other <= one or other not in banks:
                continue
            border = shapely.intersection(flat[one], flat[other])
            along = shapely.length(shapely.intersection(border, near))
            if along >= NEARLY_ALL * shapely.length(border) and not shapely.dwithin(
                border, bridges, BRIDGE_M
            ):
                found.add((one, other))
    return frozenset(found), shared
