"""The network or the server goes while a page is open: it is said where it matters, and tried again."""

import pytest
from playwright.sync_api import expect

from geo.models import User
from tests import factories
from tests.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page_of(chromium, log_in, live_server, noise):
    contexts = []

    def show(user, path, before=lambda context: None):
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=live_server.url
        )
        context.set_default_timeout(20000)
        contexts.append(context)
        log_in(context, user, live_server)
        before(context)
        page = context.new_page()
        page.said = noise(page)
        page.goto(path)
        page.wait_for_load_state("load")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.fixture
def steward(city):
    # Sees components and their cases.
    return factories.make_user("值班长", role="shift_lead", area="9901")


def test_a_fragment_that_fails_says_so_in_its_place(page_of, steward):
    component = factories.make_component(factories.at(0.2, 0.2))
    factories.make_case(factories.at(0.2, 0.2), component=component, state="reported")
    fragment = f"**/console/component/{component.code}/"
    page = page_of(
        steward,
        f"/components/{component.code}/",
        lambda context: context.route("**/console/component/*/", lambda route: route.fulfill(status=500)),
    )
    place = page.locator("section.card[hx-get] .body")
    expect(place.get_by_role("alert")).to_contain_text("服务器未能完成")
    assert axe.check(page) == []
    # Without a line it says that instead; and with everything back it comes.
    page.context.unroute("**/console/component/*/")
    page.route(fragment, lambda route: route.abort())
    place.get_by_role("button", name="重试").click()
    expect(place.get_by_role("alert")).to_contain_text("服务器没有响应")
    page.unroute(fragment)
    place.get_by_role("button", name="重试").click()
    expect(place.get_by_role("alert")).to_have_count(0)
    expect(place).to_contain_text("A99010120260101")
    assert page.said == []


def test_a_list_without_a_line_is_tried_again(page_of, steward):
    factories.make_case(factories.at(0.2, 0.2), state="reported", address="一号路口")
    page = page_of(steward, "/?view=unit")
    banner = page.locator("[data-offline]")
    expect(banner).to_be_hidden()
    page.context.set_offline(True)
    expect(banner).to_be_visible()
    tab = page.locator('#list-pane a[href*="view=desk"]').first
    tab.click()
    tab.click()
    toast = page.locator(".toast.bad", has_text="服务器没有响应")
    expect(toast).to_have_count(1)
    page.context.set_offline(False)
    expect(banner).to_be_hidden()
    toast.get_by_role("button", name="重试").click()
    expect(page.locator("#rows")).to_contain_text("一号路口")
    assert page.said == []


def test_an_asset_list_without_a_line_keeps_what_it_shows(page_of, steward):
    factories.make_component(factories.at(0.2, 0.2))
    page = page_of(steward, "/assets/components/")
    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.said == []


def test_a_form_without_a_line_keeps_what_was_filled_in(page_of, city):
    page = page_of(factories.make_user("系统", role="system_admin"), "/manage/users/new")
    page.fill("#id_username", "zhao")
    page.context.set_offline(True)
    page.get_by_role("button", name="保存").click()
    toast = page.locator(".toast.bad", has_text="没有发送")
    expect(toast).to_be_visible()
    assert page.input_value("#id_username") == "zhao"
    page.context.set_offline(False)
    toast.get_by_role("button", name="重试").click()
    expect(page.locator("code.secret")).to_be_visible()
    assert User.objects.filter(username="zhao").count() == 1
    assert page.said == []
