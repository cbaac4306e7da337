"""Any two of: the grids in force today, a plan, another plan. What moves from which grid to which.

A plan against today is a sum over its blocks. Two plans have blocks of their own: their rows are joined with
both sets of grids, one statement per measure.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from geo.problems import Problem
from grids.models import Plan
from grids.planning import counting, figures
from grids.planning.counting import AREA
from grids.planning.figures import HOMES, WORKERS
from grids.publication import to_shapely

TODAY = "today"

_PAIRS = (
    counting.BESIDE_ROWS
    + """,
shape as materialized (
    select side, code, ST_SetSRID(ST_GeomFromWKB(wkb), 4326) as geom
    from unnest(%%s::int[], %%s::text[], %%s::bytea[]) s(side, code, wkb)
)
select a.code, b.code, sum(beside.v)::float8
from beside
join shape a on a.side = 0 and a.geom && beside.point and ST_Covers(a.geom, beside.point)
join shape b on b.side = 1 and b.geom && beside.point and ST_Covers(b.geom, beside.point)
group by 1, 2
"""
)


@dataclass
class Side:
    """One of the two: grids by code, with their shapes, what they hold and who works in them."""

    title: str
    plan: Plan
    id: int | None = None
    grids: dict[str, object] = field(default_factory=dict)
    shapes: dict[str, shapely.Geometry] = field(default_factory=dict)
    held: dict[str, Counter] = field(default_factory=dict)
    people: dict[str, dict[int, str]] = field(default_factory=dict)

    def name(self, code: str) -> str:
        grid = self.grids.get(code)
        return (grid.name or grid.code) if grid is not None else _("no grid")

    def figures(self, code: str) -> dict:
        return figures.told(self.held[code], self.shapes.get(code), self.grids.get(code), self.plan)

    def within(self, communities) -> "Side":
        """Only the grids of these communities."""
        kept = {code for code, grid in self.grids.items() if grid.community_code in communities}
        for name in ("grids", "shapes", "held", "people"):
            setattr(self, name, {code: v for code, v in getattr(self, name).items() if code in kept})
        return self


def side_of(draft, sums) -> Side:
    """A plan as a side of a comparison."""
    active = {number: grid for number, grid in draft.grids.items() if grid.active}
    shapes = draft.shapes()
    return Side(
        title=draft.plan.name,
        plan=draft.plan,
        id=draft.plan.pk,
        grids={grid.code: grid for grid in active.values()},
        shapes={grid.code: shapes[number] for number, grid in active.items() if number in shapes},
        held={grid.code: sums.plan[number] for number, grid in active.items()},
        people=sums.people.then,
    )


def today_of(draft, sums) -> Side:
    """The grids in force in a plan's communities; what they hold is counted as the plan's is."""
    return Side(
        title=_("In force today"),
        plan=draft.plan,
        grids=dict(sums.in_force),
        shapes={code: to_shapely(grid.geom) for code, grid in sums.in_force.items()},
        held=dict(sums.today),
        people=sums.people.today,
    )


@dataclass
class Comparison:
    """``a`` is what was, ``b`` what shall be; ``pairs`` by (code in a, code in b)."""

    a: Side
    b: Side
    pairs: dict[tuple[str, str], Counter]

    def moves(self) -> list[tuple[str, str, Counter]]:
        """What changes hands, by the grid it comes from."""
        found = [
            (old, new, moved)
            for (old, new), moved in self.pairs.items()
            if old != new and figures.is_move(moved)
        ]
        return sorted(found, key=lambda move: move[:2])

    def changed(self) -> list[tuple[str, str, shapely.Geometry]]:
        """The ground that changes hands, one geometry for each pair of grids (WGS-84)."""
        found = []
        for old, new, moved in self.moves():
            if moved[AREA] < figures.LEAST_GROUND:
                continue
            shape = self.b.shapes[new]
            if old:
                ground = shapely.intersection(self.a.shapes[old], shape)
            else:
                ground = shapely.difference(shape, shapely.union_all(list(self.a.shapes.values())))
            parts = [
                part
                for part in shapely.get_parts(ground)
                if part.geom_type == "Polygon" and figures.measured(part)[0] >= figures.LEAST_GROUND
            ]
            if parts:
                found.append((old, new, shapely.multipolygons(parts)))
        return found


def of(draft, other=None) -> Comparison:
    """A plan (``b``) against today or, with ``other``, against another plan (``a``)."""
    sums = figures.sums(draft)
    if other is None:
        b = side_of(draft, sums)
        codes = {number: grid.code for number, grid in draft.grids.items()}
        pairs = {(code, codes[number]): Counter(held) for (code, number), held in sums.pairs.items()}
        return Comparison(*_with_workers(today_of(draft, sums), b, pairs))
    shared = sorted(set(draft.plan.communities) & set(other.plan.communities))
    if not shared:
        raise Problem(_("The two plans have no community in common."), kind="nothing-in-common")
    a, b = side_of(other, figures.sums(other)).within(shared), side_of(draft, sums).within(shared)
    return Comparison(*_with_workers(a, b, _between(a, b, shared)))


def _between(a: Side, b: Side, communities: list[str]) -> dict[tuple[str, str], Counter]:
    """Rows and ground by grid of both sides."""
    pairs: dict[tuple[str, str], Counter] = defaultdict(Counter)
    codes, shapes = list(b.shapes), np.array(list(b.shapes.values()), dtype=object)
    tree = shapely.STRtree(shapes)
    for old, shape in a.shapes.items():
        for at in tree.query(shape, predicate="intersects"):
            area = shapely.area(figures.flat(shapely.intersection(shape, shapes[at])))
            if area:
                pairs[old, codes[at]][AREA] += area
    sides = [(0, code, shape) for code, shape in a.shapes.items()]
    sides += [(1, code, shape) for code, shape in b.shapes.items()]
    numbers, names, ground = map(list, zip(*sides, strict=True))
    wkb = [shapely.to_wkb(shape) for shape in ground]
    with connection.cursor() as cursor:
        for measure in counting.counted():
            sql, params = counting.measured(measure, communities).query.sql_with_params()
            cursor.execute(_PAIRS % sql, [*params, numbers, names, wkb])
            for old, new, value in cursor.fetchall():
                if value:
                    pairs[old, new][measure.id] += int(value) if value == int(value) else value
    return pairs


def _with_workers(a: Side, b: Side, pairs):
    """Workers who leave a grid and come to another, counted in the pair."""
    for held in pairs.values():
        held.pop(WORKERS, None)
    was, will = _by_worker(a), _by_worker(b)
    pairs = defaultdict(Counter, pairs)
    for worker, old in was.items():
        new = will.get(worker, set())
        for left in sorted(old - new):
            for came in sorted(new - old):
                pairs[left, came][WORKERS] += 1
    return a, b, pairs


def _by_worker(side: Side) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for code, people in side.people.items():
        for worker in people:
            found[worker].add(code)
    return found


# --- In words ---------------------------------------------------------------------------------------


def short(side: Side, code: str) -> str:
    """The last three digits, or the name where digits say nothing."""
    return code[-3:] if code else side.name(code)


def sentence(comparison: Comparison, old: str, new: str, moved: Counter) -> str:
    """ "142 homes, 3 open cases and 1 worker move from 003 to 005"."""
    told, number = items(moved)
    words = {"items": told, "from": short(comparison.a, old), "to": short(comparison.b, new)}
    text = ngettext(
        "%(items)s moves from %(from)s to %(to)s", "%(items)s move from %(from)s to %(to)s", number
    )
    return text % words


def items(moved: Counter) -> tuple[str, int]:
    """What moves, in words, and how many: homes, open cases, workers; else other things; else ground."""
    homes, cases, workers = moved[HOMES], moved["cases_open"], moved[WORKERS]
    told = []
    if homes:
        told.append((ngettext("%d home", "%d homes", homes) % homes, homes))
    if cases:
        told.append((ngettext("%d open case", "%d open cases", cases) % cases, cases))
    if workers:
        told.append((ngettext("%d worker", "%d workers", workers) % workers, workers))
    if not homes and (number := moved["buildings"]):
        told.append((ngettext("%d building", "%d buildings", number) % number, number))
    if not homes and (number := moved["components"]):
        told.append((ngettext("%d component", "%d components", number) % number, number))
    if not told:
        return _("%s m² of ground") % f"{moved[AREA]:,.0f}", 1
    if len(told) == 1:
        return told[0]
    separator = pgettext("between items of a list", ", ")
    words = {"items": separator.join(text for text, _number in told[:-1]), "last": told[-1][0]}
    return _("%(items)s and %(last)s") % words, len(told)


# --- For the API ------------------------------------------------------------------------------------


def told(comparison: Comparison) -> dict:
    """A comparison as the API tells it."""
    a, b = comparison.a, comparison.b
    moves = [_move(comparison, *move) for move in comparison.moves()]
    return {
        "a": {"id": a.id, "name": a.title},
        "b": {"id": b.id, "name": b.title},
        "measures": figures.measures(),
        "moves": moves,
        "grids": _grids(comparison),
        "changed": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": json.loads(shapely.to_geojson(ground)),
                    "properties": next(m for m in moves if (m["from"] or "", m["to"]) == (old, new)),
                }
                for old, new, ground in comparison.changed()
            ],
        },
        "only_a": [{"code": code, "name": a.name(code)} for code in sorted(set(a.grids) - set(b.grids))],
        "only_b": [{"code": code, "name": b.name(code)} for code in sorted(set(b.grids) - set(a.grids))],
    }


def _move(comparison: Comparison, old: str, new: str, moved: Counter) -> dict:
    rounded = {name: round(value) if name == AREA else value for name, value in moved.items()}
    return {
        "from": old or None,
        "from_name": comparison.a.name(old),
        "to": new,
        "to_name": comparison.b.name(new),
        "sentence": sentence(comparison, old, new, moved),
        HOMES: 0,
        "people": 0,
        "cases_open": 0,
        WORKERS: 0,
        AREA: 0,
    } | rounded


def _grids(comparison: Comparison) -> list[dict]:
    """Every grid of either side, with its figures before and after."""
    a, b, found = comparison.a, comparison.b, []
    touched = {code for old, new, _moved in comparison.moves() for code in (old, new)}
    for code in sorted({*a.held, *b.held}):
        fate = "changed" if code in touched else "same"
        if code not in b.held:
            fate = "gone"
        elif code not in a.held:
            fate = "new"
        found.append(
            {
                "code": code,
                "name": (b if code in b.grids else a).name(code),
                "fate": fate,
                "a": a.figures(code) if code in a.held else None,
                "b": b.figures(code) if code in b.held else None,
            }
        )
    return found
