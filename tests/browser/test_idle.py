"""The bar that tells of the coming log-out, with the page's clock moved by hand."""

import re
import time

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def lay_unused(seconds: int) -> None:
    """As if nobody had used the one session there is for so long."""
    session = SessionStore(Session.objects.get().pk)
    session["used_at"] = int(time.time()) - seconds
    session.save()


def test_told_before_kept_and_ended(chromium, live_server, log_in, city, noise):
    user = factories.make_user(role="shift_lead", area="9901")
    context = chromium.new_context(locale="zh-CN")
    log_in(context, user, live_server)
    page = context.new_page()
    complaints = noise(page)
    page.clock.install()
    # Idle at last: a request of the page's own, still under way, would count as the last use.
    page.goto(f"{live_server.url}/outputs/", wait_until="networkidle")
    bar = page.locator("[data-idle-bar]")
    expect(bar).to_be_hidden()
    lay_unused(1800 - 90)
    page.clock.fast_forward(1705_000)
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("2 分钟后将自动退出")
    bar.get_by_role("button", name="继续使用").click()
    page.clock.run_for(3000)
    expect(bar).to_be_hidden()
    lay_unused(1801)
    page.clock.fast_forward(1795_000)
    page.wait_for_url(re.compile(r"/login/\?ended=idle&next=%2Foutputs%2F"))
    expect(page.get_by_text("长时间未操作")).to_be_visible()
    assert not complaints
    context.close()
