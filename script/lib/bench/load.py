"""A hundred people at work and a thousand open pages, at a running installation (``--server URL``).

Each of the hundred asks, reads the answer for ten seconds or so, and asks again: lists (60 of 100), a view of
the map (20: six tiles at once), single cases (10), an action (5), a photo of 300 kB (5). They are accounts of
the city that is there: grid workers, departments, desks, leaders; what they do is what they may do now. Their
sessions are made before the clock starts, since hashing passwords is meant to be slow.

The thousand listen as open pages do, each with the rights of its account. Every event that was written while
they listened must come to everyone who may hear it, and to nobody else; its delay is counted from the moment
in its row, which lies before the commit. Client and server share the machine's cores.

**It reports problems and carries out actions for good**: an installation of its own is for that.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import random
import re
import resource
import statistics
import time
import uuid
from array import array
from collections import Counter, defaultdict
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone
from PIL import Image

from assets.models import ItemType
from bench import people, tiles
from bench.city import raw
from bench.timing import milliseconds, table
from cases import flow, guards, queries
from cases.models import Case
from geo import stream_token
from geo.events import stream_rules
from geo.models import Event, User
from geo.registry import layers
from grids.models import Grid, GridDuty
from tiles import links
from tiles.queries.access import may_see, rows_key

USERS, LISTENERS = 100, 1000
THINK_SECONDS = (5, 15)
KINDS = {"list": 60, "tiles": 20, "case": 10, "action": 5, "photo": 5}
# How many of the hundred hold which role.
STAFF = {
    "grid_worker": 50,
    "department": 18,
    "community_desk": 8,
    "street_desk": 6,
    "leader": 4,
    "dispatcher": 4,
    "acceptor": 4,
    "shift_lead": 3,
    "supervisor": 3,
}
PHOTO_BYTES = 300_000
TILES_AT_ONCE = 6
MAP_LAYERS = ("cases", "grids", "components", "buildings")
LEVELS = (14, 15, 16, 17)
VIEWS = ("mine", "mine", "desk", "unit", "check", "all")
CSRF = "c" * 32
SETTLE_SECONDS = 5
EVENT = re.compile(rb"id: (\d+)\ndata: ")


def measure(options) -> str:
    if not options.server:
        return "Load is put on a running installation: give `--server URL`.\n"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * LISTENERS)), hard))
    staff = _accounts(USERS)
    with people.logged_in(staff) as keys:
        cast = Cast(options, staff, keys)
        tokens = _tokens(options.minutes)
        connection.close()
        heard, told = asyncio.run(cast.play(tokens))
    return told + _events(heard, cast)


# --- Who they are ---------------------------------------------------------------------------------------


def _accounts(number: int) -> list[User]:
    """So many accounts, of each role its share; where a role has fewer, they are there several times."""
    found = []
    for role, share in STAFF.items():
        wanted = share * number // sum(STAFF.values())
        if users := people.holding(role):
            # Spread over the city rather than all of its first street.
            found += [users[at * len(users) // wanted] for at in range(wanted)]
    if not found:
        raise SystemExit("nobody here could work: load the demo city")
    return [user for user, _at in zip(itertools.cycle(found), range(number), strict=False)]


def _tokens(minutes: float) -> list[tuple[stream_token.Listener, str]]:
    """What a thousand pages show when they open the stream."""
    users, made = _accounts(LISTENERS), {}
    for user in users:
        if user.pk not in made:
            text = stream_token.issue(user.pk, stream_rules(user), int(minutes * 60) + 600)
            made[user.pk] = (stream_token.read(text), text)
    return [made[user.pk] for user in users]


class Person:
    """One of the hundred: the session, what may be looked at, what there is to do."""

    def __init__(self, user: User, key: str, dice: random.Random):
        self.user, self.dice = user, dice
        self.headers = {
            "Cookie": f"sessionid={key}; csrftoken={CSRF}",
            "X-CSRFToken": CSRF,
            "Accept-Language": "zh-CN",
        }
        visible = Case.objects.for_user(user).filter(queries.open_cases())
        self.numbers = list(visible.order_by("-reported_at").values_list("number", flat=True)[:40])
        self.outside = not user.can("cases.statistics") and user.can("cases.verify")
        self.places = self._places() if user.can("cases.report") else []
        self.layers = [name for name in MAP_LAYERS if may_see(layers[name], user)]
        self.rows = {name: rows_key(layers[name], user) for name in self.layers if not layers[name].public}
        self.photos: list[str] = []
        self.to_do: list[tuple[str, str]] = []

    def _places(self) -> list[tuple[float, float]]:
        """Points in the own grids, or in any, where problems are reported."""
        today = timezone.localdate()
        own = GridDuty.objects.filter(worker__user=self.user, valid_from__lte=today, valid_to=None)
        grids = Grid.objects.filter(pk__in=own.values("grid"), retired_on=None)
        grids = list(grids[:5]) or list(Grid.objects.filter(retired_on=None).order_by("?")[:5])
        return [grid.geom.point_on_surface.coords for grid in grids]

    def offer(self, cases: list[Case]) -> None:
        """Note what this person can do with these cases by one press, main steps first."""
        for case in cases:
            for move in flow.allowed(self.user, case):
                if not move.needs and (move.main or move.action == "remind"):
                    self.to_do.append((case.number, move.action))
                    break


def _share_out(persons: list[Person]) -> None:
    """Give each open case to one of those who could act on it: nobody takes another's work away."""
    taken: set[str] = set()
    for person in persons:
        rows = Case.objects.for_user(person.user).filter(queries.open_cases()).select_related("holder_unit")
        rows = guards.know(list(rows.exclude(number__in=taken).order_by("-pk")[:120]))
        person.offer(rows)
        person.to_do = person.to_do[:30]
        taken.update(number for number, _action in person.to_do)


