"""A building with the ground nearest to it, cut out of its block along lines that pass no building."""

from __future__ import annotations

import numpy as np
import shapely
from django.utils.translation import gettext as _

from geo.problems import Problem
from grids.coverage import METRES_PER_DEGREE, on_lattice
from grids.planning.blocks import buildings_at
from grids.planning.lattice import squeeze
from grids.planning.state import Block

# How finely walls are sampled to find the ground nearest to them, and how much lines are smoothed; metres.
STEP_M, SMOOTH_M = 1.5, 0.4
# A click beside a building means it up to here.
BESIDE_M = 3.0


def ground_of_building(block: Block, spot: tuple[float, float]):
    """The ground of the building at a place within a block, or None where it is the only one there."""
    buildings = [shape for shape in buildings_at(block.geom) if shapely.intersects(block.geom, shape)]
    inner = shapely.buffer(block.geom, -0.05 / METRES_PER_DEGREE)
    buildings = np.array([shape for shape in buildings if shapely.intersects(inner, shape)], dtype=object)
    scale = np.array([squeeze(shapely.get_y(shapely.centroid(block.geom))), METRES_PER_DEGREE])

    def flat(geometry):
        return shapely.transform(geometry, lambda xy: xy * scale)

    point = shapely.Point(np.array(spot) * scale)
    away = shapely.distance(flat(buildings), point) if len(buildings) else np.array([])
    if not len(away) or away.min() > BESIDE_M:
        raise Problem(_("No building stands there."))
    chosen = int(away.argmin())
    if len(buildings) == 1:
        return None
    walls = shapely.segmentize(flat(buildings), STEP_M)
    xy, of = shapely.get_coordinates(walls, return_index=True)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=flat(block.geom)))
    cell, sample = shapely.STRtree(cells).query(shapely.points(xy), predicate="intersects")[::-1]
    own = shapely.union_all(cells[np.unique(cell[of[sample] == chosen])])
    own = shapely.simplify(own, SMOOTH_M)
    ground = shapely.transform(own, lambda places: places / scale)
    mine = buildings[chosen]
    others = [
        shape for number, shape in enumerate(buildings) if number != chosen and not _overlap(shape, mine)
    ]
    together = [shape for number, shape in enumerate(buildings) if number == chosen or _overlap(shape, mine)]
    ground = shapely.difference(shapely.union_all([ground, *together]), shapely.union_all(others))
    ground = on_lattice(shapely.intersection(ground, block.geom))
    ground = ground if shapely.is_valid(ground) else shapely.make_valid(ground)
    middle = shapely.point_on_surface(mine)
    whole = [part for part in shapely.get_parts(ground) if part.geom_type == "Polygon"]
    return min(whole, key=lambda part: (shapely.distance(part, middle), -shapely.area(part)))


def _overlap(one, other) -> bool:
    """Whether two buildings stand in one another, so that no line passes between them."""
    return shapely.area(shapely.intersection(one, other)) > 1e-11
