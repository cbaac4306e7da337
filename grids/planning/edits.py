"""Strokes written: in order, each once, told when somebody else was there before, and undone step by step.

A plan's row is locked while its draft changes, so that strokes come one after the other. The log of deltas
(``PlanEdit``) is the truth of undo; the rows of grids and blocks are the draft as it stands.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from geo.models import IdempotencyKey
from geo.problems import Problem
from grids.models import Plan, PlanBlock, PlanEdit, PlanGrid
from grids.planning import draft as drafts
from grids.planning.lattice import union
from grids.planning.state import Block, Draft
from grids.planning.strokes import OPERATIONS
from grids.planning.strokes.stroke import Gone, Stroke
from grids.publication import to_django

MOST_SUMMARY = 200
MOST_PARAMS = 2_000_000
# Attributes of a grid that a delta may hold.
FIELDS = ("code", "name", "kind", "colour", "locked", "active", "grid_id")


@dataclass
class Change:
    """What became of a plan: its draft as it stands, and the revision that the asker stood on."""

    plan: Plan
    draft: Draft
    since: int
    replayed: bool = False


def stroke(plan: Plan, user, op: str, params: dict, base: int, client_key=None) -> Change:
    """Make a stroke on a draft.

    Raises ``Problem``: 409 ``conflict`` when others changed the same ground since ``base`` (with
    ``changes_since``), 409 ``state`` when the plan takes no strokes, 422 when it cannot be made.
    """
    if op not in OPERATIONS:
        raise Problem(
            _("There is no operation “%(op)s”; there are: %(known)s.")
            % {"op": op[:40], "known": ", ".join(sorted(OPERATIONS))}
        )
    _check_params(params)
    with transaction.atomic():
        draft = Draft.load(plan, lock=True)
        if change := _replay(draft, user, client_key, base):
            return change
        _check_open(draft.plan, base)
        _drop_undone(draft)
        try:
            wish = OPERATIONS[op](draft, params)
        except Gone as problem:
            _refuse_if_others(draft, user, base, None)
            raise problem from None
        _refuse_if_others(draft, user, base, wish)
        _check_locks(wish)
        delta, summary = _write(wish)
        if not any(delta.values()):
            raise Problem(_("Nothing would change."), kind="nothing")
        number = (draft.plan.edits.order_by("-number").values_list("number", flat=True).first() or 0) + 1
        PlanEdit.objects.create(
            plan=draft.plan,
            number=number,
            op=op,
            params=params,
            delta=delta,
            summary=summary[:MOST_SUMMARY],
            user=user,
            changed_by=user,
            revision=draft.plan.revision,
        )
        _keep_key(draft, user, client_key)
        drafts.tell(draft.plan)
    return Change(draft.plan, draft, base)


def _check_params(params) -> None:
    if not isinstance(params, dict):
        raise Problem(_("params takes an object."))
    try:
        text = json.dumps(params, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        raise Problem(_("params holds letters or numbers that cannot be kept.")) from None
    if "\\u0000" in text or len(text) > MOST_PARAMS:
        raise Problem(_("params holds letters or numbers that cannot be kept."))


def undo(plan: Plan, user, base: int, client_key=None, number: int | None = None) -> Change:
    """Undo the last stroke, whoever made it; with ``number`` all down to that one, it too."""
    return _step(plan, user, base, client_key, number, forwards=False)


def redo(plan: Plan, user, base: int, client_key=None, number: int | None = None) -> Change:
    """Do again what was undone last; with ``number`` all up to that one, it too."""
    return _step(plan, user, base, client_key, number, forwards=True)


def _step(plan, user, base, client_key, number, *, forwards: bool) -> Change:
    with transaction.atomic():
        draft = Draft.load(plan, lock=True)
        if change := _replay(draft, user, client_key, base):
            return change
        _check_open(draft.plan, base)
        _refuse_if_others(draft, user, base, None)
        edits = draft.plan.edits.filter(dropped=False, undone=forwards)
        edits = edits.order_by("number" if forwards else "-number")
        if number is not None:
            edits = edits.filter(number__lte=number) if forwards else edits.filter(number__gte=number)
            edits = list(edits)
        else:
            edits = list(edits[:1])
        if not edits:
            raise Problem(
                _("There is nothing to do again.") if forwards else _("There is nothing to undo."),
                kind="nothing",
            )
        revision = _next(draft.plan)
        for edit in edits:
            apply(draft, edit.delta, revision, forwards=forwards)
        PlanEdit.objects.filter(pk__in=[edit.pk for edit in edits]).update(
            undone=not forwards, revision=revision, changed_by=user
        )
        _keep_key(draft, user, client_key)
        drafts.tell(draft.plan)
        draft = Draft.load(draft.plan)
    return Change(draft.plan, draft, base)


# --- Who was there before ----------------------------------------------------------------------------


def _endpoint(plan: Plan) -> str:
    return f"plan {plan.pk}"


def is_done(plan: Plan, user, client_key) -> bool:
    """Whether a stroke with this client's key was made already."""
    known = IdempotencyKey.objects.filter(user=user, endpoint=_endpoint(plan), key=str(client_key))
    return client_key is not None and known.exists()


