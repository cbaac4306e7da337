"""Invented ground for proposals: crooked streets, estates, parks without homes; known to the last block."""

import random

import numpy as np
import shapely

from grids.planning.proposal.graph import Ground

WEST, SOUTH, STEP = 84.0, 39.0, 0.0008


def streets(columns: int, rows: int, seed: int = 1, *, crooked: float = 0.3) -> np.ndarray:
    """Blocks between crooked streets, noded with each other, on the lattice; by row, then column."""
    rng = random.Random(seed)
    corners = {}
    for column in range(columns + 1):
        for row in range(rows + 1):
            inner = 0 < column < columns and 0 < row < rows
            dx, dy = ((rng.random() - 0.5) * crooked * STEP for _ in "xy") if inner else (0.0, 0.0)
            corners[column, row] = (
                round(WEST + column * STEP + dx, 8),
                round(SOUTH + row * STEP + dy, 8),
            )
    return np.array(
        [
            shapely.Polygon(
                [corners[c, r], corners[c + 1, r], corners[c + 1, r + 1], corners[c, r + 1], corners[c, r]]
            )
            for r in range(rows)
            for c in range(columns)
        ],
        dtype=object,
    )


def make_ground(
    columns: int, rows: int, seed: int = 1, *, across: int = 1, up: int = 1, estates: int = 0, **values
) -> Ground:
    """``columns`` x ``rows`` blocks; present grids are ``across`` x ``up`` rectangles numbered from 1.

    About a third of the blocks has no homes; ``estates`` rectangles of 2 x 2 blocks are kept together.
    """
    rng = random.Random(seed)
    count = columns * rows
    homes = np.array([rng.choice((0, 0, 5, 12, 20, 30)) for _ in range(count)], dtype=float)
    present = np.array(
        [
            1 + (index % columns) * across // columns + across * ((index // columns) * up // rows)
            for index in range(count)
        ]
    )
    names = [""] * count
    for number in range(estates):
        column, row = rng.randrange(columns - 1), rng.randrange(rows - 1)
        square = [row * columns + column + dx + dy * columns for dx in (0, 1) for dy in (0, 1)]
        if not any(names[index] for index in square):
            for index in square:
                names[index] = f"e{number}"
    ground = {
        "ids": [1000 + index for index in range(count)],
        "shapes": streets(columns, rows, seed),
        "weights": homes,
        "homes": homes,
        "present": present,
        "estates": names,
    }
    return Ground(**{**ground, **values})
