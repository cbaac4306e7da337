"""Handing blocks from grid to grid: by name, by place, by lasso, by estate."""

import shapely
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.problems import Problem
from grids.planning.state import Draft
from grids.planning.strokes.buildings import ground_of_building
from grids.planning.strokes.overlay import recut
from grids.planning.strokes.stroke import Stroke, bad, kind_of, numbers, place, polygon, whole_number, words

WAYS = ("blocks", "point", "lasso", "estate", "building")


def hand_over(draft: Draft, params: dict) -> Stroke:
    """``hand_over``: blocks go to the grid ``to``, or to a new one."""
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    ways = [way for way in WAYS if params.get(way) is not None]
    if len(ways) != 1:
        raise bad("blocks", _("Handing over takes one of: %s.") % ", ".join(WAYS))
    ids = chosen(stroke, params, ways[0])
    if not ids:
        raise Problem(_("No block lies in it by more than half."))
    if params.get("to") == "new":
        to = stroke.new_grid(stroke.block(ids[0]).community, name=words(params, "name"), kind=kind_of(params))
    else:
        to = whole_number(params, "to")
    target = stroke.grid(to)
    if ways[0] == "building":
        return building(stroke, ids[0], place(params["building"], "building"), to)
    if ways[0] in ("lasso", "estate"):
        # A lasso takes what it can: other communities' ground and locked grids stay.
        ids = [
            pk
            for pk in ids
            if (block := stroke.block(pk)).community == target.community_code
            and not draft.grids[block.grid].locked
        ]
    givers = {stroke.block(pk).grid for pk in ids} - {to}
    count = stroke.give(ids, to)
    stroke.named |= {to, *givers}
    stroke.summary = ngettext(
        "handed %(count)d block from %(givers)s to %(to)s",
        "handed %(count)d blocks from %(givers)s to %(to)s",
        count,
    ) % {"count": count, "givers": stroke.labels(givers), "to": stroke.label(to)}
    return stroke


def chosen(stroke: Stroke, params: dict, way: str) -> list[int]:
    """Ids of the blocks meant."""
    draft = stroke.draft
    if way == "blocks":
        return numbers(params, "blocks")
    if way in ("point", "building"):
        return [block_at(stroke, place(params[way], way))]
    if way == "lasso":
        lasso = polygon(params, "lasso")
        ids = list(draft.blocks)
        shapes = [draft.blocks[pk].geom for pk in ids]
        inside = shapely.area(shapely.intersection(shapes, lasso)) > shapely.area(shapes) / 2
        return [pk for pk, is_inside in zip(ids, inside, strict=True) if is_inside]
    if way == "estate":
        estate = words(params, "estate", 40)
        found = [block.id for block in draft.blocks.values() if estate and block.estate == estate]
        if not found:
            raise Problem(_("No block of this plan belongs to the estate %s.") % estate)
        return found
    return []


def block_at(stroke: Stroke, spot: tuple[float, float]) -> int:
    """The block under a place."""
    point = shapely.Point(spot)
    ids = list(stroke.draft.blocks)
    hit = shapely.STRtree([stroke.draft.blocks[pk].geom for pk in ids]).query(point, predicate="intersects")
    if not len(hit):
        raise Problem(_("There is no ground of this plan."))
    return ids[min(hit)]


def building(stroke: Stroke, pk: int, spot: tuple[float, float], to: int) -> Stroke:
    """The building at a place and its ground go over; the rest of its block stays."""
    block, target = stroke.block(pk), stroke.grid(to)
    if block.community != target.community_code:
        stroke.give([pk], to)  # says why not
    if block.grid == to:
        raise Problem(_("Nothing would change."), kind="nothing")
    ground = ground_of_building(block, spot)
    if ground is None:
        stroke.give([pk], to)
    else:

        def assign(points, blocks):
            mine = shapely.contains(ground, points)
            return [
                to if one.id == pk and is_mine else one.grid
                for one, is_mine in zip(blocks, mine, strict=True)
            ]

        recut(stroke, block.community, [shapely.boundary(ground)], assign)
    stroke.named |= {to, block.grid}
    stroke.summary = _("handed a building from %(giver)s to %(to)s") % {
        "giver": stroke.label(block.grid),
        "to": stroke.label(to),
    }
    return stroke
