"""Base maps, and what the tile cache has to know."""

from tiles.models.basemaps import BaseMap

__all__ = ["BaseMap"]
