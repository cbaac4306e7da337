"""Coordinate systems at the door: here and nowhere else, everything becomes WGS-84 degrees.

Known systems (``crs`` is a name, ``"EPSG:n"`` or the bare number):

===============  ===========================================================================================
``wgs84``        EPSG:4326, what the database stores
``cgcs2000``     EPSG:4490, the legal datum; less than about a metre from WGS-84, so the numbers are kept
``EPSG:4534``    … 4554, CGCS2000 3-degree Gauss-Krüger by central meridian (75°E … 135°E), in metres
``EPSG:4513``    … 4533, the same zones with the zone number in front of the easting
``gcj02``        what domestic web maps return; WGS-84 shifted by some 100–700 m inside a box
``bd09``         GCJ-02 shifted once more
===============  ===========================================================================================

Longitude or easting comes first. Every function takes scalars or whole arrays and answers in kind:
floats for floats, float64 arrays for arrays. GCJ-02 has no public definition; this is the formula
published with ``eviltransform`` (googollee) and used alike by ``gcoord`` and ``coordtransform``, whose
box (and not China's border) decides where the shift applies.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyproj
import shapely
from django.utils.translation import gettext as _

WGS84, CGCS2000, GCJ02, BD09 = "wgs84", "cgcs2000", "gcj02", "bd09"
GEOGRAPHIC = (WGS84, CGCS2000, GCJ02, BD09)
GAUSS_KRUGER = {f"EPSG:{4534 + zone}": 75 + 3 * zone for zone in range(21)}
GAUSS_KRUGER_ZONED = {f"EPSG:{4513 + zone}": 25 + zone for zone in range(21)}
KNOWN = (*GEOGRAPHIC, *GAUSS_KRUGER, *GAUSS_KRUGER_ZONED)
_ALIASES = {"EPSG:4326": WGS84, "EPSG:4490": CGCS2000, "CRS84": WGS84, "OGC:CRS84": WGS84, "WGS-84": WGS84}
_ALIASES |= {"GCJ-02": GCJ02, "BD-09": BD09, "BD09LL": BD09}

# The box of the published formula, in degrees, its edges included: west, south, east, north.
BOX = (72.004, 0.8293, 137.8347, 55.8271)
# Krasovsky 1940, which the formula turns metres into degrees with.
_A, _EE = 6378245.0, 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
# Degrees; wider than the shift is anywhere.
_STRIP = 0.02
# Degrees; 0.01 mm. A handful of steps gets there; the bound is so that no point can keep us for ever.
_SETTLED = 1e-10
_ITERATIONS = 12
METRES_PER_DEGREE = 111_319.49
# Fewer points than this are chance.
_FEWEST_POINTS = 20


class CoordinateError(ValueError):
    """A coordinate or a coordinate system that cannot be meant; the text says what would be right."""


def crs_name(crs: str | int) -> str:
    """The canonical name of a known coordinate system, or a ``CoordinateError`` with the list of them."""
    text = str(crs).strip()
    if text.isdecimal():
        text = f"EPSG:{text}"
    upper = text.upper()
    name = _ALIASES.get(upper, upper if upper.startswith("EPSG:") else text.lower())
    if name not in KNOWN:
        raise CoordinateError(
            _(
                "Unknown coordinate system “%(crs)s”. Known: wgs84 (4326), cgcs2000 (4490), gcj02, bd09 "
                "and the CGCS2000 3-degree zones EPSG:4513 to EPSG:4554."
            )
            % {"crs": text}
        )
    return name


def to_wgs84(lon, lat, crs: str | int = WGS84):
    """Coordinates in ``crs`` as WGS-84 ``(lon, lat)``; for Gauss-Krüger pass easting and northing."""
    name = crs_name(crs)
    x, y, scalar = _arrays(lon, lat)
    _check(x, y, name)
    if name == GCJ02:
        x, y = _gcj02_to_wgs84(x, y)
    elif name == BD09:
        x, y = _gcj02_to_wgs84(*_bd09_to_gcj02(x, y))
    elif name.startswith("EPSG:"):
        x, y = _transformer(name, "EPSG:4490").transform(x, y)
    return (float(x), float(y)) if scalar else (x, y)


def from_wgs84(lon, lat, crs: str | int):
    """WGS-84 longitude and latitude in another system (easting and northing for Gauss-Krüger)."""
    name = crs_name(crs)
    x, y, scalar = _arrays(lon, lat)
    _check(x, y, WGS84)
    if name == GCJ02:
        x, y = _wgs84_to_gcj02(x, y)
    elif name == BD09:
        x, y = _gcj02_to_bd09(*_wgs84_to_gcj02(x, y))
    elif name.startswith("EPSG:"):
        x, y = _transformer("EPSG:4490", name).transform(x, y)
    return (float(x), float(y)) if scalar else (x, y)


def geometries_to_wgs84(geometries, crs: str | int):
    """Shapely geometries (one or an array) in ``crs`` as WGS-84.

    Beyond the known systems any CRS that PROJ has (an EPSG code, WKT, …) is taken here: files carry such.
    """
    try:
        name = crs_name(crs)
    except CoordinateError:
        convert = _foreign(str(crs)).transform
        return shapely.transform(geometries, lambda xy: np.column_stack(convert(xy[:, 0], xy[:, 1])))
    if name in (WGS84, CGCS2000):
        every = shapely.get_coordinates(geometries)
        _check(every[:, 0], every[:, 1], name)
        return geometries
    return shapely.transform(geometries, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], name)))


# --- The formulas -----------------------------------------------------------------------------------


def in_box(lon, lat):
    """Whether the published GCJ-02 formula shifts this WGS-84 place."""
    west, south, east, north = BOX
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _shift(lon, lat):
    """The GCJ-02 shift in degrees at a WGS-84 place, whether the box has it or not."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north = north + (common + 20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north = north + (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east = east + (common + 20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east = east + (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = lat / 180.0 * np.pi
    magic = 1.0 - _EE * np.sin(radians) ** 2
    root_magic = np.sqrt(magic)
    return (
        east * 180.0 / (_A / root_magic * np.cos(radians) * np.pi),
        north * 180.0 / ((_A * (1.0 - _EE)) / (magic * root_magic) * np.pi),
    )


