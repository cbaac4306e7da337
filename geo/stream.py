"""The one ASGI process: server-sent events at ``/events/``, and what else must wait on others (base maps).

No ORM and no request of Django's: one LISTEN connection, one more to read what it rang for, and a queue per
listener. A thousand open connections cost some memory and no database. Events tell that a row changed, never
its content, and go only to whom the signed token lets hear of them (``geo.stream_token``).

    GET /events/?token=…[&last=ID]      or the header Last-Event-ID
    id: 17
    data: {"layer": "cases", "row": "5f…", "verb": "changed", "area": "990101001002", "at": "2026-…"}

Whoever was away gets what he missed; when that is more than is kept here, ``{"layer": "*"}``: fetch anew.
"""

import asyncio
import json
import logging
import os
import random
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

import psycopg
from django.conf import settings
from django.utils.module_loading import import_string

from geo import stream_token

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geo.settings")

logger = logging.getLogger("wangge.stream")

CHANNEL = "wangge_events"
# Mounted by name, so that imports keep pointing down.
MOUNTS = {"/basemaps/": "tiles.proxy.app"}
# Runs beside, with a function that opens a connection.
COMPANIONS = ("tiles.drop.watch",)
# Awaited before anybody hears of events: what is fetched because of one must not be an old file.
BEFORE_TELLING = ("tiles.drop.drop_waiting",)
KEPT_EVENTS = 5000
# A listener who is so far behind is cut off; he comes back and is told to fetch anew.
QUEUE_LENGTH = 500
HEARTBEAT_SECONDS = 20
BATCH_SECONDS = 0.01
_LONGEST_WAIT = 15.0
# Transactions commit out of order: after a restart this many events before the last are told again.
_OVERLAP = 50
_COLUMNS = "select id, layer, row, verb, area_code, unit_id, user_id, at from geo_event"


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the outbox, and the bytes that every listener gets."""

    id: int
    layer: str
    area_code: str
    unit_id: int | None
    user_id: int | None
    message: bytes


def event_of(row: tuple) -> Event:
    """An event from a row of ``geo_event`` (the columns of ``_COLUMNS``)."""
    number, layer, name, verb, area, unit, user, at = row
    body = {"layer": layer, "row": name, "verb": verb, "area": area, "at": at.isoformat()}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Event(number, layer, area, unit, user, f"id: {number}\ndata: {text}\n\n".encode())


def _anew(number: int) -> bytes:
    return f'id: {number}\ndata: {{"layer":"*","verb":"caught-up"}}\n\n'.encode()


class Connection:
    """One listener's open request."""

    __slots__ = ("listener", "queue")

    def __init__(self, listener: stream_token.Listener):
        self.listener = listener
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LENGTH)

    def offer(self, message: bytes | None) -> None:
        """Queue a message; ``None`` ends the connection, and so does falling too far behind."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)

    def hears(self, event: Event) -> bool:
        return self.listener.hears(event.layer, event.area_code, event.unit_id, event.user_id)


class Hub:
    """Everybody who listens, and the last events in the order they were committed."""

    def __init__(self):
        self.connections: set[Connection] = set()
        self.kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self.known: set[int] = set()
        self.newest = 0
        self.seeded = 0

    def seed(self, events: Iterable[Event]) -> None:
        """Remember events from before this process, telling nobody."""
        for event in events:
            self._keep(event)
        self.seeded = self.newest

    def tell(self, events: Iterable[Event]) -> None:
        """Hand new events to whom they are for; one that was told before is left out."""
        for event in events:
            if event.id in self.known:
                continue
            self._keep(event)
            for connection in tuple(self.connections):
                if connection.hears(event):
                    connection.offer(event.message)

    def _keep(self, event: Event) -> None:
        if len(self.kept) == self.kept.maxlen:
            self.known.discard(self.kept[0].id)
        self.kept.append(event)
        self.known.add(event.id)
        self.newest = max(self.newest, event.id)

    def join(self, connection: Connection, last: int | None) -> None:
        """Add a listener, giving him first what he missed since ``last``. No event can fall in between."""
        if last is not None and last != self.newest:
            missed = self._since(last)
            if missed is None:
                connection.offer(_anew(self.newest))
            else:
                heard = [event for event in missed if connection.hears(event)]
                if len(heard) > QUEUE_LENGTH // 2:
                    connection.offer(_anew(self.newest))
                else:
                    for event in heard:
                        connection.offer(event.message)
        self.connections.add(connection)

    def _since(self, last: int) -> list[Event] | None:
        """Events committed after the one called ``last``; ``None`` when that is too long ago to know."""
        if not self.kept or last > self.newest:
            return None  # nothing is known, or this is another database than before
        events = list(self.kept)
        for place in range(len(events) - 1, -1, -1):
            if events[place].id == last:
                # What was read at the start is in order of ids, not of commits.
                start = place + 1 if last > self.seeded else max(0, place - _OVERLAP)
                return [event for event in events[start:] if event.id != last]
        if events[0].id <= last:
            return [event for event in events if event.id > last - _OVERLAP]
        return None

    def leave(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def beat(self) -> None:
        """A sign of life for everybody, and the end for those whose token is over."""
        now = time.time()
        message = f": {int(now)}\nid: {self.newest}\n\n".encode()
        for connection in tuple(self.connections):
            connection.offer(None if connection.listener.expires <= now else message)

    def refetch(self) -> None:
        """Tell everybody to fetch anew: something was missed."""
        for connection in tuple(self.connections):
            connection.offer(_anew(self.newest))


def database() -> dict:
    """Connection parameters for psycopg from Django's settings."""
    given = settings.DATABASES["default"]
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    return {theirs: given[ours] for ours, theirs in names.items() if given.get(ours)} | {
        "application_name": "wangge events",
        "autocommit": True,
    }


