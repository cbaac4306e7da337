"""Tiles as files, dropped exactly where something changed.

A file is keyed by layer, the name of what its reader may see (``rows_key``), matrix set and z/x/y, below a
directory for the schema's version; ``now`` points at the one in use, which is where nginx looks:
``{TILE_CACHE}/now/{layer}/{scope}/{matrix set}/{z}/{x}/{y}.mvt.gz``.

Why no stale tile stays: the triggers write what changed in the changing transaction. Who draws a tile places
a draft of its file before he reads (``tiles.drafts``); a change that he did not see commits after that, and
whoever drops what it touches finds the draft, or the file that it became.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from geo.registry import Layer, layers
from tiles.drafts import Draft
from tiles.drop import BATCH, CLAIM_SQL, drop, drop_pictures
from tiles.matrix import BUFFER, EXTENT, MatrixSet, cell_size
from tiles.queries import bins
from tiles.queries.session import fetchone

FORMAT = 2  # of the files; a new number leaves the old ones behind
PICTURES_S = 30 * 86400  # of base maps, which nginx serves without asking
WAITING_SQL = """
    select exists (
        select from tiles_dirtytile where relation = %(relation)s
            and (box is null or box && ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4326))
    )
"""


@cache
def version() -> str:
    """A digest of all that shapes a tile's content: other layers, other files."""
    parts = [
        (
            *(layer.id, layer.model, layer.geometry, layer.max_scale, layer.binned, layer.bin_class),
            *(str(layer.filters), str(layer.drawn)),
            *((str(d.rows), d.coarsest, d.finest) for d in layer.details),
            *((f.name, f.path, f.max_scale) for f in layer.fields),
        )
        for layer in layers.values()
    ]
    return hashlib.blake2b(repr((FORMAT, EXTENT, BUFFER, parts)).encode(), digest_size=6).hexdigest()


@cache
def _prepared(root: str) -> Path:
    """The directory of this version, with ``now`` pointing at it."""
    home = Path(root) / f"v-{version()}"
    home.mkdir(parents=True, exist_ok=True)
    link = Path(root) / "now"
    with contextlib.suppress(OSError):
        if link.is_symlink() and os.readlink(link) == home.name:
            return home
        beside = Path(root) / f".now-{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(home.name)
        beside.replace(link)
    return home


def home() -> Path:
    return _prepared(str(settings.TILE_CACHE))


def path(layer: Layer, scope: str, matrix_set: MatrixSet, z: int, x: int, y: int) -> Path:
    """Where a tile's file lies, or would."""
    return Path(f"{home()}/{layer.id}/{scope}/{matrix_set.id}/{z}/{x}/{y}.mvt.gz")


def read(file: Path) -> bytes | None:
    """The compressed tile, if there is one."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def area_of_tile(layer: Layer, matrix_set: MatrixSet, z: int, x: int, y: int) -> tuple:
    """The degrees in which a change may show in the tile: itself, its buffer, and the cells it counts."""
    west, south, east, north = matrix_set.lonlat_bounds(z, x, y, BUFFER / EXTENT)
    if bins.kept_at(layer, matrix_set, z):
        size = cell_size(z + matrix_set.behind)
        return west - size, south - size, east + size, north + size
    return west, south, east, north


def draft(layer: Layer, scope: str, matrix_set: MatrixSet, z: int, x: int, y: int) -> Draft:
    """Where a tile that is about to be drawn may be kept: to be entered before anything is read.

    Inside a transaction a tile shows what nobody else may ever see, and is not kept.
    """
    inside = connection.in_atomic_block
    return Draft(None if inside else path(layer, scope, matrix_set, z, x, y))


def waiting(layer: Layer, area: tuple) -> bool:
    """Whether a noted change there has not been dropped yet."""
    west, south, east, north = area
    place = {"relation": layer.model_class._meta.db_table, "w": west, "s": south, "e": east, "n": north}
    return fetchone(WAITING_SQL, place)[0]


def drop_waiting() -> int:
    """Drop the tiles of all noted changes; returns how many changes there were.

    A change counts as done only when its files are gone, so that one who is killed leaves it to the next.
    """
    done = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CLAIM_SQL)
            rows = cursor.fetchall()
            drop(home(), rows)
            drop_pictures(Path(settings.BASEMAP_CACHE), rows)
        done += len(rows)
        if len(rows) < BATCH:
            return done


def tidy(max_age_s: float = 7 * 86400) -> int:
    """Remove other versions and tiles not made anew for long. Returns the number of files."""
    here, root, removed = home(), Path(settings.TILE_CACHE), 0
    now = time.time()
    for entry in root.iterdir():
        other = entry.is_dir() and not entry.is_symlink() and entry != here
        # A process of an older version may still be ending; give it an hour.
        if other and now - entry.stat().st_mtime > 3600:
            shutil.rmtree(entry, ignore_errors=True)
    for entry in here.glob(".gone-*"):
        shutil.rmtree(entry, ignore_errors=True)
    for top, age in ((here, max_age_s), (Path(settings.BASEMAP_CACHE), PICTURES_S)):
        removed += _remove_old(top, now - age)
    return removed


def _remove_old(top: Path, before: float) -> int:
    removed = 0
    for folder, _folders, files in os.walk(top):
        for name in files:
            file = Path(folder) / name
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    file.unlink()
                    removed += 1
    return removed
