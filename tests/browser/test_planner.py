"""The planner in a real browser: drawing by mouse, finger and keyboard, conflicts, comparing, publishing.

The tiny city's first community: four grids of four blocks each, 001 in the south-west, 002 south-east,
003 north-west, 004 north-east.
"""

import pytest
from playwright.sync_api import expect

from grids.models import Grid, Plan, PlanEdit, PlanGrid, PlanProposal
from grids.planning import edits, proposals
from tests import factories
from tests.browser import axe
from tests.grids.planning.plans import (
    HOME,
    block_at,
    check,
    make_plan,
    make_streets,
    number_of,
    polygon,
    spot,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def planner(city):
    return factories.make_user("周规划", role="planner", area="9901")


@pytest.fixture
def reviewer(city):
    return factories.make_user("吴审批", role="plan_reviewer", area="9901")


@pytest.fixture
def plan(planner):
    return make_plan(planner, name="东移方案")


@pytest.fixture
def page_of(chromium, log_in, live_server, noise):
    """``page_of(user, path)``: a page that is ready; what it complains about is in ``page.said``."""
    contexts = []

    def show(user, path, size=(1366, 768), **given):
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="zh-CN", base_url=live_server.url, **given
        )
        context.set_default_timeout(20000)
        contexts.append(context)
        log_in(context, user, live_server)
        page = context.new_page()
        page.said = noise(page)
        page.goto(path)
        page.wait_for_load_state("load")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.fixture
def editor(page_of, planner, plan):
    """``editor(user)``: the editor of the plan."""

    def show(user=None, **given):
        page = page_of(user or planner, f"/planner/{plan.pk}/", **given)
        page.wait_for_selector("#planner[data-ready]")
        return page

    return show


def pixel(page, x: float, y: float) -> tuple[float, float]:
    """Where a place given by community columns and rows lies on the screen."""
    found = page.evaluate(
        "place => { const { stage } = window.planner; const [x, y] = stage.pixel(place);"
        " const box = stage.map.element.getBoundingClientRect(); return [x + box.left, y + box.top]; }",
        spot(x, y),
    )
    return found[0], found[1]


def click(page, x: float, y: float) -> None:
    page.mouse.click(*pixel(page, x, y))


def saved(page, revision: int) -> None:
    """Wait until nothing is on its way and the draft on the page stands at a revision."""
    page.wait_for_function(
        "revision => !window.planner.queue.size && window.planner.draft.revision === revision", arg=revision
    )


def choose(page, code: str) -> None:
    page.click(f'.grid-table .grid-name:has(.code:text-is("{code}"))')


def take(page, tool: str) -> None:
    page.click(f'[data-tool="{tool}"]')
    expect(page.locator(f'[data-tool="{tool}"]')).to_have_attribute("aria-pressed", "true")


def held_by(plan: Plan, x: float, y: float) -> str:
    """The last digits of the grid that a place lies in."""
    return block_at(plan, x, y).grid.code[-3:]


# --- Beginning ----------------------------------------------------------------------------------------


def test_a_plan_is_begun_from_the_list(page_of, planner):
    make_streets()
    page = page_of(planner, "/planner/")
    expect(page.locator(".state h2")).to_be_visible()
    assert axe.check(page) == []
    page.click(".state [data-new-plan]")
    page.click("dialog .button.main")
    expect(page.locator("dialog .banner.bad")).to_be_visible()
    # The tree opens down to the communities; the search finds one by its code.
    page.fill(".area-picker input[type=search]", HOME)
    page.check(f'[data-code="{HOME}"]')
    assert axe.check(page) == []
    page.click("dialog .button.main")
    page.wait_for_selector("#planner[data-ready]")
    expect(page.locator(".grid-table [data-grid]")).to_have_count(4)
    assert Plan.objects.get().state == "draft"
    page.goto("/planner/")
    expect(page.locator("tbody tr")).to_have_count(1)
    # Another one may start from it where both have a community.
    page.click("[data-new-plan]")
    page.fill(".area-picker input[type=search]", "990101001002")
    page.check('[data-code="990101001002"]')
    page.check("#start-plan")
    expect(page.locator("#new-from")).to_have_text("没有方案包含所选社区。")
    page.fill(".area-picker input[type=search]", HOME)
    page.check(f'[data-code="{HOME}"]')
    expect(page.locator("#new-from option")).to_have_count(1)
    expect(page.locator("#new-from")).to_contain_text(Plan.objects.get().name)
    page.goto("/planner/?q=11社区")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/planner/?q=22社区")
    expect(page.locator(".state")).to_be_visible()
    assert page.said == []


