"""Grids from a file: read, checked community by community, and drawn where they cannot be taken."""

import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo import coordinates, outlines, vector_files
from geo.models import Area
from geo.problems import Problem
from grids import coverage
from grids.models import Grid
from grids.publication import Border, NewBorders, kind_of, to_shapely

CODE_FIELDS = ("code", "grid_code", "wgbm", "网格编码", "网格编号", "编码")
MOST_NAME = 100
NAME_FIELDS = ("name", "grid_name", "wgmc", "网格名称", "名称")
# Ring of a drawing in SVG units; a fault that would be smaller gets a circle of this radius.
DRAWING_SIDE, DOT = 1000, 9
# Communities whose borders tell a wrong datum well enough.
LOOKED_AT = 50


@dataclass
class GridFile:
    """What a file of grids says: ``borders`` can be published without ``errors`` and ``faults``.

    ``errors`` are sentences about rows that cannot even be drawn (no code, no polygon).
    """

    borders: list[NewBorders] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    repairs: list[coverage.Finding] = field(default_factory=list)
    faults: list[coverage.Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    shapes: dict[str, dict[str, shapely.Geometry]] = field(default_factory=dict)
    outlines: dict[str, shapely.Geometry] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors and not self.faults

    @property
    def count(self) -> int:
        return sum(len(borders.grids) for borders in self.borders)


def read_grids(
    path: Path | str,
    crs: str | int | None,
    *,
    code_field: str = "",
    name_field: str = "",
    kind_field: str = "",
    layer: str | None = None,
    encoding: str | None = None,
    unit: bool = False,
    progress=None,
) -> GridFile:
    """Read and check grids: polygons with a 15-digit code, in any OGR format, in a declared CRS.

    Every community named in the file is taken as a whole. ``progress(done, all)`` is called per community.
    """
    frame, geometries = read_frame(path, crs, layer=layer, encoding=encoding)
    fields = [name for name in frame.columns if name != "geometry"]
    code_field = column_of(code_field, CODE_FIELDS, fields, required=True)
    name_field = column_of(name_field, NAME_FIELDS, fields)
    kind_field = column_of(kind_field, (), fields)
    result = GridFile()
    rows: dict[str, tuple] = {}
    for number, geometry in enumerate(geometries, start=1):
        row = frame.iloc[number - 1]
        _take(result, rows, number, geometry, row, code_field, name_field, kind_field, unit)
    _check(result, rows, progress)
    if result.faults:
        _warn_about_datum(result, frame, rows, crs)
    return result


def _warn_about_datum(result: GridFile, frame, rows, crs) -> None:
    """Borders that do not fit may lie in another datum than the declared one: say in which."""
    raw: dict[str, list] = {}
    for code, row in rows.items():
        if code[:12] in result.outlines:
            raw.setdefault(code[:12], []).append(shapely.buffer(frame.geometry.iloc[row[0] - 1], 0))
    if not raw:
        return
    some = sorted(raw)[:LOOKED_AT]
    outer = np.array([shapely.union_all(raw[code]) for code in some], dtype=object)
    known = shapely.boundary(np.array([result.outlines[code] for code in some], dtype=object))
    try:
        said = crs or frame.crs.to_epsg() or frame.crs.to_wkt()
        lon, lat, datum = coordinates.declared_borders(outer, said, every=10)
    except coordinates.CoordinateError:
        return
    guess = coordinates.probable_datum(lon, lat, known, datum)
    if guess.suspicious:
        result.warnings.append(guess.warning)


def read_frame(path: Path | str, crs: str | int | None, *, layer: str | None = None, encoding=None):
    """A layer of any OGR format: its table, and its geometries in WGS-84 on the lattice.

    ``crs`` is what the numbers are in; without it the file's own label counts.
    """
    name = Path(path).name
    frame = vector_files.read_frame(path, layer, encoding)
    if "geometry" not in frame or frame.empty:
        raise Problem(_("%s holds no polygons.") % name)
    if crs is None:
        if frame.crs is None:
            raise Problem(_("%s does not say its coordinate system: declare it.") % name)
        crs = frame.crs.to_epsg() or frame.crs.to_wkt()
    try:
        return frame, outlines.convert(np.asarray(frame.geometry.to_numpy(), dtype=object), crs)
    except coordinates.CoordinateError as error:
        raise Problem(str(error), kind="coordinates") from None


def column_of(wanted: str, usual, fields, required: bool = False) -> str:
    """The field that was asked for, or the first with a usual name."""
    if wanted:
        if wanted not in fields:
            raise Problem(
                _("The file has no field “%(field)s”; it has: %(fields)s.")
                % {"field": wanted, "fields": ", ".join(fields)}
            )
        return wanted
    found = next((name for name in fields if name.lower() in usual), "")
    if required and not found:
        raise Problem(_("Say which field holds the code; the file has: %s.") % ", ".join(fields))
    return found


def cell_text(value) -> str:
    """A cell as text; numbers that came as 1.0 lose the point."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _take(result, rows, number, geometry, row, code_field, name_field, kind_field, unit) -> None:
    """One row of the file, or a sentence why not."""
    code = cell_text(row[code_field])
    if not (len(code) == 15 and code.isascii() and code.isdigit()):
        result.errors.append(
            _("row %(row)d: “%(code)s” is no grid code; it has 15 digits: community 12 + sequence 3.")
            % {"row": number, "code": code}
        )
        return
    if geometry is None or shapely.get_dimensions(geometry) != 2:
        result.errors.append(_("row %(row)d: %(code)s has no polygon.") % {"row": number, "code": code})
        return
    if code in rows:
        result.errors.append(
            _("row %(row)d: %(code)s stands in row %(other)d already; a grid is one polygon.")
            % {"row": number, "code": code, "other": rows[code][0]}
        )
        return
    kind = "" if unit else kind_of(code)
    said = cell_text(row[kind_field]).lower() if kind_field and not unit else ""
    if said:
        words = {str(label).lower(): value for value, label in Grid.Kind.choices}
        words |= {"basic": "basic", "exclusive": "exclusive", "基础网格": "basic", "专属网格": "exclusive"}
        if said not in words:
            result.errors.append(
                _("row %(row)d: %(code)s: “%(kind)s” is neither basic nor exclusive.")
                % {"row": number, "code": code, "kind": said}
            )
            return
        kind = words[said]
    name = cell_text(row[name_field]) if name_field else ""
    if not named(result, number, code, name):
        return
    rows[code] = (number, geometry, name, kind)


def named(result: GridFile, number: int, code: str, name: str) -> bool:
    """Whether a grid's name fits; a fault of the file where it does not."""
    if len(name) > MOST_NAME:
        result.errors.append(
            _("row %(row)d: %(code)s has a name of %(n)d characters; at most %(most)d are kept.")
            % {"row": number, "code": code, "n": len(name), "most": MOST_NAME}
        )
    return len(name) <= MOST_NAME


def _check(result: GridFile, rows, progress) -> None:
    """Community by community: cleaned, or its faults."""
    by_community: dict[str, dict] = {}
    for code, row in rows.items():
        by_community.setdefault(code[:12], {})[code] = row
    areas = {
        area.code: area
        for area in Area.objects.filter(level=Area.Level.COMMUNITY, valid_to=None, code__in=by_community)
    }
    for done, community in enumerate(sorted(by_community), start=1):
        here = by_community[community]
        area = areas.get(community)
        if area is None or area.geom is None:
            result.errors.append(
                _("community %(code)s (%(count)d grids) has no outline here: import the areas first.")
                % {"code": community, "count": len(here)}
            )
            continue
        outline = to_shapely(area.geom)
        shapes = {code: row[1] for code, row in here.items()}
        cleaned = coverage.clean(community, shapes, outline)
        result.shapes[community], result.outlines[community] = shapes, outline
        result.repairs += cleaned.repairs
        result.faults += cleaned.faults
        if not cleaned.faults:
            borders = {
                code: Border(shape, here[code][2], here[code][3]) for code, shape in cleaned.grids.items()
            }
            lost = sorted(set(here) - set(borders))
            if lost:
                result.errors.append(_("%s vanish when gaps and overlaps are repaired.") % ", ".join(lost))
            result.borders.append(NewBorders(community, borders, outline, cleaned.nodes))
        if progress:
            progress(done, len(by_community))


def write_faults(path: Path, findings: list[coverage.Finding]) -> None:
    """Gaps, overlaps and whatever else was found, as GeoJSON (WGS-84)."""
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(finding.geometry),
            "properties": {
                "kind": finding.kind,
                "community": finding.community,
                "grids": ", ".join(finding.grids),
                "width_m": round(finding.width_m, 3),
                "area_m2": round(finding.area_m2, 2),
                "given_to": finding.given_to,
                "text": finding.text,
            },
        }
        for finding in findings
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1),
        encoding="utf-8",
    )


