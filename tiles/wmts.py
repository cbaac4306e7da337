"""WMTS 1.0.0 (OGC 07-057r7) for base maps: capabilities and GetTile.

Knows nothing of Django: the stream process uses it.

Four matrix sets: ``c`` and ``w`` numbered as 天地图 does, and the OGC names for the same tiles. ``c`` is
longitude/latitude declared as EPSG:4326 (4490 within a metre), whose corner is written latitude first;
its levels are one higher than those of WorldCRS84Quad, whose corner is written longitude first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from tiles.matrix import METRES_PER_DEGREE, TILE_PIXELS, WEB_MERCATOR, WORLD_CRS84, MatrixSet

PIXEL_M = 0.00028  # the standardised rendering pixel

# Name -> matrix set, levels added in its numbering, CRS, whether y is written first.
ALIASES: dict[str, tuple[MatrixSet, int, str, bool]] = {
    "c": (WORLD_CRS84, 1, "urn:ogc:def:crs:EPSG::4326", True),
    "w": (WEB_MERCATOR, 0, "urn:ogc:def:crs:EPSG::3857", False),
    "WorldCRS84Quad": (WORLD_CRS84, 0, "urn:ogc:def:crs:OGC:1.3:CRS84", False),
    "WebMercatorQuad": (WEB_MERCATOR, 0, "urn:ogc:def:crs:EPSG::3857", False),
}


@dataclass(frozen=True)
class Offer:
    """What a WMTS offers: one layer in some matrix sets. Levels are those of the OGC sets."""

    name: str
    title: str
    attribution: str
    matrix_sets: tuple[str, ...]
    min_level: int
    max_level: int
    extent: tuple[float, float, float, float]
    image_format: str = "image/png"


class ServiceException(Exception):
    """A WMTS error, in that standard's own form (OWS ExceptionReport)."""

    def __init__(self, code: str, locator: str, text: str, status: int = 400):
        super().__init__(text)
        self.code, self.locator, self.text, self.status = code, locator, text, status

    def xml(self) -> str:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="1.0.0">'
            f"<ows:Exception exceptionCode={quoteattr(self.code)} locator={quoteattr(self.locator)}>"
            f"<ows:ExceptionText>{escape(self.text)}</ows:ExceptionText></ows:Exception>"
            "</ows:ExceptionReport>"
        )


class NoSuchTile(LookupError):
    """There is no such matrix set, or no such tile in it."""


def matrix_set_for(name: str, z: int, x: int, y: int) -> tuple[MatrixSet, int]:
    """The matrix set and its own level for a tile numbered by an alias."""
    if name not in ALIASES:
        raise NoSuchTile(name)
    matrix_set, offset, _crs, _y_first = ALIASES[name]
    if not matrix_set.has(z - offset, x, y):
        raise NoSuchTile(f"{name}/{z}/{x}/{y}")
    return matrix_set, z - offset


def parse(pairs: Iterable[tuple[str, str]], layer: str) -> tuple[str, int, int, int] | None:
    """Read a KVP request: ``None`` for GetCapabilities, else matrix set, level, column, row."""
    asked = {key.lower(): value for key, value in pairs}
    request = asked.get("request", "GetCapabilities").lower()
    if asked.get("service", "WMTS").upper() != "WMTS":
        raise ServiceException("InvalidParameterValue", "service", "This is a WMTS.")
    if request == "getcapabilities":
        return None
    if request != "gettile":
        raise ServiceException("OperationNotSupported", "request", "GetCapabilities or GetTile.", 501)
    for name in ("layer", "tilematrixset", "tilematrix", "tilerow", "tilecol"):
        if name not in asked:
            raise ServiceException("MissingParameterValue", name, f"{name} is missing.")
    if asked["layer"] != layer:
        raise ServiceException("InvalidParameterValue", "layer", f"The only layer is {layer}.")
    try:
        z, x, y = (int(asked[name]) for name in ("tilematrix", "tilecol", "tilerow"))
        matrix_set_for(asked["tilematrixset"], z, x, y)
    except ValueError:
        raise ServiceException(
            "InvalidParameterValue", "tilematrix", "Matrix, row and column are numbers."
        ) from None
    except NoSuchTile as error:
        raise ServiceException("TileOutOfRange", "tilematrix", f"There is no tile {error}.") from None
    return asked["tilematrixset"], z, x, y


def scale_denominator(matrix_set: MatrixSet, z: int) -> float:
    """Metres on the equator per standard pixel."""
    side = matrix_set.side(z) * (1 if matrix_set.srid == 3857 else METRES_PER_DEGREE)
    return side / TILE_PIXELS / PIXEL_M


