"""Keeps the services of one installation running; standard library only, runs as the services' user.

    supervisor.py RUN_DIR LOG_DIR [--clear]

``--clear`` ends what a killed supervisor left running, and starts nothing.

Reads ``RUN_DIR/services.json``, a list in starting order:
    name, command, cwd, env (added to the supervisor's own), stop (signal name), grace (seconds),
    kill (signal when the grace is over), death (signal it gets if the supervisor dies), reload (signal that
    takes a new version, or null), version (a word; when it changes the service is reloaded or restarted),
    cluster (PostgreSQL's data directory, or null).

HUP reads the file again: what is new starts, what changed restarts, what is gone stops. TERM and INT stop
all, last first. A service that ends is started again, after 0.5 s, then 1, 2, 4 ... 30 s if it keeps ending.
Logs of more than 20 MB are cut and four old ones kept. If the supervisor itself is killed, the kernel stops
its children.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

LOG_BYTES, LOG_KEPT = 20_000_000, 4
SIGNALS = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def say(text: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text, flush=True)


def start_time(pid: int) -> str | None:
    """The kernel's start time of a process, which tells it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait for a process that is not our child. A zombie is as good as gone."""
    deadline = time.monotonic() + seconds
    while state(pid) not in "XZ":
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes_in(directory: Path) -> list[int]:
    """Processes that work in this directory: PostgreSQL's all do so in their data directory."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            here = entry.isdigit() and os.readlink(f"/proc/{entry}/cwd") == str(directory)
            if here and state(int(entry)) != "Z":
                found.append(int(entry))
    return found


def clear_cluster(directory: Path) -> None:
    """Make way for a start after a hard kill.

    Backends in a long query outlive their postmaster and hold its shared memory: they are asked to end, never
    killed. A pid file that names a process of somebody else (after a reboot) is removed.
    """
    pid_file = directory / "postmaster.pid"
    for _ in range(2):
        left = processes_in(directory)
        for pid in left:
            say(f"postgres: asking process {pid} to end, left by a killed server")
            with contextlib.suppress(ProcessLookupError):
                # A postmaster that still lives does its fast shutdown on INT; a backend ends on TERM.
                master = pid_file.exists() and pid_file.read_text().split("\n")[0] == str(pid)
                os.kill(pid, signal.SIGINT if master else signal.SIGTERM)
        for pid in left:
            wait_gone(pid, 60)
        if not processes_in(directory):
            break
    if pid_file.exists() and not processes_in(directory):
        pid_file.unlink()


def end_session(leader: int) -> None:
    """Kill what a dead leader left in its session: nginx's workers, say, keep their port without a master."""
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                session = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[3]
                if session == str(leader) and int(entry) != leader:
                    os.kill(int(entry), signal.SIGKILL)


class Service:
    def __init__(self, spec: dict, run: Path, logs: Path):
        self.spec, self.run, self.logs = spec, run, logs
        self.name = spec["name"]
        self.pid = 0
        self.started = 0.0
        self.due = 0.0
        self.pause = 0.5
        self.pid_file = run / f"{self.name}.pid"

    def take_over(self) -> None:
        """End what an earlier supervisor left running under this name."""
        try:
            pid, begun = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return
        if start_time(int(pid)) == begun and state(int(pid)) not in "XZ":
            say(f"{self.name}: ending process {pid} of an earlier run")
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), getattr(signal, "SIG" + self.spec["stop"]))
            if not wait_gone(int(pid), self.spec["grace"] if self.spec.get("cluster") else 5):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), getattr(signal, "SIG" + self.spec["kill"]))
        if not self.spec.get("cluster") and state(int(pid)) in "XZ":
            end_session(int(pid))
        self.pid_file.unlink(missing_ok=True)

    def start(self) -> None:
        if self.spec.get("cluster"):
            clear_cluster(Path(self.spec["cluster"]))
        death = getattr(signal, "SIG" + self.spec["death"])
        parent = os.getpid()

        def prepare() -> None:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            LIBC.prctl(PR_SET_PDEATHSIG, death)
            if os.getppid() != parent:
                os._exit(1)

        with open(self.logs / f"{self.name}.log", "ab") as log:
            try:
                child = subprocess.Popen(
                    self.spec["command"],
                    cwd=self.spec["cwd"],
                    env={**os.environ, **self.spec["env"]},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=prepare,
                )
            except OSError as error:
                say(f"{self.name}: cannot start: {error}")
                self.ended("")
                return
        child.returncode = 0  # reaped by the loop, not by Popen
        self.pid, self.started = child.pid, time.monotonic()
        self.pid_file.write_text(f"{self.pid} {start_time(self.pid)}\n")
        say(f"{self.name}: started as {self.pid}")

    def ended(self, how: str) -> None:
        if how:
            say(f"{self.name}: process {self.pid} {how}")
        if time.monotonic() - self.started > 60:
            self.pause = 0.5
        if self.pid and not self.spec.get("cluster"):
            end_session(self.pid)
        self.pid = 0
        self.pid_file.unlink(missing_ok=True)
        self.due = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, 30)

    def stop(self) -> None:
        """Stop and reap; whatever is left of its process group goes with it."""
        if not self.pid:
            return
        say(f"{self.name}: stopping {self.pid}")
        for name, seconds in ((self.spec["stop"], self.spec["grace"]), (self.spec["kill"], 60)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, getattr(signal, "SIG" + name))
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                done, _ = os.waitpid(self.pid, os.WNOHANG)
                if done:
                    if not self.spec.get("cluster"):
                        end_session(self.pid)
                    self.pid = 0
                    self.pid_file.unlink(missing_ok=True)
                    return
                time.sleep(0.05)
        say(f"{self.name}: {self.pid} does not end")

    def reload(self) -> None:
        say(f"{self.name}: taking the new version")
        os.kill(self.pid, getattr(signal, "SIG" + self.spec["reload"]))


