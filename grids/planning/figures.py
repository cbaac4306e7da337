"""What the grids of a plan hold, against today and against the standard: sums over blocks, without a count.

``of`` is what a stroke is answered with. The numbers come from the blocks' figures (``counting``), borders
from the draft's shapes; squares and lengths are in the city's own system (``settings.CITY_SRID``).
"""

import functools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyproj
import shapely
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from grids.models import Grid, Plan, PlanBlock
from grids.planning import counting, workforce
from grids.planning.counting import AREA, COUNTED, FROM, PATROL, count
from grids.publication import to_shapely

__all__ = ["Sums", "count", "measures", "of", "refresh", "sums"]

# The measure that a grid's size is judged by.
HOMES, WORKERS, LOAD, COMPACTNESS = "households", "workers", "load_per_worker", "compactness"
# Older figures are counted anew when somebody opens the plan.
FRESH = timedelta(hours=1)
# Ground smaller than this (m²) that seems to change hands is the rounding of a border.
LEAST_GROUND = 1.0


@dataclass
class Sums:
    """Figures by plan grid (number), by grid in force (code), and by both: ``pairs`` by (code or "", number).

    ``moves`` are the pairs of different grids.
    """

    plan: dict[int, Counter] = field(default_factory=dict)
    today: dict[str, Counter] = field(default_factory=dict)
    pairs: dict[tuple[str, int], Counter] = field(default_factory=dict)
    moves: dict[tuple[str, int], Counter] = field(default_factory=dict)
    in_force: dict[str, Grid] = field(default_factory=dict)
    people: workforce.Workforce = field(default_factory=workforce.Workforce)
    counted_at: str = ""


def measures() -> list[dict]:
    """What is told of each grid, in the order of columns: id, label, definition, unit, group, decimals."""
    found = [
        {
            "id": measure.id,
            "label": _label(measure),
            "definition": str(measure.definition),
            "unit": str(measure.unit),
            "group": measure.group,
            "decimals": 0,
        }
        for measure in counting.counted()
    ]
    found += [
        _measure(f"place:{place.id}", str(place.label), _("Counted where their middle lies."), "", "places")
        for place in counting.uncounted_places()
    ]
    # Homes and people are what planners look for first.
    found.sort(key=lambda one: one["group"] != "people")
    return [
        *found,
        _measure(
            WORKERS,
            _("Grid workers"),
            _(
                "People with duty in the grid. Those of a grid that goes come to the grids that got most of "
                "their ground from it."
            ),
            "",
            "workforce",
        ),
        _measure(
            LOAD,
            _("Households per worker"),
            _("Households, divided by workers."),
            "",
            "workforce",
            decimals=1,
        ),
        _measure(
            AREA,
            pgettext("measure", "Area"),
            _("Inside the border, in the city's own system."),
            "m²",
            "ground",
        ),
        _measure(
            PATROL,
            _("Patrol length"),
            _("Length of the roads; a road along a border counts half on either side."),
            "m",
            "ground",
        ),
        _measure(
            COMPACTNESS,
            _("Compactness"),
            _("Area by the circle with the same border (Polsby–Popper): 1 is a circle, 0 a line."),
            "",
            "ground",
            decimals=2,
        ),
    ]


def _label(measure) -> str:
    """A measure's label as it stands alone; a cockpit has headings, a column has none."""
    if measure.time:
        return _("%s in 12 months") % measure.label
    return _("Cases: %s") % measure.label if measure.group == "cases" else str(measure.label)


def _measure(id, label, definition, unit, group, decimals=0) -> dict:
    return {
        "id": id,
        "label": label,
        "definition": definition,
        "unit": unit,
        "group": group,
        "decimals": decimals,
    }


# --- Sums -------------------------------------------------------------------------------------------


def refresh(draft) -> bool:
    """Count all blocks anew if their figures are older than an hour or than the borders in force.

    Waits for a stroke that is under way, and keeps others waiting, as a stroke does.
    """
    wanted = counting.stamp(draft.plan.communities)
    if _fresh(draft.blocks.values(), wanted):
        return False
    with transaction.atomic():
        Plan.objects.select_for_update(of=("self",)).get(pk=draft.plan.pk)
        rows = list(PlanBlock.objects.filter(plan=draft.plan, active=True))
        if not _fresh(rows, wanted):
            count(rows)
    for row in rows:
        if row.pk in draft.blocks:
            draft.blocks[row.pk].figures = row.figures
    return True


def _fresh(blocks, wanted: int) -> bool:
    oldest = timezone.now() - FRESH
    marks = [block.figures.get(COUNTED) for block in blocks]
    return all(mark and mark[1] == wanted and datetime.fromisoformat(mark[0]) >= oldest for mark in marks)


def _count(draft, ids: list[int]) -> None:
    rows = list(PlanBlock.objects.filter(pk__in=ids))
    count(rows)
    for row in rows:
        draft.blocks[row.pk].figures = row.figures


