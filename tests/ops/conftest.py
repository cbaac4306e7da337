"""Installations on this machine: they need nginx and PostGIS, and take some seconds each."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.ops.installation import Installation


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with a migrated database, made once for all processes of the run.

    Migrating takes longer than most of what is tested afterwards; the first start has a test of its own.
    """
    if not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()):
        pytest.skip("nginx is not installed")
    room = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        room = room.parent
    folder = room / "installation"
    with (room / "installation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = Installation()
            try:
                made.server()
                made.run("stop")
                made.keep(half := room / "half-an-installation")
                half.rename(folder)
            finally:
                made.remove()
    return folder


@pytest.fixture(scope="module")
def installation(prepared):
    """A running installation without the demo city."""
    made = Installation()
    try:
        made.begin_with(prepared)
        made.server()
        yield made
    finally:
        made.remove()
