"""The main pages of the desk have nothing that axe calls serious."""

import pytest

from assets.models import Building, House
from tests import factories
from tests.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Role and address; a page of nobody's is seen before logging in.
PAGES = [
    ("", "/login/"),
    ("shift_lead", "/"),
    ("shift_lead", "/rules/"),
    ("leader", "/cockpit/"),
    ("data_steward", "/assets/buildings/"),
    ("data_steward", "{building}"),
    ("data_steward", "/data/imports/"),
    ("system_admin", "/manage/users/"),
]


def test_pages_are_accessible(city, chromium, live_server, log_in):
    shape = factories.at(0.25, 0.25).buffer(0.0002)
    building = Building.objects.create(code="B1", name="河畔苑 3 号楼", geom=shape, floors=2)
    for door in ("101", "201"):
        House.objects.create(building=building, floor=int(door[0]), door=door)
    found = []
    for number, (role, address) in enumerate(PAGES):
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=live_server.url
        )
        context.set_default_timeout(15000)
        if role:
            user = factories.make_user(f"user{number}", role=role, area="9901")
            log_in(context, user, live_server)
        page = context.new_page()
        answer = page.goto(address.format(building=f"/buildings/{building.code}/"))
        assert answer.status == 200, address
        page.wait_for_timeout(1200)  # The map names itself when it is there.
        found += [f"{address}: {line}" for line in axe.check(page)]
        context.close()
    assert found == []