def _wgs84_to_gcj02(lon, lat):
    inside = in_box(lon, lat)
    # The formula is left alone outside the box: at the poles it divides by nothing.
    east, north = _shift(np.where(inside, lon, 105.0), np.where(inside, lat, 35.0))
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _gcj02_to_wgs84(lon, lat):
    """Fixed-point iteration on the smooth formula; the shift changes by under 1 % over its own length.

    The box makes the map jump at its edges. A place outside the box was never shifted. Inside, along the
    western and southern edges, lies a strip that no WGS-84 place maps to: there the nearest image decides.
    """
    inside = in_box(lon, lat)
    goal_x, goal_y = np.where(inside, lon, 105.0), np.where(inside, lat, 35.0)
    x, y = goal_x, goal_y
    for _step in range(_ITERATIONS):
        east, north = _shift(x, y)
        moved = np.abs(goal_x - east - x) + np.abs(goal_y - north - y)
        x, y = goal_x - east, goal_y - north
        if not np.any(moved > _SETTLED):
            break
    # A centimetre of rounding outside the edge is still the edge.
    x = np.where(np.abs(x - BOX[0]) < 1e-7, BOX[0], x)
    y = np.where(np.abs(y - BOX[1]) < 1e-7, BOX[1], y)
    if np.any((goal_x < BOX[0] + _STRIP) | (goal_y < BOX[1] + _STRIP)):
        west, south = (np.nextafter(edge, -180.0) for edge in BOX[:2])
        for other_x, other_y in ((np.minimum(goal_x, west), goal_y), (goal_x, np.minimum(goal_y, south))):
            better = _residual(other_x, other_y, goal_x, goal_y) < _residual(x, y, goal_x, goal_y) - 1e-6
            x, y = np.where(better, other_x, x), np.where(better, other_y, y)
    return np.where(inside, x, lon), np.where(inside, y, lat)


def _residual(x, y, goal_x, goal_y):
    image_x, image_y = _wgs84_to_gcj02(x, y)
    return np.hypot(image_x - goal_x, image_y - goal_y)


