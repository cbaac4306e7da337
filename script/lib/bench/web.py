"""Servers on loopback for the time of a measurement, and many asking them at once."""

import http.client
import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

_kept = threading.local()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serving(command: list[str], port: int, environment: dict[str, str], ready: str):
    """Run a server until the block ends; waits until ``ready`` (a path) is answered below 500."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    listener.start()
    try:
        for _ in range(600):
            if process.poll() is not None:
                listener.join()
                raise SystemExit(f"{command[0]} ended: {b''.join(said[-20:]).decode()}")
            try:
                if get(port, ready)[0] < 500:
                    break
            except OSError:
                pass
            time.sleep(0.1)
        else:
            raise SystemExit(f"{command[0]} does not answer at {ready}: {b''.join(said[-20:]).decode()}")
        yield
    finally:
        process.terminate()
        process.wait()


def get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body. Each thread keeps its connection as long as the server does."""
    connections = _kept.__dict__.setdefault("connections", {})
    made = connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=30))
    for last in (False, True):
        try:
            made.request("GET", path, headers=headers or {})
            answer = made.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            made.close()  # it may have ended between two questions
            if last:
                raise
    raise AssertionError("unreachable")


@dataclass
class Site:
    """A server as it is asked: ``path_of`` turns an item into a path, ``before`` prepares a round."""

    port: int
    path_of: object
    headers: dict = field(default_factory=dict)
    before: object = None

    def get(self, item) -> bytes:
        status, body = get(self.port, self.path_of(item), self.headers)
        if status not in (200, 204):
            raise SystemExit(f"{self.path_of(item)} is answered {status}: {body[:300]!r}")
        return body


@dataclass
class Asked:
    """What a site took: seconds on the clock for each round, seconds for each answer."""

    totals: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        every = sorted(self.answers)
        return every[min(len(every) - 1, int(share * len(every)))]


def ask_in_turns(sites: dict[str, Site], items: list, rounds: int, hands: int) -> dict[str, Asked]:
    """Ask every site for every item, ``hands`` at a time, in turns; one round before is not counted."""
    asked = {name: Asked() for name in sites}
    with ThreadPoolExecutor(hands) as pool:
        for number in range(rounds + 1):
            for name, site in sites.items():
                if site.before:
                    site.before()

                def timed(item, site=site):
                    begun = time.perf_counter()
                    site.get(item)
                    return time.perf_counter() - begun

                begun = time.perf_counter()
                answers = list(pool.map(timed, items))
                if number:
                    asked[name].totals.append(time.perf_counter() - begun)
                    asked[name].answers += answers
    return asked
