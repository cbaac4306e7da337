"""From commit to a thousand open connections: a stream process of its own, and one listener's clock per line.

Event rows are written, told, and removed again.
"""

import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from django.db import connection

from bench.city import raw
from bench.timing import milliseconds, table
from geo import stream_token

LISTENERS = 1000
COMMITS = 30
PAUSE_SECONDS = 0.2


def measure(options) -> str:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * LISTENERS)), hard))
    connection.close()
    return asyncio.run(_measure())


async def _measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "events.sock"
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "uvicorn", "geo.stream:app", "--uds", str(socket), "--log-level", "error"),
            env=os.environ,
        )
        try:
            return await _told(socket)
        finally:
            server.terminate()
            await server.wait()


async def _told(socket: Path) -> str:
    for _ in range(300):
        if socket.exists():
            break
        await asyncio.sleep(0.1)
    token = stream_token.issue(-1, {stream_token.OTHERS: ([""], [])})
    arrivals: dict[bytes, list[float]] = {}
    begun = time.perf_counter()
    readers = [await _listen(socket, token, arrivals) for _ in range(LISTENERS)]
    opened = time.perf_counter() - begun
    await asyncio.sleep(1)
    database, commits, numbers = raw(), {}, []
    try:
        for serial in range(COMMITS):
            name = f"bench{os.getpid()}-{serial}"
            arrivals[name.encode()] = []
            # Committed in a thread, so that the listeners' clocks go on meanwhile.
            number, begun = await asyncio.to_thread(_commit, database, name)
            numbers.append(number)
            commits[name.encode()] = begun
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.sleep(2)
    finally:
        database.execute("delete from geo_event where id = any(%s)", (numbers,))
        for task in readers:
            task.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    # The first commits warm both processes up.
    counted = list(commits)[5:]
    late = sorted(at - commits[name] for name in counted for at in arrivals[name])
    lost = len(counted) * LISTENERS - len(late)
    last = statistics.median(max(arrivals[name]) - commits[name] for name in counted if arrivals[name])

    def at(share):
        return milliseconds(late[min(len(late) - 1, int(share * len(late)))])

    return table(
        f"Commit to event, {LISTENERS:,} connections open (opened in {opened:.1f} s), {len(counted)} commits,"
        f" {lost} lost",
        ["p50 ms", "p95", "max", "until the last listener heard, median"],
        [[at(0.5), at(0.95), at(1), milliseconds(last)]],
    )


def _commit(database, name: str) -> tuple[int, float]:
    """Write an event; its id, and the moment before it was sent to the database."""
    begun = time.perf_counter()
    row = database.execute(
        "insert into geo_event (at, layer, row, verb, area_code) values (now(), 'bench', %s, 'changed', '9')"
        " returning id",
        (name,),
    ).fetchone()
    return row[0], begun


async def _listen(socket: Path, token: str, arrivals: dict):
    """Open a connection; a task notes when each event's line came."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(f"GET /events/?token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = await reader.readline()
    if b" 200 " not in answer:
        raise SystemExit(f"the stream answers {answer!r}")

    async def read():
        try:
            while line := await reader.readline():
                if b'"bench"' in line:
                    now = time.perf_counter()
                    arrivals[line.split(b'"row":"')[1].split(b'"')[0]].append(now)
        finally:
            writer.close()  # the server ends when its last connection has

    return asyncio.create_task(read())