def _gcj02_to_bd09(lon, lat):
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _bd09_to_gcj02(lon, lat):
    x, y = lon - 0.0065, lat - 0.006
    for _step in range(_ITERATIONS):
        back_x, back_y = _gcj02_to_bd09(x, y)
        x, y = x - (back_x - lon), y - (back_y - lat)
        if not np.any(np.abs(back_x - lon) + np.abs(back_y - lat) > _SETTLED):
            break
    return x, y


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@cache
def _foreign(crs: str) -> pyproj.Transformer:
    try:
        source = pyproj.CRS.from_user_input(int(crs) if crs.isdecimal() else crs)
    except pyproj.exceptions.CRSError:
        crs_name(crs)  # raises with the list
        raise
    return pyproj.Transformer.from_crs(source, "EPSG:4326", always_xy=True)


# --- Checks -----------------------------------------------------------------------------------------


def _arrays(lon, lat):
    scalar = np.ndim(lon) == 0 and np.ndim(lat) == 0
    try:
        x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    except (TypeError, ValueError):
        message = _("Coordinates must be numbers, got “%(got)s”.") % {"got": f"{lon}, {lat}"}
        raise CoordinateError(message) from None
    if x.shape != y.shape:
        raise CoordinateError(
            _("As many eastings as northings are needed, got %(x)d and %(y)d.") % {"x": x.size, "y": y.size}
        )
    return x, y, scalar


