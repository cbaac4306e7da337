"""The planner's pages on a phone: nothing wider than the screen, and every control of the map within it."""

import pytest
from playwright.sync_api import expect

from grids.planning import edits
from tests.browser import axe
from tests.browser.test_planner import (  # noqa: F401 (fixtures)
    held_by,
    page_of,
    pixel,
    plan,
    planner,
    reviewer,
    saved,
)
from tests.grids.planning.plans import block_at, number_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
OUTSIDE = """() => {
    const map = document.querySelector(".map-pane").getBoundingClientRect();
    const wanted = ".map-tools button, .planner-legend, .swipe-handle, .swipe-name";
    return [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility()).filter((one) => {
        const box = one.getBoundingClientRect();
        return box.top < map.top || box.bottom > map.bottom || box.left < map.left || box.right > map.right;
    }).map((one) => one.outerHTML.slice(0, 80));
}"""


def fits(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(OUTSIDE) == []
    assert axe.check(page) == []
    assert page.said == []


@pytest.fixture
def moved(planner, plan):  # noqa: F811
    """The plan with a block handed over, so that there is something to compare."""
    to = number_of(plan, "002")
    edits.stroke(plan, planner, "hand_over", {"to": to, "blocks": [block_at(plan, 0.4, 0.1).pk]}, 0)
    plan.refresh_from_db()
    return plan


def test_list(page_of, planner, moved):  # noqa: F811
    page = page_of(planner, "/planner/", **PHONE)
    expect(page.locator("tbody tr")).to_have_count(1)
    # One under the other, each with its name.
    expect(page.locator("thead")).not_to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.eval_on_selector(".table-wrap", "one => one.scrollWidth - one.clientWidth") <= 1
    assert axe.check(page) == []


def test_editor(page_of, planner, plan):  # noqa: F811
    """A grid is chosen in its table, blocks are handed over with a finger, a fault leads back to the map."""
    page = page_of(planner, f"/planner/{plan.pk}/", **PHONE)
    page.wait_for_selector("#planner[data-ready]")
    fits(page)
    page.tap('[data-show="left"]')
    page.tap('.grid-table .grid-name:has(.code:text-is("002"))')
    page.tap("#grid-card .button:has-text('划入本网格')")
    expect(page.locator("#map")).to_be_visible()
    page.touchscreen.tap(*pixel(page, 0.4, 0.4))
    saved(page, 1)
    assert held_by(plan, 0.4, 0.4) == "002"
    fits(page)
    # What would lie apart is refused, and done when it is meant.
    page.touchscreen.tap(*pixel(page, 0.1, 0.9))
    page.locator(".toast button", has_text="仍然执行").tap()
    saved(page, 2)
    page.tap('[data-show="right"]')
    page.locator(".fault", has_text="002").first.tap()
    expect(page.locator("#map")).to_be_visible()
    expect(page.locator("#side")).to_be_hidden()
    fits(page)


def test_compare(page_of, planner, moved):  # noqa: F811
    page = page_of(planner, f"/planner/{moved.pk}/compare/", **PHONE)
    page.wait_for_selector("#compare[data-ready]")
    fits(page)
    page.tap(".sentence[role=button]")
    page.tap('[data-tab="grids"]')
    expect(page.locator("#compare-body tbody tr")).to_have_count(4)
    fits(page)


def test_review(page_of, planner, reviewer, moved):  # noqa: F811
    page = page_of(planner, f"/planner/{moved.pk}/review/", **PHONE)
    page.wait_for_selector("#review[data-ready]")
    fits(page)
    page.tap('[data-act="submit"]')
    page.fill("#step-note", "请审核")
    with page.expect_navigation():
        page.tap("dialog .button.main")
    page = page_of(reviewer, f"/planner/{moved.pk}/review/", **PHONE)
    page.wait_for_selector("#review[data-ready]")
    page.tap("#new-remark")
    box = page.locator("#map").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.fill("#remark-text", "此处沿河更好")
    page.tap("dialog .button.main")
    expect(page.locator(".remark")).to_have_count(1)
    fits(page)
