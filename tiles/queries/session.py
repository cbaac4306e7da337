"""One statement on the connection Django keeps, prepared, read only, without parallel workers."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
from django.db import connection

STATEMENT_TIMEOUT_MS = 5000

# A parallel worker loads PostGIS and PROJ afresh, which costs a tile more than it saves.
_SETTINGS = (
    "set local max_parallel_workers_per_gather = 0; "
    f"set local statement_timeout = {STATEMENT_TIMEOUT_MS}; set local jit = off"
)


@contextmanager
def reader():
    """A psycopg cursor for tiles, with server-side parameters.

    Outside a transaction it opens a read-only one; inside, its settings end with a savepoint.
    """
    connection.ensure_connection()
    raw = connection.connection
    # Django switches preparation off; only what asks for it (``prepare=True``) is prepared.
    raw.prepare_threshold, raw.prepared_max = 1_000_000, 400
    nested = connection.in_atomic_block
    with psycopg.Cursor(raw) as cursor:
        start, end = (
            ("savepoint tile_reader", "rollback to savepoint tile_reader; release savepoint tile_reader")
            if nested
            else ("begin read only", "rollback")
        )
        cursor.execute(f"{start}; {_SETTINGS}", prepare=False)
        try:
            yield cursor
        finally:
            if not raw.closed:
                cursor.execute(end, prepare=False)
