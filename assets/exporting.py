"""Layers as files: within the caller's scope, in a chosen format and coordinate system.

What can be imported is exported with the same fields, units and types by code, so that a file may come back.
People leave in no row: households have no layer, and cases leave without their reporters.
"""

import csv
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import shapely
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.importing.targets import TARGETS
from geo import audit, coordinates
from geo.problems import Problem
from geo.registry import Layer, layers

FORMATS = {"gpkg": "GeoPackage", "shp": "ESRI Shapefile", "geojson": "GeoJSON", "csv": "CSV"}
SUFFIX = {"gpkg": ".gpkg", "shp": ".zip", "geojson": ".geojson", "csv": ".csv"}
CRS = ("4326", "4490", *(str(4534 + zone) for zone in range(21)))
CHUNK = 5_000
SHAPES = {0: "point", 1: "line", 2: "polygon"}
# What may leave with which permission; other layers with any of them.
PERMISSIONS = {"assets": "assets.export", "cases": "cases.export"}


@dataclass(frozen=True)
class Exported:
    """A file that was written."""

    path: Path
    rows: int


def exportable(user) -> list[Layer]:
    """Layers that the user may take away, in the tree's order."""
    found = [layer for layer in layers.values() if layer.geometry == "geom" and _permission(layer, user)]
    return sorted(found, key=lambda layer: (layer.group, layer.order))


def _permission(layer: Layer, user) -> str:
    """The permission that lets the user export a layer; empty when there is none."""
    app = layer.model.split(".")[0]
    wanted = [PERMISSIONS[app]] if app in PERMISSIONS else list(PERMISSIONS.values())
    return next((permission for permission in wanted if user.can(permission)), "")


def find_layer(name: str, user) -> Layer:
    """The layer, if the user may export it; else a Problem with those they may."""
    possible = {layer.id: layer for layer in exportable(user)}
    if name not in possible:
        raise Problem(
            _("“%(layer)s” is no layer that you may export. Possible: %(all)s.")
            % {"layer": name[:40], "all": ", ".join(possible) or "–"},
            status=403 if name in layers else 404,
            kind="layer",
        )
    return possible[name]


def check_options(format: str, crs: str) -> tuple[str, str]:
    """Format and EPSG code, or a Problem with what is possible."""
    crs = str(crs).upper().removeprefix("EPSG:") or "4326"
    if format not in FORMATS:
        raise Problem(_("format takes one of: %s.") % ", ".join(FORMATS), kind="format")
    if crs not in CRS:
        raise Problem(
            _("crs takes 4326, 4490 or a CGCS2000 zone from 4534 to 4554; shifted systems are not written."),
            kind="coordinates",
        )
    if format == "geojson" and crs != "4326":
        raise Problem(_("GeoJSON is always WGS-84 (4326); take a GeoPackage for another system."))
    return format, crs


