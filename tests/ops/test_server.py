"""script/server: first start, second start, hard kills, and errors that say the way out."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import psycopg
import pytest

from tests.ops.installation import ROOT, Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installation():
    """One that nothing was prepared for."""
    made = Installation()
    try:
        made.first = made.server()
        yield made
    finally:
        made.remove()


def test_first_start(installation):
    assert f"http://127.0.0.1:{installation.port}/" in installation.first.stdout
    assert installation.status() == 200
    assert (installation.data / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert (installation.data / "run").stat().st_mode & 0o777 == 0o700
    with psycopg.connect(installation.database_url) as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = 'wangge'").fetchone() == (
            False,
        )
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_static_files_come_from_nginx_and_media_only_through_django(installation):
    (installation.data / "media" / "secret.txt").write_text("a photo of somebody's door")
    assert installation.status("/static/admin/css/base.css") == 200
    assert installation.status("/_media/secret.txt") == 404
    assert installation.status("/media/secret.txt") == 404


def test_log_holds_no_query_and_no_position(installation):
    installation.status("/api/locate?lon=83.912345&lat=39.5")
    installation.status("/public/track/TOKEN-OF-A-RESIDENT")
    log = (installation.data / "log" / "access.log").read_text()
    assert "/api/locate" in log and "/public/..." in log
    assert "83.912345" not in log and "TOKEN-OF-A-RESIDENT" not in log


def test_second_start_is_quick_and_restarts_nothing(installation):
    with psycopg.connect(installation.database_url) as connection:
        connection.execute("create table if not exists kept (n integer)")
        connection.execute("insert into kept values (42)")
    before = {name: installation.pid(name) for name in installation.services()}
    began = time.monotonic()
    installation.server()
    assert time.monotonic() - began < 30
    assert {name: installation.pid(name) for name in installation.services()} == before
    with psycopg.connect(installation.database_url) as connection:
        assert connection.execute("select n from kept").fetchall() == [(42,)]


@pytest.mark.parametrize("service", ["web", "worker", "long", "courier", "events", "nginx", "postgres"])
def test_a_killed_service_comes_back(installation, service):
    installation.wait_healthy(60)
    old = installation.kill(service)
    deadline = time.monotonic() + 30
    while installation.pid(service) in (0, old):
        assert time.monotonic() < deadline, f"{service} did not come back"
        time.sleep(0.1)
    installation.wait_healthy(60)


def test_everything_killed_at_once(installation):
    with psycopg.connect(installation.database_url) as connection:
        connection.execute("create table acknowledged as select generate_series(1, 1000) as n")
    installation.wait_healthy(60)
    for pid in [installation.supervisor(), *map(installation.pid, installation.services())]:
        if pid:
            os.kill(pid, signal.SIGKILL)
    installation.server()
    assert installation.status() == 200
    with psycopg.connect(installation.database_url) as connection:
        assert connection.execute("select count(*) from acknowledged").fetchone() == (1000,)


def test_a_taken_port_is_named(installation):
    other = Installation()
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", other.port))
            listener.listen()
            done = other.server(check=False)
        assert done.returncode == 1
        assert f"port {other.port} is taken by process {os.getpid()} " in done.stderr
        assert f"--port {other.port + 1}" in done.stderr
    finally:
        other.remove()


def test_a_cluster_of_another_version_is_explained(installation):
    other = Installation()
    try:
        (other.data / "pg").mkdir()
        (other.data / "pg" / "PG_VERSION").write_text("9\n")
        # No package of that name exists, so the refusal comes from the installation.
        done = other.server(check=False)
        assert done.returncode == 1
        assert "postgresql-9-postgis-3" in done.stderr
    finally:
        other.remove()


def test_a_database_server_of_ones_own_and_https(installation):
    """DATABASE_URL in place of a cluster of its own; a certificate that its authority vouches for."""
    with psycopg.connect(as_superuser(installation), autocommit=True) as connection:
        connection.execute("create database without_postgis owner wangge")
    other = Installation()
    try:
        own = installation.database_url.replace("postgresql:", "postgis:")
        other.environment["DATABASE_URL"] = own.rpartition("/")[0] + "/without_postgis"
        done = other.server(check=False)
        assert done.returncode == 1 and "create extension postgis" in done.stderr
        other.environment["DATABASE_URL"] = own
        done = other.server("--https")
        assert f"https://127.0.0.1:{other.port}/" in done.stdout and "wangge-ca.crt" in done.stdout
        assert not (other.data / "pg").exists() and "postgres" not in other.services()
        trust = ssl.create_default_context(cafile=str(other.data / "tls" / "ca.crt"))
        secure = f"https://127.0.0.1:{other.port}"
        with urllib.request.urlopen(f"{secure}/healthz", context=trust) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{secure}/wangge-ca.crt", context=trust) as answer:
            assert answer.read() == (other.data / "tls" / "ca.crt").read_bytes()
        with urllib.request.urlopen(f"{secure}/login/", context=trust) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
        # Whoever types the address without its s is led there.
        plain = http.client.HTTPConnection("127.0.0.1", other.port)
        plain.request("GET", "/m/")
        answer = plain.getresponse()
        assert answer.status == 301 and answer.headers["Location"] == f"{secure}/m/"
        assert (other.data / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
    finally:
        other.remove()


def as_superuser(installation) -> str:
    return installation.database_url.replace("//wangge@", "//postgres@").rpartition("/")[0] + "/postgres"


def test_stop_leaves_nothing_behind(installation):
    installation.run("stop")
    assert installation.processes() == []
    assert installation.status() == 0
    assert "Nothing is running" in installation.run("stop").stdout
    # Nor does a start that stays, as under systemd, when it is stopped in the middle.
    words = [ROOT / "script" / "server", "--foreground", "--no-demo", "--port", str(installation.port)]
    with subprocess.Popen(words, env=installation.environment, stdout=subprocess.DEVNULL) as starting:
        installation.running("postgres")
        starting.terminate()
    assert installation.processes() == []
    installation.server()
    assert installation.status() == 200
