"""A draft in memory: its grids and its active blocks, read in two statements."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import shapely
from django.db import connection

from geo.models import Area
from grids.coverage import LATTICE
from grids.models import Grid
from grids.planning.lattice import shared_lengths, union, without_idle_nodes
from grids.planning.models import Plan, PlanBlock, PlanGrid
from grids.publication import to_shapely


@dataclass
class Block:
    """An active block (WGS-84); ``grid`` is the number of its grid in the plan."""

    id: int
    grid: int
    community: str
    geom: shapely.Polygon
    estate: str = ""
    figures: dict = field(default_factory=dict)


@dataclass
class Draft:
    """The grids (by number, inactive ones too) and active blocks (by id) of a plan."""

    plan: Plan
    grids: dict[int, PlanGrid]
    blocks: dict[int, Block]
    _shapes: dict[int, shapely.Geometry] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, plan: Plan, *, lock: bool = False) -> Draft:
        """Read a plan's draft; with ``lock`` its row is held until the transaction ends."""
        if lock:
            plan = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        grids = {grid.number: grid for grid in _grids(plan)}
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                select b.id, g.number, b.community_code, ST_AsBinary(b.geom), b.estate, b.figures::text
                from {PlanBlock._meta.db_table} b join {PlanGrid._meta.db_table} g on g.id = b.grid_id
                where b.plan_id = %s and b.active order by b.id
                """,
                [plan.pk],
            )
            rows = cursor.fetchall()
        shapes = shapely.from_wkb([bytes(row[3]) for row in rows])
        blocks = {
            row[0]: Block(row[0], row[1], row[2], shape, row[4], json.loads(row[5]))
            for row, shape in zip(rows, shapes, strict=True)
        }
        return cls(plan, grids, blocks)

    @property
    def active(self) -> dict[int, PlanGrid]:
        """The grids that are part of the draft as it stands."""
        return {number: grid for number, grid in self.grids.items() if grid.active}

    def of_grid(self, number: int) -> list[Block]:
        """The blocks of a grid."""
        return [block for block in self.blocks.values() if block.grid == number]

    def in_community(self, community: str) -> list[Block]:
        """The blocks of a community."""
        return [block for block in self.blocks.values() if block.community == community]

    def shapes(self, communities=None) -> dict[int, shapely.Geometry]:
        """Each active grid's ground: the union of its blocks, with every node of theirs.

        With ``communities`` only the grids of these.
        """
        wanted = [
            number
            for number, grid in self.active.items()
            if communities is None or grid.community_code in communities
        ]
        missing = [number for number in wanted if number not in self._shapes]
        if missing:
            members: dict[int, list] = {number: [] for number in missing}
            for block in self.blocks.values():
                if block.grid in members:
                    members[block.grid].append(block.geom)
            self._shapes.update((number, union(geoms)) for number, geoms in members.items())
        return {number: self._shapes[number] for number in wanted}

    def borders(self, communities=None, *, exact: bool = False) -> dict[int, shapely.Geometry]:
        """Each active grid's border without the nodes that only blocks need.

        With ``exact`` every vertex of the grids in force and of the outlines stays (two statements), so that
        a grid whose ground did not change comes out vertex by vertex as it is in force.
        """
        keep = set()
        if exact:
            codes = self.plan.communities
            areas = Area.objects.filter(level=Area.Level.COMMUNITY, valid_to=None, code__in=codes)
            known = [*Grid.objects.filter(community_code__in=codes, retired_on=None), *areas]
            shapes = np.array([to_shapely(row.geom) for row in known], dtype=object)
            cells = np.rint(shapely.get_coordinates(shapes) / LATTICE).astype(np.int64)
            keep = set(map(tuple, cells.tolist()))
        return without_idle_nodes(self.shapes(communities), keep)

    def adjacency(self) -> dict[int, dict[int, float]]:
        """Metres of border that each pair of blocks shares, by block id."""
        ids = list(self.blocks)
        shapes = [block.geom for block in self.blocks.values()]
        if not shapes:
            return {}
        latitude = shapely.bounds(shapes[0])[1]
        shared = shared_lengths(shapes, latitude)
        return {
            one: {ids[other]: metres for other, metres in shared.get(number, {}).items()}
            for number, one in enumerate(ids)
        }

    def forget(self, numbers) -> None:
        """Grids whose blocks changed: their shapes are to be made anew."""
        for number in numbers:
            self._shapes.pop(number, None)


def _grids(plan):
    heavy = ("grid__geom", "grid__geom_3857", "grid__label_point")
    return PlanGrid.objects.filter(plan=plan).select_related("grid").defer(*heavy)