def _check(x, y, name: str) -> None:
    """Refuse what cannot be a coordinate of this system, naming the first such pair and its likely cause."""
    if name in GAUSS_KRUGER:
        low, high = 0.0, 1_000_000.0
    elif name in GAUSS_KRUGER_ZONED:
        low = GAUSS_KRUGER_ZONED[name] * 1_000_000.0
        high = low + 1_000_000.0
    else:
        low, high = -180.0, 180.0
    top = 90.0 if name in GEOGRAPHIC else 10_000_000.0
    good = (x >= low) & (x <= high) & (np.abs(y) <= top)  # false for NaN too
    if np.all(good):
        return
    first = int(np.argmin(np.ravel(good)))
    a, b = float(np.ravel(x)[first]), float(np.ravel(y)[first])
    swapped = low <= b <= high and abs(a) <= top
    words = {"x": f"{a:.10g}", "y": f"{b:.10g}", "n": first + 1, "crs": name}
    if not (np.isfinite(a) and np.isfinite(b)):
        text = _("Coordinate %(n)d is not a finite number (%(x)s, %(y)s).")
    elif name in GEOGRAPHIC and swapped:
        text = _(
            "Coordinate %(n)d (%(x)s, %(y)s) is out of range; longitude and latitude look swapped: "
            "longitude comes first."
        )
    elif name in GEOGRAPHIC:
        text = _(
            "Coordinate %(n)d (%(x)s, %(y)s) is out of range: longitude -180 to 180, latitude -90 to 90."
        )
    elif swapped:
        text = _("Coordinate %(n)d (%(x)s, %(y)s) looks swapped: in %(crs)s the easting comes first.")
    elif name in GAUSS_KRUGER and 25 <= a // 1_000_000 <= 45:
        zone = int(a // 1_000_000)
        words["right"] = f"EPSG:{4513 + zone - 25}"
        text = _(
            "The easting %(x)s of coordinate %(n)d carries a zone number: "
            "declare %(right)s instead of %(crs)s."
        )
    else:
        words |= {"low": f"{low:.0f}", "high": f"{high:.0f}"}
        text = _(
            "Coordinate %(n)d (%(x)s, %(y)s) is out of range for %(crs)s: easting %(low)s to %(high)s metres."
        )
    raise CoordinateError(text % words)


# --- What datum is this? ----------------------------------------------------------------------------


@dataclass(frozen=True)
class DatumGuess:
    """How far data lies from known ground under each datum it might be in.

    ``residuals`` are metres by datum; ``probable`` is the datum that fits, ``suspicious`` whether that is
    another than the declared one and fits clearly better. A guess never moves anything.
    """

    declared: str
    probable: str
    residuals: dict[str, float]
    points: int

    @property
    def suspicious(self) -> bool:
        declared, best = self.residuals[self.declared], self.residuals[self.probable]
        clear = declared > 15.0 and best < 0.5 * declared
        return self.probable != self.declared and clear and self.points >= _FEWEST_POINTS

    @property
    def warning(self) -> str:
        """One sentence for the person importing; empty when there is nothing to say."""
        if not self.suspicious:
            return ""
        return _(
            "Declared as %(declared)s the data lies about %(off).0f m from known ground, as %(probable)s "
            "only %(best).0f m: it is probably %(probable)s. Nothing was moved; declare the coordinate "
            "system and import again."
        ) % {
            "declared": self.declared,
            "probable": self.probable,
            "off": self.residuals[self.declared],
            "best": self.residuals[self.probable],
        }


def probable_datum(
    lon, lat, known, declared: str | int = WGS84, *, paired: bool = False, sample: int = 5000
) -> DatumGuess:
    """Compare points, read as each geographic datum in turn, with known ground.

    ``known``: WGS-84 shapely geometries. Lines and points (roads, borders, lamps) are measured by the median
    distance to the nearest of them; polygons (the city, its buildings) by the mean distance outside;
    ``paired=True`` measures point ``i`` to geometry ``i`` (what the same codes had before). Projected
    systems count as CGCS2000. At most ``sample`` points, evenly taken, are looked at.
    """
    name = crs_name(declared)
    x, y, _scalar = _arrays(np.atleast_1d(lon), np.atleast_1d(lat))
    if name.startswith("EPSG:"):
        (x, y), name = to_wgs84(x, y, name), CGCS2000
    known = np.atleast_1d(np.asarray(known, dtype=object))
    step = max(1, x.size // sample)
    x, y = x[::step], y[::step]
    if not x.size or not known.size:
        return DatumGuess(name, name, {name: 0.0}, 0)
    if paired:
        known = known[::step]
    squeeze = np.cos(np.radians(np.mean(y)))

    def metres(xy):
        return np.column_stack([xy[:, 0] * METRES_PER_DEGREE * squeeze, xy[:, 1] * METRES_PER_DEGREE])

    ground = shapely.transform(known, metres)
    solid = bool(np.all(shapely.get_dimensions(known) == 2))
    tree = None if paired else shapely.STRtree(ground)
    # Beyond the ground that is known, a distance to it tells nothing.
    hull = shapely.convex_hull(shapely.geometrycollections(ground))
    shapely.prepare(hull)
    residuals, counts = {}, []
    for datum in dict.fromkeys((name, WGS84 if name != CGCS2000 else CGCS2000, GCJ02, BD09)):
        points = shapely.points(metres(np.column_stack(to_wgs84(x, y, datum))))
        if paired:
            distances = shapely.distance(points, ground)
        else:
            if not solid:
                inside = shapely.contains(hull, points)
                points = points[inside] if inside.any() else points
            distances = tree.query_nearest(points, return_distance=True, all_matches=False)[1]
        residuals[datum] = float(np.mean(distances) if solid and not paired else np.median(distances))
        counts.append(points.size)
    return DatumGuess(name, min(residuals, key=residuals.get), residuals, min(counts))


def boundary_points(geometries, every: float = 50.0, *, projected: bool = False):
    """Points along borders of polygons or along lines, about ``every`` metres apart: ``(x, y)``.

    Vertices alone would say little about a straight border, and all about a wriggling one. ``projected``: the
    numbers are metres already, not degrees.
    """
    lines = shapely.get_parts(
        np.where(shapely.get_dimensions(geometries) == 2, shapely.boundary(geometries), geometries)
    )
    xy = shapely.get_coordinates(shapely.segmentize(lines, every if projected else every / METRES_PER_DEGREE))
    return xy[:, 0], xy[:, 1]


def declared_borders(geometries, crs: str | int, every: float = 50.0):
    """Borders as they lie in a file, as degrees for ``probable_datum``: ``(lon, lat, datum)``."""
    name = crs_name(crs)
    if name in GEOGRAPHIC:
        return *boundary_points(geometries, every), name
    x, y = boundary_points(geometries, every, projected=True)
    return *to_wgs84(x, y, name), CGCS2000
