"""Reading what a map service says about itself, and whether it fits what was entered.

Errors stop a base map from being used; each says what was found and what would be right.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
from django.utils.translation import gettext as _

from tiles import upstream
from tiles.matrix import MatrixSet
from tiles.upstream import Source
from tiles.wmts import scale_denominator

LARGEST = 20_000_000  # bytes of a capabilities document
# Names under which a projection goes; 4490 is 4326 within a metre.
SAME = {
    "EPSG:4326": ("4326", "4490", "CRS84"),
    "EPSG:3857": ("3857", "900913", "102100", "102113"),
}


@dataclass
class Findings:
    """What is wrong, by the form's field, and what the service's own words for our levels are."""

    errors: list[dict] = field(default_factory=list)
    matrices: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, text: str) -> None:
        self.errors.append({"field": name, "detail": text})


def _local(element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element, name: str) -> list:
    return [one for one in element.iter() if _local(one) == name]


def _children(element, name: str) -> list:
    return [one for one in element if _local(one) == name]


def _text(element, name: str) -> str:
    found = _children(element, name)
    return (found[0].text or "").strip() if found else ""


def _few(names) -> str:
    names = list(names)
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def ask(url: str, timeout_s: float, transport=None) -> httpx.Response:
    with httpx.Client(transport=transport, timeout=max(timeout_s, 1)) as client:
        return client.get(url, headers={"user-agent": "Mozilla/5.0 (Wangge base map check)"})


def check(source: Source, place: tuple[float, float] | None = None, transport=None) -> Findings:
    """Read the service's capabilities and fetch one tile at ``place`` (longitude, latitude)."""
    findings = Findings()
    if not source.url.startswith(("http://", "https://")):
        findings.wrong("url", _("The address begins with http:// or https://."))
        return findings
    if not _is_address(source.url):
        findings.wrong("url", _("This is no address: its server's name or port cannot be read."))
        return findings
    if "{key}" in source.url and not source.key:
        findings.wrong("key", _("The address has a place for a key, but there is none."))
        return findings
    if source.service != "wmts_rest":
        document = _document(source, findings, transport)
        if document is None:
            return findings
        if source.service == "wmts_kvp":
            _check_wmts(source, document, findings)
        else:
            _check_wms(source, document, findings)
    elif not any(part in source.url for part in ("{TileMatrix}", "{z}")):
        findings.wrong(
            "url", _("A REST address has {TileMatrix}, {TileRow} and {TileCol}, or {z}, {x} and {y}.")
        )
    if not findings.errors:
        _check_tile(source, place, findings, transport)
    return findings


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
    except ValueError:
        return False


def _why(error: Exception) -> str:
    """What went wrong on the way to a service, in words."""
    if isinstance(error, httpx.TimeoutException):
        return _("it did not answer in time.")
    if isinstance(error, httpx.ConnectError):
        return _("no connection. Is the address right, and may this server go there?")
    return _("the connection broke off.")


def _document(source: Source, findings: Findings, transport):
    try:
        answer = ask(upstream.capabilities_url(source), source.timeout_s, transport)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        findings.wrong("url", _("The service cannot be reached: %(why)s") % {"why": _why(error)})
        return None
    if answer.status_code != 200:
        text = _("Asked for its capabilities, the service answered with status %(status)d.")
        findings.wrong("url", text % {"status": answer.status_code})
        return None
    # Entities could blow a small document up.
    if len(answer.content) > LARGEST or b"<!ENTITY" in answer.content:
        findings.wrong("url", _("The capabilities are too large or have entities, which are not read."))
        return None
    try:
        root = ElementTree.fromstring(answer.content)
    except ElementTree.ParseError:
        findings.wrong("url", _("The service's capabilities are no XML: is this the right address?"))
        return None
    if "Exception" in _local(root):
        words = " ".join("".join(root.itertext()).split())[:200]
        findings.wrong("url", _("The service answered with an error: %(words)s") % {"words": words})
        return None
    return root


# --- WMTS -----------------------------------------------------------------------------------------
def _check_wmts(source: Source, root, findings: Findings) -> None:
    layers = {_text(one, "Identifier"): one for one in _all(root, "Layer")}
    layer = layers.get(source.layer)
    if layer is None:
        text = _("The service has no layer “%(name)s”; it has %(known)s.")
        findings.wrong("layer", text % {"name": source.layer, "known": _few(layers)})
        return
    styles = [_text(one, "Identifier") for one in _children(layer, "Style")]
    if styles and source.style not in styles:
        text = _("The layer has no style “%(name)s”; it has %(known)s.")
        findings.wrong("style", text % {"name": source.style, "known": _few(styles)})
    formats = [(one.text or "").strip() for one in _children(layer, "Format")]
    if formats and source.image_format not in formats:
        text = _("The layer does not come as “%(name)s”, but as %(known)s.")
        findings.wrong("image_format", text % {"name": source.image_format, "known": _few(formats)})
    linked = [_text(one, "TileMatrixSet") for one in _children(layer, "TileMatrixSetLink")]
    if source.matrix_set not in linked:
        text = _("The layer is not offered in the matrix set “%(name)s”, but in %(known)s.")
        findings.wrong("matrix_set", text % {"name": source.matrix_set, "known": _few(linked)})
        return
    for one in _all(root, "TileMatrixSet"):
        if _text(one, "Identifier") == source.matrix_set and _children(one, "TileMatrix"):
            _check_matrices(source, one, findings)
            return


