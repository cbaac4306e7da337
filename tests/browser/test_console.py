"""The console in a real browser: list, map and drawer bound together, by mouse and by keyboard."""

import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cases import meetings
from cases.models import Case, FilingStandard
from tests import factories
from tests.browser import axe
from tests.browser.test_phone import photo
from tests.cases.offices import make_offices, standing
from tests.cases.test_duties import make_parties

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people(city):
    """The tiny city with a unit, a rule, and somebody at each desk."""
    unit = factories.make_unit("自来水公司")
    kind = factories.make_type(type_code="01", name="上水井盖")
    FilingStandard.objects.create(type=kind, condition="一般", limit=8, limit_unit="work_hour")
    factories.make_rule(unit, type=kind, area_code="9901", name="井盖归水司")
    return {
        "unit": unit,
        "lead": factories.make_user("值班长", role="shift_lead", area="9901"),
        "water": factories.make_user("水司", role="department", unit=unit),
        "leader": factories.make_user("领导", role="leader", area="990102"),
        "system": factories.make_user("系统", role="system_admin", area="9901"),
    }


@pytest.fixture
def cases(people):
    """Four open cases in the west and one in the east, due in the order of their making."""
    now = timezone.now()
    made = []
    for number, (x, y, state) in enumerate(
        [
            (0.2, 0.2, "reported"),
            (0.7, 0.2, "reported"),
            (0.2, 0.7, "filed"),
            (1.2, 0.4, "reported"),
            (2.5, 0.5, "reported"),
        ]
    ):
        due = now + datetime.timedelta(hours=number * 5 - 3)
        made.append(
            factories.make_case(
                factories.at(x, y),
                state=state,
                description=f"第{number + 1}件",
                address=f"{number + 1}号路口",
                due_at=due,
                reported_at=now - datetime.timedelta(hours=6 - number),
            )
        )
    return made


@pytest.fixture
def page_of(chromium, log_in, live_server, noise):
    """``page_of(user, path, size)``: a page that has settled; what it complains about is in ``page.said``."""
    contexts = []

    def show(user, path="/", size=(1366, 768)):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        contexts.append(context)
        if user is not None:
            log_in(context, user, live_server)
        page = context.new_page()
        page.said = noise(page)
        page.goto(live_server.url + path)
        page.wait_for_load_state("load")
        return page

    yield show
    for context in contexts:
        context.close()


def rows(page) -> list[str]:
    return page.eval_on_selector_all("#rows a[data-number]", "rows => rows.map(row => row.dataset.number)")


def test_tabs_filters_and_the_address(page_of, people, cases):
    page = page_of(people["lead"], "/?view=desk")
    page.wait_for_selector(".map canvas, .map .ol-layer")
    # What waits for an acceptor and what waits for a dispatcher are with the desk alike.
    assert rows(page) == [case.number for case in cases]
    assert page.inner_text('[data-count="desk"]') == "5"

    page.click('[data-options="area"]')
    page.click("#options-area .item:has-text('试验市')")
    page.wait_for_selector('[data-off="area"]')
    assert "area=9901" in page.url and "view=desk" in page.url

    page.click('[data-options="time"]')
    page.click("#options-time .item >> nth=0")
    page.wait_for_selector('[data-off="due"]')
    assert rows(page) == [cases[0].number]
    page.click('[data-off="due"]')
    expect(page.locator("#rows a[data-number]")).to_have_count(5)

    # The address is the state: opened anew it shows the same.
    page.reload()
    assert len(rows(page)) == 5
    assert page.said == []


