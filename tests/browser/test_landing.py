"""The way between desk and phone app on real screens: a phone, a narrow touch screen, a tablet."""

import pytest
from playwright.sync_api import expect

from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = "Mozilla/5.0 (Linux; Android 13; ELE-AL00) AppleWebKit/537.36 Chrome/112.0 Mobile Safari/537.36"
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/112.0 Safari/537.36"


@pytest.fixture
def device(chromium, live_server, log_in):
    """``device(user, agent, width)``: a touch screen of that width on which somebody is logged in."""
    opened = []

    def make(user, agent, width):
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            user_agent=agent,
            has_touch=True,
            is_mobile=agent == PHONE,
            locale="zh-CN",
            base_url=live_server.url,
            service_workers="block",
        )
        context.set_default_timeout(15000)
        log_in(context, user, live_server)
        opened.append(context)
        return context.new_page()

    yield make
    for context in opened:
        context.close()


def test_a_grid_worker_goes_to_the_phone_app_and_back_to_the_desk(city, device):
    worker = factories.make_user("网格员", role="grid_worker", area="9901")
    page = device(worker, PHONE, 390)
    page.goto("/")
    page.wait_for_url("**/m/")
    page.goto("/m/me")
    page.get_by_role("link", name="打开工作台").click()
    page.wait_for_selector("#list-pane")
    page.reload()
    expect(page.locator("#list-pane")).to_be_visible()
    expect(page.locator("[data-phone-offer]")).to_be_hidden()
    page.locator(".to-phone").click()
    page.wait_for_url("**/m/")
    page.goto("/")
    page.wait_for_url("**/m/")


def test_a_narrow_touch_screen_that_calls_itself_a_desk(city, device):
    page = device(factories.make_user("网格员", role="grid_worker", area="9901"), DESK, 390)
    page.goto("/")
    page.wait_for_url("**/m/")


def test_a_dispatcher_is_offered_the_phone_app_once(city, device):
    page = device(factories.make_user("派遣员", role="dispatcher", area="9901"), PHONE, 390)
    page.goto("/")
    offer = page.locator("[data-phone-offer]")
    expect(offer).to_be_visible()
    expect(page.locator("#list-pane")).to_be_visible()
    page.locator("[data-stay]").click()
    expect(offer).to_be_hidden()
    page.reload()
    page.wait_for_selector("#list-pane")
    expect(offer).to_be_hidden()


def test_a_tablet_stays_at_the_desk(city, device):
    page = device(factories.make_user("网格员", role="grid_worker", area="9901"), DESK, 834)
    page.goto("/")
    page.wait_for_selector("#list-pane")
    expect(page.locator("[data-phone-offer]")).to_be_hidden()