def _matrix_set(name: str, offer: Offer) -> str:
    matrix_set, offset, crs, y_first = ALIASES[name]
    corner = f"{matrix_set.origin[0]!r} {matrix_set.origin[1]!r}"
    if matrix_set.srid == 4326:
        corner = "90.0 -180.0" if y_first else "-180.0 90.0"
    parts = [
        f"<TileMatrixSet><ows:Identifier>{name}</ows:Identifier><ows:SupportedCRS>{crs}</ows:SupportedCRS>"
    ]
    if not offset:
        parts.append(f"<WellKnownScaleSet>{_well_known(matrix_set)}</WellKnownScaleSet>")
    for z in range(offer.min_level, min(offer.max_level, matrix_set.max_level) + 1):
        columns, rows = matrix_set.size(z)
        parts.append(
            f"<TileMatrix><ows:Identifier>{z + offset}</ows:Identifier>"
            f"<ScaleDenominator>{scale_denominator(matrix_set, z)!r}</ScaleDenominator>"
            f"<TopLeftCorner>{corner}</TopLeftCorner><TileWidth>{TILE_PIXELS}</TileWidth>"
            f"<TileHeight>{TILE_PIXELS}</TileHeight><MatrixWidth>{columns}</MatrixWidth>"
            f"<MatrixHeight>{rows}</MatrixHeight></TileMatrix>"
        )
    parts.append("</TileMatrixSet>")
    return "".join(parts)


def _well_known(matrix_set: MatrixSet) -> str:
    name = "GoogleMapsCompatible" if matrix_set.srid == 3857 else "GoogleCRS84Quad"
    return f"urn:ogc:def:wkss:OGC:1.0:{name}"


def _limits(name: str, offer: Offer) -> str:
    """Which tiles there are: those over the layer's extent."""
    matrix_set, offset, _crs, _y_first = ALIASES[name]
    parts = []
    for z in range(offer.min_level, min(offer.max_level, matrix_set.max_level) + 1):
        west, east, north, south = matrix_set.cover(z, offer.extent)
        parts.append(
            f"<TileMatrixLimits><TileMatrix>{z + offset}</TileMatrix><MinTileRow>{north}</MinTileRow>"
            f"<MaxTileRow>{south}</MaxTileRow><MinTileCol>{west}</MinTileCol><MaxTileCol>{east}</MaxTileCol>"
            "</TileMatrixLimits>"
        )
    return f"<TileMatrixSetLimits>{''.join(parts)}</TileMatrixSetLimits>"


def capabilities(offer: Offer, base: str) -> str:
    """The capabilities document; ``base`` is the absolute address of the base map."""
    west, south, east, north = offer.extent
    kvp = (
        '<ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value>'
        "</ows:AllowedValues></ows:Constraint>"
    )

    def operation(name: str) -> str:
        address = quoteattr(base + "/wmts?")
        return (
            f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href={address}>'
            f"{kvp}</ows:Get></ows:HTTP></ows:DCP></ows:Operation>"
        )

    kind = "jpg" if offer.image_format == "image/jpeg" else "png"
    template = f"{base}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.{kind}"
    links = "".join(
        f"<TileMatrixSetLink><TileMatrixSet>{name}</TileMatrixSet>{_limits(name, offer)}</TileMatrixSetLink>"
        for name in offer.matrix_sets
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"'
        ' xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">'
        f"<ows:ServiceIdentification><ows:Title>{escape(offer.title)}</ows:Title>"
        "<ows:ServiceType>OGC WMTS</ows:ServiceType>"
        "<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion></ows:ServiceIdentification>"
        f"<ows:OperationsMetadata>{operation('GetCapabilities')}{operation('GetTile')}</ows:OperationsMetadata>"
        f"<Contents><Layer><ows:Title>{escape(offer.title)}</ows:Title>"
        f"<ows:Abstract>{escape(offer.attribution)}</ows:Abstract>"
        "<ows:WGS84BoundingBox>"
        f"<ows:LowerCorner>{west!r} {south!r}</ows:LowerCorner>"
        f"<ows:UpperCorner>{east!r} {north!r}</ows:UpperCorner></ows:WGS84BoundingBox>"
        f"<ows:Identifier>{escape(offer.name)}</ows:Identifier>"
        '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>'
        f"<Format>{offer.image_format}</Format>{links}"
        f'<ResourceURL format="{offer.image_format}" resourceType="tile" template={quoteattr(template)}/>'
        f"</Layer>{''.join(_matrix_set(name, offer) for name in offer.matrix_sets)}</Contents>"
        f"<ServiceMetadataURL xlink:href={quoteattr(base + '/wmts')}/></Capabilities>"
    )