class Supervisor:
    def __init__(self, run: Path, logs: Path):
        self.run, self.logs = run, logs
        self.services: list[Service] = []
        self.stopping = False
        self.logs_due = 0.0

    def read(self) -> None:
        specs = json.loads((self.run / "services.json").read_text())
        known = {service.name: service for service in self.services}
        wanted = {spec["name"] for spec in specs}
        for service in reversed(self.services):
            if service.name not in wanted:
                service.stop()
        self.services = []
        for spec in specs:
            service = known.get(spec["name"])
            if service is None:
                service = Service(spec, self.run, self.logs)
                service.take_over()
            elif service.spec != spec:
                same = {key for key in spec if spec[key] == service.spec.get(key)}
                old, service.spec = service.spec, spec
                if service.pid and old.get("reload") and set(spec) - same == {"version"}:
                    service.reload()
                else:
                    service.stop()
                service.pause, service.due = 0.5, 0.0
            self.services.append(service)

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            for service in self.services:
                if service.pid == pid:
                    service.ended(f"was killed by signal {-code}" if code < 0 else f"ended with {code}")

    def turn_logs(self) -> None:
        """Copy and cut: every writer has its log open for appending, so none need be told."""
        for log in self.logs.glob("*.log"):
            with contextlib.suppress(OSError):
                if log.stat().st_size < LOG_BYTES:
                    continue
                for number in range(LOG_KEPT, 1, -1):
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(f"{log}.{number - 1}", f"{log}.{number}")
                shutil.copyfile(log, f"{log}.1")
                os.truncate(log, 0)

    def loop(self) -> None:
        self.read()
        while not self.stopping:
            now = time.monotonic()
            for service in self.services:
                if not service.pid and service.due <= now:
                    service.start()
            if self.logs_due <= now:
                self.turn_logs()
                self.logs_due = now + 30
            due = [service.due for service in self.services if not service.pid]
            pause = max(0.05, min([*due, self.logs_due]) - time.monotonic())
            got = signal.sigtimedwait(SIGNALS, pause)
            if got is not None and got.si_signo == signal.SIGHUP:
                try:
                    self.read()
                except (OSError, ValueError) as error:
                    say(f"services.json cannot be read, going on as before: {error}")
            elif got is not None and got.si_signo in (signal.SIGTERM, signal.SIGINT):
                self.stopping = True
            self.reap()
        for service in reversed(self.services):
            service.stop()


def main() -> int:
    run, logs = Path(sys.argv[1]), Path(sys.argv[2])
    lock = os.open(run / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another supervisor is at work here")
        return 1
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if sys.argv[3:] == ["--clear"]:
        for spec in reversed(json.loads((run / "services.json").read_text())):
            Service(spec, run, logs).take_over()
            if spec["cluster"]:
                clear_cluster(Path(spec["cluster"]))
        os.truncate(lock, 0)
        return 0
    say("supervisor started")
    Supervisor(run, logs).loop()
    os.truncate(lock, 0)
    say("supervisor ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
