"""What nginx says by itself: too much sent, and nobody behind it to answer."""

import contextlib
import http.client
import json

import pytest

pytestmark = pytest.mark.slow

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def ask(installation, path, *, method="GET", body=None, **headers):
    """Status, content type, header getter and text; a server that stops reading early is let answer."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has said no already
        connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), answer.getheader, text


@pytest.fixture
def nobody_behind(installation):
    """As while the web service restarts: nothing listens on its socket."""
    installation.wait_healthy(60)
    socket = installation.data / "run" / "web.sock"
    aside = socket.with_suffix(".aside")
    socket.rename(aside)
    yield
    aside.rename(socket)
    installation.wait_healthy(60)


def test_too_big_is_a_problem_for_programs_and_a_page_for_people(installation):
    much = {"method": "POST", "body": b"x", "Content-Length": str(31 * 1024 * 1024)}
    status, kind, _header, text = ask(installation, "/api/attachments/", **much, **PAGE)
    assert status == 413 and kind.startswith("application/problem+json")
    problem = json.loads(text)
    assert problem["status"] == 413 and problem["type"].endswith("/too-big") and "30 MB" in problem["detail"]
    assert "上传" in problem["detail"]
    english = json.loads(ask(installation, "/api/attachments/", **much, Cookie="django_language=en")[3])
    assert "can be sent at once" in english["detail"]
    status, kind, _header, text = ask(installation, "/data/imports/", **much, **PAGE)
    assert status == 413 and kind.startswith("text/html")
    assert "文件过大" in text and "Too big" in text


def test_an_address_that_is_too_long_has_a_page(installation):
    status, kind, _header, text = ask(installation, "/assets/buildings/?q=" + "x" * 9000, **PAGE)
    assert status == 414 and kind.startswith("text/html")
    assert "网址过长" in text and "too long" in text
    # What nginx lets through the application takes.
    assert ask(installation, "/login/?next=/assets/?q=" + "x" * 6000, **PAGE)[0] == 200


def test_within_the_limit_the_application_answers(installation):
    body = b"x" * (29 * 1024 * 1024)
    form = {"Content-Type": "application/octet-stream"}
    status, kind, _header, _text = ask(installation, "/api/attachments/", method="POST", body=body, **form)
    assert status in (401, 403) and kind.startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/api/cases/", "/m/session", "/tiles/areas/WebMercatorQuad/0/0/0.mvt"])
def test_nobody_behind_is_a_problem_for_programs(installation, nobody_behind, path):
    status, kind, header, text = ask(installation, path, **{"Accept-Language": "en-GB"})
    assert status == 502 and kind.startswith("application/problem+json")
    assert json.loads(text)["status"] == 502 and "Try again" in json.loads(text)["detail"]
    assert header("Retry-After") == "5"


def test_nobody_behind_is_a_calm_page_for_people(installation, nobody_behind):
    status, kind, header, text = ask(installation, "/grids/plan/", **PAGE)
    assert status == 502 and kind.startswith("text/html")
    assert "正在重启" in text and "restarting" in text
    assert header("Refresh") == "5" and header("Cache-Control") == "no-store"
    assert (
        ask(installation, "/static/dist/kit.css")[0] == ask(installation, "/static/geo/icons.svg")[0] == 200
    )
    # A form is never sent again by itself.
    assert ask(installation, "/login/", method="POST", body=b"x=1", **PAGE)[2]("Refresh") is None
    assert ask(installation, "/_away/page")[0] == 404
