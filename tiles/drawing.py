"""Pictures of our own base map: roads, water, green and buildings, drawn quietly with Pillow.

Sixteen tiles are drawn at once, at double size, so that edges are smooth and a name is never cut at a tile's
edge. A name that would leave the sheet is left out, which is the same for whoever draws it. The pictures
show outlines and names of roads and waters, nothing about a building, and are open to anybody.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
import shapely.ops
from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from geo.registry import layers
from tiles import cache
from tiles.drafts import Draft
from tiles.drop import DRAWN, SHEET
from tiles.matrix import TILE_PIXELS, MatrixSet, from_mercator
from tiles.queries.session import fetchall
from tiles.queries.statement import polygon

SMOOTH = 2  # pixels drawn for one that is kept
MARGIN = 0.05  # of a sheet, read beyond its edge

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
)


@dataclass(frozen=True)
class Tone:
    """Colours of one mood."""

    outside: str
    land: str
    border: str
    green: str
    water: str
    building: str
    building_edge: str
    road: str
    road_edge: str
    main: str
    main_edge: str
    rail: str
    barrier: str
    text: str
    water_text: str
    halo: str


TONES = {
    "light": Tone(
        *("#e6eae6", "#f3f4f0", "#c9cec8", "#d8e7cf", "#bcd8e4", "#e3e0d8", "#cfcbc0", "#ffffff", "#d8dad3"),
        *("#fbeecb", "#dcc99a", "#a9aeb0", "#b9b2a6", "#5b645f", "#4f86a0", "#f8f9f6"),
    ),
    "grey": Tone(
        *("#e6e9ea", "#f1f2f3", "#cdd2d5", "#e4eae6", "#d3dde3", "#e4e7e8", "#d3d8da", "#ffffff", "#d9dddf"),
        *("#ffffff", "#c2c9cc", "#b8bdbf", "#c3c7c9", "#6b7579", "#7f97a3", "#f7f8f8"),
    ),
}
TONES["imagery"] = TONES["grey"]

# Rows of each kind within a box: what tells how to draw them, and the geometry cut to the box.
_BOX = "ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, {srid})"
_CUT = f"ST_AsBinary(ST_Simplify(ST_ClipByBox2D({{column}}, {_BOX}), %(t)s, true))"
# Found by the index on degrees, whatever the map is drawn in.
_SQL = {
    "land": "select '', 0, 0, '', {cut} from {areas} where level = %(level)s and valid_to is null and {near}"
    " order by code",
    "green": "select '', 0, 0, '', {cut} from {public_facilities} where kind = 'park' and {near}"
    " and ST_Dimension({column}) = 2 order by id",
    "line": "select kind, rank, width_m, name, {cut} from {reference_lines}"
    " where {near} and rank <= %(rank)s order by rank desc, id",
    "building": "select '', 0, 0, '', {cut} from {buildings} where {near} and ST_Dimension({column}) = 2"
    " order by id",
}


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | None:
    """A font with Chinese characters, or none: then nothing is written."""
    for path in FONTS:
        with contextlib.suppress(OSError):
            return ImageFont.truetype(path, size)
    return None


def deepest_rank(scale: float) -> int:
    """Lines of which rank are drawn at a scale (metres per pixel)."""
    return 4 if scale <= 5 else 3 if scale <= 20 else 2 if scale <= 80 else 1 if scale <= 320 else 0


@functools.cache
def _tables() -> dict[str, str]:
    return {name: layers[name].model_class._meta.db_table for name in DRAWN}


class Sheet:
    """A square of tiles being drawn. Pixels count from its top left corner."""

    def __init__(self, tone: Tone, matrix_set: MatrixSet, z: int, column: int, row: int):
        self.tone, self.matrix_set, self.z = tone, matrix_set, z
        columns, rows = matrix_set.size(z)
        self.tiles = min(SHEET, columns), min(SHEET, rows)
        side = matrix_set.side(z)
        left, top = matrix_set.origin
        self.west, self.north = left + column * SHEET * side, top - row * SHEET * side
        self.unit = side / TILE_PIXELS / SMOOTH  # CRS units per drawn pixel
        self.width, self.height = (count * TILE_PIXELS * SMOOTH for count in self.tiles)
        middle = self.north - self.height * self.unit / 2
        if matrix_set.srid == 3857:
            stretch = math.cosh(min(abs(middle), 2e7) / 6378137)
        else:
            stretch = 1.0
        self.scale = matrix_set.scale(z)
        # Metres on the ground per drawn pixel, for the widths of roads.
        self.ground = self.scale / stretch / SMOOTH
        self.image = Image.new("RGB", (self.width, self.height), tone.outside)
        self.draw = ImageDraw.Draw(self.image)
        self.written: list[tuple[float, float, float, float]] = []

    def rows(self, kind: str, **more) -> list[tuple]:
        srid = self.matrix_set.srid
        column = "geom" if srid == 4326 else "geom_3857"
        cut = _CUT.format(column=column, srid=srid)
        sql = _SQL[kind].format(near="geom && %(near)s::geometry", cut=cut, column=column, **_tables())
        grow = MARGIN * self.width * self.unit
        box = {
            "w": self.west - grow,
            "n": self.north + grow,
            "e": self.west + self.width * self.unit + grow,
            "s": self.north - self.height * self.unit - grow,
            "t": self.unit,
        }
        corners = (box["w"], box["s"]), (box["e"], box["n"])
        if srid != 4326:
            corners = tuple(from_mercator(*corner) for corner in corners)
        return fetchall(sql, box | {"near": polygon((*corners[0], *corners[1]))} | more)

    def pixels(self, coordinates) -> list[tuple[float, float]]:
        points = (np.asarray(coordinates)[:, :2] - (self.west, self.north)) / (self.unit, -self.unit)
        return list(map(tuple, points.tolist()))

    def wide(self, metres: float, least: float, most: float) -> float:
        """The width in drawn pixels of so many metres, within bounds in kept pixels."""
        return max(least * SMOOTH, min(most * SMOOTH, metres / self.ground))

    # --- shapes ---------------------------------------------------------------------------------
    def polygons(self, rows, fill: str, edge: str = "", width: float = 1) -> None:
        for *_rest, shape in rows:
            for part in _parts(shape, "Polygon"):
                self.draw.polygon(self.pixels(part.exterior.coords), fill=fill)
                for hole in part.interiors:
                    self.draw.polygon(self.pixels(hole.coords), fill=self.tone.land)
                if edge:
                    for ring in (part.exterior, *part.interiors):
                        self.draw.line(self.pixels(ring.coords), fill=edge, width=round(width * SMOOTH))

    def stroke(self, part, colour: str, width: float) -> None:
        points = self.pixels(part.coords)
        self.draw.line(points, fill=colour, width=max(1, round(width)), joint="curve")
        if width > 3:
            half = width / 2
            for x, y in (points[0], points[-1]):
                self.draw.ellipse((x - half, y - half, x + half, y + half), fill=colour)

    def dashes(self, part, colour: str, width: float, dash: float) -> None:
        step = dash * SMOOTH * self.unit
        for number in range(0, min(2000, int(part.length / step)), 2):
            piece = shapely.ops.substring(part, number * step, (number + 1) * step)
            if piece.geom_type == "LineString":
                self.draw.line(self.pixels(piece.coords), fill=colour, width=max(1, round(width)))

    def lines(self, rows) -> None:
        tone = self.tone
        parts = [
            (kind, rank, metres, part)
            for kind, rank, metres, _name, shape in rows
            for part in _parts(shape, "LineString")
        ]
        for kind, rank, metres, part in parts:
            if kind == "water":
                self.stroke(part, tone.water, self.wide(metres, 2.5 if rank == 1 else 1, 80))
        roads = [(rank, metres, part) for kind, rank, metres, part in parts if kind == "road"]
        widths = {1: 2, 2: 1.4, 3: 0.9}
        sized = [(rank, self.wide(metres, widths.get(rank, 0.6), 28), part) for rank, metres, part in roads]
        for rank, width, part in sized:
            edge = tone.main_edge if rank == 1 else tone.road_edge
            self.stroke(part, edge, width + (1.4 if width > 3 else 0.6) * SMOOTH)
        for rank, width, part in sized:
            self.stroke(part, tone.main if rank == 1 else tone.road, width)
        for kind, _rank, _metres, part in parts:
            if kind == "rail":
                self.stroke(part, tone.rail, 1.8 * SMOOTH)
                if self.scale < 40:
                    self.dashes(part, tone.halo, 0.9 * SMOOTH, 5)
            elif kind == "barrier" and self.scale <= 5:
                self.dashes(part, tone.barrier, 1.2 * SMOOTH, 4)

    # --- names ----------------------------------------------------------------------------------
    def names(self, rows) -> None:
        """Names along the longest stretch of each line, the important ones first, none over another."""
        limits = {1: 40, 2: 10, 3: 3, 4: 1.3}
        seen: dict[str, list[tuple[float, float]]] = {}
        for kind, rank, _metres, name, shape in reversed(rows):
            if not name or kind not in ("road", "water") or self.scale > limits.get(rank, 1.3):
                continue
            for part in _parts(shape, "LineString"):
                self._name(name, part, kind == "water", seen)

    def _name(self, name: str, part, water: bool, seen: dict) -> None:
        letters = font((12 if self.scale > 1.3 else 13) * SMOOTH)
        if letters is None:
            return
        length = letters.getlength(name)
        if part.length / self.unit < length * 1.3:
            return
        middle = part.interpolate(0.5, normalized=True)
        reach = length / 2 * self.unit
        place = part.length / 2
        ends = [part.interpolate(place - reach), part.interpolate(place + reach)]
        (x, y), first, last = (self.pixels(point.coords)[0] for point in (middle, *ends))
        # A name on a bend would leave its road.
        if math.dist(first, last) < 0.93 * length:
            return
        angle = math.degrees(math.atan2(first[1] - last[1], last[0] - first[0]))
        if angle > 90 or angle <= -90:
            angle += 180
        if any(math.dist((x, y), other) < 300 * SMOOTH for other in seen.get(name, [])):
            return
        label = self._label(name, letters, self.tone.water_text if water else self.tone.text)
        label = label.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
        left, top = x - label.width / 2, y - label.height / 2
        box = (left, top, left + label.width, top + label.height)
        inside = left >= 0 and top >= 0 and box[2] <= self.width and box[3] <= self.height
        if not inside or any(_overlap(box, other) for other in self.written):
            return
        self.written.append(box)
        seen.setdefault(name, []).append((x, y))
        self.image.paste(label, (round(left), round(top)), label)

    def _label(self, name: str, letters, colour: str) -> Image.Image:
        left, top, right, bottom = letters.getbbox(name, stroke_width=2 * SMOOTH)
        label = Image.new("RGBA", (int(right - left) + 2, int(bottom - top) + 2), (0, 0, 0, 0))
        ImageDraw.Draw(label).text(
            *((1 - left, 1 - top), name),
            font=letters,
            fill=colour,
            stroke_width=2 * SMOOTH,
            stroke_fill=self.tone.halo,
        )
        return label

    # --- the whole ------------------------------------------------------------------------------
    def make(self) -> Image.Image:
        """Draw everything and return the picture at its proper size."""
        tone = self.tone
        self.polygons(self.rows("land", level="district"), tone.land, tone.border, 1)
        if self.scale <= 80:
            self.polygons(self.rows("green"), tone.green)
        rank = deepest_rank(self.scale)
        lines = self.rows("line", rank=rank) if rank else []
        # Rivers lie under buildings, buildings under roads.
        self.lines([row for row in lines if row[0] == "water"])
        if self.scale <= 5:
            self.polygons(self.rows("building"), tone.building, tone.building_edge, 0.5)
        self.lines([row for row in lines if row[0] != "water"])
        self.names(lines)
        return self.image.resize((self.width // SMOOTH, self.height // SMOOTH), Image.Resampling.LANCZOS)


def _parts(shape: bytes | None, kind: str) -> list:
    """The parts of a kind in a geometry; what was cut may have become a collection."""
    if shape is None:
        return []
    geometry = shapely.from_wkb(bytes(shape))
    found = [geometry] if not hasattr(geometry, "geoms") else list(geometry.geoms)
    return [part for part in found if part.geom_type == kind and not part.is_empty]


def _overlap(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _file(name: str, matrix_set: MatrixSet, z: int, x: int, y: int) -> Path:
    return Path(settings.BASEMAP_CACHE) / name / matrix_set.id / str(z) / str(x) / f"{y}.png"


def picture(name: str, tone: str, matrix_set: MatrixSet, z: int, x: int, y: int) -> bytes:
    """A tile's picture (PNG), drawn with its neighbours and kept if it is not there."""
    wanted = _file(name, matrix_set, z, x, y)
    if (kept := cache.read(wanted)) is not None:
        return kept
    column, row = x // SHEET, y // SHEET
    lock = wanted.parent.parent / f".{column}-{row}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as handle:
        # Whoever comes second waits for the first and finds his file.
        fcntl.flock(handle, fcntl.LOCK_EX)
        if (kept := cache.read(wanted)) is not None:
            return kept
        sheet = Sheet(TONES[tone], matrix_set, z, column, row)
        places = [(i, j) for i in range(sheet.tiles[0]) for j in range(sheet.tiles[1])]
        made = {}
        with contextlib.ExitStack() as stack:
            # What changes under the brush is shown this once, and not kept.
            drafts = {
                (i, j): stack.enter_context(
                    Draft(_file(name, matrix_set, z, column * SHEET + i, row * SHEET + j))
                )
                for i, j in places
            }
            whole = sheet.make()
            for (i, j), draft in drafts.items():
                corner = i * TILE_PIXELS, j * TILE_PIXELS
                tile = whole.crop((*corner, corner[0] + TILE_PIXELS, corner[1] + TILE_PIXELS))
                made[draft.file] = _packed(tile)
                draft.keep(made[draft.file])
    return made[wanted]


def _packed(tile: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # A hundred colours are plenty for a quiet map and make a third of the bytes.
    tile.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()