def test_accepting_and_filing_by_keyboard(page_of, people, cases):
    page = page_of(people["lead"], "/?view=desk")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(f'.drawer-head[data-case="{cases[0].number}"]')
    assert f"/cases/{cases[0].number}/" in page.url

    page.keyboard.press("e")
    page.wait_for_selector(".toast")
    assert Case.objects.get(pk=cases[0].pk).state == "accepted"

    # Filing needs a look at type and rule: the main button opens its dialog.
    page.wait_for_selector(".drawer-foot [data-main][hx-get]")
    page.keyboard.press("e")
    page.wait_for_selector("#act[open] form")
    assert axe.check(page) == []
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act:not([open])", state="attached")
    page.wait_for_selector(f'.drawer-head[data-case="{cases[0].number}"]')
    case = Case.objects.get(pk=cases[0].pk)
    assert (case.state, case.holder_unit) == ("dispatched", people["unit"])
    page.wait_for_selector(".why")
    assert "井盖归水司" in page.inner_text(".why")

    page.keyboard.press("Escape")
    page.wait_for_selector("#drawer", state="hidden")
    assert "/cases/" not in page.url
    assert page.said == []


def test_what_is_missing_is_said_in_the_dialog(page_of, people, cases):
    page = page_of(people["lead"], f"/cases/{cases[0].number}/")
    page.click(".drawer-foot .danger >> nth=0")
    page.wait_for_selector("#act[open] form")
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act .errors")
    assert Case.objects.get(pk=cases[0].pk).state == "reported"
    page.fill("#act-reason", "与城市管理无关")
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act:not([open])", state="attached")
    assert Case.objects.get(pk=cases[0].pk).state in ("rejected", "void")


def test_photos_stay_chosen_when_something_is_missing(page_of, people):
    offices = make_offices()
    letter = standing("letter", "at_community", offices)
    page = page_of(offices.community, f"/cases/{letter.number}/")
    page.click(".drawer-foot [hx-get$='/handle/']")
    page.wait_for_selector("#act[open] form")
    # The dialog begins in its first field: what is chosen with is the tile, never the browser's own button.
    assert page.locator("#act [name=photos]").evaluate("input => getComputedStyle(input).opacity") == "0"
    page.set_input_files("#act [name=photos]", photo(300))
    page.wait_for_selector("#act [data-preview]")
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act .errors")
    assert page.locator("#act [data-preview]").count() == 1
    page.fill("#act-reason", "已清理")
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act:not([open])", state="attached")
    letter.refresh_from_db()
    assert (letter.state, letter.case_attachments.count()) == ("checking", 1)


def test_somebody_was_faster(page_of, people, cases):
    page = page_of(people["lead"], f"/cases/{cases[0].number}/")
    page.wait_for_selector(".drawer-foot [data-main]")
    Case.objects.filter(pk=cases[0].pk).update(state="accepted")
    page.click(".drawer-foot [data-main]")
    page.wait_for_selector(".toast.bad")
    page.wait_for_selector(".drawer-foot [data-main][hx-get]")


def test_map_and_list_are_bound(page_of, people, cases):
    page = page_of(people["lead"], "/?view=all#map=83.905,39.505,4", (1600, 900))
    expect(page.locator("#rows a[data-number]")).to_have_count(5)
    page.wait_for_selector(".map-tools")
    page.wait_for_load_state("networkidle")
    page.click("[data-follow]")
    page.wait_for_selector('[data-off="bbox"]')
    assert "bbox=" in page.url
    # The whole tiny city is in sight.
    assert len(rows(page)) == 5
    page.evaluate("document.querySelector('#map').focus()")
    for _step in range(3):
        page.keyboard.press("+")
        page.wait_for_timeout(350)
    expect(page.locator("#rows a[data-number]")).not_to_have_count(5)
    assert page.said == []


def test_new_cases_knock_before_they_come_in(page_of, people, cases):
    page = page_of(people["lead"], "/?view=desk")
    before = rows(page)
    factories.make_case(
        factories.at(0.4, 0.4), state="reported", due_at=timezone.now(), reported_at=timezone.now()
    )
    # What a live event does, without the stream's process: the page asks for news.
    event = "{state: 'live', event: {layer: 'cases', row: 'x'}}"
    page.evaluate(f"new BroadcastChannel('wangge-events').postMessage({event})")
    page.wait_for_selector("[data-new]:not([hidden])")
    assert rows(page) == before
    assert page.inner_text('[data-count="desk"]') == "6"
    page.click("[data-new]")
    expect(page.locator("#rows a[data-number]")).to_have_count(6)


