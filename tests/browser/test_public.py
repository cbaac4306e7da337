"""The residents' pages in a phone-sized Chromium: from the photo to the rating, offline, large type, axe."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from assets.models import PublicFacility, ServiceCenter
from cases import actions as engine
from cases.actions import Given
from cases.models import Case, PublicText, Questionnaire, QuestionnaireItem, Rating, Suggestion
from geo import attachments
from tests import factories
from tests.browser import axe
from tests.cases.public_site import HERE, picture, topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
}
READY = "form[data-report][data-ready]"


@pytest.fixture
def kinds(city):
    lamp = topic()
    topic("垃圾堆积", factories.make_type(kind="event", type_code="10", name="暴露垃圾"), 1)
    return lamp


@pytest.fixture
def phone(chromium, live_server, kinds):
    """A resident's phone at the first grid."""
    context = chromium.new_context(
        **PHONE,
        geolocation={"longitude": HERE.x, "latitude": HERE.y, "accuracy": 12},
        permissions=["geolocation"],
        base_url=live_server.url,
    )
    context.set_default_timeout(15000)
    yield context
    context.close()


def jpeg(position=None) -> dict:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture(position).getvalue()}


def choose(page, name: str) -> None:
    page.locator(".pub-topics .choice", has_text=name).click()


def fill_in(page, words: str = "路灯不亮") -> None:
    """Everything but the photo, in the order of the page."""
    page.click("[data-locate]")
    page.wait_for_selector("[data-place-words]:has-text('12')")
    choose(page, "路灯")
    page.fill("#id_description", words)


def test_from_the_photo_to_the_rating(phone, noise, city):
    lead = factories.make_user(role="shift_lead", area="9901")
    page = phone.new_page()
    said = noise(page)
    page.goto("/public/")
    page.click(".pub-hero")
    page.wait_for_selector(READY)
    page.set_input_files("[data-photo-input]", jpeg((HERE.x, HERE.y)))
    # The photo itself says where it was taken; the map shows it.
    page.wait_for_selector("[data-photo-list] input[name=photo]", state="attached")
    page.wait_for_selector("[data-place-map] canvas")
    assert page.input_value("input[name=position_source]") == "exif"
    choose(page, "路灯")
    page.fill("#id_description", "第三盏灯不亮")
    page.click("[data-send]")
    page.wait_for_selector("[data-done]")
    number = page.text_content("[data-number]").strip()
    assert re.fullmatch(r"[2-9A-Z]{4} [2-9A-Z]{4}", page.text_content("[data-secret]").strip())
    assert axe.check(page) == []
    case = Case.objects.get(number=number)
    assert case.case_attachments.count() == 1 and case.type.name == "路灯"

    page.click("text=查看进度")
    page.wait_for_selector("[data-stage=received]")
    assert axe.check(page) == []
    attachments.review(lead, case.case_attachments.get().attachment, True)
    engine.act(number, "accept", lead, Given())
    Case.objects.filter(number=number).update(state="closed", phase="ended", closed_at=timezone.now())
    page.reload()
    page.wait_for_selector("[data-stage=solved]")
    assert page.locator(".story img").count() == 1
    page.click("label[for=star-4]")
    page.locator(".choice", has_text="是").first.click()
    page.click("text=提交评价")
    page.wait_for_selector("text=评价已记录")
    assert Rating.objects.get().stars == 4
    assert not said


def test_without_a_connection_it_says_so_and_keeps_what_was_written(phone, city):
    page = phone.new_page()
    page.goto("/public/report/")
    page.wait_for_selector(READY)
    fill_in(page)
    phone.set_offline(True)
    page.click("[data-send]")
    page.wait_for_selector("[data-said]:not([hidden])")
    assert "没有提交" in page.text_content("[data-said]")
    assert page.is_visible("[data-offline]")
    assert page.input_value("#id_description") == "路灯不亮"
    assert not Case.objects.exists()
    phone.set_offline(False)
    page.click("[data-send]")
    page.wait_for_selector("[data-done]")
    assert Case.objects.count() == 1
    # A reload of the form brings nothing of the report that was sent.
    page.goto("/public/report/")
    page.wait_for_selector(READY)
    assert page.input_value("#id_description") == ""


def test_what_somebody_reported_before_is_offered(phone, city):
    known = factories.make_case(HERE, type=topic().type, state="reported")
    page = phone.new_page()
    page.goto("/public/report/")
    page.wait_for_selector(READY)
    fill_in(page)
    page.wait_for_selector("[data-near-part]:not([hidden]) input[name=same]", state="attached")
    page.locator("[data-near-list] .choice").first.click()
    page.click("[data-send]")
    page.wait_for_selector("[data-done]")
    assert page.text_content("[data-number]").strip() == known.number
    assert Case.objects.count() == 1 and known.transitions.filter(action="supplement").count() == 1