def export_layer(
    name: str,
    folder: Path,
    *,
    user,
    format: str = "gpkg",
    crs: str = "4326",
    area: str = "",
    path: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Exported:
    """Write a layer's rows within the user's scope to a file in ``folder`` (or to ``path``).

    ``area`` narrows to a code prefix. Coordinates go longitude or easting first, in every format.
    """
    layer = find_layer(name, user)
    format, crs = check_options(format, crs)
    permission = _permission(layer, user)
    app = layer.model.split(".")[0]
    rows = layer.rows(user)
    if app in PERMISSIONS:
        # Seeing is one right, taking away another: rows must be within both.
        model = layer.model_class
        rows = rows.filter(pk__in=model.objects.for_user(user, permission).values("pk"))
    if area:
        rows = rows.filter(**{f"{layer.model_class.scope.area}__startswith": area})
    target = path or folder / f"{name}-{timezone.localdate():%Y%m%d}{SUFFIX[format]}"
    columns = _columns(layer)
    total = rows.count()
    report = progress or (lambda stage, done, total: None)
    writer = {"csv": _write_csv, "geojson": _write_geojson}.get(format, _write_ogr)
    written = 0

    def counted() -> Iterator[tuple[dict, np.ndarray]]:
        nonlocal written
        for values, shapes in _pieces(rows, columns, crs):
            yield values, shapes
            written += len(shapes)
            report(_("write"), written, total)

    writer(target, counted(), columns, name, format, crs)
    audit.log(
        user,
        "layer.export",
        area_code=area,
        layer=name,
        rows=written,
        format=format,
        crs=crs,
        file=target.name,
    )
    return Exported(target, written)


def _columns(layer: Layer) -> dict[str, str]:
    """Columns of the file and the ORM paths they come from."""
    if target := TARGETS.get(layer.model):
        paths = {name: name for name in target.fields if name not in target.through}
        for name in paths:
            if name.endswith("_unit") or name in ("estate", "parent", "building"):
                paths[name] = f"{name}__code"
        if "type" in paths:
            paths |= {"type": "type__full", "standard": "type__standard"}
        return paths | {"area_code": "area_code", "grid": "grid__code", "unit_grid": "unit_grid__code"}
    return {layer.key: layer.key} | {field.name: field.path for field in layer.fields}


def _pieces(rows, columns: dict[str, str], crs: str) -> Iterator[tuple[dict, np.ndarray]]:
    """Columns of values and converted geometries, a few thousand rows at a time."""
    paths = dict(columns)
    if paths.get("type") == "type__full":
        paths["type"] = "type__class_code"
        paths["_type_code"] = "type__type_code"
    aliases = {f"x_{number}": F(path) for number, path in enumerate(paths.values())}
    batch: list[tuple] = []
    query = rows.order_by("pk").values_list("geom", *aliases.values())
    for row in query.iterator(chunk_size=CHUNK):
        if row[0] is None:
            continue
        batch.append(row)
        if len(batch) == CHUNK:
            yield _piece(batch, list(paths), crs)
            batch = []
    if batch:
        yield _piece(batch, list(paths), crs)


def _piece(batch, names, crs) -> tuple[dict, np.ndarray]:
    shapes = shapely.from_wkb([bytes(row[0].wkb) for row in batch])
    if crs not in ("4326", "4490"):
        shapes = shapely.transform(
            shapes, lambda xy: np.column_stack(coordinates.from_wgs84(xy[:, 0], xy[:, 1], crs))
        )
    values = {name: [_plain(row[number]) for row in batch] for number, name in enumerate(names, start=1)}
    if "_type_code" in values:
        rest = values.pop("_type_code")
        values["type"] = [one + two for one, two in zip(values["type"], rest, strict=True)]
    return values, shapes


def _plain(value):
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


def _write_csv(path: Path, pieces, columns, name, format, crs) -> None:
    """Anchors as lon and lat (x and y when projected); geometries other than points as WKT."""
    pair = ("lon", "lat") if crs in ("4326", "4490") else ("x", "y")
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, *pair, "wkt"])
        for values, shapes in pieces:
            middles = shapely.get_coordinates(shapely.point_on_surface(shapes))
            lines = zip(*(values[column] for column in columns), strict=True)
            for cells, (x, y), shape in zip(lines, middles, shapes, strict=True):
                wkt = "" if shape.geom_type == "Point" else shapely.to_wkt(shape, rounding_precision=8)
                writer.writerow([*map(_inert, cells), round(float(x), 8), round(float(y), 8), wkt])


def _inert(value):
    """No cell that a spreadsheet would run as a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _write_geojson(path: Path, pieces, columns, name, format, crs) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        first = True
        for values, shapes in pieces:
            for number, geometry in enumerate(shapely.to_geojson(shapes)):
                properties = {column: values[column][number] for column in columns}
                row = json.dumps(properties, ensure_ascii=False, default=str)
                file.write(
                    ("" if first else ",\n")
                    + f'{{"type":"Feature","geometry":{geometry},"properties":{row}}}'
                )
                first = False
        file.write("]}")


def _write_ogr(path: Path, pieces, columns, name, format, crs) -> None:
    """GeoPackage, or Shapefiles (one for each kind of geometry) in a ZIP archive."""
    import geopandas

    path.unlink(missing_ok=True)
    written: dict[str, Path] = {}
    for values, shapes in pieces:
        frame = geopandas.GeoDataFrame(values, geometry=shapes, crs=int(crs))[[*columns, "geometry"]]
        if format == "gpkg":
            _append(frame, path, bool(written), layer=name, driver="GPKG", geometry_type="Unknown")
            written[name] = path
            continue
        for dimension, part in frame.groupby(shapely.get_dimensions(shapes)):
            kind = SHAPES[dimension]
            file = path.with_name(f"{name}_{kind}.shp")
            multi = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}[kind]
            if kind != "point":
                part = part.set_geometry(
                    [one if one.geom_type.startswith("Multi") else _multi(one) for one in part.geometry]
                ).set_crs(int(crs), allow_override=True)
            _append(part, file, kind in written, encoding="UTF-8", geometry_type=multi)
            written[kind] = file
    if not written:
        raise Problem(_("There is no row to export within your scope."), kind="empty")
    if format == "shp":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in written.values():
                for part in sorted(file.parent.glob(f"{file.stem}.*")):
                    archive.write(part, part.name)
                    part.unlink()


def _append(frame, path: Path, append: bool, **options) -> None:
    """Text columns stay text even where a piece has only nothing in them."""
    import pyogrio

    for column in frame.columns:
        if column != "geometry" and frame[column].dtype == object:
            frame[column] = frame[column].astype("string")
    with warnings.catch_warnings():
        # A Shapefile cuts names of columns to ten letters, as the docs say.
        warnings.filterwarnings("ignore", "Normalized/laundered field name", RuntimeWarning)
        pyogrio.write_dataframe(frame, str(path), append=append, **options)


def _multi(geometry):
    return (
        shapely.MultiPolygon([geometry])
        if geometry.geom_type == "Polygon"
        else shapely.MultiLineString([geometry])
    )