def _replay(draft: Draft, user, client_key, base: int) -> Change | None:
    """The answer to a request that was done already: what changed since the client's base."""
    if not is_done(draft.plan, user, client_key):
        return None
    return Change(draft.plan, draft, min(base, draft.plan.revision), replayed=True)


def _keep_key(draft: Draft, user, client_key) -> None:
    if client_key is not None:
        IdempotencyKey.objects.create(
            user=user,
            endpoint=_endpoint(draft.plan),
            key=str(client_key),
            body_sha256="",
            status=200,
            response={"revision": draft.plan.revision},
        )


def _check_open(plan: Plan, base: int) -> None:
    if plan.state not in Plan.OPEN:
        raise Problem(
            _("This plan takes no changes: %s.") % plan.get_state_display(), status=409, kind="state"
        )
    if not 0 <= base <= plan.revision:
        raise Problem(_("The plan has no revision %s.") % base)


def footprint(delta: dict) -> tuple[set[int], set[int]]:
    """Blocks and grids that a delta touches."""
    blocks = {int(pk) for pk in delta.get("blocks", {})} | {
        *delta.get("removed", ()),
        *delta.get("added", ()),
    }
    grids = {number for pair in delta.get("blocks", {}).values() for number in pair}
    return blocks, grids | {int(number) for number in delta.get("grids", {})} | set(delta.get("ground", ()))


def _refuse_if_others(draft: Draft, user, base: int, wish: Stroke | None) -> None:
    """Raise a conflict when others changed, since ``base``, what this stroke is about (None: anything)."""
    if base == draft.plan.revision:
        return
    others = list(
        draft.plan.edits.filter(revision__gt=base)
        .exclude(changed_by=user)
        .select_related("user", "changed_by")
        .order_by("-revision", "-number")
    )
    if wish is not None:
        blocks = {*wish.moves, *wish.removed}
        grids = wish.losing() | wish.gaining() | wish.named | set(wish.attributes)
        others = [
            edit
            for edit in others
            if (touched := footprint(edit.delta)) and (touched[0] & blocks or touched[1] & grids)
        ]
    if not others:
        return
    edit = others[0]
    who = edit.changed_by or edit.user
    what = _("%(who)s undid: %(what)s") if edit.undone else _("%(who)s: %(what)s")
    from grids.planning.changes import changes

    raise Problem(
        _("Somebody else changed this meanwhile.") + " " + what % {"who": str(who), "what": edit.summary},
        status=409,
        kind="conflict",
        changes_since=changes(draft, base),
    )


def _check_locks(wish: Stroke) -> None:
    locked = [
        number
        for number in sorted(wish.losing() | wish.gaining())
        if number in wish.draft.grids and wish.draft.grids[number].locked
    ]
    if locked:
        raise Problem(_("%s is locked; unlock it first.") % wish.labels(locked), kind="locked")


# --- Writing -----------------------------------------------------------------------------------------


def _next(plan: Plan) -> int:
    plan.revision += 1
    plan.save(update_fields=["revision", "changed_at"])
    return plan.revision


