"""The files for systemd and containers, as far as they can be judged without running them.

docs/operations.md says with what they were run.
"""

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
    for service in compose["services"].values():
        context = (DEPLOY / service["build"]["context"]).resolve()
        assert context == ROOT and (context / service["build"]["dockerfile"]).is_file()
        dockerfile = (context / service["build"]["dockerfile"]).read_text()
        # Data are in the image's data directory, which a named volume keeps; nobody in there is root.
        volume, directory = service["volumes"][0].split(":")
        assert volume in compose["volumes"] and f"WANGGE_DATA={directory}" in dockerfile
        assert dockerfile.rindex("USER ") > dockerfile.rindex("RUN ")
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert service["restart"] and service["healthcheck"]["test"]
    # What must be given is said at the top of the file.
    for name in re.findall(r"\$\{(\w+)", text):
        assert name in text.partition("services:")[0]
    port = compose["services"]["wangge"]["ports"][0].split(":")[-1]
    assert f"EXPOSE {port}" in (DEPLOY / "Dockerfile").read_text()


def test_database_container_speaks_of_one_port_and_version():
    port = re.search(r"^PG_PORT=(\d+)$", (ROOT / "script/lib/database.sh").read_text(), re.M)[1]
    version = re.search(r"debian12\) echo (\d+)", (ROOT / "script/lib/packages.sh").read_text())[1]
    dockerfile = (DEPLOY / "database.Dockerfile").read_text()
    assert f"EXPOSE {port}" in dockerfile and f"postgresql-{version}-postgis-3" in dockerfile
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert f"@database:{port}/" in services["wangge"]["environment"]["DATABASE_URL"]
    check = services["database"]["healthcheck"]["test"].split()
    assert check[0] == f"/usr/lib/postgresql/{version}/bin/pg_isready" and check[-1] == port


def test_images_hold_no_password_and_nothing_of_a_checkout():
    kept_out = (ROOT / ".dockerignore").read_text().split("\n")
    assert {".git", "**/.env", "**/node_modules", ".data*", "static/dist"} <= set(kept_out)
    assert ".env" in (ROOT / ".gitignore").read_text().split("\n")


def test_docker_reads_them(tmp_path):
    if not shutil.which("docker"):
        pytest.skip("there is no docker")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker has no compose plugin here")
    # Beside an .env of its own: there is none in a checkout.
    (tmp_path / ".env").write_text("WANGGE_DB_PASSWORD=x\n")
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    done = subprocess.run(
        ["docker", "compose", "-f", str(tmp_path / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
