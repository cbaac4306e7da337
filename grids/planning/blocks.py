"""Blocks: the ground of a community cut along roads, water, barriers, estates and grid borders.

No border of a block passes through a building unless a grid's border in force does; what is narrower than
3 m or smaller than 50 m² belongs to its neighbour. The blocks of a community are a coverage of its outline.
"""

from dataclasses import dataclass, field

import numpy as np
import shapely
from django.apps import apps
from django.db import connection
from django.utils.translation import gettext as _

from geo import registry
from geo.problems import Problem
from grids.coverage import METRES_PER_DEGREE, on_lattice
from grids.planning.lattice import cut_up, parts, shared_lengths, slivers, union

# A line must enter a building by more than this to run through it; metres.
TOUCH_M = 0.05


@dataclass
class Ground:
    """What stands in a community: lines that part blocks, estates by code, buildings that stay whole."""

    edges: list = field(default_factory=list)
    estates: dict[str, shapely.Geometry] = field(default_factory=dict)
    whole: list = field(default_factory=list)


@dataclass
class NewBlock:
    """A block before it has a row; ``owner`` is the key of the grid it belongs to."""

    geom: shapely.Polygon
    owner: str
    estate: str = ""


def ground_of(communities: list[str]) -> dict[str, Ground]:
    """The ground of communities, one statement per kind of place, found by the outlines' index."""
    found = {code: Ground() for code in communities}
    for place in registry.places.values():
        if not place.ground:
            continue
        model = apps.get_model(place.model)
        code = "r.code" if place.ground == "estate" else "''"
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                select c.code, {code}, ST_AsBinary(ST_Force2D(r.geom))
                from geo_area c join {model._meta.db_table} r on ST_Intersects(r.geom, c.geom)
                where c.level = 'community' and c.valid_to is null and c.code = any(%s)
                  and ST_Dimension(r.geom) > 0
                order by c.code, r.id
                """,
                [list(communities)],
            )
            rows = cursor.fetchall()
        shapes = shapely.from_wkb([bytes(row[2]) for row in rows])
        for (community, name, _wkb), shape in zip(rows, shapes, strict=True):
            ground = found[community]
            if place.ground == "edge":
                ground.edges.append(shapely.boundary(shape) if shapely.get_dimensions(shape) == 2 else shape)
            elif shapely.get_dimensions(shape) == 2:
                shape = shape if shapely.is_valid(shape) else shapely.make_valid(shape)
                if place.ground == "estate":
                    ground.estates[name] = shape
                else:
                    ground.whole.append(shape)
    return found


def buildings_at(geometry, metres: float = 0.0) -> list:
    """Polygons that no border may cut and that meet a geometry or lie within some metres of it."""
    wkb = shapely.to_wkb(geometry)
    found = []
    for place in registry.places.values():
        if place.ground != "whole":
            continue
        table = apps.get_model(place.model)._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                with here as (select ST_GeomFromWKB(%s, 4326) as geom)
                select ST_AsBinary(ST_Force2D(r.geom)) from {table} r, here
                where r.geom && ST_Expand(here.geom, %s) and ST_DWithin(r.geom, here.geom, %s)
                  and ST_Dimension(r.geom) = 2
                order by r.id
                """,
                [wkb, metres / METRES_PER_DEGREE * 2, metres / METRES_PER_DEGREE * 2],
            )
            found += [bytes(row[0]) for row in cursor.fetchall()]
    return [
        shape if shapely.is_valid(shape) else shapely.make_valid(shape) for shape in shapely.from_wkb(found)
    ]


def build(outline, shapes: dict[str, shapely.Geometry], ground: Ground) -> list[NewBlock]:
    """The blocks of a community whose grids are ``shapes``: a coverage of ``outline`` by key (WGS-84)."""
    latitude = shapely.centroid(outline).y
    west, south, east, north = shapely.bounds(outline)
    room = 1e-4
    lines = [
        shapely.clip_by_rect(line, west - room, south - room, east + room, north + room)
        for line in (*ground.edges, *(shapely.boundary(shape) for shape in ground.estates.values()))
    ]
    lines = [line for line in lines if not shapely.is_empty(line)]
    clumps = _crossed(lines, ground.whole)
    keys = list(shapes)
    faces, owner = cut_up(shapes.values(), [*lines, *(shapely.boundary(clump) for clump in clumps)])
    points = shapely.point_on_surface(faces)
    group = _merge(faces, points, owner, clumps, latitude)
    blocks = []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        blocks.append(NewBlock(union(faces[members]), keys[owner[members[0]]]))
    _name_estates(blocks, ground.estates)
    _prove(blocks)
    return blocks