STYLE = """
body { font: 15px/1.5 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 24px; color: #1d2b28 }
svg { border: 1px solid #c9d2cf; max-width: 1000px; width: 100%; background: #fbfcfb }
.grid { fill: #e4efec; stroke: #2f7d6d; stroke-width: 1; fill-opacity: .6 }
.outline { fill: none; stroke: #1d2b28; stroke-width: 2.5; stroke-dasharray: 8 4 }
.gap, .overlap, .outside, .parts, .invalid { stroke-width: 1.5; fill-opacity: .75 }
.gap { fill: #d64545; stroke: #8f1d1d } .overlap { fill: #8a4fbf; stroke: #55277f }
.outside { fill: #d98a1f; stroke: #8a5208 } .parts { fill: #2b6cb0; stroke: #163f6b }
.invalid { fill: #1d2b28; stroke: #1d2b28 }
text { font-size: 16px; text-anchor: middle } text.number { font-weight: bold; fill: #8f1d1d }
"""


def write_drawing(path: Path, result: GridFile) -> None:
    """A page that draws each community with faults: its outline, its grids, every fault numbered."""
    parts = [f"<!doctype html><meta charset='utf-8'><title>{escape(_('Faults of grids'))}</title>"]
    parts.append(f"<style>{STYLE}</style><h1>{escape(_('Faults of grids'))}</h1>")
    for community in sorted({finding.community for finding in result.faults}):
        faults = [finding for finding in result.faults if finding.community == community]
        parts.append(f"<h2>{community}</h2>{_draw(result, community, faults)}<ol>")
        parts += [f"<li>{escape(finding.text)}</li>" for finding in faults]
        parts.append("</ol>")
    path.write_text("\n".join(parts), encoding="utf-8")


