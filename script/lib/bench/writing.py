"""What the sums cost whoever writes: rows one by one and by 500, with and without the tallies' triggers.

All other triggers (place, codes, history, tiles, bins) stay on in both. Copies of rows that are there, in one
transaction that is rolled back: the price of a commit is not in it.
"""

import time
import uuid

from django.db import connection, transaction

from bench.timing import Way, ratio, table

TABLES = {
    "cases_case": {
        "number": "'B' || lpad(%(serial)s::text, 10, '0') || '-' || id",
        "client_key": "gen_random_uuid()",
    },
    "assets_component": {"code": "lpad((%(serial)s::bigint * 10000000 + id)::text, 16, '0')"},
}
SINGLE, BATCHES, BATCH = 100, 4, 500


def columns(table_name: str) -> list[str]:
    """The columns that one may write, without the id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.columns where table_name = %s"
            " and table_schema = current_schema() and is_generated = 'NEVER' and column_name <> 'id'"
            " order by ordinal_position",
            [table_name],
        )
        return [row[0] for row in cursor.fetchall()]


def measure(options) -> str:
    lines = []
    with connection.cursor() as cursor:
        for name, fresh in TABLES.items():
            cursor.execute(f"select id from {name} where area_code <> '' order by id limit {BATCH}")
            ids = [row[0] for row in cursor.fetchall()]
            if len(ids) < BATCH:
                raise SystemExit(f"{name} has fewer than {BATCH} rows: load a city first")
            names = columns(name)
            taken_from = ", ".join(fresh.get(one, f'"{one}"') for one in names)
            quoted = ", ".join(f'"{one}"' for one in names)
            statement = (
                f"insert into {name} ({quoted}) select {taken_from} from {name} where id = any(%(ids)s)"
            )
            cursor.execute(
                "select tgname from pg_trigger where tgrelid = %s::regclass and tgname like 'tally\\_%%'",
                [name],
            )
            triggers = [row[0] for row in cursor.fetchall()]
            for label, pieces in (
                ("one by one", [[one] for one in ids[:SINGLE]]),
                (f"by {BATCH}", [ids] * BATCHES),
            ):
                ways = {on: Way(on, None) for on in ("with sums", "without")}
                for number in range(options.rounds + 1):
                    for on, way in ways.items():
                        seconds = _write(cursor, statement, pieces, name, triggers if on == "without" else ())
                        if number:
                            way.rounds.append(seconds)
                rows = sum(map(len, pieces))
                rate = {on: rows * len(way.rounds) / sum(way.totals) for on, way in ways.items()}
                lines.append(
                    [
                        name.split("_")[1] + "s",
                        label,
                        f"{rate['without']:.0f}",
                        f"{rate['with sums']:.0f}",
                        ratio(ways["with sums"], ways["without"]),
                    ]
                )
    return table(
        f"Writing ({len(triggers)} triggers of sums on the last table), rolled back",
        ["table", "how", "rows/s without sums", "with sums", "times as fast"],
        lines,
    )


def _write(cursor, statement, pieces, name, disabled) -> list[float]:
    """Seconds per statement."""
    taken = []
    with transaction.atomic():
        for trigger in disabled:
            cursor.execute(f"alter table {name} disable trigger {trigger}")
        start = uuid.uuid4().int % 10**6
        for serial, ids in enumerate(pieces, start):
            begun = time.perf_counter()
            cursor.execute(statement, {"serial": serial, "ids": ids})
            taken.append(time.perf_counter() - begun)
        transaction.set_rollback(True)
    return taken