def _check_matrices(source: Source, matrix_set, findings: Findings) -> None:
    crs = _text(matrix_set, "SupportedCRS")
    if not any(name in crs for name in SAME[source.projection]):
        text = _("The matrix set is in %(crs)s, not in %(wanted)s.")
        findings.wrong("projection", text % {"crs": crs, "wanted": source.projection})
        return
    quad, matrices = source.quad, {}
    for matrix in _children(matrix_set, "TileMatrix"):
        level = _level(quad, _text(matrix, "ScaleDenominator"))
        sizes = _text(matrix, "TileWidth"), _text(matrix, "TileHeight")
        if (
            level is not None
            and sizes == ("256", "256")
            and _corner_fits(quad, _text(matrix, "TopLeftCorner"))
        ):
            matrices[str(level)] = _text(matrix, "Identifier")
    missing = [z for z in range(source.min_level, source.max_level + 1) if str(z) not in matrices]
    if missing:
        text = _("Levels %(missing)s are not there with 256 pixels from the world's corner, but %(known)s.")
        known = _few(sorted(matrices, key=int)) or "–"
        findings.wrong("max_level", text % {"missing": _few(map(str, missing)), "known": known})
    findings.matrices = matrices


def _level(quad: MatrixSet, text: str) -> int | None:
    """Our level of a scale denominator; pixels of 0.2646 mm, which some reckon with, are a tenth off."""
    try:
        denominator = float(text)
    except ValueError:
        return None
    if not 0 < denominator < math.inf:
        return None
    level = math.log2(scale_denominator(quad, 0) / denominator)
    nearest = round(level)
    return nearest if abs(level - nearest) < 0.2 and 0 <= nearest <= 25 else None


def _corner_fits(quad: MatrixSet, text: str) -> bool:
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError:
        return False
    near = 1 if quad.srid == 3857 else 1e-6
    # Authority's order or not: the corner of the world is the same.
    return any(
        len(numbers) == 2 and all(abs(a - b) <= near for a, b in zip(numbers, corner, strict=True))
        for corner in (quad.origin, quad.origin[::-1])
    )


# --- WMS ------------------------------------------------------------------------------------------
def _check_wms(source: Source, root, findings: Findings) -> None:
    wanted = "1.3" if source.service == "wms_130" else "1.1"
    version = root.get("version", "")
    if not version.startswith(wanted):
        text = _("The service speaks WMS %(version)s, not %(wanted)s.")
        findings.wrong("service", text % {"version": version or "?", "wanted": wanted})
    layers = {name: one for one in _all(root, "Layer") if (name := _text(one, "Name"))}
    for name in source.layer.split(","):
        if name not in layers:
            text = _("The service has no layer “%(name)s”; it has %(known)s.")
            findings.wrong("layer", text % {"name": name, "known": _few(layers)})
    if source.crs.rpartition(":")[2] not in SAME[source.projection]:
        text = _("%(crs)s is not drawn in %(wanted)s.")
        findings.wrong("matrix_set", text % {"crs": source.crs, "wanted": source.projection})
    systems = {part for tag in ("CRS", "SRS") for one in _all(root, tag) for part in (one.text or "").split()}
    if source.crs not in systems:
        text = _("The service does not draw in %(crs)s, but in %(known)s.")
        findings.wrong("matrix_set", text % {"crs": source.crs, "known": _few(sorted(systems))})
    formats = [
        (one.text or "").strip() for get_map in _all(root, "GetMap") for one in _children(get_map, "Format")
    ]
    if formats and source.image_format not in formats:
        text = _("The layer does not come as “%(name)s”, but as %(known)s.")
        findings.wrong("image_format", text % {"name": source.image_format, "known": _few(formats)})


# --- a tile ---------------------------------------------------------------------------------------
def _check_tile(source: Source, place, findings: Findings, transport) -> None:
    lon, lat = place or (104.0, 35.0)
    if source.extent:
        lon = (source.extent[0] + source.extent[2]) / 2
        lat = (source.extent[1] + source.extent[3]) / 2
    z = min(max(source.min_level, 8), source.max_level)
    x, _east, y, _south = source.quad.cover(z, (lon, lat, lon, lat), margin=-1e-6)
    try:
        answer = ask(upstream.tile_url(source, z, x, y), source.timeout_s, transport)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        findings.wrong("url", _("A tile cannot be fetched: %(why)s") % {"why": _why(error)})
        return
    if answer.status_code != 200 or upstream.picture_kind(answer.content) is None:
        words = answer.text[:120] if upstream.picture_kind(answer.content) is None else ""
        text = _("A tile came with status %(status)d and is no picture: %(words)s")
        findings.wrong("url", text % {"status": answer.status_code, "words": words})
