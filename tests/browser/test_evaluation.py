"""Evaluation in a real browser: the tree by keyboard, an inspection on a phone."""

import pytest
from playwright.sync_api import expect

from cases.evaluation import authoring, tasks
from cases.models import EvaluationModel, Inspection, ReportedValue
from tests import factories
from tests.browser import axe
from tests.cases.evaluation.made import (
    computed,
    field,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
def user(city):
    return make_evaluator()


def test_the_tree_by_keyboard(page_of, user):
    computed(user, name="结案率")
    reported(user, name="媒体曝光")
    model = authoring.create_model(user, name="街道模型", subject="area", area_code="9901")
    page = page_of(user, f"/evaluation/models/{model.pk}/")
    page.wait_for_selector("#tree-editor[data-ready]")
    assert not axe.check(page)
    page.get_by_role("button", name="添加指标项").click()
    page.keyboard.type("案件办理")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("90")
    page.keyboard.press("Enter")
    # The new line has the focus; one level in, it is a child.
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Tab")
    page.locator(":focus").select_option(label="结案率 · 计算")
    page.keyboard.press("Tab")
    page.keyboard.type("100")
    rows = page.get_by_role("treeitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_have_attribute("aria-level", "2")
    expect(rows.nth(1).locator("[data-field=name]")).to_have_value("结案率")
    expect(page.locator(".tree-total .sum")).to_contain_text("90 ≠ 100")
    expect(rows.nth(1).locator("[data-field=weight]")).to_have_value("100")
    assert not axe.check(page)
    page.keyboard.press("Control+s")
    expect(page.locator("[data-faults]")).to_contain_text("90")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+ArrowLeft")
    page.keyboard.press("Tab")
    page.locator(":focus").select_option(label="媒体曝光 · 填报")
    page.keyboard.press("Tab")
    page.keyboard.type("10")
    expect(page.locator(".tree-total .sum")).to_contain_text("Σ 100")
    page.keyboard.press("Alt+ArrowUp")
    expect(rows.nth(0).locator("[data-field=name]")).to_have_value("媒体曝光")
    page.keyboard.press("Control+Delete")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="撤销").first.click()
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="发布此版本").click()
    expect(page.locator(".messages")).to_contain_text("生效")
    model.refresh_from_db()
    assert model.state == EvaluationModel.State.PUBLISHED
    assert [one.name for one in model.items.filter(parent=None)] == ["媒体曝光", "案件办理"]
    assert model.items.get(name="结案率").parent.name == "案件办理"
    assert not page.said


def test_an_inspection_on_a_phone(page_of, user, tmp_path):
    from PIL import Image

    person = factories.make_user("考评员", role="assessor", area="9901")
    task = make_task(user, make_model(user, [leaf(field(user), "100")]), ["990101"])
    tasks.set_assessors(user, task.pk, [{"user": person.pk}])
    tasks.move(user, task.pk, "start")
    page = page_of(
        person,
        f"/evaluation/tasks/{task.pk}/field/",
        size=(390, 844),
        is_mobile=True,
        has_touch=True,
        permissions=["geolocation"],
        geolocation={"longitude": 83.9025, "latitude": 39.5025, "accuracy": 8},
    )
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(wide)
    page.locator(".point-row", has_text="甲区").tap()
    page.wait_for_selector("#inspection")
    assert page.evaluate(wide)
    assert not axe.check(page)
    page.get_by_role("button", name="提交记录").tap()
    expect(page.get_by_role("alert").first).to_contain_text("定位")
    page.get_by_role("button", name="加一：井盖破损").tap()
    page.get_by_role("button", name="加一：井盖破损").tap()
    page.locator("[data-take-position]").tap()
    expect(page.locator("[data-position] output")).to_contain_text("83.9025")
    Image.new("RGB", (60, 40), "grey").save(tmp_path / "one.jpg")
    page.locator("input[type=file]").set_input_files(tmp_path / "one.jpg")
    page.get_by_role("button", name="提交记录").tap()
    expect(page.locator(".messages")).to_contain_text("已记录")
    row = Inspection.objects.get()
    assert row.found == [{"code": "p1", "count": 2}] and row.photos.count() == 1
    assert not page.said


