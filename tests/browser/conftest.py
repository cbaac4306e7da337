"""A real Chromium in front of a live server."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from django.core.signals import request_finished, request_started
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


class Gate:
    """Counts the requests under way in the live server, and turns away those that come too late.

    A page that is closed may have sent a request that no thread has taken up yet. Begun while the tables are
    emptied, it and the emptying would wait for each other.
    """

    def __init__(self):
        self.open = True
        self.under_way = 0
        self.changed = threading.Condition()

    def began(self, **_given):
        with self.changed:
            if not self.open:
                raise ConnectionAbortedError("the test that asked is over")
            self.under_way += 1

    def ended(self, **_given):
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()

    def close(self):
        with self.changed:
            self.open = False
            self.changed.wait_for(lambda: self.under_way <= 0, timeout=30)


GATE = pytest.StashKey[Gate]()


@pytest.fixture(autouse=True)
def quiet(live_server, request):
    """Let the server finish what pages asked for before the tables are emptied under it."""
    gate = request.node.stash[GATE] = Gate()
    request_started.connect(gate.began)
    request_finished.connect(gate.ended)
    yield
    gate.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """The gate stays closed until the tables are empty: other tests ask the same server."""
    try:
        return (yield)
    finally:
        if gate := item.stash.get(GATE, None):
            request_started.disconnect(gate.began)
            request_finished.disconnect(gate.ended)
