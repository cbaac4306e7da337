"""Coordinate pairs as people write them."""

from __future__ import annotations

import re

from django.conf import settings

from geo.coordinates import CoordinateError, to_wgs84

_SYSTEMS = {
    "wgs84": "wgs84",
    "wgs-84": "wgs84",
    "cgcs2000": "cgcs2000",
    "gcj02": "gcj02",
    "gcj-02": "gcj02",
    "高德": "gcj02",
    "bd09": "bd09",
    "bd-09": "bd09",
    "百度": "bd09",
}
_SIDES = {
    "n": "n", "s": "s", "e": "e", "w": "w", "北": "n", "南": "s", "东": "e", "西": "w",
    "lat": "n", "lon": "e", "lng": "e", "纬": "n", "经": "e",
}  # fmt: skip
_SIDE = r"lat|lon|lng|北纬|南纬|东经|西经|纬度|经度|[NSEWnsew]"
_NUMBER = re.compile(
    rf"""(?P<before>{_SIDE})?\s*[:=：]?\s*
    (?P<degrees>[-+]?\d+(?:\.\d+)?)\s*
    (?:[°度]\s*(?:(?P<minutes>\d+(?:\.\d+)?)\s*['′’分]\s*)?(?:(?P<seconds>\d+(?:\.\d+)?)\s*(?:["″”秒]|''|′′)\s*)?)?
    (?P<after>[NSEWnsew](?![A-Za-z]))?""",
    re.VERBOSE,
)
# What may stand between the two numbers of a pair.
_BETWEEN = re.compile(r"[\s,，;；/、()（）\[\]]*")


def read_pair(text: str) -> tuple[float, float, str] | None:
    """WGS-84 (lon, lat) and the name of the system of a written pair, or ``None`` if the text is no pair.

    Knows decimal degrees in either order ("83.9, 39.5", "39.5 83.9", "39.5N 83.9E"), degrees with minutes and
    seconds ("39°30′00″N 83°54′00″E"), Chinese words ("北纬39.5° 东经83.9°"), a system in front
    ("gcj02:83.9,39.5", "百度 83.9,39.5"), and easting and northing of the city's projected system.
    A pair without letters is longitude first, unless only the other order is possible or lies in China.
    """
    rest = text.strip().strip("()（）[]")
    crs = ""
    for word, name in _SYSTEMS.items():
        if rest.lower().startswith(word):
            crs, rest = name, rest[len(word) :].lstrip(" :：,，")
            break
    first = _NUMBER.match(rest)
    if first is None:
        return None
    second = _NUMBER.match(rest, _BETWEEN.match(rest, first.end()).end())
    if second is None:
        return None
    apart = second.start() > first.end() or first[0][-1].isspace() or first["after"] or second["before"]
    # "12 3" is a door in a house rather than a place near Africa.
    if not apart or not re.search(r"[.°度A-Za-z经纬]", rest):
        return None
    if rest[second.end() :].strip(" ,，;)）]"):
        return None
    values = [_value(first), _value(second)]
    sides = [_side(first), _side(second)]
    if sides[0] in ("n", "s") or sides[1] in ("e", "w"):
        values, sides = values[::-1], sides[::-1]
    elif not any(sides):
        a, b = values
        if min(abs(a), abs(b)) > 10_000:
            # Metres: the northing of a place in China is the larger number.
            crs = crs or f"EPSG:{settings.CITY_SRID}"
            values = [min(a, b), max(a, b)] if max(a, b) < 10_000_000 else values
        elif (abs(b) > 90 >= abs(a)) or (3 <= a <= 54 and 73 <= b <= 136):
            values = [b, a]
    x = -abs(values[0]) if sides[0] == "w" else values[0]
    y = -abs(values[1]) if sides[1] == "s" else values[1]
    try:
        lon, lat = to_wgs84(x, y, crs or "wgs84")
    except CoordinateError:
        return None
    return lon, lat, crs or "wgs84"


def _value(match: re.Match) -> float:
    degrees = float(match["degrees"])
    part = float(match["minutes"] or 0) / 60 + float(match["seconds"] or 0) / 3600
    return degrees - part if match["degrees"].startswith("-") else degrees + part


def _side(match: re.Match) -> str:
    word = (match["before"] or match["after"] or "").lower()
    return _SIDES.get(word) or _SIDES.get(word[:1], "")
