"""Judges of proposals that know nothing of how they were found: networkx and PostGIS."""

import networkx
import shapely
from django.db import connection

from grids.planning.proposal.graph import Ground


def network(ground: Ground) -> networkx.Graph:
    """Blocks that share a border of some length, by GEOS from the shapes, not by the graph's code."""
    graph = networkx.Graph()
    graph.add_nodes_from(ground.ids)
    tree = shapely.STRtree(ground.shapes)
    for one, other in zip(*tree.query(ground.shapes, predicate="touches"), strict=True):
        if one < other:
            shared = shapely.intersection(ground.shapes[one], ground.shapes[other])
            if shapely.length(shared) > 0:
                graph.add_edge(ground.ids[one], ground.ids[other])
    return graph


def by_part(blocks: dict[int, int]) -> dict[int, list[int]]:
    """Part > its block ids."""
    found: dict[int, list[int]] = {}
    for block, part in blocks.items():
        found.setdefault(part, []).append(block)
    return found


def is_connected(ground: Ground, blocks: dict[int, int]) -> bool:
    """networkx: whether every part is one piece."""
    graph = network(ground)
    return all(networkx.is_connected(graph.subgraph(ids)) for ids in by_part(blocks).values())


def pieces_in_postgis(ground: Ground, blocks: dict[int, int]) -> list[int]:
    """PostGIS: how many polygons the union of each part is (a valid one, or 0)."""
    shapes = dict(zip(ground.ids, shapely.to_wkb(ground.shapes), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select part, case when ST_IsValid(u) then ST_NumGeometries(u) else 0 end
            from (
                select part, ST_Union(ST_GeomFromWKB(wkb, 4326)) as u
                from unnest(%s::int[], %s::bytea[]) as given(part, wkb) group by part
            ) united order by part
            """,
            [list(blocks.values()), [shapes[block] for block in blocks]],
        )
        return [row[1] for row in cursor.fetchall()]


def weights(ground: Ground, blocks: dict[int, int]) -> dict[int, float]:
    """Part > its weight, added up block by block."""
    weight = dict(zip(ground.ids, ground.weights, strict=True))
    return {part: float(sum(weight[block] for block in ids)) for part, ids in by_part(blocks).items()}


def deviation(ground: Ground, blocks: dict[int, int]) -> float:
    found = weights(ground, blocks)
    mean = sum(found.values()) / len(found)
    return max(abs(weight - mean) for weight in found.values()) / mean