def _write(wish: Stroke) -> tuple[dict, str]:
    """Write a stroke and bring the draft in memory up to date; returns its delta and its summary."""
    draft = wish.draft
    losing, gaining = wish.losing(), wish.gaining()
    parts_before = {number: _parts(draft, number) for number in (losing | gaining) if number in draft.grids}
    revision = _next(draft.plan)
    for number, grid in wish.born.items():
        grid.revision = revision
        grid.save()
        draft.grids[number] = grid
        wish.attributes.setdefault(number, {})["active"] = True
    summary = wish.summary
    if emptied := _emptied(wish, losing):
        for number in emptied:
            wish.attributes.setdefault(number, {})["active"] = False
        summary += "; " + _("%s has no ground left and is dropped") % wish.labels(emptied)
    rows = [
        PlanBlock(
            plan=draft.plan,
            grid=draft.grids[piece.grid],
            community_code=piece.community,
            geom=to_django(piece.geom),
            estate=piece.estate,
            figures=piece.figures or {},
            revision=revision,
        )
        for piece in wish.pieces
    ]
    PlanBlock.objects.bulk_create(rows)
    drafts.count([row for row, piece in zip(rows, wish.pieces, strict=True) if piece.figures is None])
    delta = {
        "blocks": {str(pk): [draft.blocks[pk].grid, number] for pk, number in sorted(wish.moves.items())},
        "removed": sorted(wish.removed),
        "added": [row.pk for row in rows],
        "grids": {
            str(number): {name: [getattr(draft.grids[number], name), value] for name, value in values.items()}
            for number, values in sorted(wish.attributes.items())
        },
        "ground": sorted(losing | gaining) if rows else [],
    }
    apply(draft, delta, revision, forwards=True)
    for row, piece in zip(rows, wish.pieces, strict=True):
        draft.blocks[row.pk] = Block(
            row.pk, piece.grid, piece.community, piece.geom, piece.estate, row.figures
        )
    if not wish.allow_parts:
        _check_parts(wish, losing | gaining, parts_before)
    return delta, summary


def _emptied(wish: Stroke, losing) -> list[int]:
    left = {
        block.grid
        for pk, block in wish.draft.blocks.items()
        if pk not in wish.removed and pk not in wish.moves
    }
    left |= {*wish.moves.values(), *(piece.grid for piece in wish.pieces)}
    return sorted(number for number in losing if number not in left)


def _parts(draft: Draft, number: int) -> int:
    """How many parts a grid's ground has."""
    shapes = draft.shapes({draft.grids[number].community_code})
    if number not in shapes:
        return 0
    return len(shapes[number].geoms) if shapes[number].geom_type == "MultiPolygon" else 1


def _check_parts(wish: Stroke, numbers, before) -> None:
    for number in sorted(numbers):
        if not wish.draft.grids[number].active:
            continue
        whole = union([block.geom for block in wish.draft.of_grid(number)])
        count = len(whole.geoms) if whole.geom_type == "MultiPolygon" else 1
        if count > max(1, before.get(number, 1)):
            raise Problem(
                _("%(grid)s would be in %(count)d parts that do not hang together.")
                % {"grid": wish.label(number), "count": count},
                kind="parts",
            )


def apply(draft: Draft, delta: dict, revision: int, *, forwards: bool) -> None:
    """Apply a delta to the rows, and to the draft in memory as far as it holds them: some few statements."""
    side = 1 if forwards else 0
    moves = {int(pk): pair[side] for pk, pair in delta["blocks"].items()}
    on, off = (delta["added"], delta["removed"]) if forwards else (delta["removed"], delta["added"])
    touched = {number for pair in delta["blocks"].values() for number in pair} | set(delta.get("ground", ()))
    touched |= {draft.blocks[pk].grid for pk in off if pk in draft.blocks}
    table = PlanBlock._meta.db_table
    with connection.cursor() as cursor:
        if moves:
            cursor.execute(
                f"update {table} b set grid_id = new.grid, revision = %s"
                " from unnest(%s::bigint[], %s::bigint[]) as new(id, grid) where b.id = new.id",
                [revision, list(moves), [draft.grids[number].pk for number in moves.values()]],
            )
        if on or off:
            cursor.execute(
                f"update {table} set active = (id = any(%s)), revision = %s where id = any(%s)",
                [list(on), revision, [*on, *off]],
            )
    for pk, number in moves.items():
        if pk in draft.blocks:
            draft.blocks[pk].grid = number
    for pk in off:
        draft.blocks.pop(pk, None)
    for number, values in delta["grids"].items():
        grid = draft.grids[int(number)]
        for name, pair in values.items():
            if name in FIELDS:
                setattr(grid, name, pair[side])
        touched.add(int(number))
    for number in sorted(touched):
        grid = draft.grids[number]
        grid.revision = revision
        grid.save(update_fields=[*FIELDS[:-1], "grid", "revision"])
    draft.forget(touched)


def _drop_undone(draft: Draft) -> None:
    """A new stroke takes the place of what was undone; codes born there are free again."""
    plan = draft.plan
    undone = plan.edits.filter(undone=True, dropped=False)
    born = [
        int(number)
        for delta in list(undone.values_list("delta", flat=True))
        for number, values in delta["grids"].items()
        if values.get("active") == [False, True]
    ]
    if born:
        PlanGrid.objects.filter(plan=plan, number__in=born, active=False).update(code="")
        for number in born:
            draft.grids[number].code = ""
    undone.update(dropped=True)
