"""Borders of a community's grids: exactly a coverage, or a list of why not. Pure: knows no database.

All borders of a community are noded together on the lattice of 1e-8 degrees (about a millimetre) and cut into
faces. A face that one grid covers is that grid's. A gap, an overlap or an overhang narrower than
``TOLERANCE_M`` is repaired and listed; a wider one is a fault, listed and drawn, and the whole is refused.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely
from django.utils.translation import gettext as _

LATTICE = 1e-8
LATTICE_DIGITS = 8
TOLERANCE_M = 0.5
METRES_PER_DEGREE = 111_319.49

GAP, OVERLAP, OUTSIDE, INVALID, PARTS = "gap", "overlap", "outside", "invalid", "parts"


@dataclass(frozen=True)
class Finding:
    """A gap, an overlap, an overhang (``outside``), an invalid polygon, or a grid in several ``parts``.

    ``width_m`` is the width of the widest place, ``area_m2`` the area; both on the local plane.
    """

    kind: str
    community: str
    grids: tuple[str, ...]
    geometry: shapely.Geometry
    width_m: float
    area_m2: float
    given_to: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        """One sentence for the person importing."""
        place = shapely.point_on_surface(self.geometry)
        words = {
            "grids": ", ".join(self.grids),
            "community": self.community,
            "width": f"{self.width_m:.2f}",
            "area": f"{self.area_m2:.2f}",
            "x": f"{place.x:.6f}",
            "y": f"{place.y:.6f}",
            "to": self.given_to,
            "detail": self.detail,
        }
        if self.kind == GAP:
            text = _("gap in %(community)s at %(x)s, %(y)s: up to %(width)s m wide, %(area)s m²")
        elif self.kind == OVERLAP:
            text = _("overlap of %(grids)s at %(x)s, %(y)s: up to %(width)s m wide, %(area)s m²")
        elif self.kind == OUTSIDE:
            text = _("%(grids)s leaves %(community)s at %(x)s, %(y)s: up to %(width)s m wide, %(area)s m²")
        elif self.kind == PARTS:
            text = _("%(grids)s has a part apart from the rest at %(x)s, %(y)s: %(area)s m²")
        else:
            text = _("%(grids)s is not a valid polygon at %(x)s, %(y)s: %(detail)s")
        text %= words
        if self.given_to:
            text += " " + _("(repaired, given to %s)") % self.given_to
        elif self.kind == OUTSIDE and self.width_m < TOLERANCE_M:
            text += " " + _("(repaired, cut off)")
        return text


@dataclass
class Coverage:
    """What became of a community's grids. ``grids`` and ``outline`` share every vertex of their borders.

    ``outline`` is the community's with a node wherever a grid's border meets it; ``nodes`` are those that
    were added. Nothing may be published while there are ``faults``.
    """

    community: str
    grids: dict[str, shapely.Polygon] = field(default_factory=dict)
    outline: shapely.Geometry | None = None
    nodes: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    repairs: list[Finding] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)


def on_lattice(geometry):
    """The geometry (or an array of them) with its vertices on the 1e-8 degree lattice."""
    return shapely.transform(geometry, lambda xy: np.round(xy, LATTICE_DIGITS))


def metric(geometry, latitude: float):
    """The geometry on a local plane in metres, for widths and areas of what is small."""
    squeeze = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    return shapely.transform(geometry, lambda xy: xy * (squeeze, METRES_PER_DEGREE))


def _size(face, latitude: float) -> tuple[float, float]:
    """Width at the widest place and area, in m and m²: the width is twice the inscribed circle's radius."""
    flat = metric(face, latitude)
    if flat.area == 0:
        return 0.0, 0.0
    circle = shapely.maximum_inscribed_circle(flat, tolerance=0.01)
    return 2 * shapely.length(circle), flat.area


def clean(community: str, grids: dict[str, shapely.Geometry], outline) -> Coverage:
    """Make a coverage of ``outline`` from ``grids`` (polygons by code), or list what stands against it.

    Everything in WGS-84 degrees.
    """
    result = Coverage(community)
    latitude = shapely.centroid(outline).y
    outline = on_lattice(outline)
    shapes = {}
    for code in sorted(grids):
        shape = on_lattice(shapely.force_2d(grids[code]))
        if not shapely.is_valid(shape):
            # Rounding may fold a spike; what was wrong before is the importer's to mend.
            if not shapely.is_valid(grids[code]) or shapely.is_empty(shape):
                result.faults.append(_invalid(community, code, grids[code]))
                continue
            shape = shapely.set_precision(grids[code], LATTICE)
        shapes[code] = shape
    if result.faults or not shapes:
        return result

    edges = [shapely.boundary(shape) for shape in (*shapes.values(), outline)]
    noded = on_lattice(shapely.union_all(np.array(edges, dtype=object), grid_size=LATTICE))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    owners = _owners(faces, shapes, outline)
    chosen: dict[int, str] = {}
    loose: list[int] = []
    for number, (codes, inside) in enumerate(owners):
        if inside and len(codes) == 1:
            chosen[number] = codes[0]
        elif inside or codes:
            loose.append(number)
    neighbours = shared_lengths(faces, latitude)
    for number in _outermost_first(loose, neighbours, chosen):
        codes, inside = owners[number]
        width, area = _size(faces[number], latitude)
        kind = OUTSIDE if not inside else OVERLAP if codes else GAP
        given_to = ""
        if width < TOLERANCE_M and inside:
            given_to = _heir(number, codes, neighbours, chosen)
        finding = Finding(kind, community, tuple(codes), faces[number], width, area, given_to)
        if width < TOLERANCE_M and (given_to or not inside):
            result.repairs.append(finding)
            if given_to:
                chosen[number] = given_to
        else:
            result.faults.append(finding)
    if result.faults:
        return result
    _compose(result, faces, chosen, neighbours, latitude)
    if not result.faults:
        _finish(result, outline)
    return result


