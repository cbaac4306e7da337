"""Pictures of every page at three sizes, for looking at them: ``script/screenshots OUT``.

Needs the demo city, a running server that shares its database and ``WANGGE_DATA`` (for a developer
``WANGGE_DEBUG=1 manage.py runserver 8000 --noreload``), Playwright and a Chromium. Sessions are made in the
database, nobody's password is used, and they are removed at the end.

A page of the menu is taken once, as the first account of ``ACCOUNTS`` that has it; then pages that no menu
leads to: cases in each state, a building, a component, the cockpit at four levels, the phone's screens.
What browsers complain of is printed; ``--axe`` adds axe's serious findings at the first size.

``--readme`` takes the pictures of the README instead, over those in ``docs/screenshots`` unless OUT is given.
"""

import argparse
import contextlib
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geo.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs an event loop in this thread.

import django  # noqa: E402

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db.models import Count  # noqa: E402
from playwright.sync_api import Error, sync_playwright  # noqa: E402

from assets.models import Building, Component, House  # noqa: E402
from cases.models import Case  # noqa: E402
from geo.menu import menu  # noqa: E402
from geo.models import Area, User  # noqa: E402
from grids.models import Grid, Plan  # noqa: E402
from script.lib import readme_pictures  # noqa: E402
from tests.browser import axe  # noqa: E402
from tests.browser.conftest import ARGUMENTS, CHROMIUM  # noqa: E402

# In whose name a page is taken: the first that has it in the menu.
ACCOUNTS = [
    *["dispatcher", "acceptor", "shiftlead", "water", "leader", "inspector", "community", "street"],
    *["planner", "steward", "sysadmin", "secadmin", "auditor", "worker"],
]
# A developer's server has no stream of events, and an open one never rests.
STREAM = """
window.EventSource = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.onopen?.(new Event("open"))); }
  close() {}
};
"""
PHONE = "390x844"
SIZES = ("1920x1080", "1366x768", PHONE)
SCREENS = ["", "report", "map", "messages", "me", "outbox"]


def menu_pages() -> list[tuple[str, str, str]]:
    """(name, account, address) of every page of the menu, once."""
    seen, pages = set(), []
    for account in ACCOUNTS:
        user = User.objects.get(username=account)
        for group in menu.groups_for(user, "/"):
            for entry in group["entries"]:
                if entry["url"] not in seen:
                    seen.add(entry["url"])
                    pages.append((entry["id"], account, entry["url"]))
    return pages


def other_pages() -> list[tuple[str, str, str]]:
    """Pages that only a row leads to, and those outside the menu."""
    pages = [
        ("login", "", "/login/"),
        ("missing", "dispatcher", "/nowhere/"),
        ("refused", "worker", "/rules/"),
    ]
    for state in Case.State.values:
        case = Case.objects.filter(state=state).order_by("-reported_at").first()
        if case:
            pages.append((f"case-{state}", "dispatcher", f"/cases/{case.number}/"))
    homes = House.objects.values("building").annotate(n=Count("pk"))
    most = homes.filter(n__lte=80).order_by("-n").first()
    if most:
        building = Building.objects.get(pk=most["building"])
        pages.append(("building", "steward", f"/buildings/{building.code}/"))
    component = Component.objects.order_by("code").first()
    if component:
        pages.append(("component", "steward", f"/components/{component.code}/"))
    community = Area.objects.filter(level="community", valid_to=None).order_by("code").first()
    if community:
        for size, level in ((4, "city"), (6, "district"), (9, "street"), (12, "community")):
            pages.append((f"cockpit-{level}", "leader", f"/cockpit/?area={community.code[:size]}"))
    grid = Grid.objects.filter(retired_on=None).order_by("code").first()
    if grid:
        pages.append(("grid", "dispatcher", f"/grids/{grid.code}/"))
    for state in Plan.State.values:
        plan = Plan.objects.filter(state=state).order_by("-pk").first()
        if plan:
            pages.append((f"plan-{state}", "planner", f"/planner/{plan.pk}/"))
            pages.append((f"plan-{state}-review", "planreviewer", f"/planner/{plan.pk}/review/"))
            pages.append((f"plan-{state}-compare", "planner", f"/planner/{plan.pk}/compare/"))
    # The residents' pages, seen by nobody in particular.
    for name in (
        "",
        "report",
        "track",
        "mine",
        "map",
        "nearby",
        "news",
        "help",
        "suggestions",
        "questionnaires",
    ):
        pages.append((f"public-{name or 'home'}", "", f"/public/{name}/" if name else "/public/"))
    worker = User.objects.get(username="worker")
    pages += [
        ("grids", "dispatcher", "/grids/"),
        ("outputs", "steward", "/outputs/"),
        ("password", "dispatcher", "/password/"),
        ("manage-user", "sysadmin", f"/manage/users/{worker.pk}/"),
        ("manage-user-new", "sysadmin", "/manage/users/new"),
        ("manage-grants", "secadmin", f"/manage/grants/{worker.pk}/"),
        ("manage-role-new", "secadmin", "/manage/roles/new"),
        ("manage-basemap-new", "sysadmin", "/manage/basemaps/new"),
    ]
    return pages


def phone_pages() -> list[tuple[str, str, str]]:
    """The screens of the phone app, with a task of the worker's."""
    pages = [(f"m-{name or 'home'}", "worker", f"/m/{name}") for name in SCREENS]
    case = Case.objects.for_user(User.objects.get(username="worker")).order_by("-reported_at").first()
    return [*pages, ("m-task", "worker", f"/m/task/{case.number}")] if case else pages


