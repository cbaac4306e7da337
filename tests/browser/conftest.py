"""A real Chromium in front of a live server."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# Playwright runs an event loop in this thread; Django would refuse the database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def built():
    """The bundles, built when a source is newer than they are."""
    manifest = ROOT / "static" / "dist" / "manifest.json"
    sources = [
        path for app in ROOT.glob("*/static") if app.parent.name != "dist" for path in app.rglob("*.*s")
    ]
    newest = max(path.stat().st_mtime for path in sources)
    if not manifest.exists() or manifest.stat().st_mtime < newest:
        subprocess.run(["npm", "run", "build"], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def chromium(built):
    """The browser, for one module: its event loop would be in the way of other modules' own."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def log_in(settings):
    """``log_in(context, user, server)``: a session cookie, without the log-in page; one for each call."""

    def give(context, user, server):
        client = Client()
        client.force_login(user)
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": server.url,
                }
            ]
        )

    return give


@pytest.fixture
def noise(chromium):
    """Collects what a page complains about: ``noise(page)`` gives the list."""

    def watch(page):
        said = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "console",
            lambda message: said.append(message.text) if "Content Security Policy" in message.text else None,
        )
        return said

    return watch


@pytest.fixture(autouse=True)
def quiet(live_server):
    """Let the server finish what pages asked for before the tables are emptied under it."""
    from django.core.signals import request_finished, request_started

    state = {"open": 0}
    done = threading.Condition()

    def began(**_given):
        with done:
            state["open"] += 1

    def ended(**_given):
        with done:
            state["open"] -= 1
            done.notify_all()

    request_started.connect(began)
    request_finished.connect(ended)
    yield
    with done:
        done.wait_for(lambda: state["open"] <= 0, timeout=10)
    request_started.disconnect(began)
    request_finished.disconnect(ended)
