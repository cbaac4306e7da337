"""A plan, its grids, blocks and log as the API and the stream's listeners read them."""

from __future__ import annotations

import shapely

from geo.models import Area
from grids.models import Plan, PlanBlock, PlanEdit
from grids.planning import review
from grids.planning.state import Block, Draft


def grid_rows(draft: Draft, since: int | None = None) -> list[dict]:
    """Grids as planners see them; with ``since`` those that changed after that revision."""
    counts: dict[int, int] = {}
    for block in draft.blocks.values():
        counts[block.grid] = counts.get(block.grid, 0) + 1
    shown = {grid.community_code for grid in draft.grids.values() if since is None or grid.revision > since}
    borders = draft.borders(shown)
    rows = []
    for number, grid in sorted(draft.grids.items()):
        if since is None and not grid.active:
            continue
        if since is not None and grid.revision <= since:
            continue
        shape = borders.get(number)
        label = shapely.point_on_surface(shape) if shape is not None else None
        rows.append(
            {
                "number": number,
                "code": grid.code,
                "name": grid.name,
                "kind": grid.kind,
                "colour": grid.colour,
                "locked": grid.locked,
                "community_code": grid.community_code,
                "in_force": grid.grid.code if grid.grid_id else None,
                "active": grid.active,
                "blocks": counts.get(number, 0),
                "bbox": list(shapely.bounds(shape).tolist()) if shape is not None else None,
                "label": [label.x, label.y] if label is not None else None,
                "geometry": shapely.geometry.mapping(shape) if shape is not None else None,
            }
        )
    return rows


def feature(block: Block) -> dict:
    """A block as a GeoJSON feature."""
    return {
        "type": "Feature",
        "id": block.id,
        "geometry": shapely.geometry.mapping(block.geom),
        "properties": {"grid": block.grid, "estate": block.estate, "community": block.community},
    }


def block_features(draft: Draft, since: int | None = None) -> dict:
    """Active blocks; with ``since`` those that changed after that revision, and the ids of those gone."""
    blocks, removed = list(draft.blocks.values()), []
    if since is not None:
        changed = dict(
            PlanBlock.objects.filter(plan=draft.plan, revision__gt=since).values_list("pk", "active")
        )
        blocks = [block for block in blocks if block.id in changed]
        removed = sorted(pk for pk, active in changed.items() if not active)
    return {
        "type": "FeatureCollection",
        "revision": draft.plan.revision,
        "features": [feature(block) for block in blocks],
        "removed": removed,
    }


def edit_row(edit: PlanEdit) -> dict:
    """A stroke of the log."""
    return {
        "number": edit.number,
        "op": edit.op,
        "summary": edit.summary,
        "user": str(edit.user),
        "at": edit.at.isoformat(),
        "undone": edit.undone,
        "dropped": edit.dropped,
        "revision": edit.revision,
    }


def step(edit: PlanEdit | None) -> dict | None:
    """What undo or redo would be about."""
    return None if edit is None else {"number": edit.number, "summary": edit.summary, "user": str(edit.user)}


def next_steps(plan: Plan) -> tuple[dict | None, dict | None]:
    """What undo and redo would do now; one statement."""
    edits = plan.edits.filter(dropped=False).select_related("user").defer("delta", "params")
    last = edits.filter(undone=False).order_by("-number")[:1]
    first = edits.filter(undone=True).order_by("number")[:1]
    found = {edit.undone: edit for edit in last.union(first)}
    return step(found.get(False)), step(found.get(True))


def changes(draft: Draft, since: int) -> dict:
    """What changed after a revision, merged, for a planner that stands there."""
    edits = list(
        draft.plan.edits.filter(revision__gt=since).select_related("user").order_by("number").defer("params")
    )
    replaced = {pk for edit in edits for name in ("added", "removed") for pk in edit.delta.get(name, ())}
    changed = dict(PlanBlock.objects.filter(plan=draft.plan, revision__gt=since).values_list("pk", "active"))
    active = [pk for pk, is_active in changed.items() if is_active and pk in draft.blocks]
    undo, redo = next_steps(draft.plan)
    return {
        "revision": draft.plan.revision,
        "blocks": {
            "added": [feature(draft.blocks[pk]) for pk in sorted(active) if pk in replaced],
            "removed": sorted(pk for pk, is_active in changed.items() if not is_active),
            "moved": {str(pk): draft.blocks[pk].grid for pk in sorted(active) if pk not in replaced},
        },
        "grids": grid_rows(draft, since),
        "edits": [edit_row(edit) for edit in edits],
        "undo": undo,
        "redo": redo,
    }


def plan_row(plan: Plan, user) -> dict:
    """A plan without its draft."""
    areas = dict(Area.objects.filter(code__in=plan.communities, valid_to=None).values_list("code", "name"))
    return {
        **plan_line(plan, areas),
        "findings": plan.findings,
        "can": can(plan, user),
    }


def plan_line(plan: Plan, names: dict[str, str]) -> dict:
    """A plan in a list; ``names`` are those of its communities."""
    return {
        "id": plan.pk,
        "name": plan.name,
        "note": plan.note,
        "state": plan.state,
        "state_label": plan.get_state_display(),
        "revision": plan.revision,
        "communities": [{"code": code, "name": names.get(code, "")} for code in plan.communities],
        "area_code": plan.area_code,
        "start": plan.start,
        "standard": {"low": plan.standard_low, "high": plan.standard_high},
        "effective_on": plan.effective_on.isoformat() if plan.effective_on else None,
        "created_by": str(plan.created_by),
        "created_at": plan.created_at.isoformat(),
        "changed_at": plan.changed_at.isoformat(),
        "problem": plan.problem,
    }


def can(plan: Plan, user) -> dict[str, bool]:
    """What the user may do with the plan as it stands; ``withdraw`` lays a draft aside or takes it back."""
    draws = user.scope.covers("grids.plan", plan.area_code)
    steps = review.can(user, plan)
    return steps | {
        "withdraw": steps["withdraw"] or (draws and plan.state in (*Plan.OPEN, Plan.State.FAILED)),
        "restore": draws and plan.state == Plan.State.WITHDRAWN,
        "review": steps["approve"] or steps["return"],
    }
