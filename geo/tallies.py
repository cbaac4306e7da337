"""Sums per area that are right at every moment a reader can see.

For each tallied measure, statement triggers on its table (and on the tables its area is reached through)
write signed deltas for every level of the area tree; ``fold`` moves them into ``Tally``; readers sum both in
one statement. A summary of the leaves alone would be slower than counting (half a million cases have nearly
that many days of grids), so every level from city to community is kept.

The triggers' SQL is the measure's own query with the changed rows in place of the table, so a measure is
written once, in ``measures.py``. ``install`` runs after every migration and does nothing when nothing
changed.
"""

import hashlib

import psycopg
from django.db import connection, transaction
from django.db.models import CharField, Count, F, Sum, Value
from django.db.models.functions import Cast, Coalesce, TruncDate

from geo.registry import Measure, measures

LEVELS = (4, 6, 9, 12)
CHILD_LENGTH = {4: 6, 6: 9, 9: 12}


def rows(measure: Measure):
    """The rows a measure counts, as a queryset of its model."""
    queryset = measure.model_class._base_manager.order_by()
    return queryset.filter(measure.filters()) if measure.filters else queryset


def value(measure: Measure):
    """The aggregate of a measure."""
    return Coalesce(Sum(measure.sum_of), 0) if measure.sum_of else Count("pk")


def klass(measure: Measure):
    """The class of a row, as text; empty where the measure has none."""
    if not measure.classes:
        return Value("", output_field=CharField())
    return Coalesce(Cast(F(measure.classes), CharField()), Value(""))


def grouped_sql(measure: Measure) -> tuple[str, list[str]]:
    """The measure's query (columns a, d, k, v) with literals inlined, and the tables it reads, root first."""
    day = TruncDate(measure.time) if measure.time else Value("0001-01-01")
    queryset = rows(measure).annotate(a=F(measure.area), d=day, k=klass(measure)).values("a", "d", "k")
    return inlined(queryset.annotate(v=value(measure)))


def inlined(queryset) -> tuple[str, list[str]]:
    """A queryset's SQL with its literals in place, and the tables it reads, root first."""
    query = queryset.query
    sql, params = query.sql_with_params()
    connection.ensure_connection()
    with psycopg.ClientCursor(connection.connection) as cursor:
        text = cursor.mogrify(sql, params)
    root = queryset.model._meta.db_table
    joined = [table for table in query.alias_map if table != root and query.alias_refcount.get(table)]
    return text, [root, *joined]


def with_rows(sql: str, table: str, transition: str) -> str:
    """The query with a transition table standing in for ``table``."""
    for keyword in ("FROM", "JOIN"):
        sql = sql.replace(f'{keyword} "{table}"', f'{keyword} {transition} AS "{table}"')
    return sql


def _expand(measure: Measure, source: str) -> str:
    """Rows of ``source`` (a, d, k, v) for every level above them, ready to be inserted."""
    return (
        f"select '{measure.id}', left(a, n), d::date, k, sum(v) from ({source}) r,"
        f" (values {', '.join(f'({n})' for n in LEVELS)}) levels(n)"
        " where length(a) >= n group by 2, 3, 4 having sum(v) <> 0"
    )


COLUMNS = "(measure, area_code, day, klass, value)"


def _statements(measure: Measure) -> list[str]:
    """DDL of a measure's triggers."""
    sql, tables = grouped_sql(measure)
    statements = []
    for number, table in enumerate(tables):
        new, old = (with_rows(sql, table, name) for name in ("new_rows", "old_rows"))
        minus = f"select a, d, k, -v as v from ({old}) o(a, d, k, v)"
        plus = f"select a, d, k, v from ({new}) n(a, d, k, v)"
        # A parent that is new has no children yet, and one that goes has none left.
        events = {"insert": plus, "delete": minus, "update": f"{plus} union all {minus}"}
        referencing = {
            "insert": "new table as new_rows",
            "delete": "old table as old_rows",
            "update": "old table as old_rows new table as new_rows",
        }
        for event, source in events.items():
            if number and event != "update":
                continue
            name = f"tally_{measure.id}_{number}_{event}"
            statements += [
                f"create or replace function {name}() returns trigger language plpgsql as $tally$ begin"
                f" insert into geo_tallydelta {COLUMNS} {_expand(measure, source)}; return null; end $tally$",
                f"create trigger {name} after {event} on {table} referencing {referencing[event]}"
                f" for each statement execute function {name}()",
            ]
    return statements


def tallied() -> list[Measure]:
    return [measure for measure in measures.values() if measure.tallied]


def install() -> list[str]:
    """Give every tallied measure its triggers and count what changed anew. Returns the ids that did.

    The definition's digest stands in a comment on the trigger function, so an unchanged measure costs one
    query for all.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname, obj_description(oid, 'pg_proc') from pg_proc"
            " where proname like 'tally\\_%' and pronamespace = current_schema()::regnamespace"
        )
        present = dict(cursor.fetchall())
    wanted = {f"tally_{measure.id}_": measure for measure in tallied()}
    changed = []
    with transaction.atomic(), connection.cursor() as cursor:
        for name in present:
            if not any(name.startswith(prefix) for prefix in wanted):
                cursor.execute(f"drop function {name}() cascade")
        for measure in tallied():
            statements = _statements(measure)
            digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
            if present.get(f"tally_{measure.id}_0_insert") == digest:
                continue
            for name in [name for name in present if name.startswith(f"tally_{measure.id}_")]:
                cursor.execute(f"drop function {name}() cascade")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(f"comment on function tally_{measure.id}_0_insert() is '{digest}'")
            rebuild(measure)
            changed.append(measure.id)
    return changed


def rebuild(measure: Measure) -> None:
    """Count a measure anew; writers to its table wait until the caller's transaction ends."""
    sql, tables = grouped_sql(measure)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"lock table {table} in share mode")
        cursor.execute("delete from geo_tallydelta where measure = %s", [measure.id])
        cursor.execute("delete from geo_tally where measure = %s", [measure.id])
        source = f"select a, d, k, v from ({sql}) n(a, d, k, v)"
        cursor.execute(f"insert into geo_tally {COLUMNS} {_expand(measure, source)}")


def fold() -> int:
    """Move the deltas into the sums, in one statement; returns how many there were.

    Two folding at once would double nothing (a delta is deleted by one of them), but wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with gone as (delete from geo_tallydelta returning measure, area_code, day, klass, value),
            summed as (
                select measure, area_code, day, klass, sum(value) as value from gone group by 1, 2, 3, 4
            ),
            kept as (
                insert into geo_tally as t {COLUMNS} select * from summed where value <> 0
                on conflict (measure, area_code, day, klass) do update set value = t.value + excluded.value
            )
            select count(*) from gone
            """
        )
        return cursor.fetchone()[0]
