"""Base maps, and what the tile cache has to know."""

from tiles.models.basemaps import BaseMap
from tiles.models.cache import DirtyTile, TileBin, TileBinDelta

__all__ = ["BaseMap", "DirtyTile", "TileBin", "TileBinDelta"]