def standing() -> dict:
    """Where the phone is: in the worker's grid, WGS-84 degrees and metres."""
    worker = User.objects.get(username="worker")
    grids = Grid.objects.filter(retired_on=None).order_by("code")
    grid = grids.filter(duties__worker__user=worker).first() or grids.first()
    point = grid.geom.point_on_surface
    return {"longitude": point.x, "latitude": point.y, "accuracy": 12}


class Camera:
    """A browser, and a session for each account that was asked for."""

    def __init__(self, browser, base: str, place: dict, language: str = "zh-CN"):
        self.browser, self.base, self.place = browser, base, place
        self.language = language
        self.sessions, self.complaints = {}, 0

    def context(self, account: str, size: str, place: dict | None = None):
        width, height = map(int, size.split("x"))
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            base_url=self.base,
            locale=self.language,
            timezone_id="Asia/Shanghai",
            is_mobile=size == PHONE,
            has_touch=size == PHONE,
            permissions=["geolocation"],
            geolocation=place or self.place,
        )
        context.add_init_script(STREAM)
        if account:
            context.add_cookies([{"name": "sessionid", "value": self._session(account), "url": self.base}])
        return context

    def _session(self, account: str) -> str:
        if account not in self.sessions:
            user = User.objects.get(username=account)
            session = SessionStore()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.save()
            self.sessions[account] = session
        return self.sessions[account].session_key

    def take(self, context, name: str, address: str, size: str, look=False, press="", see="") -> bytes:
        """One picture, as PNG; prints what the page and axe complain of.

        Before it ``press`` is pressed and ``see`` is scrolled to.
        """
        page = context.new_page()
        said, shot = [], b""
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("console", lambda line: said.append(line.text[:200]) if line.type == "error" else None)
        try:
            page.goto(address, wait_until="load", timeout=60_000)
            self._rest(page)
            if press:
                page.click(press, timeout=5_000)
                self._rest(page)
            if see:
                page.locator(see).scroll_into_view_if_needed(timeout=5_000)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                said.append(f"wider than the window by {wide} px")
            shot = page.screenshot()
            if look:
                said += axe.check(page)
        except Error as error:
            said.append(str(error).splitlines()[0])
        page.close()
        self.complaints += len(said)
        for line in said:
            print(f"{name} {size}: {line}", flush=True)
        return shot

    @staticmethod
    def _rest(page) -> None:
        """Until nothing more comes, and what came is drawn."""
        with contextlib.suppress(Error):
            page.wait_for_load_state("networkidle", timeout=5_000)
        with contextlib.suppress(Error):
            page.wait_for_function("() => !document.querySelector('.skeleton')", timeout=15_000)
            page.wait_for_load_state("networkidle", timeout=5_000)
        page.wait_for_timeout(700)

    def close(self) -> None:
        for session in self.sessions.values():
            session.delete()


def take_readme(camera: Camera, out: Path, only: str) -> None:
    """Each picture of the README; where a page complains, the one that is there stays."""
    for picture in readme_pictures.pictures():
        if not re.search(only, picture.name):
            continue
        context = camera.context(picture.account, picture.size, picture.place)
        complaints = camera.complaints
        before = {"press": picture.press, "see": picture.see}
        shots = [camera.take(context, picture.name, one, picture.size, **before) for one in picture.addresses]
        context.close()
        if camera.complaints > complaints:
            print(f"{picture.name}: left as it was", flush=True)
        else:
            readme_pictures.keep(picture, shots, out)


def take_pages(camera: Camera, out: Path, sizes: list[str], only: str, look: bool) -> None:
    """Each page at each size."""
    wanted = [(*page, size) for page in menu_pages() + other_pages() for size in sizes]
    wanted.sort(key=lambda one: (one[1], one[3]))
    if PHONE in sizes:
        wanted += [(*page, PHONE) for page in phone_pages()]
    context, last, looked = None, None, set()
    for name, account, address, size in wanted:
        if not re.search(only, name):
            continue
        if last != (account, size):
            if context:
                context.close()
            context, last = camera.context(account, size), (account, size)
        if shot := camera.take(context, name, address, size, look and name not in looked):
            (out / f"{name}.{size}.png").write_bytes(shot)
        looked.add(name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", help="directory for the pictures")
    parser.add_argument(
        "--readme", action="store_true", help="the pictures of the README, over docs/screenshots"
    )
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="address of the server")
    parser.add_argument("--only", default="", help="regular expression: names of the pages to take")
    parser.add_argument("--size", action="append", choices=SIZES, help="only this size; may be repeated")
    parser.add_argument("--language", default="zh-CN", help="what the browser asks for: zh-CN or en")
    parser.add_argument("--axe", action="store_true", help="look for serious faults of accessibility")
    given = parser.parse_args()
    out = given.out or (readme_pictures.FOLDER if given.readme else None)
    if out is None:
        parser.error("a directory for the pictures is needed")
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        camera = Camera(browser, given.base, standing(), given.language)
        if given.readme:
            take_readme(camera, out, given.only)
        else:
            take_pages(camera, out, given.size or list(SIZES), given.only, given.axe)
        camera.close()
        browser.close()


if __name__ == "__main__":
    main()