def test_scope_and_roles(page_of, people, cases):
    leader = page_of(people["leader"], "/?view=all")
    assert rows(leader) == [cases[4].number]
    other = leader.goto(leader.url.split("/?")[0] + f"/cases/{cases[0].number}/")
    assert other.status == 404
    # An administrator sees no case; the start page leads to what the office is for.
    system = page_of(people["system"], "/")
    assert system.query_selector("#rows") is None


def test_saved_views(page_of, people, cases):
    page = page_of(people["lead"], "/?view=desk&due=late")
    page.click('[data-popover="saved-views"]')
    page.click("#saved-views [data-dialog]")
    page.fill("#view-name", "超时待受理")
    page.click("#save-view .main")
    page.wait_for_selector("#save-view:not([open])", state="attached")
    page.goto(page.url.split("/?")[0] + "/")
    page.click('[data-popover="saved-views"]')
    page.click("#saved-views a:has-text('超时待受理')")
    page.wait_for_load_state("load")
    assert "due=late" in page.url and rows(page) == [cases[0].number]


def test_the_table_and_one_case_on_a_page(page_of, people, cases):
    page = page_of(people["lead"], "/cases/table/?view=desk&sort=old")
    heads = page.locator("thead th")
    page.click('[data-dialog="columns"]')
    page.uncheck("#columns input[value=type]")
    page.check("#columns input[value=address]")
    # The state goes before the number, by keyboard.
    page.focus("#columns li:has(input[value=state]) [data-move='-1']")
    for _press in range(2):
        page.keyboard.press("Enter")
    assert axe.check(page) == []
    page.click("#columns .main")
    page.wait_for_url("**columns=state,number,due**")
    assert heads.nth(0).inner_text() == "状态" and heads.last.inner_text() == "地点"
    page.click('[data-options="time"]')
    page.click("#options-time .item >> nth=0")
    page.wait_for_selector('[data-off="due"]')
    assert page.locator("tbody tr").count() == 1 and "columns=state" in page.url

    page.click(f"tbody a:has-text('{cases[0].number}')")
    page.wait_for_selector("#map canvas, #map .ol-layer")
    page.keyboard.press("e")
    page.wait_for_selector(".toast")
    assert Case.objects.get(pk=cases[0].pk).state == "accepted"
    # The story is drawn anew, the map stays.
    page.wait_for_selector("#now [data-main][hx-get]")
    assert page.locator("#map .ol-layer").count() > 0
    page.click("#now [data-main]")
    page.wait_for_selector("#act[open] form")
    page.click("#act .dialog-foot .main")
    page.wait_for_selector("#act:not([open])", state="attached")
    expect(page.locator(".story")).to_contain_text("派遣")
    assert axe.check(page) == [] and page.said == []


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (390, 844)])
def test_nothing_serious_for_axe(page_of, people, cases, size):
    page = page_of(people["lead"], f"/cases/{cases[2].number}/", size)
    page.wait_for_selector(".drawer-head")
    page.wait_for_load_state("networkidle")
    assert axe.check(page) == []
    page.click("[data-close-drawer]")
    page.wait_for_selector("#drawer", state="hidden")
    assert axe.check(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_layers_and_base_maps_by_keyboard(page_of, people, cases):
    page = page_of(people["lead"], "/?view=all", (1600, 900))
    page.wait_for_selector(".map-tools")
    page.focus(".map-tools [aria-expanded] >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".map-panel")
    assert axe.check(page) == []
    page.keyboard.press("Escape")
    page.wait_for_selector(".map-panel", state="detached")
    assert page.evaluate("document.activeElement.classList.contains('tool')")


def test_assets_and_the_building_page(page_of, people, city):
    from assets.models import Building, House

    building = Building.objects.create(
        code="B1", name="一号楼", floors=3, stairwells=2, geom=factories.box(83.902, 39.502, 0.0005)
    )
    for stairwell in ("1", "2"):
        for floor in (1, 2, 3):
            House.objects.create(building=building, stairwell=stairwell, floor=floor, door=f"{floor}01")
    factories.make_component(factories.at(0.3, 0.3))
    page = page_of(people["lead"], "/assets/components/")
    page.wait_for_selector("tr[data-lon]")
    assert axe.check(page) == []
    page.goto(page.url.replace("assets/components", "buildings/B1"))
    page.wait_for_selector(".stack-table")
    assert page.locator("[data-home]").count() == 6
    page.click("[data-home] >> nth=0")
    assert "301" in page.inner_text("#home-detail")
    assert axe.check(page) == []
    assert page.said == []


def test_a_click_on_the_map_opens_its_case(page_of, people, cases):
    page = page_of(people["lead"], "/?view=all#map=83.902,39.502,0.5", (1600, 900))
    page.wait_for_selector(".map-tools")
    page.wait_for_load_state("networkidle")
    box = page.locator("#map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    expect(page.locator(f'#rows a[data-number="{cases[0].number}"].ringed')).to_have_count(1)
    page.mouse.click(*middle)
    page.wait_for_selector(f'.drawer-head[data-case="{cases[0].number}"]')
    expect(page.locator("#rows a[aria-current=true]")).to_have_attribute("data-number", cases[0].number)
    assert page.said == []


def test_units_of_a_decision_are_picked_by_keyboard(page_of, city):
    """Typing narrows, arrow and space choose, what was chosen stays; Enter sends nothing."""
    make_parties()
    offices = make_offices()
    letter = standing("letter", "at_district", offices, type=factories.make_type(type_code="60"))
    meeting = meetings.plan(
        offices.user("district"), area_code="990101", held_on=timezone.localdate(), title="联席会"
    )
    item = meetings.add_item(offices.user("district"), meeting.pk, letter.number, "归谁？")
    page = page_of(offices.user("district"), f"/meetings/items/{item.pk}/decide/")
    picker = page.get_by_role("group", name="协办单位")
    find = picker.get_by_role("searchbox", name="筛选单位")
    find.fill(offices.unit.name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    find.fill("街道办")
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    find.fill("没有这个单位")
    expect(picker.get_by_text("没有匹配项。")).to_be_visible()
    assert picker.get_by_role("checkbox").filter(visible=True).count() == 2
    expect(picker.get_by_text(f"已选 2 个：{offices.unit.name}、")).to_be_visible()
    assert not axe.check(page)
    page.locator("#unit").select_option(label=offices.other_unit.name)
    page.locator("#decision").fill("三家合办")
    page.get_by_role("button", name="作出决定").click()
    page.wait_for_url(f"**/meetings/{meeting.pk}/")
    assert Case.objects.get(pk=letter.pk).state != "at_district"
    assert not page.said


def test_a_list_beside_a_drawer_is_cards(page_of, people):
    """At 1366 the form of a new rule leaves the rules a third of the width: no column is squeezed."""
    page = page_of(people["lead"], "/rules/")
    heading = page.locator("thead th", has_text="适用类型")
    expect(heading).to_be_visible()
    page.get_by_role("button", name="新建规则").click()
    expect(page.locator("#drawer h2")).to_be_visible()
    assert page.locator("thead").bounding_box()["width"] <= 2
    assert page.locator("tbody td").first.bounding_box()["width"] > 200


def test_the_order_of_cards_is_chosen_on_a_phone(page_of, people, cases):
    page = page_of(people["lead"], "/cases/table/?view=all", size=(390, 844))
    page.get_by_role("button", name="排序").click()
    options = page.locator("#sort-list")
    box = options.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    options.get_by_role("link", name="按案件号").click()
    page.wait_for_url("**sort=number**")
    first = page.locator("tbody td a").first
    expect(first).to_have_text(min(case.number for case in cases))
    page.set_viewport_size({"width": 1366, "height": 768})
    expect(page.get_by_role("button", name="排序")).to_be_hidden()
    assert not page.said