def _crossed(lines, buildings) -> list:
    """Buildings that lines run through, those that overlap each other as one."""
    if not lines or not buildings:
        return []
    buildings = np.array(buildings, dtype=object)
    cores = shapely.buffer(buildings, -TOUCH_M / METRES_PER_DEGREE, join_style="mitre")
    tree = shapely.STRtree(cores)
    hit = set(tree.query(np.array(lines, dtype=object), predicate="intersects")[1].tolist())
    reach = list(hit)
    while reach:
        near = tree.query(buildings[reach], predicate="intersects")[1].tolist()
        reach = sorted(set(near) - hit)
        hit.update(reach)
    if not hit:
        return []
    clumps = shapely.get_parts(shapely.union_all(buildings[sorted(hit)]))
    return list(on_lattice(clumps))


def _merge(faces, points, owner, clumps, latitude: float) -> np.ndarray:
    """A group for every face: faces of a building together, and no sliver on its own if possible."""
    neighbours = shared_lengths(faces, latitude)
    group = np.arange(len(faces))
    members = {number: [number] for number in range(len(faces))}
    borders = {number: dict(neighbours.get(number, {})) for number in range(len(faces))}

    def join(one: int, into: int) -> None:
        for other, length in borders.pop(one).items():
            del borders[other][one]
            if other != into:
                borders[into][other] = borders[into].get(other, 0.0) + length
                borders[other][into] = borders[into][other]
        members[into] += members.pop(one)

    def heir(one: int, but=()) -> int | None:
        of = owner[members[one][0]]
        near = [
            (-round(length, 3), other)
            for other, length in borders[one].items()
            if owner[members[other][0]] == of and other not in but
        ]
        return min(near)[1] if near else None

    if clumps:
        covered = [set() for _clump in clumps]
        for clump, face in zip(
            *shapely.STRtree(points).query(np.array(clumps, dtype=object), predicate="contains"), strict=True
        ):
            covered[int(clump)].add(int(face))
        built = set().union(*covered)
        for inside in covered:
            for of in sorted({owner[face] for face in inside}):
                for whole in parts({face for face in inside if owner[face] == of}, neighbours):
                    first, *rest = sorted(whole)
                    for one in rest:
                        join(one, first)
        for one in sorted(built & members.keys()):
            into = heir(one, but=built)
            if into is not None:
                join(one, into)
    waiting = _sliver_keys(faces, members, list(members), latitude)
    while waiting:
        one = waiting.pop(0)
        if one not in members:
            continue
        into = heir(one)
        if into is None:
            continue
        join(one, into)
        if into in waiting:
            waiting.remove(into)
            waiting += _sliver_keys(faces, members, [into], latitude)
    for number, faces_of_it in members.items():
        group[faces_of_it] = number
    return group


def _sliver_keys(faces, members, numbers, latitude: float) -> list[int]:
    """Those of the groups that are slivers, the smallest first."""
    shapes = np.array([union(faces[members[number]]) for number in numbers], dtype=object)
    thin = slivers(shapes, latitude)
    found = [
        (shapely.area(shape), number)
        for shape, number, is_thin in zip(shapes, numbers, thin, strict=True)
        if is_thin
    ]
    return [number for _area, number in sorted(found)]


def _name_estates(blocks: list[NewBlock], estates: dict) -> None:
    if not estates:
        return
    codes, shapes = list(estates), np.array(list(estates.values()), dtype=object)
    points = shapely.point_on_surface(np.array([block.geom for block in blocks], dtype=object))
    for block, estate in sorted(
        zip(*shapely.STRtree(shapes).query(points, predicate="within").tolist(), strict=True)
    ):
        blocks[block].estate = blocks[block].estate or codes[estate][:40]


def _prove(blocks: list[NewBlock]) -> None:
    """Blocks come from one noding; if they were no coverage all the same, nothing may be built on them."""
    shapes = np.array([block.geom for block in blocks], dtype=object)
    whole = all(shape.geom_type == "Polygon" for shape in shapes)
    if not whole or not shapely.coverage_is_valid(shapes):
        raise Problem(_("The ground here cannot be cut into blocks."), kind="ground")
