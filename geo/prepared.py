"""Hot statements, planned once per connection."""

import psycopg
from django.db import connection


def fetchone(sql: str, params) -> tuple | None:
    """The first row of ``sql``, prepared on Django's own connection and within its transaction.

    Django prepares nothing by itself; a statement of many parts costs more to plan than to run.
    """
    connection.ensure_connection()
    raw = connection.connection
    if raw.prepare_threshold is None:
        raw.prepare_threshold = 1_000_000  # only what asks for it
    if connection.queries_logged:  # so that tests that count queries count this one
        connection.queries_log.append({"sql": sql, "time": "0"})
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        return cursor.execute(sql, params, prepare=True).fetchone()
