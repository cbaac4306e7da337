"""Triggers that tell the tile cache where a table changed, and count its points in cells.

One function per table and event does all of it, for every layer drawn from the table: the old and new
envelopes into ``DirtyTile``, and signed differences of the counts into ``TileBinDelta``. The SQL of the
counts is the layer's own query with the changed rows in place of the table, so a layer is written once, in
``layers.py``. ``install`` runs after every migration and does nothing when nothing changed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

from django.db import connection, transaction

from geo.registry import Layer, layers
from geo.tallies import inlined, with_rows
from tiles.queries import bins
from tiles.queries.statement import value_of

# A statement that writes more rows drops all tiles of its layers: telling them apart would cost more.
MANY = 200

REFERENCING = {
    "insert": "referencing new table as new_rows",
    "update": "referencing old table as old_rows new table as new_rows",
    "delete": "referencing old table as old_rows",
    "truncate": "",
}


def by_table() -> dict[str, list[Layer]]:
    """The layers drawn from each table."""
    found = defaultdict(list)
    for layer in layers.values():
        found[layer.model_class._meta.db_table].append(layer)
    return dict(found)


def joined_tables(drawn: list[Layer]) -> list[str]:
    """Other tables whose values tiles show (a component's type): their changes are changes everywhere."""
    tables = set()
    for layer in drawn:
        values = {f"v{n}": value_of(layer.model_class, f.path) for n, f in enumerate(layer.fields)}
        rows = layer.model_class._base_manager.order_by().filter(layer.filters & layer.drawn)
        tables.update(inlined(rows.annotate(**values).values_list("pk", *values))[1][1:])
    return sorted(tables)


def _names(drawn: list[Layer]) -> str:
    names = (f"{layer.id}:{bins.finest(layer)}" if layer.binned else layer.id for layer in drawn)
    return "array[" + ", ".join(f"'{name}'" for name in sorted(names)) + "]"


def _everywhere(table: str, drawn: list[Layer]) -> str:
    """Note once per transaction that all tiles go."""
    return (
        f"insert into tiles_dirtytile (relation, layers) select '{table}', {_names(drawn)}"
        f" where not exists (select from tiles_dirtytile where relation = '{table}' and box is null"
        " and xid = pg_current_xact_id()); "
    )


def _dirty(table: str, drawn: list[Layer], event: str) -> str:
    if event == "truncate":
        return _everywhere(table, drawn)
    changed = {
        "insert": "select geom from new_rows",
        "delete": "select geom from old_rows",
        # Joined and not united: a row that stayed where it is gives one envelope.
        "update": "select geom from old_rows union select geom from new_rows",
    }[event]
    source = "old_rows" if event == "delete" else "new_rows"
    return (
        f"select count(*) into changed from (select from {source} limit {MANY + 1}) r;"
        f" if changed > {MANY} then {_everywhere(table, drawn)}"
        f" else insert into tiles_dirtytile (relation, layers, box)"
        f" select distinct '{table}', {_names(drawn)}, ST_Envelope(geom) from ({changed}) r"
        " where geom is not null and not ST_IsEmpty(geom); end if; "
    )


def _count(layer: Layer, table: str, event: str) -> str:
    if event == "truncate":
        return (
            f"delete from tiles_tilebindelta where layer = '{layer.id}';"
            f" delete from tiles_tilebin where layer = '{layer.id}'; "
        )
    counted = inlined(bins.in_cells(bins.counted_rows(layer), layer, bins.finest(layer)))[0]

    def part(transition: str, sign: str) -> str:
        rows = with_rows(counted, table, transition)
        return f"select x, y, k, a, {sign}n, {sign}lon, {sign}lat from ({rows}) s(x, y, k, a, n, lon, lat)"

    parts = {
        "insert": [part("new_rows", "")],
        "delete": [part("old_rows", "-")],
        "update": [part("new_rows", ""), part("old_rows", "-")],
    }[event]
    return (
        "insert into tiles_tilebindelta (layer, x, y, klass, area_code, n, lon, lat)"
        f" select '{layer.id}', x, y, k, a, sum(n), sum(lon), sum(lat)"
        f" from ({' union all '.join(parts)}) d(x, y, k, a, n, lon, lat) group by x, y, k, a"
        " having sum(n) <> 0 or sum(lon) <> 0 or sum(lat) <> 0; "
    )


def _statements(table: str, drawn: list[Layer]) -> list[str]:
    """DDL of a table's triggers."""
    statements = []
    for event, referencing in REFERENCING.items():
        name = f"tile_{table}_{event}"
        body = _dirty(table, drawn, event) + "".join(_count(la, table, event) for la in drawn if la.binned)
        declared = "declare changed bigint; " if event != "truncate" else ""
        statements += [
            f"create or replace function {name}() returns trigger language plpgsql as $tile$ {declared}begin"
            f" {body} perform pg_notify('wangge_tiles', ''); return null; end $tile$",
            f"create trigger {name} after {event} on {table} {referencing}"
            f" for each statement execute function {name}()",
        ]
    for other in joined_tables(drawn):
        name = f"tile_{table}_by_{other}"
        statements += [
            f"create or replace function {name}() returns trigger language plpgsql as $tile$ begin"
            f" {_everywhere(table, drawn)} perform pg_notify('wangge_tiles', ''); return null; end $tile$",
            f"create trigger {name} after update on {other} for each statement execute function {name}()",
        ]
    return statements


def install() -> list[str]:
    """Give every drawn table its triggers and count anew what changed. Returns the tables that did.

    A digest of the definition stands in a comment on a trigger function, so unchanged tables cost one query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname, obj_description(oid, 'pg_proc') from pg_proc"
            " where proname like 'tile\\_%' and pronamespace = current_schema()::regnamespace"
        )
        present = dict(cursor.fetchall())
    tables = by_table()
    changed = []
    with transaction.atomic(), connection.cursor() as cursor:
        for name in present:
            if not any(name.startswith(f"tile_{table}_") for table in tables):
                cursor.execute(f"drop function {name}() cascade")
        for table, drawn in tables.items():
            statements = _statements(table, drawn)
            digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
            if present.get(f"tile_{table}_insert") == digest:
                continue
            ends = (*REFERENCING, *(f"by_{other}" for other in joined_tables(drawn)))
            for name in {f"tile_{table}_{end}" for end in ends} | {
                name for name in present if name.startswith(f"tile_{table}_by_")
            }:
                cursor.execute(f"drop function if exists {name}() cascade")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(f"comment on function tile_{table}_insert() is '{digest}'")
            cursor.execute(_everywhere(table, drawn))
            for layer in drawn:
                if layer.binned:
                    recount(layer)
            changed.append(table)
    return changed


def recount(layer: Layer) -> None:
    """Count a layer's cells anew; writers to its table wait until the caller's transaction ends."""
    counted, tables = inlined(bins.in_cells(bins.counted_rows(layer), layer, bins.finest(layer)))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"lock table {tables[0]} in share mode")
        cursor.execute("delete from tiles_tilebindelta where layer = %s", [layer.id])
        cursor.execute("delete from tiles_tilebin where layer = %s", [layer.id])
        cursor.execute(
            f"insert into tiles_tilebin {bins.COLUMNS}"
            f" select '{layer.id}', level, x >> ({bins.finest(layer)} - level),"
            f" y >> ({bins.finest(layer)} - level), k, a, sum(n), sum(lon), sum(lat)"
            f" from ({counted}) s(x, y, k, a, n, lon, lat), generate_series(0, {bins.finest(layer)}) level"
            " group by 2, 3, 4, 5, 6 order by 2, 3, 4, 5, 6"
        )


def differences(layer: Layer) -> list[tuple]:
    """Cells where sums and unfolded changes do not give what counting gives: (level, x, y, class, area)."""
    counted = inlined(bins.in_cells(bins.counted_rows(layer), layer, bins.finest(layer)))[0]
    depth = bins.finest(layer)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with deltas as (
                select level, x >> ({depth} - level) as x, y >> ({depth} - level) as y, klass, area_code,
                    n, lon, lat
                from tiles_tilebindelta, generate_series(0, {depth}) level where layer = '{layer.id}'
            ),
            kept as (
                select level, x, y, klass, area_code, sum(n) n, sum(lon) lon, sum(lat) lat from (
                    select level, x, y, klass, area_code, n, lon, lat from tiles_tilebin
                    where layer = '{layer.id}'
                    union all select * from deltas
                ) r group by 1, 2, 3, 4, 5 having sum(n) <> 0 or sum(lon) <> 0 or sum(lat) <> 0
            ),
            counted as (
                select level, x >> ({depth} - level) as x, y >> ({depth} - level) as y, k, a,
                    sum(n) n, sum(lon) lon, sum(lat) lat
                from ({counted}) s(x, y, k, a, n, lon, lat), generate_series(0, {depth}) level
                group by 1, 2, 3, 4, 5
            )
            select level, x, y, klass, area_code from (
                (select * from kept except select * from counted)
                union (select * from counted except select * from kept)
            ) r order by 1, 2, 3 limit 100
            """
        )
        return cursor.fetchall()
