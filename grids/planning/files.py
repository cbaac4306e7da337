"""Grids of a plan from any vector file: which row is which grid of which community."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo.problems import Problem
from grids import coverage, imports
from grids.models import Grid
from grids.publication import kind_of

KINDS = (".gpkg", ".geojson", ".json", ".shp", ".kml", ".gml", ".dxf", ".fgb", ".tab", ".mif")
MOST_UNPACKED = 1024**3
MOST_ROWS = 20_000
# A description of data that lie elsewhere would be read with the server's eyes.
POINTERS = (b"<ogrvrtdatasource", b"<ogrwfsdatasource", b"<vrtdataset", b"<gdal_wms", b"<wfs_capabilities")
HEAD_BYTES = 1 << 16
# A grid with this share of its ground in a community is there without a closer look.
NEIGHBOURLY = 0.01


def read(plan, outlines: dict, result) -> dict[str, dict]:
    """Grids by community and key from the plan's file; rows of other communities are left aside.

    A row's code has 15 digits, or the 3 of the sequence; without one it is a new grid, and lies in the
    community with which it shares most ground. What cannot be read is a ``Problem``, a wrong row a sentence
    in ``result.errors``.
    """
    from grids.planning.draft import Wanted

    options = plan.options
    path = dataset(Path(plan.file.path))
    frame, geometries = imports.read_frame(
        path, options.get("crs") or None, layer=options.get("layer") or None, encoding=options.get("encoding")
    )
    if len(frame) > MOST_ROWS:
        raise Problem(_("The file holds more than %d rows.") % MOST_ROWS)
    fields = [name for name in frame.columns if name != "geometry"]
    code_field = imports.column_of(options.get("code_field", ""), imports.CODE_FIELDS, fields)
    name_field = imports.column_of(options.get("name_field", ""), imports.NAME_FIELDS, fields)
    places = _communities(geometries, outlines)
    known = dict(Grid.objects.filter(community_code__in=plan.communities).values_list("code", "retired_on"))
    found: dict[str, dict] = {}
    for number, geometry in enumerate(geometries, start=1):
        row = frame.iloc[number - 1]
        said = imports.cell_text(row[code_field]) if code_field else ""
        name = imports.cell_text(row[name_field]) if name_field else ""
        community = said[:12] if re.fullmatch(r"[0-9]{15}", said) else places[number - 1]
        if community not in outlines:
            continue
        if geometry is None or shapely.get_dimensions(geometry) != 2:
            result.errors.append(
                _("row %(row)d: %(code)s has no polygon.") % {"row": number, "code": said or name}
            )
            continue
        code = ""
        if re.fullmatch(r"[0-9]{15}|[0-9]{3}", said):
            code = said if len(said) == 15 else community + said
        if known.get(code):
            result.errors.append(
                _("row %(row)d: %(code)s was retired; codes are not used twice.")
                % {"row": number, "code": code}
            )
            continue
        key = code or _("row %d") % number
        here = found.setdefault(community, {})
        if key in here:
            result.errors.append(
                _("row %(row)d: %(code)s stands in the file twice.") % {"row": number, "code": code}
            )
            continue
        # What stands where a code would and is none names the grid.
        name = name or ("" if code else said)
        if not imports.named(result, number, code or places[number - 1], name):
            continue
        shape = shapely.get_geometry(geometry, 0) if shapely.get_num_geometries(geometry) == 1 else geometry
        kind = kind_of(code) if code else Grid.Kind.BASIC
        here[key] = Wanted(shape, code, name, kind)
    return found


def dataset(path: Path) -> str:
    """What GDAL shall open: the file, or the one data set that a ZIP archive holds."""
    if path.suffix.lower() != ".zip":
        if path.suffix.lower() not in KINDS:
            raise Problem(_("A file to start from ends in one of: %s.") % ", ".join((".zip", *KINDS)))
        with path.open("rb") as file:
            _check(file.read(HEAD_BYTES), path.name)
        return str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MOST_UNPACKED:
                raise Problem(_("The file is too big."))
            found = [member for member in members if Path(member.filename).suffix.lower() in KINDS]
            if len(found) != 1:
                names = ", ".join(member.filename for member in found[:5]) or "–"
                raise Problem(_("An archive must hold one file of grids; this one has: %s.") % names)
            with archive.open(found[0]) as file:
                _check(file.read(HEAD_BYTES), found[0].filename)
            return f"/vsizip/{path}/{found[0].filename}"
    except (zipfile.BadZipFile, RuntimeError):
        raise Problem(_("%s is no ZIP archive.") % path.name) from None


def _check(head: bytes, name: str) -> None:
    if any(mark in head.lower() for mark in POINTERS):
        raise Problem(_("%s holds no data but points to others.") % name)


def _communities(geometries, outlines: dict) -> list[str]:
    """For each geometry the community with which it shares most ground, or nothing.

    Neighbours' borders rarely agree to the millimetre: what reaches in nowhere by the width that is repaired
    is a neighbour's.
    """
    codes, shapes = list(outlines), np.array(list(outlines.values()), dtype=object)
    best: dict[int, tuple[float, str]] = {}
    solid = np.array([one if one is not None else shapely.Polygon() for one in geometries], dtype=object)
    rough = np.where(shapely.is_valid(solid), solid, shapely.make_valid(solid))
    for row, outline in zip(
        *shapely.STRtree(shapes).query(rough, predicate="intersects").tolist(), strict=True
    ):
        shared = shapely.intersection(rough[row], shapes[outline])
        area = shapely.area(shared)
        if area > best.get(row, (0.0, ""))[0] and (
            area > NEIGHBOURLY * shapely.area(rough[row]) or not _is_hair(shared)
        ):
            best[row] = (area, codes[outline])
    return [best.get(row, (0.0, ""))[1] for row in range(len(geometries))]


def _is_hair(shape) -> bool:
    """Whether ground is nowhere as wide as the widest gap or overlap that is repaired."""
    flat = coverage.metric(shape, shapely.centroid(shape).y)
    return shapely.is_empty(shapely.buffer(flat, -coverage.TOLERANCE_M / 2))
