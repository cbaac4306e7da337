"""Installations on this machine: they need nginx and PostGIS, and take some seconds each."""

import shutil
from pathlib import Path

import pytest

from tests.ops.installation import Installation


@pytest.fixture(scope="module")
def installation():
    """A running installation without the demo city."""
    if not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()):
        pytest.skip("nginx is not installed")
    made = Installation()
    try:
        made.first = made.server()
        yield made
    finally:
        made.remove()
