"""The files for systemd and containers, as far as they can be judged without running them."""

import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from tests.ops.installation import ROOT

DEPLOY = ROOT / "script" / "deploy"
OPTIONS = set(
    re.findall(r"--[a-z-]+", (ROOT / "script" / "server").read_text().partition("usage()")[2][:2500])
)


def test_systemd_finds_nothing_wrong(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    # The paths that an operator adjusts are this checkout's here; all else is judged as it stands.
    unit = (DEPLOY / "wangge.service").read_text().replace("/opt/wangge", str(ROOT))
    (tmp_path / "wangge.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "wangge.service")],
        capture_output=True,
        text=True,
    )
    if "Failed to" in done.stderr and "wangge.service" not in done.stderr:
        pytest.skip(f"systemd-analyze does not work here: {done.stderr.strip()[:200]}")
    assert done.returncode == 0 and "wangge.service" not in done.stderr, done.stderr


def test_systemd_would_notice(tmp_path):
    """The judge of the test above does find a fault."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    unit = (DEPLOY / "wangge.service").read_text()
    (tmp_path / "wangge.service").write_text(unit.replace("/opt/wangge", "/nowhere/at/all"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "wangge.service")],
        capture_output=True,
        text=True,
    )
    assert done.returncode and "not executable" in done.stderr


def test_the_options_exist():
    unit = re.search(r"^ExecStart=\S+ (.*)$", (DEPLOY / "wangge.service").read_text(), re.M)[1]
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    command = yaml.safe_load(re.search(r"^CMD (\[.*\])$", dockerfile, re.M)[1])
    run = re.search(r"script/server (--prepare)", dockerfile)[1]
    assert command[0] == "script/server"
    for words in (shlex.split(unit), command[1:], [run]):
        assert words and {word for word in words if word.startswith("--")} <= OPTIONS


def test_compose_hangs_together():
    text = (DEPLOY / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    build = compose["services"]["wangge"]["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == ROOT and (context / build["dockerfile"]).is_file()
    for service in compose["services"].values():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]
        assert set(service.get("depends_on", {})) <= set(compose["services"])
    # What must be given is said at the top of the file, and the data directory is the image's.
    for name in re.findall(r"\$\{(\w+)", text):
        assert name in text.partition("services:")[0]
    volume = compose["services"]["wangge"]["volumes"][0].split(":")[1]
    assert f"WANGGE_DATA={volume}" in (DEPLOY / "Dockerfile").read_text()
    port = compose["services"]["wangge"]["ports"][0].split(":")[-1]
    assert f"EXPOSE {port}" in (DEPLOY / "Dockerfile").read_text()


def test_docker_reads_them(tmp_path):
    if not shutil.which("docker"):
        pytest.skip("there is no docker")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker has no compose plugin here")
    done = subprocess.run(
        ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "WANGGE_DB_PASSWORD": "x", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