def test_what_was_mended_in_a_file_and_what_it_is_refused_for(page_of, planner, plan):
    sliver = polygon((0.5, 0), (0.51, 0), (0.51, 0.5))
    gap = {"kind": "gap", "text": "有空隙：最宽 0.31 米", "geometry": sliver}
    Plan.objects.update(findings=[gap])
    page = page_of(planner, f"/planner/{plan.pk}/")
    page.wait_for_selector("#planner[data-ready]")
    marks = "name => window.planner.stage.source(name).getFeatures().length"
    expect(page.locator(".repairs[open] .fault")).to_have_text(gap["text"])
    assert page.evaluate(marks, "repairs") == 1
    page.click(".repairs summary")
    expect(page.locator(".repairs .fault")).to_be_hidden()
    page.wait_for_function("() => !window.planner.stage.source('repairs').getFeatures().length")

    Plan.objects.update(state="failed", problem="网格未能无缝覆盖：1 处问题。")
    page.goto(f"/planner/{plan.pk}/")
    expect(page.locator(".fault.is-overdue")).to_have_text(gap["text"])
    page.click(".fault")
    assert axe.check(page) == []
    assert page.said == []


def test_who_may_only_look_gets_no_tools(page_of, reviewer, plan):
    # A log longer than what is fetched at once.
    given = {"plan": plan, "op": "set", "user": plan.created_by, "revision": 0}
    PlanEdit.objects.bulk_create(PlanEdit(number=n, summary=f"第{n}步", **given) for n in range(1, 203))
    page = page_of(reviewer, f"/planner/{plan.pk}/")
    page.wait_for_selector("#planner[data-ready]")
    expect(page.locator(".stroke[data-edit]")).to_have_count(200)
    page.click(".strokes > :first-child")
    expect(page.locator(".stroke[data-edit]")).to_have_count(202)
    expect(page.locator(".strokes > :first-child")).to_have_text("起点")
    expect(page.locator("[data-tool]").first).to_be_hidden()
    choose(page, "001")
    expect(page.locator("#grid-card")).to_be_visible()
    expect(page.locator("#grid-name")).to_have_count(0)
    assert axe.check(page) == []


# --- Drawing ------------------------------------------------------------------------------------------


def test_blocks_are_handed_over_by_click_and_by_painting(editor, plan):
    page = editor()
    choose(page, "002")
    page.keyboard.press("b")
    click(page, 0.4, 0.1)
    saved(page, 1)
    assert held_by(plan, 0.4, 0.1) == "002"
    expect(page.locator("#planner-say")).not_to_be_empty()
    expect(page.locator(".flows li")).to_have_count(1)

    # A stroke of the mouse over two blocks of 003 is one stroke.
    choose(page, "004")
    page.mouse.move(*pixel(page, 0.35, 0.6))
    page.mouse.down()
    page.mouse.move(*pixel(page, 0.35, 0.75), steps=4)
    page.mouse.move(*pixel(page, 0.35, 0.9), steps=4)
    page.mouse.up()
    saved(page, 2)
    assert [held_by(plan, 0.35, y) for y in (0.6, 0.9)] == ["004", "004"]
    check(plan)

    page.keyboard.press("Control+z")
    saved(page, 3)
    assert held_by(plan, 0.35, 0.6) == "003"
    page.keyboard.press("Control+Shift+z")
    saved(page, 4)
    assert held_by(plan, 0.35, 0.6) == "004"

    # The draft outlives the page; the log steps back to its beginning.
    page.reload()
    page.wait_for_selector("#planner[data-ready]")
    expect(page.locator(".stroke[data-edit]")).to_have_count(2)
    page.click(".stroke >> nth=0")
    saved(page, 5)
    assert [held_by(plan, 0.35, 0.6), held_by(plan, 0.4, 0.1)] == ["003", "001"]
    expect(page.locator(".stroke.undone")).to_have_count(2)
    assert page.said == []