def connect():
    """A connection of the stream's; to be awaited."""
    return psycopg.AsyncConnection.connect(**database())


class Bell:
    """Waits for the database's notices and tells the hub; comes back by itself when the database was away."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self.listening = asyncio.Event()
        self.begun = False

    async def run(self) -> None:
        wait = 0.2
        while True:
            try:
                await self._listen()
            except* (psycopg.Error, OSError) as group:
                reason = str(group.exceptions[0]).strip() or type(group.exceptions[0]).__name__
                logger.warning("the database is away: %s", reason.splitlines()[0])
            if self.listening.is_set():
                self.listening.clear()
                wait = 0.2
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _listen(self) -> None:
        async with (
            await psycopg.AsyncConnection.connect(**database()) as reader,
            await psycopg.AsyncConnection.connect(**database()) as ear,
        ):
            await ear.execute(f"listen {CHANNEL}")
            await self._catch_up(reader)
            self.listening.set()
            rung: asyncio.Queue[int] = asyncio.Queue()
            # Whichever fails takes the other with it.
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hear(ear, rung))
                both.create_task(self._pump(reader, rung))

    async def _hear(self, ear, rung: asyncio.Queue) -> None:
        while True:
            async for notice in ear.notifies(timeout=HEARTBEAT_SECONDS):
                rung.put_nowait(int(notice.payload))
            # Silence may be a dead line: a word each way tells.
            await ear.execute("select 1")

    async def _catch_up(self, reader) -> None:
        """What was committed while nobody listened here; at the start, what listeners may have missed."""
        first, self.begun = not self.begun, True
        limit = KEPT_EVENTS // 2
        since = 0 if first else self.hub.newest - 10 * _OVERLAP
        cursor = await reader.execute(f"{_COLUMNS} where id > %s order by id desc limit %s", [since, limit])
        events = [event_of(row) for row in reversed(await cursor.fetchall())]
        if first:
            self.hub.seed(events)
        else:
            self.hub.tell(events)
            if len(events) == limit:
                self.hub.refetch()

    async def _pump(self, reader, rung: asyncio.Queue) -> None:
        """Read the rows that were rung for, those of a hundredth of a second together."""
        while True:
            numbers = [await rung.get()]
            await asyncio.sleep(BATCH_SECONDS)
            while not rung.empty():
                numbers.append(rung.get_nowait())
            cursor = await reader.execute(f"{_COLUMNS} where id = any(%s) order by id", [numbers])
            for name in BEFORE_TELLING:
                await import_string(name)(reader)
            self.hub.tell(event_of(row) for row in await cursor.fetchall())


class Application:
    """The ASGI application."""

    def __init__(self):
        self.hub = Hub()
        self.bell = Bell(self.hub)
        self.tasks: list[asyncio.Task] = []
        self.mounted: dict = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive, send):
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def start(self) -> None:
        """Begin to listen. Within a running event loop."""
        beside = [import_string(name)(connect) for name in COMPANIONS]
        self.tasks = [asyncio.create_task(one) for one in (self.bell.run(), self._beats(), *beside)]

    async def stop(self) -> None:
        """Let go of the database and of everybody who listens."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for connection in tuple(self.hub.connections):
            connection.offer(None)

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.hub.beat()

    async def _http(self, scope, receive, send):
        path = scope["path"]
        for prefix, name in MOUNTS.items():
            if path.startswith(prefix):
                if name not in self.mounted:
                    self.mounted[name] = import_string(name)
                return await self.mounted[name](scope, receive, send)
        if path.rstrip("/") != "/events":
            return await _problem(send, 404, "Not found", "Only /events/ is here.")
        if scope["method"] != "GET":
            return await _problem(send, 405, "Method not allowed", "Listen with GET.", [(b"allow", b"GET")])
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            listener = stream_token.read(query.get("token", [""])[0])
        except stream_token.TokenError as error:
            return await _problem(send, 401, "No valid token", str(error))
        headers = {name.lower(): value for name, value in scope["headers"]}
        last = headers.get(b"last-event-id", b"").decode("latin-1") or query.get("last", [""])[0]
        await self._stream(
            listener,
            int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None,
            receive,
            send,
        )

    async def _stream(self, listener, last: int | None, receive, send):
        connection = Connection(listener)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-cache, no-transform"),
                    (b"x-accel-buffering", b"no"),
                    (b"x-content-type-options", b"nosniff"),
                ],
            }
        )
        await send({"type": "http.response.body", "body": b"retry: 3000\n\n", "more_body": True})
        self.hub.join(connection, last)
        gone = asyncio.create_task(_until_gone(receive, connection))
        try:
            while (message := await connection.queue.get()) is not None:
                # What waits goes out in one piece.
                while not connection.queue.empty():
                    more = connection.queue.get_nowait()
                    if more is None:
                        connection.offer(None)
                        break
                    message += more
                await send({"type": "http.response.body", "body": message, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            pass  # the server goes down; the listener comes back to the next one
        finally:
            self.hub.leave(connection)
            gone.cancel()


async def _until_gone(receive, connection: Connection) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    connection.offer(None)


async def _problem(send, status: int, title: str, detail: str, headers=()) -> None:
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


app = Application()