def _draw(result: GridFile, community: str, faults) -> str:
    everything = [result.outlines[community], *result.shapes[community].values()]
    west, south, east, north = shapely.total_bounds(np.array(everything, dtype=object))
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    scale = DRAWING_SIDE / max((east - west) * squeeze, north - south)

    def plane(geometry):
        return shapely.transform(
            geometry,
            lambda xy: np.column_stack([(xy[:, 0] - west) * squeeze * scale, (north - xy[:, 1]) * scale]),
        )

    def path(geometry, css: str) -> str:
        rings = [
            "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(ring)) + " Z"
            for part in shapely.get_parts(plane(geometry))
            if part.geom_type == "Polygon"
            for ring in (part.exterior, *part.interiors)
        ]
        return f'<path class="{css}" fill-rule="evenodd" d="{" ".join(rings)}"/>'

    drawn = [path(shape, "grid") for shape in result.shapes[community].values()]
    drawn.append(path(result.outlines[community], "outline"))
    for code, shape in result.shapes[community].items():
        middle = plane(shapely.point_on_surface(shape))
        drawn.append(f'<text x="{middle.x:.0f}" y="{middle.y:.0f}">{code[-3:]}</text>')
    for number, fault in enumerate(faults, start=1):
        middle = plane(shapely.point_on_surface(fault.geometry))
        drawn.append(path(fault.geometry, fault.kind))
        drawn.append(f'<circle class="{fault.kind}" cx="{middle.x:.1f}" cy="{middle.y:.1f}" r="{DOT}"/>')
        drawn.append(f'<text class="number" x="{middle.x:.0f}" y="{middle.y - 2 * DOT:.0f}">{number}</text>')
    width, height = (east - west) * squeeze * scale, (north - south) * scale
    return f'<svg viewBox="-20 -30 {width + 40:.0f} {height + 50:.0f}" role="img">{"".join(drawn)}</svg>'