def _invalid(community: str, code: str, shape) -> Finding:
    reason = shapely.is_valid_reason(shape)
    numbers = reason[reason.find("[") + 1 : reason.find("]")].split() if "[" in reason else []
    if len(numbers) == 2:
        place = shapely.Point(*map(float, numbers))
    else:
        place = (
            shapely.Point(shapely.get_coordinates(shape)[0]) if not shape.is_empty else shapely.Point(0, 0)
        )
    return Finding(INVALID, community, (code,), place, 0.0, 0.0, detail=reason.split("[")[0])


def _owners(faces, shapes, outline) -> list[tuple[list[str], bool]]:
    """For each face the codes of the grids that cover it, and whether the community does."""
    points = shapely.point_on_surface(faces)
    codes, polygons = list(shapes), np.array(list(shapes.values()), dtype=object)
    covered = defaultdict(list)
    tree = shapely.STRtree(polygons)
    for face, polygon in zip(*tree.query(points, predicate="within"), strict=True):
        covered[int(face)].append(codes[int(polygon)])
    shapely.prepare(outline)
    inside = shapely.contains(outline, points)
    return [(sorted(covered[number]), bool(inside[number])) for number in range(len(faces))]


def shared_lengths(faces, latitude: float) -> dict[int, dict[int, float]]:
    """Metres of border that each pair of faces shares. Faces are noded, so equal edges are equal pairs."""
    squeeze = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    first: dict[tuple, int] = {}
    shared: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for number, face in enumerate(faces):
        for ring in (face.exterior, *face.interiors):
            xy = shapely.get_coordinates(ring)
            for a, b in zip(map(tuple, xy[:-1]), map(tuple, xy[1:]), strict=True):
                key = (a, b) if a < b else (b, a)
                if key not in first:
                    first[key] = number
                    continue
                length = math.hypot((a[0] - b[0]) * squeeze, (a[1] - b[1]) * METRES_PER_DEGREE)
                shared[number][first[key]] += length
                shared[first[key]][number] += length
    return shared


def _outermost_first(loose, neighbours, chosen):
    """Loose faces in an order in which each has, if it can, a neighbour that is already somebody's."""
    waiting, settled = list(loose), set(chosen)
    while waiting:
        ready = [number for number in waiting if any(other in settled for other in neighbours[number])]
        for number in ready or waiting:
            yield number
            settled.add(number)
        waiting = [number for number in waiting if number not in settled]


def _heir(number, codes, neighbours, chosen) -> str:
    """Who gets a narrow face: of those who claim it (anyone, for a gap) the one that shares most border."""
    lengths: dict[str, float] = defaultdict(float)
    for other, length in neighbours[number].items():
        code = chosen.get(other)
        if code and (not codes or code in codes):
            lengths[code] += length
    if lengths:
        return min(lengths, key=lambda code: (-round(lengths[code], 3), code))
    return codes[0] if codes else ""


def _compose(result: Coverage, faces, chosen, neighbours, latitude) -> None:
    """Grids from their faces. A crumb that hangs by a corner goes to a neighbour; a real part is a fault."""
    for _round in range(4):
        members = defaultdict(list)
        for number, code in chosen.items():
            members[code].append(number)
        moved = False
        for code in sorted(members):
            numbers = members[code]
            whole = shapely.coverage_union_all(faces[numbers])
            if shapely.get_num_geometries(whole) <= 1:
                result.grids[code] = shapely.get_geometry(whole, 0) if whole.geom_type != "Polygon" else whole
                continue
            parts = sorted(shapely.get_parts(whole), key=lambda part: -part.area)
            for part in parts[1:]:
                width, area = _size(part, latitude)
                crumbs = [
                    n for n in numbers if shapely.contains_properly(part, faces[n].representative_point())
                ]
                heir = ""
                if width < TOLERANCE_M:
                    heir = _heir_of_part(crumbs, code, neighbours, chosen)
                finding = Finding(PARTS, result.community, (code,), part, width, area, heir)
                if not heir:
                    result.faults.append(finding)
                    continue
                result.repairs.append(finding)
                chosen.update(dict.fromkeys(crumbs, heir))
                moved = True
            result.grids[code] = parts[0]
        if not moved:
            return


