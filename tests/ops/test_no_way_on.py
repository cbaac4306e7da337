"""A full disk, and packages that cannot be had: the message names the cause and the way out."""

import os
import shutil
import uuid

import pytest

from tests.ops.installation import Installation
from tests.ops.phones import client, photo
from tests.ops.test_under_load import FILL, django

pytestmark = pytest.mark.slow


def small_disk(room: int) -> Installation:
    """An installation whose data directory is a disk of its own, of so many MB."""
    if not (shutil.which("nginx") or shutil.which("/usr/sbin/nginx")):
        pytest.skip("nginx is not installed")
    try:
        return Installation(room)
    except OSError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")


def test_a_disk_too_small_is_said_before_anything_is_done():
    tight = small_disk(100)
    try:
        done = tight.server(check=False)
        assert done.returncode == 1
        assert "MB are free on the disk of" in done.stderr and "3000 MB are needed" in done.stderr
        assert "WANGGE_DATA=/some/where script/server" in done.stderr and "du -xh" in done.stderr
        assert not (tight.data / "pg").exists()
    finally:
        tight.remove()


def test_a_disk_that_fills_up():
    """Uploads are refused with the cause, commands say it, stopping works; with room again all goes on."""
    full = small_disk(4000)
    try:
        full.server()
        people = django(full, FILL)
        phone = client(full.url, people["workers"][0])

        def send(size: int = 0):
            key = str(uuid.uuid4())
            file = {"file": ("IMG.jpg", photo(1) + bytes(size), "image/jpeg")}
            return phone.post("/api/attachments/", data={"uuid": key}, files=file)

        assert send().status_code == 201
        full.fill()
        small, large = send(), send(2_000_000)
        # Django has the small one whole; the large one finds no room in nginx already.
        assert (small.status_code, large.status_code) == (507, 500)
        for answer in (small, large):
            assert answer.headers["Content-Type"].startswith("application/problem+json")
            assert "磁盘已满" in answer.json()["detail"]
        done = full.server(check=False)
        assert done.returncode == 1 and "only 0 MB are free" in done.stderr and "Make room" in done.stderr
        assert full.run("stop", check=False).returncode == 0 and full.processes() == []
        full.widen()
        full.server()
        full.wait_healthy(60)
        assert send().status_code == 201 and send(2_000_000).status_code == 201
    finally:
        full.remove()


@pytest.fixture
def bare():
    made = Installation()
    yield made
    made.remove()


@pytest.mark.skipif(os.getuid() != 0, reason="apt's settings do not pass through sudo")
@pytest.mark.skipif(not shutil.which("apt-get"), reason="there is no apt-get")
def test_a_debian_package_that_cannot_be_had(bare, tmp_path):
    """No sources at all. The package is PostGIS for a PostgreSQL that is not installed here."""
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "parts").mkdir()
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "{tmp_path / "parts"}";'
        f'Dir::State::lists "{tmp_path / "lists"}"; Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
    )
    bare.environment["APT_CONFIG"] = str(tmp_path / "apt.conf")
    (bare.data / "pg").mkdir()
    (bare.data / "pg" / "PG_VERSION").write_text("14\n")
    if os.path.exists("/usr/lib/postgresql/14"):
        pytest.skip("PostgreSQL 14 is installed here")
    done = bare.server(check=False)
    assert done.returncode == 1
    assert "Unable to locate package postgresql-14-postgis-3" in done.stderr
    assert "check the network and /etc/apt/sources.list" in done.stderr
    assert "By hand: apt-get install postgresql-14-postgis-3" in done.stderr
    assert str(bare.data / "log" / "setup.log") in done.stderr


def test_a_python_package_that_cannot_be_had(bare):
    del bare.environment["WANGGE_VENV"]
    bare.environment |= {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple/",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        bare.environment.pop(name, None)
    done = bare.server("--prepare", check=False)
    assert done.returncode == 1
    assert "No matching distribution found for" in done.stderr
    assert "check the network and pip's index (pip config list)" in done.stderr
    assert '"Python packages" failed' in done.stderr
