"""A process of ``many``: one database, asked what comes as lines of JSON, each answered with a line.

Requests go through all of Django within this process; kept tiles and the cache are dropped before each, so
that nothing is answered from an earlier one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from contextlib import contextmanager

import django

# A table of so many rows is read through an index or in small part.
BIG = 100_000
STATEMENT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
ASKED_AT = re.compile(rb'"as_of":"[^"]*"|;at=[0-9TZ.]+')
SCAN = re.compile(r"Seq Scan on (\w+)")
DROPPED = re.compile(r"Rows Removed by (?:Filter|Index Recheck): (\d+)")


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    from bench.people import logged_in

    requests = json.loads(sys.stdin.readline())
    names = sorted({one["who"] for one in requests if one["who"]})
    users = [get_user_model().objects.get(username=name) for name in names]
    with logged_in(users) as keys:
        sessions = dict(zip(names, keys, strict=True))
        for line in sys.stdin:
            what, number = json.loads(line)
            answer = {"ask": _asked, "explain": _explained}[what](requests[number], sessions)
            print(json.dumps(answer), flush=True)


def _asked(request: dict, sessions: dict) -> dict:
    """How long it took, and a digest of what a table of statistics says (of all else it tells nothing)."""
    from django.core.cache import cache
    from django.test import Client

    cache.clear()
    shutil.rmtree(os.environ["BENCH_TILES"], ignore_errors=True)
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="zh-hans")
    if request["who"]:
        client.cookies["sessionid"] = sessions[request["who"]]
    call = client.post if "data" in request else client.get
    begun = time.perf_counter()
    response = call(request["path"], request.get("data"), headers=request.get("headers"))
    body = b"".join(response.streaming_content) if response.streaming else response.content
    seconds = time.perf_counter() - begun
    if response.status_code not in (200, 204):
        raise SystemExit(f"{request['path']} is answered {response.status_code}: {body[:500].decode()}")
    digest = ""
    if "json" in response.headers.get("Content-Type", "") and b'"as_of"' in body:
        # When it was asked also stands in the links to the cases behind a figure.
        digest = hashlib.sha256(ASKED_AT.sub(b"", body)).hexdigest()
    return {"seconds": seconds, "digest": digest}


def _explained(request: dict, sessions: dict) -> dict:
    """The statement that took longest, with its plan as it was carried out, and what is amiss in it."""
    with _noting() as noted:
        _asked(request, sessions)
    selects = [one for one in noted if STATEMENT.match(one[1])]
    if not selects:
        return {"statements": len(noted), "all_ms": 0, "ms": 0, "sql": "", "plan": [], "amiss": []}
    seconds, sql, _params, explain = max(selects, key=lambda one: one[0])
    plan = explain()
    return {
        "statements": len(noted),
        "all_ms": sum(one[0] for one in noted) * 1000,
        "ms": seconds * 1000,
        "sql": " ".join(str(sql).split()),
        "plan": plan,
        "amiss": _amiss(plan),
    }


@contextmanager
def _noting():
    """Every statement with its seconds, and how to have it explained: the ORM's and those of tiles."""
    from django.db import connection

    from tiles.queries import session

    noted: list[tuple] = []
    plainly = session._run

    def wrapper(execute, sql, params, many, context):
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            noted.append((time.perf_counter() - begun, sql, params, lambda: _plan(sql, params)))

    def of_tiles(sql, params, fetch):
        begun = time.perf_counter()
        found = plainly(sql, params, fetch)
        taken = time.perf_counter() - begun
        explain = f"explain (analyze, buffers) {sql}"
        noted.append(
            (taken, sql, params, lambda: [row for (row,) in plainly(explain, params, lambda c: c.fetchall())])
        )
        return found

    session._run = of_tiles
    try:
        with connection.execute_wrapper(wrapper):
            yield noted
    finally:
        session._run = plainly


def _plan(sql: str, params) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"explain (analyze, buffers) {sql}", params)
        return [row for (row,) in cursor.fetchall()]


def _amiss(plan: list[str]) -> list[str]:
    """Whole tables that were read though they are large, and many rows that were read for nothing."""
    from django.db import connection

    found = []
    for table in dict.fromkeys(name for line in plan for name in SCAN.findall(line)):
        with connection.cursor() as cursor:
            cursor.execute("select reltuples::bigint from pg_class where relname = %s", [table])
            rows = cursor.fetchone()
        if rows and rows[0] > BIG:
            found.append(f"reads all of {table}, {rows[0]:,} rows")
    dropped = max((int(number) for line in plan for number in DROPPED.findall(line)), default=0)
    if dropped > BIG:
        found.append(f"reads {dropped:,} rows for nothing")
    return found


if __name__ == "__main__":
    main()
