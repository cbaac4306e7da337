"""Addresses of other people's map services: WMTS (KVP, REST) and WMS (1.1.1, 1.3.0).

Plain values in, plain values out: the stream process has no ORM. Levels are those of our matrix sets; a
service's own names for them are ``matrices``, or the level plus ``level_offset``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from tiles.matrix import TILE_PIXELS, WEB_MERCATOR, WORLD_CRS84, MatrixSet

# Reference systems whose authority writes latitude first, which WMS 1.3.0 follows.
LATITUDE_FIRST = {"EPSG:4326", "EPSG:4490"}


@dataclass(frozen=True)
class Source:
    """A base map as the proxy knows it."""

    name: str
    title: str
    service: str
    url: str
    projection: str
    key: str = ""
    layer: str = ""
    style: str = ""
    image_format: str = "image/png"
    matrix_set: str = ""
    level_offset: int = 0
    matrices: dict = field(default_factory=dict, hash=False)
    min_level: int = 0
    max_level: int = 18
    timeout_s: float = 5
    attribution: str = ""
    is_overlay: bool = False
    extent: tuple[float, float, float, float] | None = None

    @property
    def quad(self) -> MatrixSet:
        """The matrix set it is offered in."""
        return WORLD_CRS84 if self.projection == "EPSG:4326" else WEB_MERCATOR

    @property
    def crs(self) -> str:
        """The reference system a WMS is asked in."""
        return self.matrix_set or self.projection

    def with_key(self, text: str) -> str:
        return text.replace("{key}", quote(self.key, safe=""))


def with_query(url: str, **query) -> str:
    """The address with more parameters; one that it has already is replaced, whatever its case."""
    parts = urlsplit(url)
    given = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    asked = {name.lower() for name in query}
    kept = [(name, value) for name, value in given if name.lower() not in asked]
    return urlunsplit(parts._replace(query=urlencode([*kept, *query.items()])))


def matrix_name(source: Source, z: int) -> str:
    """What the service calls our level."""
    return str(source.matrices.get(str(z), z + source.level_offset))


def tile_url(source: Source, z: int, x: int, y: int) -> str:
    """The address of a tile at the service, key included: it must not leave the server."""
    url = source.with_key(source.url)
    if source.service == "wmts_kvp":
        return with_query(
            url,
            SERVICE="WMTS",
            REQUEST="GetTile",
            VERSION="1.0.0",
            LAYER=source.layer,
            STYLE=source.style,
            FORMAT=source.image_format,
            TILEMATRIXSET=source.matrix_set,
            TILEMATRIX=matrix_name(source, z),
            TILEROW=y,
            TILECOL=x,
        )
    if source.service == "wmts_rest":
        values = {
            "TileMatrixSet": source.matrix_set,
            "TileMatrix": matrix_name(source, z),
            "TileRow": str(y),
            "TileCol": str(x),
            "Style": source.style,
            "style": source.style,
            "layer": source.layer,
            "Layer": source.layer,
            "z": matrix_name(source, z),
            "x": str(x),
            "y": str(y),
        }
        for name, value in values.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=":"))
        return url
    return map_url(source, source.quad.bounds(z, x, y))


def map_url(source: Source, bounds: tuple[float, float, float, float]) -> str:
    """A WMS GetMap for a box west, south, east, north, written in the order its version wants."""
    newer = source.service == "wms_130"
    west, south, east, north = bounds
    if newer and source.crs in LATITUDE_FIRST:
        west, south, east, north = south, west, north, east
    return with_query(
        source.with_key(source.url),
        SERVICE="WMS",
        VERSION="1.3.0" if newer else "1.1.1",
        REQUEST="GetMap",
        LAYERS=source.layer,
        STYLES="" if source.style == "default" else source.style,
        FORMAT=source.image_format,
        TRANSPARENT="TRUE" if source.is_overlay else "FALSE",
        WIDTH=TILE_PIXELS,
        HEIGHT=TILE_PIXELS,
        BBOX=",".join(f"{number:.12g}" for number in (west, south, east, north)),
        **{"CRS" if newer else "SRS": source.crs},
    )


def capabilities_url(source: Source) -> str:
    """Where a service describes itself."""
    if source.service.startswith("wmts"):
        return with_query(
            source.with_key(source.url), SERVICE="WMTS", REQUEST="GetCapabilities", VERSION="1.0.0"
        )
    version = "1.3.0" if source.service == "wms_130" else "1.1.1"
    return with_query(source.with_key(source.url), SERVICE="WMS", REQUEST="GetCapabilities", VERSION=version)


def picture_kind(content: bytes) -> str | None:
    """The media type of a picture by its first bytes; services send errors as XML with status 200."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
