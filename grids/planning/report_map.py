"""Maps of a report, drawn as vectors in the city's own system."""

import math

import numpy as np
import shapely
from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from geo import registry
from grids.planning import figures

# Soft colours that black text is read on; neighbours get different ones.
PALETTE = ("#8fc3b4", "#f2c879", "#a9bfe3", "#e8a798", "#c5d38a", "#cbb2d9", "#f0b6c6", "#9cd0dd", "#d8c3a5")
ROAD, BUILDING, BORDER, BEFORE = "#9aa5ad", "#dfe3e6", "#24313a", "#c0392b"
PAD = 10
MOST_BUILDINGS = 30_000


def colours(shapes: dict) -> dict:
    """A colour for each polygon, different from those it touches."""
    keys, geometries = list(shapes), np.array(list(shapes.values()), dtype=object)
    chosen: dict = {}
    tree = shapely.STRtree(geometries)
    for at, key in enumerate(keys):
        near = {chosen.get(keys[other]) for other in tree.query(geometries[at], predicate="intersects")}
        free = [colour for colour in PALETTE if colour not in near]
        chosen[key] = free[0] if free else PALETTE[at % len(PALETTE)]
    return chosen


def ground(communities: list[str], outline) -> dict[str, list]:
    """What stands under the grids, flat: roads and buildings, as the registry tells."""
    found: dict[str, list] = {"edge": [], "whole": []}
    box = figures.flat(outline)
    for place in registry.places.values():
        if place.ground not in found:
            continue
        rows = place.model_class._base_manager.order_by()
        if place.ground == "whole":
            rows = rows.filter(area_code__in=communities)
        else:
            rows = rows.filter(geom__bboverlaps=_django_box(outline))
        for shape in rows.values_list("geom", flat=True)[:MOST_BUILDINGS]:
            flat = figures.flat(shapely.from_wkb(bytes(shape.wkb)))
            if place.ground == "edge":
                flat = shapely.intersection(flat, box)
            if not shapely.is_empty(flat):
                found[place.ground].append(flat)
    return found


def _django_box(outline):
    from django.contrib.gis.geos import Polygon

    box = Polygon.from_bbox(outline.bounds)
    box.srid = 4326
    return box


