"""``/basemaps/``: other people's map services, asked on behalf of ours. An ASGI callable without ORM.

    /basemaps/{name}/{matrix set}/{z}/{x}/{y}.png     a tile; the matrix sets of ``tiles.wmts``
    /basemaps/{name}/wmts                             WMTS: GetCapabilities, GetTile

Keys and addresses stay here. A tile that came once is kept as a file, which nginx serves from then on. A
tile that many ask for at once is fetched once. A service that fails is left alone for some seconds, and its
failure is a plain 502 (``?notice=1`` asks for a picture that says so instead).
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import time
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import psycopg
from django.conf import settings

from tiles import upstream, wmts
from tiles.upstream import Source

logger = logging.getLogger("wangge.basemaps")

SETTINGS_S = 15  # how long the table's rows are believed
KEPT_S = 30 * 86400  # how long a file is served without asking anew
REST_S = 10  # how long a failing service is left alone
FAILURES = 3
LARGEST = 5_000_000  # bytes of a tile

_COLUMNS = (
    "name, title, service, url, projection, key, layer, style, image_format, matrix_set, level_offset,"
    " matrices, min_level, max_level, timeout_s, attribution, is_overlay,"
    " ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent)"
)


class Unavailable(Exception):
    """The service did not give the tile; the text names no address.

    ``broken`` says that it would not give others either.
    """

    def __init__(self, text: str, *, broken: bool = True):
        super().__init__(text)
        self.broken = broken


class Proxy:
    """The application. ``transport`` replaces the network in tests."""

    def __init__(self, connect=None, transport=None):
        self.connect = connect or _connect
        self.transport = transport
        self.sources: dict[str, Source] = {}
        self.read_at = -SETTINGS_S
        self.reading = asyncio.Lock()
        self.clients: dict[int, httpx.AsyncClient] = {}
        self.flying: dict[Path, asyncio.Task] = {}
        self.failures: dict[str, tuple[int, float]] = {}

    # --- what there is ----------------------------------------------------------------------------
    async def source(self, name: str) -> Source | None:
        async with self.reading:
            if time.monotonic() - self.read_at > SETTINGS_S:
                try:
                    await self._read()
                except psycopg.Error as error:
                    # Known ones go on being served while the database is away.
                    logger.warning("base maps cannot be read: %s", str(error).strip().splitlines()[:1])
                self.read_at = time.monotonic()
        return self.sources.get(name)

    async def _read(self) -> None:
        async with await self.connect() as connection:
            cursor = await connection.execute(
                f"select {_COLUMNS} from tiles_basemap where active and service <> 'own'"
            )
            found = {}
            async for *values, west, south, east, north in cursor:
                extent = None if west is None else (west, south, east, north)
                found[values[0]] = Source(**dict(zip(_names(), values, strict=True)), extent=extent)
        for name, source in found.items():
            if name in self.sources and self.sources[name] != source:
                self.failures.pop(name, None)
        self.sources = found

    # --- HTTP -------------------------------------------------------------------------------------
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        answer = await self._answer(scope)
        await _send(send, scope["method"], *answer)

    async def _answer(self, scope) -> tuple[int, str, bytes, dict]:
        if scope["method"] not in ("GET", "HEAD"):
            return _problem(405, "method-not-allowed", "Ask with GET.")
        parts = scope["path"].strip("/").split("/")[1:]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        source = await self.source(parts[0]) if parts else None
        if source is None:
            return _problem(404, "not-found", "There is no such base map.")
        if parts[1:] == ["wmts"]:
            return await self._wmts(scope, source, query)
        try:
            matrix_set, z, x, last = parts[1:]
            place = matrix_set, int(z), int(x), int(last.partition(".")[0])
        except ValueError:
            return _problem(404, "not-found", "A tile is {matrix set}/{z}/{x}/{y}.png.")
        return await self._tile(source, *place, notice=query.get("notice") == "1")

    async def _wmts(self, scope, source: Source, query: dict) -> tuple[int, str, bytes, dict]:
        try:
            asked = wmts.parse(query.items(), source.name)
            if asked is not None:
                return await self._tile(source, *asked)
        except wmts.ServiceException as error:
            return error.status, "application/xml", error.xml().encode(), {}
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"localhost").decode("latin-1")
        scheme = headers.get(b"x-forwarded-proto", scope.get("scheme", "http").encode()).decode("latin-1")
        names = tuple(name for name, (quad, *_rest) in wmts.ALIASES.items() if quad is source.quad)
        offer = wmts.Offer(
            source.name,
            source.title,
            source.attribution,
            names,
            source.min_level,
            source.max_level,
            source.extent or (-180.0, -85.0, 180.0, 85.0),
            "image/jpeg" if "jp" in source.image_format else "image/png",
        )
        text = wmts.capabilities(offer, f"{scheme}://{host}/basemaps/{source.name}")
        return 200, "application/xml", text.encode(), {"cache-control": "public, max-age=60"}

    async def _tile(
        self, source: Source, matrix_set: str, z: int, x: int, y: int, *, notice: bool = False
    ) -> tuple[int, str, bytes, dict]:
        try:
            quad, level = wmts.matrix_set_for(matrix_set, z, x, y)
        except wmts.NoSuchTile:
            quad, level = None, 0
        if quad is not source.quad or not source.min_level <= level <= source.max_level:
            return _problem(404, "not-found", f"{source.title} has no such tile.")
        if source.extent and not _touch(quad.lonlat_bounds(level, x, y), source.extent):
            return 200, "image/png", _picture(""), {"cache-control": "public, max-age=86400"}
        file = self._file(source, level, x, y)
        try:
            content = _fresh(file)
            if content is None:
                # One flight for all who ask; who leaves early does not end it for the others.
                flight = self.flying.get(file)
                if flight is None:
                    flight = asyncio.create_task(self._fetch(source, file, level, x, y))
                    self.flying[file] = flight
                    flight.add_done_callback(lambda _task: self.flying.pop(file, None))
                content = await asyncio.shield(flight)
        except Unavailable as error:
            if notice:
                return 200, "image/png", _picture("base map unavailable"), {"cache-control": "no-store"}
            return _problem(502, "base-map-unavailable", f"{source.title}: {error}", source=source.name)
        kind = upstream.picture_kind(content) or "image/png"
        return 200, kind, content, {"cache-control": "public, max-age=86400"}

    def _file(self, source: Source, z: int, x: int, y: int) -> Path:
        kind = "jpg" if "jp" in source.image_format else "png"
        folder = Path(settings.BASEMAP_CACHE) / source.name / source.quad.id / str(z) / str(x)
        return folder / f"{y}.{kind}"

    # --- the other side -----------------------------------------------------------------------------
    def _client(self) -> httpx.AsyncClient:
        loop = id(asyncio.get_running_loop())
        if loop not in self.clients:
            self.clients[loop] = httpx.AsyncClient(
                transport=self.transport,
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
                headers={"user-agent": "Mozilla/5.0 (Wangge base map proxy)"},
            )
        return self.clients[loop]

    async def _fetch(self, source: Source, file: Path, z: int, x: int, y: int) -> bytes:
        if "{key}" in source.url and not source.key:
            raise Unavailable("it has no key yet")
        count, until = self.failures.get(source.name, (0, 0.0))
        if count >= FAILURES and time.monotonic() < until:
            raise Unavailable("it has failed several times and is left alone for a moment")
        try:
            content = await self._ask(source, upstream.tile_url(source, z, x, y))
        except Unavailable as error:
            if error.broken:
                self.failures[source.name] = (count + 1, time.monotonic() + REST_S)
            logger.warning("base map %s: %s", source.name, error)
            raise
        self.failures.pop(source.name, None)
        await asyncio.to_thread(_keep, file, content)
        return content

    async def _ask(self, source: Source, url: str) -> bytes:
        try:
            async with asyncio.timeout(source.timeout_s):
                answer = await self._client().get(url, timeout=source.timeout_s)
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(f"no answer within {source.timeout_s:g} seconds") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"it cannot be reached ({type(error).__name__})") from None
        if answer.status_code != 200:
            text = f"it answered with status {answer.status_code}"
            raise Unavailable(text, broken=answer.status_code != 404)
        if len(answer.content) > LARGEST or upstream.picture_kind(answer.content) is None:
            raise Unavailable("it answered with something that is no picture")
        return answer.content


def _names() -> list[str]:
    return [name.strip() for name in _COLUMNS.split(", ST_")[0].split(",")]


def _connect():
    from geo.stream import connect

    return connect()


def _touch(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _fresh(file: Path) -> bytes | None:
    try:
        if time.time() - file.stat().st_mtime < KEPT_S:
            return file.read_bytes()
    except OSError:
        return None
    return None


def _keep(file: Path, content: bytes) -> None:
    """Keep a tile as a file; a full disk costs the cache, not the map."""
    beside = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as error:
        logger.warning("a tile of a base map was not kept: %s", error)


@cache
def _picture(text: str) -> bytes:
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    if text:
        draw = ImageDraw.Draw(image)
        draw.text((128, 128), text, fill=(122, 127, 135, 160), anchor="mm", font_size=14)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _problem(status: int, kind: str, detail: str, **more) -> tuple[int, str, bytes, dict]:
    titles = {404: "Not found", 405: "Method not allowed", 502: "The base map cannot be had now"}
    body = {"type": f"/docs/problems/{kind}", "title": titles[status], "status": status, "detail": detail}
    text = json.dumps(body | more, ensure_ascii=False)
    return status, "application/problem+json", text.encode(), {"cache-control": "no-store"}


async def _send(send, method: str, status: int, kind: str, body: bytes, headers: dict) -> None:
    listed = {
        "content-type": kind,
        "content-length": str(len(body)),
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
        **headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in listed.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


app = Proxy()
