"""The two tile matrix sets (OGC 17-083r4): where a tile lies, and how coarse a level is.

Bounds are in the set's own CRS: metres for WebMercatorQuad (EPSG:3857), degrees for WorldCRS84Quad
(longitude first). Scales are metres per pixel of a 256-pixel tile at the equator, as scale denominators
are; WorldCRS84Quad, which starts with 2 x 1 tiles, is one level behind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HALF = 20037508.342789244  # half the equator, metres, radius 6378137
METRES_PER_DEGREE = HALF / 180
EXTENT = 4096  # units along a tile's side
BUFFER = 64  # units drawn beyond its edge, so that no symbol is cut
TILE_PIXELS = 256

Bounds = tuple[float, float, float, float]

CELLS_LOG2 = 2  # where points are counted, a tile has four cells along its side


def cell_size(level: int) -> float:
    """The side, in degrees, of the cells in which points are counted at a level of WebMercatorQuad."""
    return 360 / 2 ** (level + CELLS_LOG2)


def to_mercator(lon: float, lat: float) -> tuple[float, float]:
    """EPSG:4326 degrees to EPSG:3857 metres; latitudes beyond the square are held at its edge."""
    lat = max(min(lat, 85.0511287798066), -85.0511287798066)
    return lon * METRES_PER_DEGREE, math.degrees(math.asinh(math.tan(math.radians(lat)))) * METRES_PER_DEGREE


def from_mercator(x: float, y: float) -> tuple[float, float]:
    """EPSG:3857 metres to EPSG:4326 degrees."""
    return x / METRES_PER_DEGREE, math.degrees(math.atan(math.sinh(math.radians(y / METRES_PER_DEGREE))))


@dataclass(frozen=True)
class MatrixSet:
    """A tile matrix set: levels from 0 to ``max_level``, 2**z rows or half of them."""

    id: str
    title: str
    srid: int
    crs: str
    uri: str
    columns: int  # at level 0
    max_level: int
    behind: int  # levels behind WebMercatorQuad for the same scale

    def scale(self, z: int) -> float:
        """Metres per pixel at level ``z``."""
        return 2 * HALF / TILE_PIXELS / 2 ** (z + self.behind)

    def level(self, scale: float) -> int:
        """The coarsest level that is as fine as ``scale`` metres per pixel."""
        return next((z for z in range(self.max_level + 1) if self.scale(z) <= scale), self.max_level)

    def size(self, z: int) -> tuple[int, int]:
        """Columns and rows at level ``z``."""
        return self.columns * 2**z, 2**z

    def has(self, z: int, x: int, y: int) -> bool:
        if not 0 <= z <= self.max_level:
            return False
        columns, rows = self.size(z)
        return 0 <= x < columns and 0 <= y < rows

    def side(self, z: int) -> float:
        """A tile's side in units of the CRS."""
        return (2 * HALF if self.srid == 3857 else 180) / 2**z

    @property
    def origin(self) -> tuple[float, float]:
        """The top left corner, x first."""
        return (-HALF, HALF) if self.srid == 3857 else (-180.0, 90.0)

    def bounds(self, z: int, x: int, y: int, margin: float = 0) -> Bounds:
        """West, south, east, north of a tile; ``margin`` is a share of its side added all around."""
        side = self.side(z)
        left, top = self.origin
        west, north, more = left + x * side, top - y * side, margin * side
        return west - more, north - side - more, west + side + more, north + more

    def lonlat_bounds(self, z: int, x: int, y: int, margin: float = 0) -> Bounds:
        """The same in degrees, longitude first."""
        bounds = self.bounds(z, x, y, margin)
        return bounds if self.srid == 4326 else (*from_mercator(*bounds[:2]), *from_mercator(*bounds[2:]))

    def cover(self, z: int, bounds: Bounds, margin: float = 0) -> tuple[int, int, int, int]:
        """First and last column and row of the tiles that, grown by ``margin``, touch lon/lat bounds."""
        if self.srid == 3857:
            bounds = (*to_mercator(*bounds[:2]), *to_mercator(*bounds[2:]))
        side = self.side(z)
        left, top = self.origin
        columns, rows = self.size(z)
        # A hair wider than the tile, because a rounded coordinate may lie on the other side of its edge.
        margin += 1e-6
        west = math.floor((bounds[0] - left) / side - margin)
        east = math.floor((bounds[2] - left) / side + margin)
        north = math.floor((top - bounds[3]) / side - margin)
        south = math.floor((top - bounds[1]) / side + margin)
        return (
            max(west, 0),
            min(east, columns - 1),
            max(north, 0),
            min(south, rows - 1),
        )


WEB_MERCATOR = MatrixSet(
    id="WebMercatorQuad",
    title="Google Maps Compatible for the World",
    srid=3857,
    crs="http://www.opengis.net/def/crs/EPSG/0/3857",
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
    columns=1,
    max_level=20,
    behind=0,
)
WORLD_CRS84 = MatrixSet(
    id="WorldCRS84Quad",
    title="CRS84 for the World",
    srid=4326,
    crs="http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad",
    columns=2,
    max_level=19,
    behind=1,
)
SETS: dict[str, MatrixSet] = {one.id: one for one in (WEB_MERCATOR, WORLD_CRS84)}