class PlanMap(Flowable):
    """A map: filled polygons with labels over roads and buildings. All geometries in metres.

    ``fills`` are (polygon, colour, opacity), ``lines`` (geometry, colour, width, dashes), ``labels`` (point,
    lines of text); ``under`` comes from ``ground``.
    """

    def __init__(self, width, height, extent, *, under, fills=(), lines=(), labels=(), font="Helvetica"):
        super().__init__()
        self.width, self.height, self.font = width, height, font
        self.under, self.fills, self.lines, self.labels = under, fills, lines, labels
        west, south, east, north = extent
        self.scale = min((width - 2 * PAD) / max(east - west, 1), (height - 2 * PAD) / max(north - south, 1))
        self.origin = (
            width / 2 - (west + east) / 2 * self.scale,
            height / 2 - (south + north) / 2 * self.scale,
        )

    def draw(self):
        c = self.canv
        c.saveState()
        frame = c.beginPath()
        frame.rect(0, 0, self.width, self.height)
        c.clipPath(frame, stroke=0)
        c.setFillColor(HexColor("#f7f8f9"))
        c.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        for shape, colour, opacity in self.fills:
            c.setFillColor(HexColor(colour), alpha=opacity)
            self._polygon(shape, fill=1, stroke=0)
        c.setFillAlpha(1)
        c.setFillColor(HexColor(BUILDING))
        c.setStrokeColor(HexColor("#b3bac0"))
        c.setLineWidth(0.2)
        for shape in self.under["whole"]:
            self._polygon(shape, fill=1, stroke=1)
        for shape in self.under["edge"]:
            self._line(shape, ROAD, 0.8)
        for shape, colour, width, dashes in self.lines:
            self._line(shape, colour, width, dashes)
        for point, lines in self.labels:
            self._label(point, lines)
        self._scale_bar()
        self._north()
        c.restoreState()
        c.setStrokeColor(HexColor("#c3cbd1"))
        c.setLineWidth(0.6)
        c.rect(0, 0, self.width, self.height, stroke=1, fill=0)

    def _page(self, xy):
        return xy * self.scale + np.array(self.origin)

    def _polygon(self, shape, fill, stroke):
        path = self.canv.beginPath()
        for part in shapely.get_parts(shape):
            if part.geom_type != "Polygon":
                continue
            for ring in (part.exterior, *part.interiors):
                self._trace(path, shapely.get_coordinates(ring))
                path.close()
        self.canv.drawPath(path, fill=fill, stroke=stroke, fillMode=0)

    def _line(self, shape, colour, width, dashes=()):
        path = self.canv.beginPath()
        for part in shapely.get_parts(shape):
            rings = (part.exterior, *part.interiors) if part.geom_type == "Polygon" else (part,)
            for ring in rings:
                if ring.geom_type in ("LineString", "LinearRing"):
                    self._trace(path, shapely.get_coordinates(ring))
        self.canv.setStrokeColor(HexColor(colour))
        self.canv.setLineWidth(width)
        self.canv.setLineJoin(1)
        self.canv.setDash(list(dashes))
        self.canv.drawPath(path, fill=0, stroke=1)
        self.canv.setDash([])

    def _trace(self, path, xy):
        points = self._page(xy)
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)

    def _label(self, point, lines):
        x, y = self._page(np.array(point))
        sizes = [11, *[7] * (len(lines) - 1)]
        top = y + sum(sizes) / 2 - sizes[0] * 0.85
        for text, size in zip(lines, sizes, strict=True):
            for mode, colour, width in ((1, "#ffffff", 2.4), (0, "#1b262d", 0)):
                label = self.canv.beginText()
                label.setFont(self.font, size)
                label.setTextRenderMode(mode)
                label.setStrokeColor(HexColor(colour))
                label.setFillColor(HexColor(colour))
                self.canv.setLineWidth(width)
                label.setTextOrigin(x - self.canv.stringWidth(text, self.font, size) / 2, top)
                label.textOut(text)
                label.setTextRenderMode(0)
                self.canv.drawText(label)
            top -= size * 1.15

    def _scale_bar(self):
        metres = self.width / self.scale / 5
        power = 10 ** math.floor(math.log10(metres))
        length = max(n * power for n in (1, 2, 5) if n * power <= metres)
        text = f"{length:g} m" if length < 1000 else f"{length / 1000:g} km"
        c, width = self.canv, length * self.scale
        c.setFillColor(HexColor("#ffffff"), alpha=0.8)
        c.rect(8, 8, width + 16, 20, stroke=0, fill=1)
        c.setFillColor(HexColor(BORDER), alpha=1)
        c.rect(16, 13, width / 2, 3, stroke=0, fill=1)
        c.setStrokeColor(HexColor(BORDER))
        c.setLineWidth(0.5)
        c.rect(16, 13, width, 3, stroke=1, fill=0)
        c.setFont(self.font, 7)
        c.drawString(16, 19, text)

    def _north(self):
        c, x, y = self.canv, self.width - 18, self.height - 34
        arrow = c.beginPath()
        for at, (dx, dy) in enumerate(((0, 18), (5, 0), (0, 4), (-5, 0))):
            (arrow.moveTo if at == 0 else arrow.lineTo)(x + dx, y + dy)
        arrow.close()
        c.setFillColor(HexColor(BORDER))
        c.drawPath(arrow, fill=1, stroke=0)
        c.setFont(self.font, 8)
        c.drawCentredString(x, y - 9, "N")


def middle(shape) -> tuple[float, float]:
    """Where a polygon's label stands: the middle of the largest circle inside it."""
    largest = max(shapely.get_parts(shape), key=shapely.area)
    x, y = shapely.get_coordinates(shapely.maximum_inscribed_circle(largest, tolerance=1))[0]
    return float(x), float(y)
