"""Outlines of areas from files: reading, converting the datum, judging. Pure: knows no database.

A file's coordinate system is declared by whoever imports, because Chinese outlines are mostly GCJ-02 under a
WGS-84 label. Neighbours share their vertices, so every distinct vertex is converted once and put on a lattice
of 1e-8 degrees (about a millimetre): what touched before still touches after.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj
import shapely
from django.utils.translation import gettext as _

from geo import coordinates, vector_files
from geo.divisions import significant
from geo.problems import Problem

LATTICE_DIGITS = 8
# A repair may not change an outline's size by more than this share.
REPAIR_LIMIT = 0.01
_CODE_FIELDS = ("code", "code12", "adcode", "xzqdm", "pac", "gb", "区划代码", "代码")
_NAME_FIELDS = ("name", "xzqmc", "名称", "区划名称")
_GEOD = pyproj.Geod(ellps="WGS84")


class OutlineError(ValueError):
    """A file of outlines that cannot be used as a whole."""


@dataclass
class Outlines:
    """WGS-84 multipolygons by significant code; ``refused`` and ``repaired`` are sentences for the report."""

    geometries: dict[str, shapely.MultiPolygon] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    crs: str = ""
    # As they lay in the file, for guessing at the datum.
    raw: dict[str, shapely.Geometry] = field(default_factory=dict)


def square_metres(geometry) -> float:
    """Geodesic area on the WGS-84 ellipsoid in m², whatever the direction of the rings."""
    if shapely.is_empty(geometry):
        return 0.0
    return abs(_GEOD.geometry_area_perimeter(shapely.orient_polygons(geometry))[0])


def read_outlines(
    path: Path | str,
    crs: str | int | None = None,
    *,
    code_field: str = "",
    name_field: str = "",
    layer: str | None = None,
    encoding: str | None = None,
    repair: bool = False,
    under: str = "",
) -> Outlines:
    """Read polygons from any OGR file.

    ``crs`` is what the numbers are in; without it the file's own label counts, and a file without one is
    refused. Invalid polygons are refused by name, or with ``repair`` mended when that changes their size by
    at most one per cent.
    """
    try:
        frame = vector_files.read_frame(path, layer, encoding)
    except Problem as problem:
        raise OutlineError(problem.detail) from None
    if "geometry" not in frame or frame.empty:
        raise OutlineError(_("%(file)s holds no outlines.") % {"file": Path(path).name})
    fields = [name for name in frame.columns if name != "geometry"]
    code_field = _field(code_field, _CODE_FIELDS, fields, required=True)
    name_field = _field(name_field, _NAME_FIELDS, fields, required=False)
    if crs is None:
        if frame.crs is None:
            raise OutlineError(
                _("%(file)s does not say its coordinate system: declare it.") % {"file": Path(path).name}
            )
        crs = frame.crs.to_epsg() or frame.crs.to_wkt()
    result = Outlines(crs=str(crs))
    under = significant(under) if under else ""
    parts: dict[str, list] = {}
    for row, geometry in enumerate(frame.geometry.to_numpy()):
        said = str(frame[code_field].iloc[row])
        try:
            code = significant(said)
        except ValueError as error:
            result.refused.append(_("row %(row)d: %(error)s") % {"row": row + 1, "error": error})
            continue
        if under and not (code.startswith(under) or under.startswith(code)):
            continue
        name = str(frame[name_field].iloc[row]) if name_field else ""
        if geometry is None or shapely.get_dimensions(geometry) != 2:
            result.refused.append(_("%(code)s %(name)s: no polygon.") % {"code": code, "name": name})
            continue
        parts.setdefault(code, []).append(geometry)
        result.names[code] = name
    # A file may hold an exclave as a row of its own.
    result.raw = {
        code: shapely.multipolygons(shapely.get_parts(np.array(rows))) for code, rows in parts.items()
    }
    if result.raw:
        converted = convert(np.array(list(result.raw.values())), crs)
        for code, geometry in zip(result.raw, converted, strict=True):
            _judge(result, code, geometry, repair)
    return result


def convert(geometries, crs: str | int):
    """Geometries as WGS-84, each distinct vertex converted once and put on the lattice."""
    xy = shapely.get_coordinates(geometries)
    distinct, where = np.unique(xy, axis=0, return_inverse=True)
    moved = shapely.get_coordinates(coordinates.geometries_to_wgs84(shapely.points(distinct), crs))
    return shapely.set_coordinates(geometries.copy(), np.round(moved, LATTICE_DIGITS)[np.ravel(where)])


def _judge(result: Outlines, code: str, geometry, repair: bool) -> None:
    words = {"code": code, "name": result.names.get(code, "")}
    if shapely.is_valid(geometry):
        result.geometries[code] = geometry
        return
    reason = shapely.is_valid_reason(geometry)
    if not repair:
        result.refused.append(_("%(code)s %(name)s: %(reason)s.") % {**words, "reason": reason})
        return
    mended = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    polygons = [part for part in shapely.get_parts(mended) if shapely.get_dimensions(part) == 2]
    mended = shapely.multipolygons(polygons)
    before, after = square_metres(geometry), square_metres(mended)
    share = abs(after - before) / before if before else 1.0
    words |= {"reason": reason, "change": after - before, "share": 100 * share}
    if not polygons or share > REPAIR_LIMIT:
        result.refused.append(
            _("%(code)s %(name)s: %(reason)s; a repair would change it by %(change).0f m² (%(share).2f %%).")
            % words
        )
        return
    result.geometries[code] = mended
    result.repaired.append(
        _("%(code)s %(name)s: %(reason)s; repaired, changed by %(change).0f m² (%(share).3f %%).") % words
    )


def _field(wanted: str, usual, fields, *, required: bool) -> str:
    by_lower = {name.lower(): name for name in fields}
    if wanted:
        if wanted.lower() in by_lower:
            return by_lower[wanted.lower()]
    else:
        for name in usual:
            if name in by_lower:
                return by_lower[name]
        if not required:
            return ""
    raise OutlineError(
        _("No field “%(wanted)s”; the file has: %(has)s.")
        % {"wanted": wanted or usual[0], "has": ", ".join(fields)}
    )


def nesting_faults(
    geometries: dict[str, shapely.MultiPolygon], parents: dict[str, str], least: float = 1.0
) -> list[str]:
    """Sentences on siblings that overlap and children that leave or do not fill their parent.

    Anything smaller than ``least`` m² is left unsaid.
    """
    faults = []
    children: dict[str, list[str]] = {}
    for code, parent in parents.items():
        if code in geometries:
            children.setdefault(parent, []).append(code)
    for parent, codes in sorted(children.items()):
        shapes = np.array([geometries[code] for code in codes])
        tree = shapely.STRtree(shapes)
        for one, other in tree.query(shapes, predicate="intersects").T:
            if one < other:
                size = square_metres(_solid(shapely.intersection(shapes[one], shapes[other])))
                if size >= least:
                    words = {"one": codes[one], "other": codes[other], "size": size}
                    faults.append(_("%(one)s and %(other)s overlap by %(size).0f m².") % words)
        if parent not in geometries:
            continue
        together = shapely.union_all(shapes)
        outside = square_metres(_solid(shapely.difference(together, geometries[parent])))
        if outside >= least:
            words = {"parent": parent, "size": outside}
            faults.append(_("Children of %(parent)s lie %(size).0f m² outside it.") % words)
        gap = square_metres(_solid(shapely.difference(geometries[parent], together)))
        listed = [code for code, above in parents.items() if above == parent]
        if gap >= least and len(listed) == len(codes):
            words = {"parent": parent, "size": gap}
            faults.append(_("Children of %(parent)s leave %(size).0f m² of it uncovered.") % words)
    return faults


def _solid(geometry):
    """Only the polygons of an overlay's result: a shared border is no overlap."""
    parts = shapely.get_parts(geometry)
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])
