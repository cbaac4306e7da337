"""The connection tiles are read through: read only, prepared, without parallel workers."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import psycopg
from django.db import connection

STATEMENT_TIMEOUT_MS = 5000

# A parallel worker loads PostGIS and PROJ afresh, which costs a tile more than it saves.
_SETTINGS = {
    "default_transaction_read_only": "on",
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "jit": "off",
}
_kept = threading.local()


def _connect() -> psycopg.Connection:
    params = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    params["options"] = f"{params.get('options', '')} {options}".strip()
    made = psycopg.connect(**params, autocommit=True)
    # Only what asks for it (``prepare=True``) is prepared.
    made.prepare_threshold, made.prepared_max = 1_000_000, 400
    return made


def close() -> None:
    """Give this thread's connection back; the next tile opens another."""
    if (kept := getattr(_kept, "connection", None)) is not None:
        del _kept.connection
        kept.close()


def fetchone(sql: str, params) -> tuple:
    """The one row of a statement, prepared and in binary."""
    return _run(sql, params, lambda cursor: cursor.fetchone())


def fetchall(sql: str, params) -> list[tuple]:
    """The rows of a statement, prepared and in binary."""
    return _run(sql, params, lambda cursor: cursor.fetchall())


def _run(sql: str, params, fetch):
    """Run a statement and fetch from it.

    Each thread keeps a connection of its own: with its settings made once, a tile costs one round trip in
    place of three. One that died with its server is replaced once. Inside a transaction the tile must see
    what that has written, so the statement runs there, and its settings end with a savepoint.
    """
    if connection.in_atomic_block:
        with _inside_transaction() as cursor:
            return fetch(cursor.execute(sql, params, prepare=True, binary=True))
    kept = getattr(_kept, "connection", None)
    if kept is not None and not kept.closed and kept.info.dbname == connection.settings_dict["NAME"]:
        try:
            return fetch(psycopg.Cursor(kept).execute(sql, params, prepare=True, binary=True))
        except psycopg.OperationalError:
            if not kept.closed:
                raise
    close()
    kept = _kept.connection = _connect()
    return fetch(psycopg.Cursor(kept).execute(sql, params, prepare=True, binary=True))


@contextmanager
def _inside_transaction():
    raw = connection.connection
    raw.prepare_threshold, raw.prepared_max = 1_000_000, 400
    settings = "; ".join(
        f"set local {name} = {value}" for name, value in _SETTINGS.items() if "read" not in name
    )
    with psycopg.Cursor(raw) as cursor:
        cursor.execute(f"savepoint tile_reader; {settings}", prepare=False)
        try:
            yield cursor
        finally:
            if not raw.closed:
                cursor.execute(
                    "rollback to savepoint tile_reader; release savepoint tile_reader", prepare=False
                )