def test_an_inspection_without_a_network(page_of, user, tmp_path):
    """Entries and photos stay until they have arrived, a large photo goes smaller, nothing arrives twice."""
    from PIL import Image

    person = factories.make_user("考评员", role="assessor", area="9901")
    task = make_task(user, make_model(user, [leaf(field(user), "100")]), ["990101"])
    tasks.set_assessors(user, task.pk, [{"user": person.pk}])
    tasks.move(user, task.pk, "start")
    here = {"longitude": 83.9025, "latitude": 39.5025, "accuracy": 8}
    Image.effect_noise((4000, 3000), 90).convert("RGB").save(tmp_path / "large.jpg", quality=95)
    assert (tmp_path / "large.jpg").stat().st_size > 4_000_000

    def begin():
        page = page_of(
            person,
            f"/evaluation/tasks/{task.pk}/field/",
            size=(390, 844),
            permissions=["geolocation"],
            geolocation=here,
        )
        page.locator(".point-row", has_text="甲区").click()
        page.get_by_role("button", name="加一：井盖破损").click()
        page.locator("[data-take-position]").click()
        expect(page.locator("[data-position] output")).to_contain_text("83.9025")
        page.locator("input[type=file]").set_input_files(tmp_path / "large.jpg")
        return page

    first, second = begin(), begin()
    send, key = first.get_by_role("button", name="提交记录"), first.locator("[name=client_key]").input_value()
    first.route("**/field/", lambda route: route.abort())
    send.click()
    expect(first.locator("[data-told]")).to_contain_text("已填内容仍在")
    first.context.set_offline(True)
    send.click()
    expect(first.locator(".toast.bad")).to_contain_text("内容没有发送")
    first.context.set_offline(False)
    first.unroute("**/field/")
    expect(first.locator("[name=found-p1]")).to_have_value("1")
    send.click()
    expect(first.locator(".messages")).to_contain_text("已记录")
    row = Inspection.objects.get()
    assert row.photos.get().attachment.width == 1600

    # The same form, sent from a second tab.
    second.evaluate("(key) => { document.querySelector('[name=client_key]').value = key }", key)
    second.get_by_role("button", name="提交记录").click()
    expect(second.locator(".messages")).to_contain_text("此前已记录")
    assert Inspection.objects.count() == 1


def test_what_was_begun_in_another_row_stays(page_of, user):
    person = factories.make_user("考评员", role="assessor", area="9901")
    task = make_task(user, make_model(user, [leaf(reported(user), "100")]), ["990101", "990102"])
    tasks.set_assessors(user, task.pk, [{"user": person.pk}])
    tasks.move(user, task.pk, "start")
    page = page_of(person, f"/evaluation/tasks/{task.pk}/values/?show=open")
    rows = page.locator("form[data-in-place]")
    rows.nth(1).locator("[name=note]").fill("写到一半")
    rows.nth(0).locator("[name=value]").fill("三")
    rows.nth(0).get_by_role("button").click()
    expect(rows.nth(0).get_by_role("alert")).to_contain_text("不是数字")
    expect(rows.nth(0).locator("[name=value]")).to_have_value("三")
    rows.nth(0).locator("[name=value]").fill("3")
    rows.nth(0).get_by_role("button").dblclick()
    expect(rows).to_have_count(1)
    expect(rows.nth(0).locator("[name=note]")).to_have_value("写到一半")
    assert ReportedValue.objects.get().value == 3
    assert not page.said


def test_a_button_pressed_twice_acts_once(page_of, user):
    model = make_model(user, [leaf(computed(user), "100")])
    page = page_of(user, f"/evaluation/models/{model.pk}/")
    page.get_by_role("button", name="复制").dblclick()
    page.wait_for_url(f"**/models/{model.pk + 1}/")
    assert EvaluationModel.objects.count() == 2
