"""Strokes without new ground: names, kinds, locks, and grids that become one."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.problems import Problem
from grids.models import Grid
from grids.planning import codes
from grids.planning.state import Draft
from grids.planning.strokes.stroke import Stroke, bad, kind_of, numbers, whole_number, words

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def change(draft: Draft, params: dict) -> Stroke:
    """``set``: name, kind, code, colour, lock of a grid."""
    stroke = Stroke(draft)
    number = whole_number(params, "grid")
    grid = stroke.grid(number)
    values: dict = {}
    if "name" in params:
        values["name"] = words(params, "name")
    if "colour" in params:
        colour = words(params, "colour", 7)
        if colour and not COLOUR.fullmatch(colour):
            raise bad("colour", _("colour takes # and six hexadecimal digits."))
        values["colour"] = colour.lower()
    if "locked" in params:
        if not isinstance(params["locked"], bool):
            raise bad("locked", _("locked takes true or false."))
        values["locked"] = params["locked"]
    planned = [other.code for other in draft.grids.values()]
    taken = codes.used(grid.community_code, planned)
    if params.get("kind") and (kind := kind_of(params)) != grid.kind:
        # The code says the kind: a grid of another kind is another grid.
        values |= {"kind": kind, "code": codes.free(grid.community_code, kind, taken), "grid_id": None}
    if wanted := words(params, "code", 15):
        values |= _code(grid, wanted, values.get("kind", grid.kind), taken)
    stroke.set(number, **values)
    stroke.summary = _words(stroke, number)
    return stroke


def _code(grid, wanted: str, kind: str, taken: set[str]) -> dict:
    if re.fullmatch(r"[0-9]{3}", wanted):
        wanted = grid.community_code + wanted
    if wanted == grid.code:
        return {}
    if not re.fullmatch(r"[0-9]{15}", wanted) or not wanted.startswith(grid.community_code):
        raise bad("code", _("A grid's code is its community's 12 digits and a sequence of 3."))
    if int(wanted[-3:]) not in codes.SEQUENCES[kind]:
        raise bad("code", _("Basic grids have the sequences 001-799, exclusive ones 801-999."))
    if wanted in taken:
        raise bad("code", _("%s is used already, or was; codes are not used twice.") % wanted)
    return {"code": wanted, "grid_id": None}


def _words(stroke: Stroke, number: int) -> str:
    changed, label = stroke.attributes.get(number, {}), stroke.label(number)
    if "locked" in changed:
        return (_("locked %s") if changed["locked"] else _("unlocked %s")) % label
    if "code" in changed:
        return _("%(grid)s is now %(code)s") % {"grid": label, "code": codes.short(changed["code"])}
    if "name" in changed:
        return _("named %(grid)s “%(name)s”") % {"grid": label, "name": changed["name"]}
    return _("gave %s another colour") % label


def merge(draft: Draft, params: dict) -> Stroke:
    """``merge``: grids become part of one of them."""
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    into = whole_number(params, "into")
    others = [number for number in numbers(params, "grids", 200) if number != into]
    target = stroke.grid(into)
    if not others:
        raise Problem(_("Merging takes two grids at least."))
    for number in others:
        grid = stroke.grid(number)
        if grid.community_code != target.community_code:
            raise Problem(
                _("%(one)s and %(other)s lie in different communities.")
                % {"one": stroke.label(number), "other": stroke.label(into)}
            )
        stroke.give([block.id for block in draft.of_grid(number)], into)
    stroke.named |= {into, *others}
    stroke.summary = _("merged %(others)s into %(grid)s") % {
        "others": stroke.labels(others),
        "grid": stroke.label(into),
    }
    return stroke


def assign(draft: Draft, params: dict) -> Stroke:
    """``assign``: a grid for each of many blocks; "new:1" and so on are new grids, alike ones the same."""
    stroke = Stroke(draft, allow_parts=params.get("allow_parts") is True)
    wanted = params.get("grids")
    names = params.get("names") or {}
    if not isinstance(wanted, dict) or not wanted or not isinstance(names, dict):
        raise bad("grids", _("grids takes an object: block > grid."))
    made: dict[str, int] = {}
    shares: dict[int, list[int]] = {}
    for key, target in wanted.items():
        if not re.fullmatch(r"[0-9]{1,18}", str(key)):
            raise bad("grids", _("grids takes an object: block > grid."))
        block = stroke.block(int(key))
        if isinstance(target, str) and re.fullmatch(r"new:[0-9]{1,4}", target):
            if target not in made:
                kind = kind_of({}, Grid.Kind.BASIC)
                made[target] = stroke.new_grid(block.community, name=words(names, target), kind=kind)
            target = made[target]
        elif isinstance(target, bool) or not isinstance(target, int):
            raise bad("grids", _("grids takes an object: block > grid."))
        shares.setdefault(target, []).append(block.id)
    count = sum(stroke.give(ids, number) for number, ids in shares.items())
    stroke.summary = ngettext(
        "handed over %(count)d block as proposed", "handed over %(count)d blocks as proposed", count
    ) % {"count": count}
    return stroke