def test_a_lasso_takes_what_it_holds(editor, plan):
    page = editor()
    choose(page, "001")
    take(page, "hand_over")
    page.click('[data-mode="lasso"]')
    corners = [(0.52, 0.04), (0.98, 0.04), (0.98, 0.23), (0.52, 0.23)]
    page.mouse.move(*pixel(page, *corners[0]))
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*pixel(page, *corner), steps=5)
    page.mouse.up()
    page.wait_for_function("() => !window.planner.queue.size")
    found = check(plan)
    assert plan.edits.count() == 1 or page.locator(".toast.bad").count()
    assert len(found.active) == 4


def test_the_keyboard_reaches_every_block(editor, plan):
    page = editor()
    choose(page, "002")
    page.keyboard.press("b")
    page.evaluate("place => window.planner.stage.map.showNow(place, 2)", spot(0.4, 0.1))
    page.focus("#map")
    page.keyboard.press("ArrowUp")  # stands on the block in the middle
    page.keyboard.press("Enter")
    saved(page, 1)
    assert held_by(plan, 0.4, 0.1) == "002"
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    page.keyboard.press("Enter")
    saved(page, 2)
    assert held_by(plan, 0.4, 0.4) == "002"
    page.keyboard.press("Escape")
    expect(page.locator('[data-tool="hand_over"]')).to_have_attribute("aria-pressed", "false")


def test_a_shared_corner_is_dragged_and_all_its_grids_follow(editor, plan):
    page = editor()
    before = page.evaluate("() => window.planner.draft.borders().length")
    page.keyboard.press("v")
    page.mouse.move(*pixel(page, 0.5, 0.5))
    page.mouse.down()
    page.mouse.move(*pixel(page, 0.53, 0.53), steps=5)
    page.mouse.up()
    saved(page, 1)
    found = check(plan)
    corner = tuple(spot(0.5, 0.5))
    moved = {
        number
        for number, shape in found.shapes().items()
        if corner not in set(map(tuple, shape.exterior.coords))
    }
    assert len(moved) == 4
    assert page.evaluate("() => window.planner.draft.borders().length") >= before
    page.keyboard.press("Control+z")
    saved(page, 2)
    assert all(corner in set(map(tuple, shape.exterior.coords)) for shape in check(plan).shapes().values())


def test_an_edge_bends_with_shift_and_a_new_line_is_drawn(editor, plan):
    page = editor()
    page.keyboard.press("v")
    page.keyboard.down("Shift")
    page.mouse.move(*pixel(page, 0.5, 0.62))
    page.mouse.down()
    page.mouse.move(*pixel(page, 0.54, 0.62), steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    saved(page, 1)
    check(plan)
    assert held_by(plan, 0.505, 0.62) == "003"


def test_cut_and_merge(editor, plan):
    page = editor()
    page.keyboard.press("c")
    click(page, -0.02, 0.4)
    page.mouse.dblclick(*pixel(page, 0.52, 0.4))
    saved(page, 1)
    assert PlanGrid.objects.filter(plan=plan, active=True).count() == 5
    expect(page.locator(".grid-table [data-grid]")).to_have_count(5)
    check(plan)

    page.keyboard.press("m")
    click(page, 0.3, 0.45)
    expect(page.locator(".tool-words")).to_be_visible()
    click(page, 0.3, 0.7)
    saved(page, 2)
    assert PlanGrid.objects.filter(plan=plan, active=True).count() == 4
    check(plan)

    # What was undone leaves the log with the next stroke.
    page.keyboard.press("Control+z")
    saved(page, 3)
    expect(page.locator(".stroke.undone")).to_have_count(1)
    take(page, "lock")
    click(page, 0.3, 0.7)
    saved(page, 4)
    expect(page.locator(".stroke[data-edit]")).to_have_count(2)
    expect(page.locator(".stroke.undone")).to_have_count(0)


def test_an_exclusive_grid_is_carved_out_and_named(editor, plan):
    page = editor()
    page.keyboard.press("x")
    for corner in [(0.6, 0.6), (0.8, 0.6), (0.8, 0.8), (0.6, 0.8)]:
        click(page, *corner)
        page.wait_for_timeout(300)  # Two clicks in one go would be a double click.
    page.click("[data-finish]")
    page.fill("#carve-name", "农贸市场")
    page.click("dialog .button.main")
    saved(page, 1)
    made = PlanGrid.objects.get(plan=plan, name="农贸市场", active=True)
    assert made.kind == "exclusive"
    assert block_at(plan, 0.7, 0.7).grid == made
    check(plan)


def test_name_colour_and_lock_in_place(editor, plan):
    page = editor()
    choose(page, "001")
    page.fill("#grid-name", "滨河网格")
    page.keyboard.press("Tab")
    saved(page, 1)
    expect(page.locator(".grid-table")).to_contain_text("滨河网格")
    take(page, "lock")
    click(page, 0.2, 0.2)
    saved(page, 2)
    assert PlanGrid.objects.get(plan=plan, number=number_of(plan, "001")).locked
    # What is locked is said, and nothing is sent.
    choose(page, "002")
    take(page, "hand_over")
    click(page, 0.4, 0.1)
    expect(page.locator(".tool-hint")).not_to_be_empty()
    assert plan.edits.count() == 2
    assert axe.check(page) == []


# --- Fingers ------------------------------------------------------------------------------------------


def touch(client, kind: str, *points) -> None:
    client.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]},
    )


