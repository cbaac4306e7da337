"""Write ``run/services.json`` for the supervisor, from the environment that script/server prepared.

``WHAT`` is ``database`` (the embedded cluster alone) or ``all``; ``VERSION`` is the word for the code
that runs.
"""

import hashlib
import json
import os
from pathlib import Path

data, app, sockets = (os.environ[name] for name in ("WANGGE_DATA", "APP", "SOCKETS"))
version, cores = os.environ["VERSION"], int(os.environ["CORES"])
# By its real name: a new set of packages is another command, hence a restart and not a reload.
python = f"{os.path.realpath(f'{data}/venv')}/bin/python"

# What an operator may set reaches the services, also when the supervisor is older than the setting.
PASSED = (
    "WANGGE_",
    "AWS_",
    "DJANGO_",
    "DATABASE_URL",
    "PYTHON",
    "LANG",
    "http",
    "HTTP",
    "no_proxy",
    "NO_PROXY",
)
KEPT_OUT = ("WANGGE_PYTHON", "WANGGE_VENV")
environment = {
    key: value for key, value in os.environ.items() if key.startswith(PASSED) and key not in KEPT_OUT
}
environment["HOME"] = data


def digest(*paths: str) -> str:
    return hashlib.sha256(b"".join(Path(data, path).read_bytes() for path in paths)).hexdigest()[:16]


def service(name: str, command: list[str], **fields) -> dict:
    return {
        "name": name,
        "command": command,
        "cwd": app,
        "env": environment,
        "stop": "TERM",
        "grace": 30,
        "kill": "KILL",
        "death": fields.get("stop", "TERM"),
        "reload": None,
        "version": version,
        "cluster": None,
        **fields,
    }


services = []
if os.environ["EMBEDDED"] == "1":
    services.append(
        service(
            "postgres",
            [f"{os.environ['PG_BIN']}/postgres", "-D", f"{data}/pg"],
            cwd=data,
            env={"LANG": "C.UTF-8", "HOME": data},
            # INT is the fast shutdown; QUIT the immediate one. Never KILL: it leaves shared memory behind.
            stop="INT",
            grace=90,
            kill="QUIT",
            version=digest("pg/wangge.conf"),
            cluster=f"{data}/pg",
        )
    )
if os.environ["WHAT"] == "all":
    worker = [python, "manage.py", "procrastinate", "worker", "--shutdown-graceful-timeout", "20"]
    services += [
        service(
            "web",
            # Sync workers, as many as cores: as many active queries as the machine can serve at once.
            [
                *(python, "-m", "gunicorn", "geo.wsgi"),
                *("--bind", f"unix:{sockets}/web.sock", "--workers", str(cores)),
                *("--timeout", "60", "--graceful-timeout", "25"),
                # As long as nginx lets through, so that it is nginx who says what is too long.
                *("--limit-request-line", "8190"),
                *("--max-requests", "10000", "--max-requests-jitter", "2000"),
                *("--forwarded-allow-ips", "*", "--error-logfile", "-", "--log-level", "warning"),
                *(("--worker-tmp-dir", "/dev/shm") if os.access("/dev/shm", os.W_OK) else ()),
            ],
            reload="HUP",
        ),
        service(
            "events",
            [
                *(python, "-m", "uvicorn", "geo.stream:app", "--uds", f"{sockets}/events.sock"),
                *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2"),
            ],
            grace=10,
        ),
        service(
            "worker",
            [*worker, "--queues", "default,builtin"],
            # Without a database it would wait for one for ever; its jobs may be broken off and run again.
            death="KILL",
        ),
        # Files, imports, proposals: two at once in one process, or an export would wait for a proposal.
        service("long", [*worker, "--queues", "long", "--concurrency", "2"], death="KILL"),
        # What waits on gateways and receivers outside: several at once, and nothing else waits behind them.
        service("courier", [*worker, "--queues", "outside", "--concurrency", "4"], death="KILL"),
        service(
            "nginx",
            [
                *(os.environ["NGINX"], "-p", f"{data}/nginx/", "-c", f"{data}/nginx/nginx.conf"),
                *("-e", f"{data}/log/nginx-error.log", "-g", "daemon off;"),
            ],
            cwd=data,
            env={"HOME": data},
            stop="TERM",
            grace=10,
            reload="HUP",
            version=digest("nginx/nginx.conf", "nginx/nginx.tiles.conf"),
        ),
    ]

target = Path(data, "run/services.json")
scratch = target.with_suffix(".new")
scratch.touch(mode=0o600)
scratch.write_text(json.dumps(services, indent=1))
os.replace(scratch, target)
