"""Removing tiles where something changed. No ORM and no registry: the stream process does it too.

The stream drops before it tells anybody of an event, so that who asks for a tile because of one never gets
the old file; ``watch`` hears of changes that no event tells. Web workers drop when they meet a change, and a
job does each minute, whatever else runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import psycopg
from django.conf import settings

from tiles.drafts import PREFIX
from tiles.matrix import BUFFER, EXTENT, SETS, MatrixSet, cell_size

logger = logging.getLogger("wangge.tiles")

CHANNEL = "wangge_tiles"
BATCH = 500
# More columns than this at one level are looked for among the folders instead of by their names.
BY_NAME = 256
SILENCE_S = 20
# The layers of which our own base map is drawn, sixteen tiles at once.
DRAWN = ("areas", "public_facilities", "reference_lines", "buildings")
SHEET = 4

# Everything a drop has to know of a change, as plain values. One who is killed before his commit leaves the
# changes to the next; two at once wait for each other, so that either ends with the files gone.
CLAIM_SQL = f"""
    with claimed as (
        select id from tiles_dirtytile order by id limit {BATCH} for update
    )
    delete from tiles_dirtytile d using claimed where d.id = claimed.id
    returning d.layers, ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
"""


def drop(directory: Path, changes: Iterable[tuple]) -> None:
    """Remove the files that the changes (layers, west, south, east, north) touch, in every scope."""
    boxes = defaultdict(set)
    for names, *box in changes:
        for name in names:
            boxes[name].add(None if box[0] is None else tuple(box))
    for name, areas in boxes.items():
        layer, _colon, counted = name.partition(":")
        top = directory / layer
        if not top.is_dir():
            continue
        if None in areas:
            forget(top)
            continue
        finest_counted = int(counted) if counted else -1
        for scope in top.iterdir():
            for matrix_set in SETS.values():
                _drop_in(scope / matrix_set.id, matrix_set, areas, finest_counted)


def drop_pictures(directory: Path, changes: Iterable[tuple]) -> None:
    """Remove the pictures of our own base maps that the changes touch, with the sheets around them."""
    boxes = {
        None if box[0] is None else tuple(box)
        for names, *box in changes
        if any(name.partition(":")[0] in DRAWN for name in names)
    }
    if not boxes or not directory.is_dir():
        return
    for top in directory.iterdir():
        if top.name != "city" and not top.name.startswith("city-"):
            continue
        if None in boxes:
            forget(top)
            continue
        for matrix_set in SETS.values():
            # A name may have moved along its line, anywhere on a sheet that the line reaches.
            _drop_in(top / matrix_set.id, matrix_set, boxes, -1, margin=SHEET)


def forget(top: Path) -> None:
    """Remove a whole directory at once: aside first, so that no reader finds half of it."""
    with contextlib.suppress(OSError):
        aside = top.parent / f".gone-{top.name}-{os.urandom(6).hex()}"
        top.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _drop_in(
    top: Path,
    matrix_set: MatrixSet,
    areas: set[tuple],
    finest_counted: int,
    *,
    margin: float = BUFFER / EXTENT,
) -> None:
    try:
        levels = [(int(entry.name), entry) for entry in top.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    for z, folder in levels:
        level = z + matrix_set.behind
        for area in areas:
            grown = _whole_cells(area, level) if level <= finest_counted else area
            west, east, north, south = matrix_set.cover(z, grown, margin)
            by_name = east - west < BY_NAME
            columns = range(west, east + 1) if by_name else [x for x, _ in _numbered(folder, "", west, east)]
            for x in columns:
                # Drafts first: one that gets its name meanwhile is met among the files.
                for prefix in (PREFIX, ""):
                    for _y, file in _numbered(folder / str(x), prefix, north, south):
                        file.unlink(missing_ok=True)


def _numbered(folder: Path, prefix: str, first: int, last: int) -> list[tuple[int, Path]]:
    """What lies in a folder under a prefix and a number of these; nothing if there is no folder."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            number = entry.name[len(prefix) :].partition(".")[0]
            if entry.name.startswith(prefix) and number.isdecimal() and first <= int(number) <= last:
                found.append((int(number), Path(entry.path)))
    return found


def _whole_cells(area: tuple, level: int) -> tuple:
    """The bounds of the cells that an area touches: a cell's point moves when one of its points does."""
    size = cell_size(level)
    west, south, east, north = area
    return (
        (west + 180) // size * size - 180,
        90 - ((90 - south) // size + 1) * size,
        ((east + 180) // size + 1) * size - 180,
        90 - (90 - north) // size * size,
    )


async def drop_waiting(connection: psycopg.AsyncConnection) -> None:
    """Drop the tiles of all noted changes; ``connection`` is in autocommit mode."""
    directory = Path(settings.TILE_CACHE) / "now"
    while True:
        async with connection.transaction():
            cursor = await connection.execute(CLAIM_SQL)
            rows = await cursor.fetchall()
            if rows:
                await asyncio.to_thread(drop, directory, rows)
                await asyncio.to_thread(drop_pictures, Path(settings.BASEMAP_CACHE), rows)
        if len(rows) < BATCH:
            return


async def watch(connect) -> None:
    """Drop whenever the database says so. ``connect`` opens a connection; it is called anew after a loss."""
    wait = 0.2
    while True:
        try:
            async with await connect() as connection:
                await connection.execute(f"listen {CHANNEL}")
                await drop_waiting(connection)
                wait = 0.2
                while True:
                    async for _notice in connection.notifies(timeout=SILENCE_S, stop_after=1):
                        pass
                    await drop_waiting(connection)
        except (psycopg.Error, OSError) as error:
            logger.warning("tiles are not dropped now: %s", str(error).strip().splitlines()[:1])
        await asyncio.sleep(wait)
        wait = min(wait * 2, 15)
