"""``script/bench make-cases``: a database of its own with many years of cases, to be measured by ``many``.

The measured database is copied (``create database ... template``), then its ended cases with all that hangs
on them are copied into earlier years until there are as many cases as asked for. Every copy has numbers, keys
and times of its own, and is as long before as the first cases reach back, in whole weeks: a period of any
length has as many cases as before, and as many cases are open. One in fifty of the ended cases gets an order
(督办单) that was replied to, since the demo city has hardly any.

Rows are written set by set, without triggers, indexes and foreign keys, which are put back (and checked)
afterwards; sums of areas and cells of tiles are counted anew. Copies have higher ids than what they were
copied from, the oldest year first. The original is only read.
"""

from __future__ import annotations

import argparse
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db import connection, transaction

CASE, MEETING, ORDER = "cases_case", "cases_jointmeeting", "cases_supervision"
# Posts of other systems are left out: their ids are those systems' own.
LEFT_OUT = ("cases_open311post",)
# Of these only what is over is copied; of all that hangs on a case, what hangs on a copied one.
OVER = {
    CASE: "state in ('rejected', 'closed', 'void', 'archived')",
    MEETING: "state = 'held'",
}
ORDERS_EACH = 50
# A letter, six digits of an area, a day, a serial number.
NUMBER = "^[A-Z][0-9]{14}"
_ROOM = 1.3

_TABLES = """
select distinct conrelid::regclass::text from pg_constraint
join pg_attribute on attrelid = conrelid and array[attnum] = conkey and attnotnull
where contype = 'f' and confrelid = 'cases_case'::regclass and conrelid <> confrelid order by 1
"""
_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), f.confrelid::regclass::text, a.attnotnull,
    exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indnkeyatts = 1
        and i.indkey[0] = a.attnum)
from pg_attribute a
left join pg_constraint f on f.contype = 'f' and f.conrelid = a.attrelid and f.conkey = array[a.attnum]
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""
# What to take off a table and how to put it back; the primary key stays, others point at it.
_PARTS = """
select 'alter table ' || conrelid::regclass || ' drop constraint ' || quote_ident(conname),
    'alter table ' || conrelid::regclass || ' add constraint ' || quote_ident(conname) || ' '
        || pg_get_constraintdef(oid), contype = 'f'
from pg_constraint where conrelid = %(table)s::regclass and contype in ('f', 'u')
union all
select 'drop index ' || indexrelid::regclass, pg_get_indexdef(indexrelid), false
from pg_index i where indrelid = %(table)s::regclass and not indisprimary
    and not exists (select from pg_constraint where conindid = i.indexrelid)
"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench make-cases", description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000_000)
    parser.add_argument("--name", help="of the new database, by default the measured one's and the number")
    parser.add_argument("--replace", action="store_true", help="drop a database of that name before")
    options = parser.parse_args(arguments)
    source = connection.settings_dict["NAME"]
    name = options.name or f"{source}_{options.cases}"
    say = _clock()
    with connection.cursor() as cursor:
        tables = tables_of(cursor)
        needed = _bytes_needed(cursor, tables, options.cases)
    free = shutil.disk_usage(settings.DATA_DIR).free
    say(f"{source} becomes {name}: some {needed / 1e9:.0f} GB; {free / 1e9:.0f} GB are free")
    if needed * _ROOM > free:
        raise SystemExit("That is too little room.")
    _copy_database(source, name, options.replace)
    connection.close()
    connection.settings_dict["NAME"] = name
    say("copied")
    try:
        _fill(tables, options.cases, say)
    except BaseException:
        connection.close()
        with _server() as server:
            server.execute(f'drop database if exists "{name}" with (force)')
        raise
    say(f'script/bench --only many --pair NAME,{name}; afterwards: drop database "{name}"')


def tables_of(cursor) -> list[str]:
    """What is copied: cases, meetings, and all that hangs on a case."""
    return [CASE, MEETING, *(table for (table,) in _rows(cursor, _TABLES) if table not in LEFT_OUT)]


def _clock():
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {text}", flush=True)

    return say


def _rows(cursor, sql: str, params=None) -> list[tuple]:
    cursor.execute(sql, params)
    return cursor.fetchall()


def _bytes_needed(cursor, tables: list[str], cases: int) -> float:
    """The whole database once, and what hangs on a case as often as there are more of them."""
    ((whole,),) = _rows(cursor, "select pg_database_size(current_database())")
    ((grows,),) = _rows(
        cursor, "select sum(pg_total_relation_size(t::regclass)) from unnest(%s::text[]) t", [tables]
    )
    ((there,),) = _rows(cursor, f"select count(*) from {CASE}")
    if not there:
        raise SystemExit("There are no cases to copy: load a city first, see docs/benchmarks.md.")
    return float(whole) + float(grows) * max(cases / there - 1, 0)


def _server() -> psycopg.Connection:
    """The server's maintenance database: one that is copied must have nobody connected."""
    given = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        given.pop(name, None)
    return psycopg.connect(**(given | {"dbname": "postgres"}), autocommit=True)