def test_one_finger_paints_and_two_move_the_map(editor, plan):
    page = editor(size=(1024, 768), has_touch=True)
    choose(page, "002")
    page.tap('[data-tool="hand_over"]')
    client = page.context.new_cdp_session(page)
    touch(client, "touchStart", pixel(page, 0.4, 0.1))
    for step in range(1, 6):
        touch(client, "touchMove", pixel(page, 0.4, 0.1 + step * 0.07))
    touch(client, "touchEnd")
    saved(page, 1)
    assert [held_by(plan, 0.4, y) for y in (0.1, 0.42)] == ["002", "002"]

    centre = page.evaluate("() => window.planner.stage.map.center()")
    one, two = pixel(page, 0.3, 0.7), pixel(page, 0.6, 0.7)
    touch(client, "touchStart", one)
    touch(client, "touchStart", one, two)
    for step in range(1, 7):
        touch(client, "touchMove", *[(x + step * 10, y + step * 6) for x, y in (one, two)])
    touch(client, "touchEnd")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.planner.stage.map.center()") != centre
    assert plan.edits.count() == 1

    # A corner is caught by a finger, which is wider than a mouse.
    page.tap('[data-tool="border"]')
    x, y = pixel(page, 0.5, 0.75)
    touch(client, "touchStart", (x + 8, y))
    for step in range(1, 6):
        touch(client, "touchMove", (x + 8 + step * 4, y))
    touch(client, "touchEnd")
    page.wait_for_function(
        "() => window.planner.draft.revision === 2 || document.querySelector('.toast.bad')"
    )
    check(plan)


# --- Together, and without a line ---------------------------------------------------------------------


def test_a_conflict_is_told_and_can_be_tried_again(editor, plan):
    page = editor()
    other = factories.make_user("郑规划", role="planner", area="9901")
    block = block_at(plan, 0.4, 0.4)
    target = number_of(plan, "003")
    edits.stroke(plan, other, "hand_over", {"to": target, "blocks": [block_at(plan, 0.1, 0.4).pk]}, 0)
    edits.stroke(
        plan, other, "set", {"grid": number_of(plan, "001"), "name": "郑的网格"}, Plan.objects.get().revision
    )
    choose(page, "002")
    page.keyboard.press("b")
    click(page, 0.4, 0.4)
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("郑规划")
    block.refresh_from_db()
    assert block.grid.code.endswith("001")
    assert axe.check(page) == []
    # The page already shows what the other did.
    expect(page.locator(".grid-table")).to_contain_text("郑的网格")
    dialog.locator(".button.main").click()
    saved(page, 3)
    assert held_by(plan, 0.4, 0.4) == "002"
    check(plan)


def test_what_others_draw_appears(editor, plan):
    page = editor()
    other = factories.make_user("郑规划", role="planner", area="9901")
    edits.stroke(plan, other, "set", {"grid": number_of(plan, "004"), "name": "北苑"}, 0)
    # What the stream does when it is there.
    page.evaluate(
        "row => new BroadcastChannel('wangge-events')"
        ".postMessage({ state: 'live', event: { layer: 'plans', row } })",
        page.get_attribute("#planner", "data-row"),
    )
    expect(page.locator(".grid-table")).to_contain_text("北苑")
    expect(page.locator(".toast")).to_contain_text("郑规划")


