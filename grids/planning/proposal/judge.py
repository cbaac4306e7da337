"""What a proposal is worth, from the blocks themselves: knows nothing of how it was found."""

import math
from collections import defaultdict

import numpy as np
import shapely

from grids.coverage import metric
from grids.planning.proposal.graph import Ground


def deviation(weights, ideal: float) -> float:
    """The greatest share by which a part's weight is off the mean."""
    return max(abs(weight - ideal) / ideal for weight in weights)


def continued(parts: np.ndarray, ground: Ground, blocks: np.ndarray) -> dict[int, int]:
    """Part > the present grid it continues: so that most homes keep their grid; without homes most ground.

    ``parts`` are the parts of ``blocks`` (indexes of the ground). A part may continue none.
    """
    from scipy.optimize import linear_sum_assignment

    latitude = float(shapely.centroid(ground.shapes[blocks[0]]).y)
    area = shapely.area(metric(ground.shapes[blocks], latitude))
    worth = ground.homes[blocks] + area / max(area.sum(), 1e-9) * 0.5
    numbers = np.unique(ground.present[blocks])
    count = int(parts.max()) + 1
    shared = np.zeros((count, len(numbers)))
    np.add.at(shared, (parts, np.searchsorted(numbers, ground.present[blocks])), worth)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {
        int(row): int(numbers[column])
        for row, column in zip(rows, columns, strict=True)
        if shared[row, column] > 0
    }


def kept(parts: np.ndarray, ground: Ground, blocks: np.ndarray, numbers: dict[int, int]) -> float:
    """The share of homes whose grid stays the same."""
    homes = ground.homes[blocks]
    if not homes.sum():
        return 1.0
    stay = np.array([numbers.get(int(part), -1) for part in parts]) == ground.present[blocks]
    return float(homes[stay].sum() / homes.sum())


def difference(one: np.ndarray, other: np.ndarray, worth: np.ndarray) -> float:
    """The share of worth that lies in another part, the parts named alike as far as can be: 0 is the same."""
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(shared, (one, other), worth)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return 1.0 - float(shared[rows, columns].sum() / max(worth.sum(), 1e-9))


def compactness(shape) -> float:
    """Polsby and Popper's: 1 is a circle, a square 0.79, a ribbon next to nothing. Of a metric shape."""
    length = shapely.length(shape)
    return float(4 * math.pi * shapely.area(shape) / length**2) if length else 0.0


def assess(parts: np.ndarray, ground: Ground, blocks: np.ndarray, measures: dict[str, np.ndarray]) -> dict:
    """The facts of a proposal; ``measures`` are values per block of the ground, summed for each part.

    Deviation is from the mean of the free ground; lengths in metres, areas in square metres.
    """
    latitude = float(shapely.centroid(ground.shapes[blocks[0]]).y)
    flat = metric(ground.shapes[blocks], latitude)
    members = defaultdict(list)
    for place, part in enumerate(parts):
        members[int(part)].append(place)
    count = len(members)
    shapes = [shapely.coverage_union_all(flat[members[part]]) for part in range(count)]
    weights = [float(ground.weights[blocks[members[part]]].sum()) for part in range(count)]
    whole = shapely.coverage_union_all(flat)
    numbers = continued(parts, ground, blocks)
    round_ = [compactness(shape) for shape in shapes]
    return {
        "deviation": deviation(weights, sum(weights) / count),
        "kept": kept(parts, ground, blocks, numbers),
        "compactness": sum(round_) / count,
        "cut_length_m": (sum(float(shapely.length(shape)) for shape in shapes) - float(whole.length)) / 2,
        "figures": [
            {
                "weight": weights[part],
                **{name: float(values[blocks[members[part]]].sum()) for name, values in measures.items()},
                "area_m2": round(float(shapes[part].area), 1),
                "compactness": round(round_[part], 3),
                "blocks": len(members[part]),
                "number": numbers.get(part),
                "pieces": int(shapely.get_num_geometries(shapes[part])),
            }
            for part in range(count)
        ],
    }