def _heir_of_part(crumbs, code, neighbours, chosen) -> str:
    lengths: dict[str, float] = defaultdict(float)
    for number in crumbs:
        for other, length in neighbours[number].items():
            if chosen.get(other) and chosen[other] != code:
                lengths[chosen[other]] += length
    return min(lengths, key=lambda heir: (-round(lengths[heir], 3), heir)) if lengths else ""


def _finish(result: Coverage, outline) -> None:
    """Prove the coverage, and note where the community's border got nodes."""
    before = set(map(tuple, shapely.get_coordinates(outline)))
    _drop_idle_nodes(result, before)
    whole = shapely.coverage_union_all(np.array(list(result.grids.values()), dtype=object))
    result.outline = whole if whole.geom_type == "MultiPolygon" else shapely.MultiPolygon([whole])
    nodes = {xy for xy in map(tuple, shapely.get_coordinates(result.outline)) if xy not in before}
    result.nodes = np.array(sorted(nodes)).reshape(-1, 2)
    if not is_exact(result.grids.values(), result.outline):
        # Cannot happen with faces of one noding; published borders are not the place to find out.
        raise AssertionError(f"the grids of {result.community} are no coverage after cleaning")


def _drop_idle_nodes(result: Coverage, before: set) -> None:
    """Nodes that cleaning left on the community's border where no two grids meet."""
    whole = shapely.coverage_union_all(np.array(list(result.grids.values()), dtype=object))
    border = {xy for xy in map(tuple, shapely.get_coordinates(whole)) if xy not in before}
    uses = Counter(
        xy for shape in result.grids.values() for xy in set(map(tuple, shapely.get_coordinates(shape)))
    )
    idle = {xy for xy in border if uses[xy] == 1}
    if not idle:
        return

    def ring(line):
        xy = [point for point in map(tuple, shapely.get_coordinates(line)[:-1]) if point not in idle]
        return [*xy, xy[0]]

    for code, shape in result.grids.items():
        if idle & set(map(tuple, shapely.get_coordinates(shape))):
            result.grids[code] = shapely.Polygon(
                ring(shape.exterior), [ring(hole) for hole in shape.interiors]
            )


def is_exact(shapes, outline) -> bool:
    """Whether polygons are a valid coverage whose union is ``outline``, vertex by vertex on the lattice."""
    shapes = np.array(list(shapes), dtype=object)
    if not len(shapes) or not shapely.coverage_is_valid(shapes):
        return False
    union = shapely.coverage_union_all(shapes)
    return bool(shapely.is_empty(shapely.symmetric_difference(union, outline)))


def with_nodes(geometry, nodes: np.ndarray):
    """The geometry with each node inserted where it lies on (within the lattice of) an edge.

    So that neighbours and parents of a community keep sharing its border vertex by vertex.
    """
    if not len(nodes):
        return geometry
    tree = shapely.STRtree(shapely.points(nodes))
    reach = LATTICE * 1.01

    def ring(line):
        xy = shapely.get_coordinates(line)
        segments = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
        pairs = tree.query(segments, predicate="dwithin", distance=reach)
        inserts = defaultdict(list)
        for segment, node in zip(*pairs, strict=True):
            a, b, p = xy[segment], xy[segment + 1], nodes[node]
            if (p == a).all() or (p == b).all():
                continue
            inserts[int(segment)].append((float(np.dot(p - a, b - a)), tuple(p)))
        if not inserts:
            return xy
        grown = []
        for number, start in enumerate(map(tuple, xy[:-1])):
            grown.append(start)
            grown += [point for _along, point in sorted(inserts.get(number, ()))]
        grown.append(tuple(xy[-1]))
        return np.array(grown)

    parts = [
        shapely.Polygon(ring(part.exterior), [ring(hole) for hole in part.interiors])
        for part in shapely.get_parts(geometry)
    ]
    return shapely.MultiPolygon(parts) if geometry.geom_type == "MultiPolygon" else parts[0]


def without_nodes(geometry, nodes: set):
    """The geometry without these vertices; a ring keeps at least three."""

    def ring(line):
        xy = [point for point in map(tuple, shapely.get_coordinates(line)[:-1]) if point not in nodes]
        return [*xy, xy[0]] if len(xy) >= 3 else shapely.get_coordinates(line)

    parts = [
        shapely.Polygon(ring(part.exterior), [ring(hole) for hole in part.interiors])
        for part in shapely.get_parts(geometry)
    ]
    return shapely.MultiPolygon(parts) if geometry.geom_type == "MultiPolygon" else parts[0]