def sums(draft) -> Sums:
    """Sums of a draft's blocks; blocks that were not counted yet are counted first. Three statements."""
    new = [pk for pk, block in draft.blocks.items() if COUNTED not in block.figures]
    if new:
        _count(draft, new)
    zeros = _zeros()
    result = Sums(
        plan={number: Counter(zeros) for number, grid in draft.grids.items() if grid.active},
        in_force={
            grid.code: grid
            for grid in Grid.objects.filter(community_code__in=draft.plan.communities, retired_on=None)
        },
    )
    result.today = {code: Counter(zeros) for code in result.in_force}
    marks = [block.figures[COUNTED][0] for block in draft.blocks.values()]
    result.counted_at = min(marks, default="")
    ground: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    pairs: dict[tuple[str, int], Counter] = defaultdict(Counter)
    for block in draft.blocks.values():
        own = draft.grids[block.grid].code
        whole = result.plan[block.grid]
        for code, part in block.figures[FROM].items():
            for held in (whole, result.today.setdefault(code, Counter(zeros)), pairs[code, block.grid]):
                for name, value in part.items():
                    held[name] += value
            ground[own][code] += part.get(AREA, 0)
    result.people = workforce.foretell(workforce.in_force(result.in_force), result.in_force, ground)
    numbers = {grid.code: number for number, grid in draft.grids.items() if grid.active}
    for code, number in numbers.items():
        result.plan[number][WORKERS] = len(result.people.then.get(code, ()))
    for code in result.today:
        result.today[code][WORKERS] = len(result.people.today.get(code, ()))
    for _worker, code, heir in result.people.moves:
        pairs[code, numbers[heir]][WORKERS] += 1
    if not is_move(result.today.get("", Counter())):
        result.today.pop("", None)
    result.pairs = pairs
    result.moves = {
        (code, number): moved
        for (code, number), moved in pairs.items()
        if code != draft.grids[number].code and is_move(moved)
    }
    return result


def is_move(moved: Counter) -> bool:
    """Whether something changes hands, and not only the rounding of a border."""
    return moved[AREA] >= LEAST_GROUND or any(v for k, v in moved.items() if k not in (AREA, PATROL))


def of(draft) -> dict:
    """All that a planner sees of a draft beside its map (FIGURES of the API)."""
    from grids.planning import faults

    found, grids = sums(draft), {}
    for number, shape in draft.shapes().items():
        if draft.grids[number].active:
            grids[number] = told(found.plan[number], shape, draft.grids[number], draft.plan)
    today = {}
    for code, held in found.today.items():
        grid = found.in_force.get(code)
        shape = to_shapely(grid.geom) if grid else None
        today[code] = told(held, shape, grid, draft.plan) | {"name": str(grid) if grid else ""}
    return {
        "revision": draft.plan.revision,
        "counted_at": found.counted_at,
        "measures": measures(),
        "grids": grids,
        "today": today,
        "total": _total(found),
        "flows": [
            {"from": code or None, "to": number} | _plain(moved)
            for (code, number), moved in sorted(
                found.moves.items(), key=lambda item: (item[0][1], item[0][0])
            )
        ],
        "faults": faults.of(draft, found),
    }


def told(held: Counter, shape, grid, plan) -> dict:
    """The figures of one grid: its sums, and what follows from them and from its border."""
    area, perimeter = measured(shape) if shape is not None else (0.0, 0.0)
    homes, workers = held[HOMES], held[WORKERS]
    return _plain(held) | {
        WORKERS: workers,
        LOAD: round(homes / workers, 1) if workers else None,
        AREA: round(area),
        PATROL: round(held[PATROL]),
        COMPACTNESS: round(4 * math.pi * area / perimeter**2, 3) if perimeter else 0,
        "status": status(homes, grid, plan),
    }


def status(homes: float, grid, plan) -> str | None:
    """How a grid stands to the standard: under, within or over. None: it is exclusive, and has none."""
    if grid is None or grid.kind == Grid.Kind.EXCLUSIVE:
        return None
    return "under" if homes < plan.standard_low else "over" if homes > plan.standard_high else "within"


def _total(found: Sums) -> dict:
    whole = Counter()
    for held in found.plan.values():
        whole.update(held)
    people = {worker for roles in found.people.then.values() for worker in roles}
    whole[WORKERS] = len(people)
    return _plain(whole) | {LOAD: round(whole[HOMES] / len(people), 1) if people else None}


def _plain(held: Counter) -> dict:
    rounded = (AREA, PATROL)
    return {name: round(value) if name in rounded else value for name, value in held.items()}


def _zeros() -> dict:
    """Nothing, of each thing that is counted."""
    names = [measure.id for measure in counting.counted()]
    names += [f"place:{place.id}" for place in counting.uncounted_places()]
    return dict.fromkeys([*names, WORKERS, AREA, PATROL], 0)


# --- The city's own system --------------------------------------------------------------------------


@functools.cache
def _transformer(srid: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4326, srid, always_xy=True)


def flat(geometry):
    """A WGS-84 geometry in the city's system, in metres."""
    transformer = _transformer(settings.CITY_SRID)
    return shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def measured(shape) -> tuple[float, float]:
    """Area (m²) and perimeter (m) of a polygon in WGS-84."""
    return _measured(shapely.to_wkb(shape))


@functools.lru_cache(maxsize=2048)
def _measured(wkb: bytes) -> tuple[float, float]:
    shape = flat(shapely.from_wkb(wkb))
    return shapely.area(shape), shapely.length(shape)