def test_a_stroke_without_a_line_waits_and_is_sent(editor, plan):
    page = editor()
    choose(page, "002")
    page.keyboard.press("b")
    page.context.set_offline(True)
    click(page, 0.4, 0.1)
    expect(page.locator("#planner-notice")).to_be_visible()
    assert plan.edits.count() == 0
    page.context.set_offline(False)
    saved(page, 1)
    expect(page.locator("#planner-notice")).to_be_hidden()
    assert held_by(plan, 0.4, 0.1) == "002"


# --- Proposal, comparison, review ---------------------------------------------------------------------


def test_a_proposal_is_asked_for_and_taken(editor, plan):
    page = editor()
    page.click('[data-tab="proposals"]')
    page.fill("#proposal-grids", "3")
    page.select_option("#proposal-measure", "area_m2")
    page.select_option("#proposal-tolerance", "0.3")
    page.select_option("#proposal-wanted", "1")
    assert axe.check(page) == []
    page.click(".proposal-form .button.main")
    expect(page.locator(".proposal progress")).to_be_visible()
    proposals.run(PlanProposal.objects.get().pk)
    expect(page.locator(".alternative")).to_have_count(1)
    page.click(".alternative [aria-pressed]")
    page.click(".alternative .button.main")
    saved(page, 1)
    assert PlanGrid.objects.filter(plan=plan, active=True).count() == 3
    check(plan)
    assert page.said == []


def test_two_states_are_compared(editor, page_of, planner, plan):
    edits.stroke(
        plan,
        planner,
        "hand_over",
        {"to": number_of(plan, "002"), "blocks": [block_at(plan, 0.4, 0.1).pk]},
        0,
    )
    page = page_of(planner, f"/planner/{plan.pk}/compare/")
    page.wait_for_selector("#compare[data-ready]")
    expect(page.locator(".sentence[role=button]")).to_have_count(1)
    page.click(".sentence[role=button]")
    page.focus("#swipe-handle")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#swipe-handle", "aria-valuenow") == "45"
    page.click('[data-tab="grids"]')
    expect(page.locator("#compare-body tbody tr")).to_have_count(4)
    assert axe.check(page) == []
    assert page.said == []


def test_review_publication_and_taking_it_back(editor, page_of, planner, reviewer, plan):
    edits.stroke(
        plan,
        planner,
        "hand_over",
        {"to": number_of(plan, "002"), "blocks": [block_at(plan, 0.4, 0.1).pk]},
        0,
    )
    before = Grid.objects.get(code=f"{HOME}001").geom
    page = page_of(planner, f"/planner/{plan.pk}/review/")
    page.wait_for_selector("#review[data-ready]")
    page.click('[data-act="submit"]')
    page.fill("#step-note", "请审核")
    with page.expect_navigation():
        page.click("dialog .button.main")
    assert Plan.objects.get().state == "submitted"

    page = page_of(reviewer, f"/planner/{plan.pk}/review/")
    page.wait_for_selector("#review[data-ready]")
    assert axe.check(page) == []
    page.click("#new-remark")
    page.focus("#map")
    page.keyboard.press("Enter")
    page.fill("#remark-text", "此处沿河更好")
    page.click("dialog .button.main")
    expect(page.locator(".remark")).to_have_count(1)
    page.click(".remark .button.small")
    expect(page.locator(".remark.resolved")).to_have_count(1)

    page.click('[data-act="approve"]')
    with page.expect_navigation():
        page.click("dialog .button.main")
    page.wait_for_selector("#review[data-ready]")
    page.click('[data-act="publish"]')
    expect(page.locator("#publish-day")).to_be_visible()
    assert axe.check(page) == []
    with page.expect_navigation():
        page.click("dialog .button.main")
    assert Plan.objects.get().state == "published"
    assert Grid.objects.get(code=f"{HOME}001").geom != before

    page.wait_for_selector("#review[data-ready]")
    page.click('[data-act="undo"]')
    with page.expect_navigation():
        page.click("dialog .button.main")
    assert Plan.objects.get().state == "undone"
    assert Grid.objects.get(code=f"{HOME}001").geom.equals(before)
    page.wait_for_selector("#review[data-ready]")
    expect(page.locator("#steps li")).to_have_count(4)
    assert page.said == []
