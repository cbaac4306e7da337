"""Two planners at one draft through the real stream, and a plan's files fetched: the house with all in it."""

import io

import openpyxl
import pyogrio
import pytest
from playwright.sync_api import expect

from grids.models import Plan
from grids.planning import edits
from tests import factories
from tests.browser.front import front, work
from tests.browser.test_planner import choose, click, held_by, saved
from tests.grids.planning.plans import block_at, check, make_plan, number_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def planner(city):
    return factories.make_user("周规划", role="planner", area="9901")


@pytest.fixture
def plan(planner):
    return make_plan(planner, name="东移方案")


@pytest.fixture
def house(live_server, tmp_path):
    with front(live_server, tmp_path) as url:
        yield url


@pytest.fixture
def page_of(chromium, log_in, house, live_server, noise):
    """``page_of(user, path)``: a page in a browser of its own, which hears the stream."""
    contexts = []

    def show(user, path):
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=house, accept_downloads=True
        )
        context.set_default_timeout(20000)
        contexts.append(context)
        log_in(context, user, live_server)
        page = context.new_page()
        page.said = noise(page)
        page.goto(path)
        expect(page.locator("[data-live]")).to_have_attribute("data-state", "live", timeout=20000)
        return page

    yield show
    for context in contexts:
        context.close()


def test_two_planners_draw_in_one_draft(page_of, planner, plan):
    other = factories.make_user("郑规划", role="planner", area="9901")
    first, second = (page_of(user, f"/planner/{plan.pk}/") for user in (planner, other))
    for page in (first, second):
        page.wait_for_selector("#planner[data-ready]")
        page.evaluate("window.sinceLoaded = true")

    # What one draws the other has at once, with the name of who drew it.
    choose(first, "002")
    first.keyboard.press("b")
    click(first, 0.4, 0.1)
    saved(first, 1)
    saved(second, 1)
    expect(second.locator(".toast")).to_contain_text("周规划")
    expect(second.locator(".stroke[data-edit]")).to_have_count(1)
    grid = "() => window.planner.draft.blockAt(%s)?.grid"
    place = block_at(plan, 0.4, 0.1).geom.point_on_surface.coords
    assert second.evaluate(grid % list(place)) == number_of(plan, "002")

    # And the other way round; undone by the first, it is undone on both.
    choose(second, "004")
    second.keyboard.press("b")
    click(second, 0.4, 0.9)
    saved(second, 2)
    saved(first, 2)
    expect(first.locator(".toast", has_text="郑规划")).to_be_visible()
    first.keyboard.press("Control+z")
    saved(first, 3)
    saved(second, 3)
    assert held_by(plan, 0.4, 0.9) == "003"
    check(plan)

    # The same block in the same moment: the second's stroke is on its way when the first's is answered.
    held = []
    second.route("**/edits/", lambda route: held.append(route))
    choose(second, "003")
    click(second, 0.4, 0.4)
    second.wait_for_function("() => window.planner.queue.size === 1")
    choose(first, "002")
    click(first, 0.4, 0.4)
    saved(first, 4)
    second.wait_for_timeout(200)
    held[0].continue_()
    dialog = second.locator("dialog[open]")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("周规划")
    assert held_by(plan, 0.4, 0.4) == "002"
    check(plan)
    assert Plan.objects.get().revision == 4
    for page in (first, second):
        assert page.evaluate("window.sinceLoaded"), "no page was loaded again"
        assert page.said == []


@pytest.mark.parametrize("format", ["pdf", "xlsx", "gpkg"])
def test_a_plan_is_fetched_as_a_file(page_of, planner, plan, format, tmp_path):
    to, block = number_of(plan, "002"), block_at(plan, 0.4, 0.1)
    edits.stroke(plan, planner, "hand_over", {"to": to, "blocks": [block.pk]}, 0)
    page = page_of(planner, f"/planner/{plan.pk}/compare/")
    page.wait_for_selector("#compare[data-ready]")
    page.click(f'[data-export="{format}"]')
    page.locator(".toast button", has_text="我的文件").click()
    # The page of files asks by itself until the worker has made it.
    expect(page.locator("#outputs progress")).to_be_visible()
    work()
    with page.expect_download() as fetched:
        page.locator("#outputs a.button.main").click()
    path = tmp_path / f"plan.{format}"
    fetched.value.save_as(path)
    assert fetched.value.suggested_filename.endswith(f".{format}")
    content = path.read_bytes()
    if format == "pdf":
        assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
        assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") >= 1 and len(content) > 10_000
    elif format == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
        assert f"{block.community_code}002" in map(str, cells)
    else:
        layers = {name: pyogrio.read_dataframe(path, layer=name) for name, _kind in pyogrio.list_layers(path)}
        assert max(len(rows) for rows in layers.values()) >= 4
        assert any(rows.crs is not None and rows.crs.to_epsg() == 4326 for rows in layers.values())
    assert page.said == []
