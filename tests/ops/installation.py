"""An installation of its own for a test: data directory, port, and the commands of script/ on it."""

import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def usable_environment(directory: Path) -> str:
    """A virtual environment with this one's packages, which the services' user can run.

    A developer's interpreter may lie in a home directory that is closed to others; then the system's serves,
    looking into this one's packages.
    """
    outsider = []
    if os.getuid() == 0:
        known = any(account.pw_name == "wangge" for account in pwd.getpwall())
        user = "wangge" if known else "nobody"
        group = pwd.getpwnam(user).pw_gid
        # By way of env: setpriv itself still looks for the program with the powers of root.
        outsider = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "env"]
    if not subprocess.run([*outsider, sys.executable, "-c", ""], capture_output=True).returncode:
        return sys.prefix
    made = directory / "venv-of-test"
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(made)], check=True)
    packages = next(made.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n"
    )
    return str(made)


class Installation:
    """``room`` (MB) puts the data directory on a disk of its own; ``OSError`` where this is forbidden."""

    def __init__(self, room: int = 0):
        self.data = Path(tempfile.mkdtemp(prefix="wgt-", dir="/tmp"))
        self.room = room
        if room:
            words = ["mount", "-t", "tmpfs", "-o", f"size={room}m", "tmpfs", str(self.data)]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode:
                self.data.rmdir()
                raise OSError(done.stderr.strip())
        self.data.chmod(0o755)
        self.port = free_port()
        kept_out = ("WANGGE_", "DATABASE_URL", "PG", "DJANGO_", "COV_", "PYTEST")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(kept_out)}
        self.environment |= {
            "WANGGE_DATA": str(self.data),
            "WANGGE_VENV": usable_environment(self.data),
        }

    def fill(self) -> None:
        """Take the room away that is left on the disk of its own; ``widen`` gives it back."""
        used = shutil.disk_usage(self.data).used
        subprocess.run(["mount", "-o", f"remount,size={used}", str(self.data)], check=True)

    def widen(self) -> None:
        subprocess.run(["mount", "-o", f"remount,size={self.room}m", str(self.data)], check=True)

    def begin_with(self, prepared: Path) -> None:
        """The database of the installation that was kept in ``prepared``, in place of an empty one."""
        subprocess.run(["cp", "-a", f"{prepared}/.", str(self.data)], check=True)
        made_for = (prepared / "made-for").read_text()
        configuration = self.data / "pg" / "wangge.conf"
        configuration.write_text(configuration.read_text().replace(made_for, str(self.data)))

    def keep(self, prepared: Path) -> None:
        """Keep the database of this installation, which is stopped, for others to begin with."""
        prepared.mkdir()
        kept = [str(self.data / "pg"), str(self.data / "secrets.json")]
        subprocess.run(["cp", "-a", *kept, str(prepared)], check=True)
        (prepared / "made-for").write_text(str(self.data))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return f"postgresql://wangge@{str(self.data / 'run').replace('/', '%2F')}:54321/wangge"

    def run(self, name: str, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [ROOT / "script" / name, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if check and done.returncode:
            raise AssertionError(f"script/{name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def server(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        return self.run("server", "--no-demo", "--port", str(self.port), *words, check=check)

    def status(self, path: str = "/healthz") -> int:
        """The answer's status; 0 if there is none."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ssl.SSLError):
            return 0

    def wait_healthy(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.status() != 200:
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"{log.name}: {log.read_text()[-1500:]}" for log in self.data.glob("log/*.log")
                )
                raise AssertionError(f"not healthy after {seconds} s\n{logs}")
            time.sleep(0.2)

    def pid(self, service: str) -> int:
        try:
            return int((self.data / "run" / f"{service}.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return 0

    def supervisor(self) -> int:
        return int((self.data / "run" / "supervisor.lock").read_text())

    def running(self, service: str, seconds: float = 60) -> int:
        """The service's process number, waited for: between two lives of a service there is none."""
        deadline = time.monotonic() + seconds
        while not (pid := self.pid(service)):
            assert time.monotonic() < deadline, f"{service} does not run"
            time.sleep(0.05)
        return pid

    def kill(self, service: str) -> int:
        """Kill it once it runs. Number 0 would stand for the tests' own process group."""
        pid = self.running(service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def processes(self) -> list[str]:
        """Command lines of everything that runs for this installation."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if not entry.name.isdigit() or int(entry.name) == os.getpid():
                    continue
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                here = os.readlink(entry / "cwd").startswith(str(self.data))
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and (str(self.data) in words or here):
                found.append(f"{entry.name} {words}")
        return found

    def services(self) -> dict[str, dict]:
        return {spec["name"]: spec for spec in json.loads((self.data / "run" / "services.json").read_text())}

    def remove(self) -> None:
        self.run("stop", check=False)
        if self.room:
            subprocess.run(["umount", str(self.data)], check=True)
        shutil.rmtree(self.data, ignore_errors=True)
