"""The rest of an installation around the live server: the stream's own process, nginx before both, a worker.

``front(live_server, folder)`` gives the address under which pages, API and ``/events/`` are one site, as they
are in production. ``work()`` lets a worker do the jobs that wait. All share the test's database.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONF = """
pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1;
events {{}}
http {{
    access_log off;
    {paths}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 30m;
        location /events/ {{ proxy_pass http://127.0.0.1:{stream}; proxy_buffering off; }}
        location / {{ proxy_pass http://{web}; }}
    }}
}}
"""


def environment() -> dict:
    """For a process of its own that shall use the database of this test."""
    server, _slash, _name = os.environ["DATABASE_URL"].rpartition("/")
    return os.environ | {
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "geo.settings",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def status(url: str) -> int:
    """The answer's status; 0 while there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextlib.contextmanager
def front(live_server, folder: Path):
    """Starts stream and nginx, waits for both, ends them."""
    if not Path(NGINX).exists():
        pytest.skip("nginx is not installed")
    stream, port = free_port(), free_port()
    words = ["-m", "uvicorn", "geo.stream:app", "--port", str(stream), "--log-level", "warning"]
    conf = folder / "nginx.conf"
    paths = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    web = live_server.url.removeprefix("http://")
    conf.write_text(CONF.format(folder=folder, paths=paths, port=port, stream=stream, web=web))
    # Run by root, the worker is another user: let it in.
    for place in (folder, *folder.parents[:3]):
        place.chmod(0o755)
    running = [
        subprocess.Popen([sys.executable, *words, "--no-access-log"], cwd=ROOT, env=environment()),
        subprocess.Popen([NGINX, "-e", f"{folder}/error.log", "-p", str(folder), "-c", str(conf)]),
    ]
    try:
        end = time.monotonic() + 30
        # Without a token it is refused, by the stream itself.
        while status(f"http://localhost:{port}/events/") != 401:
            assert time.monotonic() < end, "no stream after 30 s"
            time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(15)


def work() -> None:
    """The jobs that wait, done by a worker of its own."""
    words = [sys.executable, "manage.py", "procrastinate", "worker", "--one-shot"]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    assert not done.returncode, done.stderr