def test_the_place_is_chosen_on_the_map_with_keys(phone, city):
    page = phone.new_page()
    page.goto("/public/report/")
    page.wait_for_selector(READY)
    page.click("[data-pick]")
    page.wait_for_selector("dialog .map canvas")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    page.click("dialog .button.main")
    page.wait_for_selector("dialog", state="detached")
    assert page.input_value("input[name=position_source]") == "map"
    assert 83.8 < float(page.input_value("input[name=lon]")) < 84


def test_a_kind_is_found_by_words_and_arrow_keys(phone, city):
    wanted = factories.make_type(kind="event", type_code="28", name="商业噪音")
    page = phone.new_page()
    page.goto("/public/report/")
    page.wait_for_selector(READY)
    page.fill("#id_find", "噪音")
    page.wait_for_selector("#found-types [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("input[name=type]") == str(wanted.pk)


def test_large_type_stays_and_is_large(phone, city):
    page = phone.new_page()
    page.goto("/public/")
    page.click("text=大字模式")
    page.wait_for_selector("html.large-type")
    page.goto("/public/report/")
    words = ", ".join(
        f"main {tag}" for tag in ("p", "label", "input:not([type=hidden])", "button", "b", "small", "summary")
    )
    sizes = page.evaluate(
        "words => [...document.querySelectorAll(words)]"
        ".filter(e => e.offsetParent && getComputedStyle(e).opacity !== '0')"
        ".map(e => [parseFloat(getComputedStyle(e).fontSize), e.outerHTML.slice(0, 80)])",
        words,
    )
    assert [one for one in sizes if one[0] < 20] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe.check(page) == []


def test_reading_needs_no_script(chromium, live_server, kinds):
    context = chromium.new_context(**PHONE, java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    page.goto("/public/report/")
    page.set_input_files("[data-photo-input]", jpeg((HERE.x, HERE.y)))
    choose(page, "路灯")
    page.fill("#id_description", "没有脚本")
    page.click("[data-send]")
    number = page.text_content("[data-number]").strip()
    secret = page.text_content("[data-secret]").strip()
    context.clear_cookies()
    page.goto("/public/track/")
    page.fill("#id_number", number)
    page.fill("#id_secret", secret)
    page.click("form.pub-form button.main")
    assert "已收到您的上报" in page.text_content("main")
    context.close()


def test_every_page_is_accessible_and_fits(chromium, live_server, kinds, city):
    today = timezone.localdate()
    news = PublicText.objects.create(kind="news", title="动态", body="正文")
    PublicText.objects.create(kind="help", title="怎么办", body="这样办")
    suggestion = Suggestion.objects.create(
        number="S1",
        client_key=uuid.uuid4(),
        title="建议",
        text="文",
        reply="复",
        public=True,
        state="answered",
        replied_at=timezone.now(),
    )
    asked = Questionnaire.objects.create(
        title="问卷", opens_on=today, closes_on=today + timedelta(days=3), published=True
    )
    for kind in ("single", "multiple", "text"):
        QuestionnaireItem.objects.create(
            questionnaire=asked, kind=kind, text=f"题 {kind}", options=["好", "差"] if kind != "text" else []
        )
    PublicFacility.objects.create(code="f1", name="公厕一", kind="toilet", geom=HERE)
    ServiceCenter.objects.create(code="c1", name="服务站", level="street", geom=HERE, phone="12345678")
    lamp = factories.make_component(HERE)
    factories.make_case(HERE, type=topic().type, state="reported")
    pages = [
        *("", "report/", "track/", "mine/", "map/", "nearby/?area=990101001", "news/", "help/", "privacy/"),
        *("suggestions/", "questionnaires/", f"c/{lamp.code}/", "c/9999999999999999/"),
        *(f"news/{news.pk}/", f"suggestions/{suggestion.pk}/", f"questionnaires/{asked.pk}/"),
    ]
    found = []
    for width, height in ((390, 844), (1366, 768)):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", base_url=live_server.url
        )
        page = context.new_page()
        for name in pages:
            page.goto(f"/public/{name}")
            page.wait_for_timeout(500)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{width} {name}: wider than the screen")
            found += [f"{width} {name}: {line}" for line in axe.check(page)]
        context.close()
    assert found == []