def _copy_database(source: str, name: str, replace: bool) -> None:
    connection.close()
    with _server() as server:
        if replace:
            server.execute(f'drop database if exists "{name}"')
        try:
            server.execute(f'create database "{name}" template "{source}" strategy file_copy')
        except psycopg.errors.ObjectInUse:
            raise SystemExit(
                f"Somebody is connected to {source}: stop the services first (script/stop)."
            ) from None
        except psycopg.errors.DuplicateDatabase:
            raise SystemExit(f"{name} is there already: --replace makes it anew.") from None


def _fill(tables: list[str], wanted: int, say) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '1GB'; set work_mem = '256MB'; set statement_timeout = 0")
        # Which columns refer to what is known as long as the foreign keys are there.
        sources = [Source.of(cursor, table) for table in tables]
        with _bare(cursor, tables if wanted > _count(cursor) else [ORDER], say):
            _orders(cursor)
            _years(cursor, sources, wanted, say)
        _count_anew(say)
        for table in (*tables, "geo_tally", "tiles_tilebin"):
            cursor.execute(f"vacuum (analyze) {table}")
        say(f"vacuumed: {_count(cursor):,} cases")


def _years(cursor, sources: list[Source], wanted: int, say) -> None:
    """Copy what is over into as many earlier years as it takes, the oldest first; that one is not whole."""
    for table, condition in OVER.items():
        _chosen(cursor, f"over_{table}", f"select id from {table} where {condition}")
    for one in sources:
        one.measure(cursor)
    spans = {one.table: one.span for one in sources}
    ((days,),) = _rows(
        cursor, f"select (max(reported_at)::date - min(reported_at)::date) / 7 * 7 + 7 from {CASE}"
    )
    ((each,),) = _rows(cursor, f"select count(*) from over_{CASE}")
    missing = max(0, wanted - _count(cursor))
    for year in range(-(-missing // each), 0, -1):
        of_this = missing - (year - 1) * each
        latest = (
            f"select id from {CASE} join over_{CASE} using (id) order by reported_at desc limit {of_this}"
        )
        _chosen(cursor, f"part_{CASE}", latest if of_this < each else f"select id from over_{CASE}")
        for one in sources:
            cursor.execute(one.copying(spans, year, year * days))
        missing -= of_this
        say(f"{of_this:,} cases {year * days} days before")
    for one in sources:
        if one.span:
            cursor.execute(
                f"select setval(pg_get_serial_sequence('{one.table}', 'id'), max(id)) from {one.table}"
            )


def _chosen(cursor, name: str, which: str) -> None:
    cursor.execute(f"drop table if exists {name}; create temp table {name} as {which}")
    cursor.execute(f"create unique index on {name} (id); analyze {name}")


@dataclass
class Source:
    """A table whose rows are copied: its columns, its highest id (0: it has none of its own), its pages."""

    table: str
    columns: list[tuple]
    span: int = 0
    pages: int = 0

    @classmethod
    def of(cls, cursor, table: str) -> Source:
        return cls(table, _rows(cursor, _COLUMNS, [table]))

    @property
    def has_ids(self) -> bool:
        return any(name == "id" for name, *_rest in self.columns)

    def measure(self, cursor) -> None:
        """How far ids and pages reach before anything is copied."""
        if self.has_ids:
            ((self.span,),) = _rows(cursor, f"select coalesce(max(id), 0) from {self.table}")
        ((self.pages,),) = _rows(cursor, "select pg_relation_size(%s) / 8192", [self.table])

    def copying(self, spans: dict[str, int], year: int, days: int) -> str:
        """The statement that copies the rows into an earlier year.

        Ids, and references to copied rows, are moved by as much as there are ids, once for every year.
        """
        names, values = [], []
        # Copies lie behind; none is chosen, but a table ten times as long need not be read.
        only = [f"t.ctid < '({self.pages},0)'"]
        for name, kind, target, required, unique in self.columns:
            value = f't."{name}"'
            chosen = f"part_{CASE}" if target == CASE else f"over_{target}" if target in OVER else ""
            if name == "id":
                value = f"{value} + {self.span * year}"
            elif target in spans:
                moved = f"{value} + {spans[target] * year}"
                if required and chosen:
                    only.append(f"{value} in (select id from {chosen})")
                elif chosen:
                    moved = f"case when {value} in (select id from {chosen}) then {moved} end"
                value = moved
            elif kind == "timestamp with time zone":
                value = f"{value} - interval '{days} days'"
            elif kind == "date":
                value = f"{value} - {days}"
            elif kind == "uuid" and unique:
                value = f"case when {value} is not null then gen_random_uuid() end"
            elif unique and kind.startswith("character varying"):
                value = _number(value, days, year)
            names.append(f'"{name}"')
            values.append(value)
        if self.table in OVER:
            only.append(f"t.id in (select id from {'part' if self.table == CASE else 'over'}_{self.table})")
        return (
            f"insert into {self.table} ({', '.join(names)}) select {', '.join(values)} from {self.table} t"
            f" where {' and '.join(only)} order by {'t.id' if self.has_ids else 't.case_id'}"
        )


def _count(cursor) -> int:
    return _rows(cursor, f"select count(*) from {CASE}")[0][0]


@contextmanager
def _bare(cursor, tables: list[str], say):
    """Without triggers, indexes and foreign keys; they are put back in the end, foreign keys last."""
    again = []
    for table in tables:
        cursor.execute(f"alter table {table} disable trigger user")
        for drop, add, foreign in _rows(cursor, _PARTS, {"table": table}):
            again.append((foreign, add, drop))
    # A unique constraint that a foreign key of another of these tables leans on goes after that key.
    for _foreign, _add, drop in sorted(again, key=lambda part: not part[0]):
        cursor.execute(drop)
    yield
    say("rows written")
    for _foreign, add, _drop in sorted(again, key=lambda part: part[0]):
        cursor.execute(add)
    for table in tables:
        cursor.execute(f"alter table {table} enable trigger user")
    say(f"{len(again)} indexes and constraints built")


def _orders(cursor) -> None:
    """An order, replied to after two days, for one in fifty ended cases that a unit held."""
    cursor.execute(
        f"""
        insert into {ORDER}
            (case_id, level, number, unit_id, reason, at, reply_due_at, reply, replied_at, area_code)
        select id, 0, 'D' || substr(number, 2) || '-1', holder_unit_id, '限期办结',
            dispatched_at + interval '1 day', dispatched_at + interval '4 days', '已办结',
            dispatched_at + interval '3 days', area_code
        from {CASE} where {OVER[CASE]} and id % {ORDERS_EACH} = 0 and holder_unit_id is not null
            and dispatched_at is not null and number ~ '{NUMBER}' and flow = 'city_management'
        """
    )


def _number(value: str, days: int, year: int) -> str:
    day = f"to_char(to_date(substr({value}, 8, 8), 'YYYYMMDD') - {days}, 'YYYYMMDD')"
    return (
        f"case when {value} ~ '{NUMBER}' then left({value}, 7) || {day} || substr({value}, 16)"
        f" else {value} || '-{year}' end"
    )


def _count_anew(say) -> None:
    """The sums of areas and the cells of tiles that are made of cases."""
    from geo import tallies
    from geo.registry import layers
    from tiles import triggers

    with transaction.atomic():
        for measure in tallies.tallied():
            if measure.model_class._meta.db_table == CASE:
                tallies.rebuild(measure)
        for layer in layers.values():
            if layer.binned and layer.model_class._meta.db_table == CASE:
                triggers.recount(layer)
    say("sums and cells counted")