# --- What they do ---------------------------------------------------------------------------------------


class Cast:
    """All of them, and what it took."""

    def __init__(self, options, staff: list[User], keys: list[str]):
        self.base, self.seconds = options.server.rstrip("/"), options.minutes * 60
        self.persons = [
            Person(user, key, random.Random(seed))
            for seed, (user, key) in enumerate(zip(staff, keys, strict=True))
        ]
        _share_out(self.persons)
        database = raw()
        self.views = {z: tiles.addresses(database, z, 200) for z in LEVELS}
        database.close()
        known = ItemType.objects.filter(active=True, standard=settings.CASE_STANDARD, kind="event")
        self.types = list(known.filter(no_photo=False))
        self.jpeg = _jpeg()
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.wrong: dict[str, Counter] = defaultdict(Counter)
        self.began = self.ended = timezone.now()
        self.end = 0.0

    async def play(self, tokens) -> tuple[list, str]:
        """Open the thousand, let the hundred work; what each listener heard, and the table."""
        listeners = [Heard(listener) for listener, _token in tokens]
        opened = time.perf_counter()
        for at in range(0, len(tokens), 50):
            await asyncio.gather(
                *(
                    _listen(self.base, token, one)
                    for (_who, token), one in zip(tokens[at : at + 50], listeners[at : at + 50], strict=True)
                )
            )
        opened = time.perf_counter() - opened
        await asyncio.sleep(1)
        self.began, begun = timezone.now(), time.perf_counter()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.end = begun + self.seconds
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=200)
        async with httpx.AsyncClient(base_url=self.base, timeout=60, limits=limits) as client:
            await asyncio.gather(*(self._work(client, person) for person in self.persons))
        wall = time.perf_counter() - begun
        self.ended = timezone.now()
        await asyncio.sleep(SETTLE_SECONDS)
        now = resource.getrusage(resource.RUSAGE_SELF)
        busy = (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) / wall
        for one in listeners:
            one.close()
        return listeners, self._table(opened, wall, busy)

    async def _work(self, client, person: Person) -> None:
        await asyncio.sleep(person.dice.uniform(0, sum(THINK_SECONDS) / 2))
        while time.perf_counter() < self.end:
            kind = person.dice.choices(list(KINDS), list(KINDS.values()))[0]
            await getattr(self, f"_{kind}")(client, person)
            await asyncio.sleep(person.dice.uniform(*THINK_SECONDS))

    async def _send(self, kind: str, client, person: Person, method: str, path: str, headers=None, **content):
        """One request with its time; what was not answered as it should be is noted by its status."""
        begun = time.perf_counter()
        try:
            answer = await client.request(method, path, headers=person.headers | (headers or {}), **content)
        except httpx.HTTPError as error:
            self.wrong[kind][type(error).__name__] += 1
            return None
        self.taken[kind].append(time.perf_counter() - begun)
        if not answer.is_success:
            self.wrong[kind][answer.status_code] += 1
            if self.wrong[kind][answer.status_code] == 1:
                print(f"{kind}: {path} was answered {answer.status_code}: {answer.text[:300]}", flush=True)
            return None
        return answer

    async def _list(self, client, person: Person) -> None:
        if person.outside and person.dice.random() < 0.7:
            path = person.dice.choice(["/api/me/tasks", "/api/cases/?view=mine"])
            await self._send("list", client, person, "GET", path)
            return
        path = f"/?view={person.dice.choice(VIEWS)}&sort={person.dice.choice(['due', 'new', 'changed'])}"
        luck = person.dice.random()
        if luck < 0.2:
            path += f"&q={person.dice.choice(['井盖', '道路', '垃圾', '路灯'])}"
        # One in four opens the page; the others change what the page lists.
        headers = {} if luck > 0.75 else {"HX-Request": "true", "HX-Target": "list-pane"}
        await self._send("list", client, person, "GET", path, headers)

    async def _tiles(self, client, person: Person) -> None:
        name, z = person.dice.choice(person.layers), person.dice.choice(LEVELS)
        _z, x, y = person.dice.choice(self.views[z])
        around = [(x + dx, y + dy) for dx in (0, 1, 2) for dy in (0, 1)][:TILES_AT_ONCE]
        layer = layers[name]
        front = f"/tiles/{name}" if layer.public else _signed(name, person.rows[name])
        await asyncio.gather(
            *(
                self._send("tiles", client, person, "GET", f"{front}/WebMercatorQuad/{z}/{tx}/{ty}.mvt")
                for tx, ty in around
            )
        )

    async def _case(self, client, person: Person) -> None:
        if not person.numbers:
            return await self._list(client, person)
        number = person.dice.choice(person.numbers)
        if person.outside:
            await self._send("case", client, person, "GET", f"/api/cases/{number}/")
        else:
            headers = {"HX-Request": "true", "HX-Target": "drawer"}
            await self._send("case", client, person, "GET", f"/cases/{number}/", headers)
        return None

    async def _action(self, client, person: Person) -> None:
        if person.to_do and (person.dice.random() < 0.5 or not person.places):
            number, verb = person.to_do.pop(0)
            body = {"client_key": str(uuid.uuid4())}
            await self._send(
                "action", client, person, "POST", f"/api/cases/{number}/actions/{verb}", json=body
            )
        elif person.places:
            await self._report(client, person)
        else:
            await self._case(client, person)

    async def _report(self, client, person: Person) -> None:
        lon, lat = person.dice.choice(person.places)
        body = {
            "client_key": str(uuid.uuid4()),
            "lon": lon,
            "lat": lat,
            "type": person.dice.choice(self.types).pk,
            "description": "量测",
            "attachments": [{"uuid": person.photos.pop()}] if person.photos else [],
        }
        await self._send("action", client, person, "POST", "/api/cases/", json=body)

    async def _photo(self, client, person: Person) -> None:
        key = str(uuid.uuid4())
        file = {"file": ("IMG.jpg", _unlike_others(self.jpeg), "image/jpeg")}
        sent = {"data": {"uuid": key}, "files": file, "headers": {"Idempotency-Key": key}}
        if await self._send("photo", client, person, "POST", "/api/attachments/", **sent):
            person.photos.append(key)

    def _table(self, opened: float, wall: float, busy: float) -> str:
        rows = []
        for kind in KINDS:
            taken = sorted(self.taken[kind])
            wrong = ", ".join(f"{number} x {what}" for what, number in self.wrong[kind].items())
            shares = [milliseconds(_share(taken, share)) for share in (0.5, 0.95, 0.99, 1)]
            rows.append([kind, len(taken), *shares, wrong or "none"])
        every = sorted(one for taken in self.taken.values() for one in taken)
        shares = [milliseconds(_share(every, share)) for share in (0.5, 0.95, 0.99, 1)]
        rows.append(["all", len(every), *shares, sum(sum(one.values()) for one in self.wrong.values())])
        return table(
            f"{USERS} people at work for {wall:.0f} s, {len(every) / wall:.1f} requests a second,"
            f" {LISTENERS:,} connections open (opened in {opened:.1f} s); client: {busy:.2f} of a core",
            ["what", "requests", "p50 ms", "p95", "p99", "max", "errors"],
            rows,
        )


