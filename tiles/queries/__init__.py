"""Reads: vector tiles, bins, and what a caller may see of which layer."""

from tiles.queries.access import layer_for, may_see, rows_key, visible_layers
from tiles.queries.tiles import render, tile

__all__ = ["layer_for", "may_see", "render", "rows_key", "tile", "visible_layers"]
