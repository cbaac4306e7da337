"""Cached tiles and 304s of a running installation (``--server URL``), asked by wrk over eight connections.

Public layers only: those nginx answers for anybody. The request that makes a tile is not counted. The floor
is a static file of about the same size from the same nginx, sent as it is, asked for in turns with the tiles.
"""

import re
import shutil
import statistics
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

from bench.city import raw
from bench.tiles import addresses
from bench.timing import table

LAYER = "grids"
SECONDS = 5


def measure(options) -> str:
    if not options.server:
        return "Cached tiles are asked of a running installation: give `--server URL`.\n"
    if not shutil.which("wrk"):
        return "Cached tiles were not asked: wrk is not installed (Debian: `apt-get install wrk`).\n"
    base = options.server.rstrip("/")
    connection = raw()
    paths, tags, sizes = [], [], []
    for z in (14, 15, 16):
        for address in addresses(connection, z, 30):
            path = f"/tiles/{LAYER}/WebMercatorQuad/{'/'.join(map(str, address))}.mvt"
            wanted = urllib.request.Request(base + path, headers={"Accept-Encoding": "gzip"})
            with urllib.request.urlopen(wanted) as answer:
                answer.read()
            with urllib.request.urlopen(wanted) as answer:
                if answer.status == 200:
                    sizes.append(len(answer.read()))
                    paths.append(path)
                    tags.append(answer.headers.get("ETag", ""))
    floor = _static(base, sum(sizes) // len(sizes))
    ways = {
        "static file": ([floor], [""]),
        "whole tiles": (paths, [""] * len(paths)),
        "304": (paths, tags),
    }
    taken = {name: [] for name in ways}
    for _ in range(min(options.rounds, 3)):
        for name, (asked, held) in ways.items():
            taken[name].append(_wrk(base, asked, held, "identity" if asked == [floor] else "gzip"))
    lines = []
    for name, rounds in taken.items():
        rates, *latencies, wrong = zip(*rounds, strict=True)
        shares = [rate / least for rate, (least, *_rest) in zip(rates, taken["static file"], strict=True)]
        lines.append(
            [
                name,
                len(ways[name][0]),
                f"{statistics.median(rates):,.0f}",
                *(f"{statistics.median(one) / 1000:.2f}" for one in latencies),
                f"{statistics.median(shares):.2f} ({min(shares):.2f}-{max(shares):.2f})",
                f"{sum(wrong):.0f}",
            ]
        )
    return table(
        f"Cached tiles of a running installation, eight connections, {sum(sizes) // len(sizes):,} bytes each",
        ["what", "files", "requests/s", "p50 ms", "p95", "p99", "times static", "neither 2xx nor 3xx"],
        lines,
    )


def _static(base: str, size: int) -> str:
    """The path of a static file whose size is nearest."""
    found = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            found.append((abs(storage.size(path) - size), f"{settings.STATIC_URL}{path}"))
    for _off, path in sorted(found)[:50]:
        try:
            with urllib.request.urlopen(base + path):
                return path
        except urllib.error.URLError:
            continue
    raise SystemExit("this installation serves no static files")


def _wrk(base: str, paths: list[str], tags: list[str], encoding: str) -> list[float]:
    """Requests per second; p50, p95 and p99 in microseconds; how many answers were errors."""
    rows = ", ".join(f"{{{_lua(path)}, {_lua(tag)}}}" for path, tag in zip(paths, tags, strict=True))
    script = (
        f"local rows = {{{rows}}}\nlocal n = 0\n"
        "request = function()\n  n = n % #rows + 1\n"
        f"  local headers = {{['Accept-Encoding'] = '{encoding}'}}\n"
        "  if rows[n][2] ~= '' then headers['If-None-Match'] = rows[n][2] end\n"
        "  return wrk.format('GET', rows[n][1], headers)\nend\n"
        "done = function(summary, latency)\n  io.write(string.format('told %f %d %d %d %d\\n',"
        " summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(95),"
        " latency:percentile(99), summary.errors.status))\nend\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ask.lua"
        file.write_text(script)
        said = subprocess.run(
            ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "-s", str(file), base],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return [float(one) for one in re.search(r"^told (.+)$", said, re.MULTILINE)[1].split()]


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