def _share(taken: list[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(share * len(taken)))] if taken else 0.0


def _signed(name: str, rows: str) -> str:
    """As ``tiles.links.template``: the address under which nginx finds tiles made for the same rights."""
    expires = links.expiry()
    return f"/tiles/s/{expires}/{links.sign(expires, rows, name)}/{rows}/{name}"


def _jpeg() -> bytes:
    """A photo of about 300 kB: as large as a phone's, with noise until it weighs so much."""
    dice = random.Random(5)
    small = Image.frombytes("RGB", (400, 300), dice.randbytes(400 * 300 * 3))
    for quality in range(95, 20, -5):
        out = io.BytesIO()
        small.resize((1600, 1200), Image.Resampling.BICUBIC).save(out, "JPEG", quality=quality)
        if out.tell() <= PHOTO_BYTES:
            break
    # Filled up behind the end, as cameras do with what they keep for themselves.
    return out.getvalue() + bytes(max(0, PHOTO_BYTES - out.tell()))


def _unlike_others(jpeg: bytes) -> bytes:
    """The same photo with a comment of its own: no two files are the same."""
    return jpeg[:2] + b"\xff\xfe\x00\x12" + os.urandom(16) + jpeg[2:]


# --- What is heard --------------------------------------------------------------------------------------


