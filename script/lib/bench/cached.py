"""Cached tiles and 304s of a running installation (``--server URL``), asked by wrk over eight connections.

Public layers only: those nginx answers for anybody. The request that makes a tile is not counted.
"""

import re
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

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
    paths, tags = [], []
    for z in (14, 15, 16):
        for address in addresses(connection, z, 30):
            path = f"/tiles/{LAYER}/WebMercatorQuad/{'/'.join(map(str, address))}.mvt"
            with urllib.request.urlopen(base + path) as answer:
                answer.read()
            with urllib.request.urlopen(base + path) as answer:
                if answer.status == 200:
                    paths.append(path)
                    tags.append(answer.headers.get("ETag", ""))
    lines = []
    for name, chosen in (("whole tiles", [""] * len(paths)), ("304", tags)):
        lines.append([name, len(paths), *_wrk(base, paths, chosen)])
    return table(
        "Cached tiles of a running installation, eight connections",
        ["what", "tiles", "requests/s", "p50", "p99", "other answers than 2xx and 3xx"],
        lines,
    )


def _wrk(base: str, paths: list[str], tags: list[str]) -> list[str]:
    """Requests per second, p50, p99, and what went wrong, in wrk's words."""
    rows = ", ".join(f"{{{_lua(path)}, {_lua(tag)}}}" for path, tag in zip(paths, tags, strict=True))
    script = (
        f"local rows = {{{rows}}}\nlocal n = 0\n"
        "request = function()\n  n = n % #rows + 1\n  local headers = {['Accept-Encoding'] = 'gzip'}\n"
        "  if rows[n][2] ~= '' then headers['If-None-Match'] = rows[n][2] end\n"
        "  return wrk.format('GET', rows[n][1], headers)\nend\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ask.lua"
        file.write_text(script)
        said = subprocess.run(
            ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "--latency", "-s", str(file), base],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return [
        (re.search(pattern, said) or ["", "0"])[1]
        for pattern in (r"Requests/sec:\s+([\d.]+)", r"50%\s+(\S+)", r"99%\s+(\S+)", r"responses: (\d+)")
    ]


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
