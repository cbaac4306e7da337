"""How new grids come from old ones: kept, moved, split, merged, new; and who is whose heir. Pure."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import shapely

from grids.models import GridVersion

# A new grid descends from an old one that gave it at least this share of its ground.
DESCENT_SHARE = 0.01


@dataclass
class Fates:
    """What becomes of a community's grids: the ``lineage`` and ``descent`` of each new one, by code.

    ``pieces`` is the ground that changes hands.
    """

    lineage: dict[str, str]
    descent: dict[str, list[str]]
    pieces: list[shapely.Geometry]


def fates(old: dict[str, shapely.Polygon], new: dict[str, shapely.Polygon], ever: set[str]) -> Fates:
    """How new grids come from the old ones; ``ever`` are all codes there were. Reads nothing."""
    kept = {code for code, shape in new.items() if code in old and _same(old[code], shape)}
    descent = _descent(old, new, kept)
    pieces = [shape for code, shape in old.items() if code not in new]
    heirs = Counter(code for parents in descent.values() for code in parents)
    lineage = {}
    for code in sorted(new):
        parents = [parent for parent in descent[code] if parent != code]
        if code in kept:
            lineage[code] = GridVersion.Lineage.KEPT
        elif code in old:
            lineage[code] = GridVersion.Lineage.MOVED
            pieces.append(shapely.symmetric_difference(old[code], new[code]))
        else:
            lineage[code] = GridVersion.Lineage.NEW
            if code in ever:
                lineage[code] = GridVersion.Lineage.RESTORED
            elif len(parents) > 1 and any(parent not in new for parent in parents):
                lineage[code] = GridVersion.Lineage.MERGED
            elif parents and (heirs[parents[0]] > 1 or parents[0] in new):
                lineage[code] = GridVersion.Lineage.SPLIT
            pieces.append(new[code])
    return Fates(lineage, descent, pieces)


def _same(one, other) -> bool:
    """Whether two polygons have the same vertices, wherever their rings begin."""
    return shapely.equals_exact(one.normalize(), other.normalize(), 0)


def _descent(old, new, kept=frozenset()) -> dict[str, list[str]]:
    """For each new grid the old ones its ground came from, the largest share first.

    ``kept`` are codes of grids that stay as they are: those come from themselves alone.
    """
    found = {code: [code] for code in new if code in kept}
    codes, tree = list(old), shapely.STRtree(list(old.values()))
    for code, shape in new.items():
        if code in kept:
            continue
        shares = [
            (shapely.area(shapely.intersection(shape, old[codes[number]])) / shape.area, codes[number])
            for number in tree.query(shape, predicate="intersects")
        ]
        found[code] = parents_of(shares)
    return {code: found[code] for code in new}


def parents_of(shares: list[tuple[float, str]]) -> list[str]:
    """The old grids a new one descends from, by their share of its ground: the largest first."""
    return [parent for share, parent in sorted(shares, key=_by_share) if share >= DESCENT_SHARE]


def _by_share(pair: tuple[float, str]):
    """The largest share first; of equal ones the lowest code."""
    return -round(pair[0], 6), pair[1]


def heirs_of(descent: dict[str, list[str]], gone) -> dict[str, list[str]]:
    """Codes of the new grids that go on with the duties of each old one.

    ``descent`` is what ``_descent`` found. A new grid is the heir of the old one that gave it most; an old
    grid that is ``gone`` and gave nobody most is continued by the first it gave anything.
    """
    heirs = defaultdict(list)
    for code, parents in descent.items():
        if parents:
            heirs[parents[0]].append(code)
    for code, parents in descent.items():
        for parent in parents[1:]:
            if parent in gone and not heirs[parent]:
                heirs[parent].append(code)
    return heirs