class Heard:
    """One open connection: the numbers of the events that came, and when."""

    def __init__(self, listener: stream_token.Listener):
        self.listener = listener
        self.numbers, self.moments = array("q"), array("d")
        self.rest, self.broken, self.closing = b"", False, False
        self.writer = None
        self.task: asyncio.Task | None = None

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take in what comes until the connection ends."""
        while piece := await reader.read(65536):
            now = time.time()
            whole, _gap, self.rest = (self.rest + piece).rpartition(b"\n\n")
            for number in EVENT.findall(whole + b"\n\n"):
                self.numbers.append(int(number))
                self.moments.append(now)
        self.broken = not self.closing

    def close(self) -> None:
        self.closing = True
        self.task.cancel()
        self.writer.close()


async def _listen(base: str, token: str, heard: Heard) -> None:
    """Open the connection; a task of its own reads it."""
    site = urlsplit(base)
    secure = site.scheme == "https"
    reader, writer = await asyncio.open_connection(
        site.hostname, site.port or (443 if secure else 80), ssl=secure or None
    )
    # In the older protocol nothing is cut into chunks.
    writer.write(f"GET /events/?token={token} HTTP/1.0\r\nHost: {site.netloc}\r\n\r\n".encode())
    answer = await reader.readline()
    if b" 200 " not in answer:
        raise SystemExit(f"the stream answers {answer!r}")
    await reader.readuntil(b"retry: 3000\n\n")
    heard.writer, heard.task = writer, asyncio.create_task(heard.read(reader))


def _events(listeners: list[Heard], cast: Cast) -> str:
    """Which events should have come to whom, and which came."""
    rows = Event.objects.filter(at__gte=cast.began, at__lte=cast.ended).order_by("pk")
    events = {
        number: (layer, area, unit, user, at.timestamp())
        for number, layer, area, unit, user, at in rows.values_list(
            "pk", "layer", "area_code", "unit_id", "user_id", "at"
        )
    }
    expected = lost = leaked = twice = 0
    delays = []
    for one in listeners:
        wanted = {number for number, event in events.items() if one.listener.hears(*event[:4])}
        came = Counter(number for number in one.numbers if number in events)
        expected += len(wanted)
        lost += len(wanted - came.keys())
        leaked += len(came.keys() - wanted)
        twice += sum(came.values()) - len(came)
        delays += [
            moment - events[number][4]
            for number, moment in zip(one.numbers, one.moments, strict=True)
            if number in wanted
        ]
    delays.sort()
    broken = sum(one.broken for one in listeners)
    layers_told = Counter(event[0] for event in events.values())
    said = ", ".join(f"{number} of {layer}" for layer, number in layers_told.most_common())
    middle = milliseconds(statistics.median(delays)) if delays else ""
    return table(
        f"{len(events)} events ({said}) on {len(listeners):,} connections, {broken} of them broken off",
        ["should come", "lost", "to the wrong one", "twice", "p50 ms", "p95", "p99", "max"],
        [
            [
                f"{expected:,}",
                lost,
                leaked,
                twice,
                middle,
                *(milliseconds(_share(delays, share)) for share in (0.95, 0.99, 1)),
            ]
        ],
    )
