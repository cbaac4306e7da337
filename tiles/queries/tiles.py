"""A tile's bytes, straight from the database."""

from __future__ import annotations

from datetime import date

from geo.registry import Layer, layers
from tiles.matrix import BUFFER, EXTENT, SETS, MatrixSet
from tiles.queries import bins, statement
from tiles.queries.session import fetchone

# No tile is larger, in bytes before compression.
LARGEST = 290_000
MOST = 10_000  # features that cells reckon with, of some twenty bytes each; the margin has a tenth more
FINER = 4  # levels: 64 cells along a tile's side, where no cells are kept


def slots(matrix_set: MatrixSet, z: int, x: int, y: int) -> dict[str, tuple]:
    """The bounds that a statement's slots take."""
    margin = BUFFER / EXTENT
    return {
        "tile": (statement.box(matrix_set.bounds(z, x, y)),),
        "near": (statement.polygon(matrix_set.lonlat_bounds(z, x, y, margin)),),
    }


def _run(made: statement.Statement | None, bounds: dict[str, tuple]) -> bytes:
    if made is None:
        return b""
    return bytes(fetchone(made.sql, made.fill(bounds))[0] or b"")


def counted(layer: Layer, matrix_set: MatrixSet, z: int, x: int, y: int, user, finer: int = 0) -> bytes:
    """A tile of cells with the number of points in each."""
    made, level = bins.statement_for(layer, matrix_set, z, user, finer=finer)
    return _run(made, bins.slots(layer, matrix_set, z, x, y, level))


def render(
    layer: Layer, matrix_set: MatrixSet, z: int, x: int, y: int, user, at: date | None = None
) -> bytes:
    """A tile of what ``user`` may see: Mapbox Vector Tile, version 2, neither compressed nor kept.

    It asks nobody whether he may see the layer at all.
    """
    if layer.binned and matrix_set.scale(z) > layer.max_scale:
        return counted(layer, matrix_set, z, x, y, user)
    if at is not None:
        made = statement.for_versions(layer, matrix_set, z, user, at)
    else:
        made = statement.for_rows(layer, matrix_set, z, user)
    # Where single rows begin a tile may hold more than it should. Cells are kept there too and know; so dense
    # a tile would be one blot of points, and is counted like the coarser ones.
    kept = at is None and bins.kept_at(layer, matrix_set, z)
    if kept and bins.estimate(layer, matrix_set, z, x, y, user) > MOST:
        return counted(layer, matrix_set, z, x, y, user)
    rendered = _run(made, slots(matrix_set, z, x, y))
    if layer.binned and len(rendered) > LARGEST:
        return counted(layer, matrix_set, z, x, y, user, finer=0 if kept else FINER)
    return rendered


def tile(layer_id: str, matrix_set_id: str, z: int, x: int, y: int, user, at: date | None = None) -> bytes:
    """The same by the ids of layer and matrix set."""
    return render(layers[layer_id], SETS[matrix_set_id], z, x, y, user, at)
