"""The phone app in a phone-sized Chromium: reporting with and without a signal, exactly once."""

import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override
from PIL import Image, TiffImagePlugin
from playwright.sync_api import expect

from cases import dispatch, guards
from cases.actions import Given, act
from cases.models import Case, Transition
from geo.models import Attachment
from grids.models import CheckIn, Shift
from tests import factories
from tests.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HERE = factories.at(0.25, 0.25)
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
}


@pytest.fixture
def worker(city):
    user = factories.make_user("网格员甲", role="grid_worker")
    factories.make_worker(user, grid="990101001001001", role="leader", area_code="990101001001")
    return user


@pytest.fixture
def lamp(city):
    """A component underfoot."""
    kind = factories.make_type(type_code="01", name="上水井盖")
    kind.initials = "ssjg"
    kind.save()
    return factories.make_component(factories.at(0.2502, 0.2502), type=kind)


@pytest.fixture
def phone(chromium, live_server, log_in, worker):
    """A phone of the worker that stands in the middle of the own grid."""
    context = chromium.new_context(
        **PHONE,
        geolocation={"longitude": HERE.x, "latitude": HERE.y, "accuracy": 8},
        permissions=["geolocation"],
        base_url=live_server.url,
    )
    context.set_default_timeout(15000)
    log_in(context, worker, live_server)
    yield context
    context.close()


def ready(page):
    """Open the app and wait until it could also be opened without a signal."""
    page.goto("/m/")
    page.wait_for_selector("html[data-offline=ready]")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    return page


def photo(longest=2400, position=None, taken="2026:03:05 08:15:00"):
    """A JPEG as a camera writes it, with time and, if given, WGS-84 position in EXIF."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    exif.get_ifd(0x8769)[0x9011] = "+08:00"
    if position:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[3] = "N", "E"
        for tag, value in ((2, position[1]), (4, position[0])):
            degrees, rest = divmod(value, 1)
            minutes, rest = divmod(rest * 60, 1)
            gps[tag] = tuple(
                TiffImagePlugin.IFDRational(round(part * 10000), 10000)
                for part in (degrees, minutes, rest * 60)
            )
    image = Image.effect_noise((longest, longest * 3 // 4), 60).convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, quality=88)
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def wait_sent(page, count=1):
    page.wait_for_selector(f".entry .badge.is-ontime >> nth={count - 1}", timeout=30000)


def test_three_taps_with_a_component(phone, lamp, worker, noise):
    lamp.owner_unit = factories.make_unit("市政管理处")
    lamp.save()
    page = phone.new_page()
    said = noise(page)
    ready(page)
    page.tap("a.button.main.big")
    page.tap(f'button.component[data-code="{lamp.code}"]')
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".sent-head.done")
    case = Case.objects.get()
    assert (case.component, case.type, case.reporter) == (lamp, lamp.type, worker)
    assert case.geom.equals_exact(lamp.geom, 1e-7)
    assert (case.position_source, case.raw_crs, case.source) == ("component", "wgs84", "worker")
    assert case.number in page.inner_text(".sent-head")
    # Where it went, and why there.
    page.tap("a.button:has-text('查看案件')")
    page.wait_for_selector("ol.happened")
    with override("zh-hans"):
        assert dispatch.explain(case.decision) in page.inner_text("ol.happened")
    assert said == []


def test_report_online_with_photos_that_keep_time_and_place(phone, lamp):
    page = ready(phone.new_page())
    page.goto("/m/report")
    page.set_input_files("#camera", photo(position=(HERE.x + 0.0002, HERE.y)))
    page.wait_for_selector(".step .photo")
    page.set_input_files("#gallery", [photo(800)])
    page.wait_for_selector(".step .photo >> nth=1")
    page.get_by_role("button", name=re.compile("照片的位置|The photo's place")).tap()
    page.fill("#type-search", "ssjg")
    page.tap(".picker .chip >> nth=0")
    page.fill("#words", "井盖翘起")
    page.tap(".send-bar .button.main")
    wait_sent(page)
    case = Case.objects.get()
    assert (case.description, case.position_source, case.type) == ("井盖翘起", "exif", lamp.type)
    assert abs(case.geom.x - (HERE.x + 0.0002)) < 1e-6
    first, second = Attachment.objects.order_by("pk")
    # Shrunk on the phone, yet the camera's own record is still in it.
    assert max(first.width, first.height) == 1600
    assert abs(first.exif_position.x - (HERE.x + 0.0002)) < 1e-6
    assert first.taken_at.isoformat() == "2026-03-05T00:15:00+00:00"
    assert second.width == 800
    assert case.case_attachments.count() == 2
    assert re.search(r"2.{1,6}2", page.inner_text(".receipts"))
    # Next time it is among the recent ones.
    page.goto("/m/report")
    expect(page.locator(".picker .chips").first).to_contain_text("上水井盖")


def test_offline_report_survives_a_killed_tab_and_arrives_once(phone, lamp):
    page = ready(phone.new_page())
    phone.set_offline(True)
    page.goto("/m/report")
    page.set_input_files("#gallery", [photo(900), photo(1000), photo(1100)])
    page.wait_for_selector(".step .photo >> nth=2")
    page.tap(f'button.component[data-code="{lamp.code}"]')
    # Killed before sending: the draft is there again.
    page.wait_for_timeout(300)
    page.close()
    page = phone.new_page()
    page.goto("/m/report")
    page.wait_for_selector(".step .photo >> nth=2")
    page.fill("#words", "没有信号时上报")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".entry .badge.is-waiting")
    # Killed after sending, without a signal all the while.
    page.close()
    assert Case.objects.count() == 0
    page = phone.new_page()
    page.goto("/m/")
    page.wait_for_selector(".signal.has-waiting")
    phone.set_offline(False)
    page.goto("/m/outbox")
    wait_sent(page)
    case = Case.objects.get()
    assert (case.description, case.component) == ("没有信号时上报", lamp)
    assert case.case_attachments.count() == 3 and Attachment.objects.count() == 3
    assert re.search(r"3.{1,6}3", page.inner_text(".receipts"))
    # Another round finds nothing to send.
    page.reload()
    page.wait_for_timeout(1000)
    assert Case.objects.count() == 1


def test_an_answer_that_is_lost_makes_no_second_case(chromium, live_server, log_in, worker, lamp):
    # Requests of a page under a service worker cannot be tampered with from here.
    context = chromium.new_context(**PHONE, base_url=live_server.url, service_workers="block")
    log_in(context, worker, live_server)
    page = context.new_page()
    lost = []

    def lose(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            return route.abort()
        return route.continue_()

    page.route("**/api/cases/", lose)
    page.goto(f"/m/report?component={lamp.code}")
    page.wait_for_selector(".send-bar .button.main[aria-disabled=false]")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".entry .warn")
    assert lost == [201] and Case.objects.count() == 1
    page.goto("/m/outbox")
    wait_sent(page)
    assert Case.objects.count() == 1
    context.close()


def test_check_in_waits_and_keeps_its_time(phone, worker):
    page = ready(phone.new_page())
    page.get_by_role("button", name=re.compile("上班|Start shift")).tap()
    page.wait_for_selector(".shift .badge.is-ontime")
    page.wait_for_selector(".outbox-state:not(.waiting)")
    assert Shift.objects.filter(punched_out_at=None).count() == 1
    phone.set_offline(True)
    page.tap("a.button.check")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".result .badge.is-waiting")
    assert not CheckIn.objects.filter(kind="patrol").exists()
    phone.set_offline(False)
    page.wait_for_selector(".result .badge.is-ontime", timeout=30000)
    mark = CheckIn.objects.get(kind="patrol")
    assert (mark.result, mark.target_code, mark.accuracy_m) == ("inside", "990101001001001", 8)
    assert mark.device_at < mark.created_at


def test_a_shift_begun_is_known_though_the_signal_goes_at_once(phone, worker):
    page = ready(phone.new_page())
    phone.route("**/api/me/", lambda route: route.abort())
    page.get_by_role("button", name=re.compile("上班|Start shift")).tap()
    page.wait_for_selector(".shift .badge.is-ontime")
    page.wait_for_selector(".outbox-state:not(.waiting)")
    phone.set_offline(True)
    page.tap("a.button.check")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".result .badge.is-waiting")


def test_expired_session_keeps_everything_and_goes_on_after_signing_in(
    phone, lamp, worker, live_server, log_in
):
    page = ready(phone.new_page())
    phone.clear_cookies()
    page.goto(f"/m/report?component={lamp.code}")
    page.tap(".send-bar .button.main")
    page.wait_for_selector("#notices .banner[role=alert]")
    assert Case.objects.count() == 0
    assert "/login/" in page.get_attribute("#notices .banner a", "href")
    log_in(phone, worker, live_server)
    page.goto("/m/outbox")
    wait_sent(page)
    assert Case.objects.get().reporter == worker


def test_somebody_else_neither_sees_nor_sends_what_waits(phone, lamp, live_server, log_in):
    page = ready(phone.new_page())
    phone.set_offline(True)
    page.goto(f"/m/report?component={lamp.code}")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".entry .badge.is-waiting")
    other = factories.make_user("网格员乙", role="grid_worker")
    factories.make_worker(other, grid="990101001001002")
    page.close()
    log_in(phone, other, live_server)
    phone.set_offline(False)
    page = phone.new_page()
    page.goto("/m/outbox")
    page.wait_for_selector("#notices .banner")
    page.wait_for_timeout(1500)
    assert page.locator(".entry").count() == 0
    assert Case.objects.count() == 0


def test_refused_report_says_why_and_is_sent_after_correction(phone, lamp):
    page = ready(phone.new_page())
    phone.set_geolocation({"longitude": 83.0, "latitude": 39.0, "accuracy": 8})
    page.goto("/m/report")
    page.wait_for_selector(".where .warn")
    page.fill("#words", "在城外")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".entry .badge.is-overdue")
    assert page.locator(".entry .warn").inner_text().strip()
    phone.set_geolocation({"longitude": HERE.x, "latitude": HERE.y, "accuracy": 8})
    page.get_by_role("button", name=re.compile("修改|Change")).tap()
    page.wait_for_selector(".report")
    assert page.input_value("#words") == "在城外"
    page.wait_for_selector(f'button.component[data-code="{lamp.code}"]')
    page.tap(f'button.component[data-code="{lamp.code}"]')
    page.tap(".send-bar .button.main")
    wait_sent(page)
    assert Case.objects.get().description == "在城外"


def test_the_same_problem_is_added_to(phone, lamp):
    known = factories.make_case(lamp.geom, type=lamp.type, component=lamp, state="accepted")
    page = ready(phone.new_page())
    page.goto(f"/m/report?component={lamp.code}")
    page.fill("#words", "更严重了")
    page.wait_for_selector(".duplicates .found li")
    page.tap(".duplicates .found .button")
    page.tap(".send-bar .button.main")
    wait_sent(page)
    assert Case.objects.get() == known
    line = Transition.objects.get(case=known)
    assert (line.action, line.reason) == ("supplement", "更严重了")


def test_verify_on_the_spot(phone, worker):
    # Where somebody stood is kept only from punch-in to punch-out.
    factories.make_shift(worker.worker)
    case = factories.make_case(HERE, state="verifying_before", verifier=worker)
    page = ready(phone.new_page())
    page.tap(f'.tasks a[href="/m/task/{case.number}"]')
    page.get_by_role("button", name=re.compile("属实|It is so")).first.tap()
    page.set_input_files("input[data-role=evidence]", photo(900))
    page.wait_for_selector("dialog .photo")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".actions", state="detached")
    case.refresh_from_db()
    assert case.state == "accepted"
    line = case.transitions.get(action="verify_true")
    assert line.position is not None and case.case_attachments.get().phase == "verify"


def test_logging_out_forgets_what_was_copied(phone, lamp):
    page = ready(phone.new_page())
    page.goto("/m/me")
    page.get_by_role("button", name=re.compile("退出|Log out")).tap()
    page.wait_for_url("**/login/**")
    rows = page.evaluate(
        """async () => {
            const open = indexedDB.open("wangge-phone");
            const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
            const all = db.transaction("cache").objectStore("cache").getAll();
            const rows = await new Promise((done) => { all.onsuccess = () => done(all.result); });
            db.close();
            const names = (await caches.keys()).filter((name) => name.startsWith("wangge-data"));
            return [rows.length, names.length];
        }"""
    )
    assert rows == [0, 0]


def test_a_recording_instead_of_words(phone, lamp):
    phone.grant_permissions(["geolocation", "microphone"])
    page = ready(phone.new_page())
    page.goto(f"/m/report?component={lamp.code}")
    page.wait_for_selector(".send-bar .button.main[aria-disabled=false]")
    page.tap(".voice .button")
    page.wait_for_timeout(1200)
    page.tap(".voice .recording")
    page.wait_for_selector(".voice audio")
    page.tap(".send-bar .button.main")
    wait_sent(page)
    case = Case.objects.get()
    assert case.case_attachments.get().attachment.media_type.startswith("audio/")


SCREENS = ("", "report", "map", "messages", "me", "outbox", "check-in")


def test_every_screen_has_targets_for_a_thumb_and_names_for_a_reader(phone, lamp, worker):
    factories.make_case(HERE, state="verifying_before", verifier=worker)
    page = ready(phone.new_page())
    wrong = {}
    for screen in SCREENS:
        page.goto(f"/m/{screen}")
        page.wait_for_timeout(1200)
        small = page.evaluate(
            """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
                .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .map-foot"))
                .map((one) => [one, (one.type === "checkbox" || one.type === "radio") && one.closest("label")
                    || one])
                .map(([one, target]) => [one.outerHTML.slice(0, 90), target.getBoundingClientRect()])
                .filter(([, box]) => box.height && (box.height < 43.5 || box.width < 43.5))
                .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""
        )
        # Links inside a line of text (telephone numbers) are as high as the line.
        small = [one for one in small if "tel:" not in one and "map-notice" not in one]
        faults = axe.check(page)
        if small or faults:
            wrong[screen] = small + faults
    assert wrong == {}


def test_each_photo_has_a_receipt_and_none_goes_twice(chromium, live_server, log_in, worker, lamp):
    context = chromium.new_context(**PHONE, base_url=live_server.url, service_workers="block")
    log_in(context, worker, live_server)
    page = context.new_page()
    posted = []

    def drop_second(route):
        posted.append(1)
        return route.abort() if len(posted) == 2 else route.continue_()

    page.route("**/api/attachments/", drop_second)
    page.goto(f"/m/report?component={lamp.code}")
    page.set_input_files("#gallery", [photo(700), photo(800)])
    page.wait_for_selector(".step .photo >> nth=1")
    page.wait_for_selector(".send-bar .button.main[aria-disabled=false]")
    page.tap(".send-bar .button.main")
    page.wait_for_selector(".entry .warn")
    assert re.search(r"1.{1,6}2", page.inner_text(".receipts"))
    wait_sent(page)
    assert len(posted) == 3 and Attachment.objects.count() == 2
    assert Case.objects.get().case_attachments.count() == 2
    context.close()


@pytest.fixture
def crew(chromium, live_server, log_in, city):
    """A department's phone, and a case dispatched to it."""
    unit = factories.make_unit("排水管理处")
    user = factories.make_user("处置员", role="department", unit=unit)
    case = factories.make_case(HERE, state="dispatched", holder_unit=unit, handle_due_at=None)
    context = chromium.new_context(
        **PHONE,
        geolocation={"longitude": HERE.x, "latitude": HERE.y, "accuracy": 8},
        permissions=["geolocation"],
        base_url=live_server.url,
    )
    context.set_default_timeout(15000)
    log_in(context, user, live_server)
    yield context, case
    context.close()


def test_handled_with_photo_without_a_signal(crew):
    context, case = crew
    page = ready(context.new_page())
    page.tap(f'.tasks a[href="/m/task/{case.number}"]')
    page.tap(".actions .button.main")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".happened li")
    context.set_offline(True)
    page.tap(".actions .button.main")
    page.set_input_files("input[data-role=evidence]", photo(900))
    page.wait_for_selector("dialog .photo")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".waiting-actions a")
    case.refresh_from_db()
    assert case.state == "handling"
    context.set_offline(False)
    page.wait_for_selector(".waiting-actions a", state="detached", timeout=30000)
    case.refresh_from_db()
    assert case.state == "verifying_after"
    assert case.case_attachments.get().phase == "handle"


def test_somebody_was_faster(crew):
    context, case = crew
    page = ready(context.new_page())
    page.tap(f'.tasks a[href="/m/task/{case.number}"]')
    page.wait_for_selector(".actions .button.main")
    context.set_offline(True)
    page.tap(".actions .button.main")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".waiting-actions a")
    dispatcher = factories.make_user(role="dispatcher", area="9901")
    act(case.number, "return_back", dispatcher, Given(reason="类别有误"))
    context.set_offline(False)
    page.goto("/m/outbox")
    page.wait_for_selector(".entry .badge.is-overdue")
    assert dispatcher.name in page.inner_text(".entry .warn")
    page.tap(".entry .button.danger")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".entry", state="detached")


@pytest.fixture
def desk(chromium, live_server, log_in, city):
    """``desk(role)``: a page of the phone app of somebody who works at a desk."""
    contexts = []

    def open_for(role, area="9901"):
        context = chromium.new_context(**PHONE, base_url=live_server.url)
        context.set_default_timeout(15000)
        contexts.append(context)
        log_in(context, factories.make_user(role, role=role, area=area), live_server)
        return ready(context.new_page())

    yield open_for
    for context in contexts:
        context.close()


def test_a_desk_s_people_have_their_work_on_the_phone(desk, monkeypatch):
    now = timezone.now()
    letter = factories.make_case(HERE, flow="letter", state="at_community", due_at=now)
    later = factories.make_case(HERE, flow="letter", state="at_community", due_at=now + timedelta(days=1))
    factories.make_case(factories.at(2.5, 1.5), flow="letter", state="at_community", due_at=now)
    monkeypatch.setattr("cases.api.me.MOST_TASKS", 1)
    page = desk("community_desk", "990101001001")
    expect(page.locator(".tasks a.task")).to_have_count(1)
    expect(page.locator(".list-head h2")).to_contain_text("2")
    expect(page.locator(".tasks .as-of a")).to_have_attribute("href", "/?view=mine")
    page.tap(f'.tasks a[href="/m/task/{letter.number}"]')
    page.tap(".actions button.main")
    page.fill("dialog #reason", "已更换灯泡")
    page.tap("dialog .dialog-foot .button.main")
    page.wait_for_selector(".actions", state="detached")
    letter.refresh_from_db()
    assert letter.state == "checking"
    page.tap(".top .back")
    page.wait_for_selector(f'.tasks a[href="/m/task/{later.number}"]')
    expect(page.locator(".list-head h2")).to_contain_text("1")


def test_desk_work_is_refused_in_words_and_done_once(desk):
    letter = factories.make_case(HERE, flow="letter", state="at_community", due_at=timezone.now())
    first = desk("community_desk", "990101001001")
    second = first.context.new_page()
    for page in (first, second):
        page.goto(f"/m/task/{letter.number}")
        page.tap(".actions button.main")
        page.fill("dialog #reason", "已更换" + "灯" * 498)
        page.tap("dialog .dialog-foot .button.main")
        # Not cut: what was typed stays, and the number is told.
        expect(page.locator("dialog .warn")).to_contain_text("501")
        assert len(page.input_value("dialog #reason")) == 501
        page.fill("dialog #reason", "已更换灯泡")
    # It arrives, but no answer comes back: it is sent again under its key.
    arrived = []

    def lose(route):
        if route.request.method == "POST" and not arrived:
            arrived.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    first.context.route(f"**/api/cases/{letter.number}/**", lose)
    first.tap("dialog .dialog-foot .button.main")
    for _moment in range(100):
        if any(arrived):
            break
        first.wait_for_timeout(100)
    second.tap("dialog .dialog-foot .button.main")
    with override("zh-hans"):
        expect(second.locator(".toast")).to_contain_text("已提交过")
    first.goto("/m/outbox")
    wait_sent(first)
    expect(first.locator(".outbox .entry")).to_have_count(1)
    assert arrived == [200]
    assert Transition.objects.filter(case=letter, action="handle").count() == 1


# The test's own stream of events: ``tell("cases")`` is an event of that layer.
STREAM = """
window.EventSource = class { constructor() { window.stream = this; } close() {} };
window.tell = (layer) => window.stream.onmessage({ data: JSON.stringify({ layer }), lastEventId: "" });
"""


def test_a_long_list_is_not_fetched_with_each_case_of_the_city(chromium, live_server, log_in, city):
    factories.make_case(HERE, state="accepted")
    context = chromium.new_context(**PHONE, base_url=live_server.url, service_workers="block")
    context.set_default_timeout(15000)
    context.add_init_script(STREAM)
    log_in(context, factories.make_user(role="acceptor", area="9901"), live_server)
    lengths = [60, 61, 62, 63, 3, 4]  # of the list, one after the other as it is fetched
    fetched = []

    def answer(route):
        fetched.append(lengths[len(fetched)])
        told = route.fetch().json()
        told["results"] = [told["results"][0] | {"number": f"A{n}"} for n in range(fetched[-1])]
        route.fulfill(json=told)

    context.route("**/api/me/tasks", answer)
    page = context.new_page()
    page.goto("/m/")
    rows = page.locator(".tasks a.task")
    expect(rows).to_have_count(60)
    page.wait_for_function("() => window.stream")
    page.clock.install()
    page.clock.pause_at(timezone.now() + timedelta(minutes=1))

    def after(seconds, *layers, comes=None):
        """Events, and so much time; with ``comes`` the list has that many rows then."""
        for layer in layers:
            page.evaluate("(layer) => tell(layer)", layer)
        if comes is None:
            page.clock.run_for(int(seconds * 1000))
            return
        # Messages are asked for after the list; what is on its way would be given up as the clock runs.
        with page.expect_request_finished(lambda request: "/messages" in request.url):
            page.clock.run_for(int(seconds * 1000))
        expect(rows).to_have_count(comes)

    after(1.4, "tasks")
    assert len(fetched) == 1
    after(0.2, comes=61)  # what is told to me alone comes after a moment
    after(10, "cases", "cases")
    after(9.8, "cases")
    after(0.3, comes=62)  # twenty seconds since the last time, and once for all three
    after(1, "cases", "tasks", "cases")
    after(0.6, "cases", comes=63)  # the cases that go on and on put off nothing
    after(1.6, "tasks", comes=3)
    after(1.6, "cases", comes=4)  # a short list is fetched at once
    assert fetched == lengths
    context.close()


def test_what_the_phone_has_no_field_for_goes_on_in_the_full_view(desk, noise):
    unit = factories.make_unit("排水管理处")
    untyped = factories.make_case(HERE, state="accepted", type=None)
    whole = factories.make_case(HERE, state="verified", holder_unit=unit)
    factories.make_case(HERE, state="dispatched", holder_unit=unit, parent=whole)
    page = desk("acceptor")
    said = noise(page)
    page.goto(f"/m/task/{untyped.number}")
    way = page.locator(".actions .button.main")
    way.wait_for()
    assert axe.check(page) == []
    # Without a signal it does not pretend to lead anywhere.
    page.context.set_offline(True)
    page.wait_for_selector('.actions .button.main[aria-disabled="true"]')
    assert way.get_attribute("href") is None and page.locator(".actions .hint").inner_text()
    page.context.set_offline(False)
    page.tap(".actions a.button.main")
    page.wait_for_url(f"**/cases/{untyped.number}/page/#now")
    page.wait_for_selector("#now .do-now .button >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # What stands against the step is said, with the way to the page where more can be done.
    page.goto(f"/m/task/{whole.number}")
    with override("zh-hans"):
        expect(page.locator(".actions .banner")).to_have_text(guards.why("parts_done"))
    page.tap(f'.actions a[href="/cases/{whole.number}/page/#now"] >> nth=-1')
    page.wait_for_selector("#now")
    assert said == []


def test_place_on_a_border_is_said_and_corrected_on_the_map(phone, worker):
    border = factories.at(0.4999, 0.25)  # a metre west of the line between two grids
    phone.set_geolocation({"longitude": border.x, "latitude": border.y, "accuracy": 12})
    page = ready(phone.new_page())
    page.goto("/m/report")
    assert "002" in page.wait_for_selector(".where .warn").inner_text()
    page.get_by_role("button", name=re.compile("地图选点|Set on the map")).tap()
    page.wait_for_selector("dialog.full .map canvas")
    page.wait_for_timeout(500)
    box = page.locator("dialog.full .map").bounding_box()
    # A tap brings that place under the pin; the arrow keys would, too.
    page.touchscreen.tap(box["x"] + box["width"] / 2 - 100, box["y"] + box["height"] / 2)
    page.wait_for_timeout(900)
    page.tap("dialog.full .button.main")
    page.wait_for_selector(".where .warn", state="detached")
    page.fill("#words", "校正过的位置")
    page.tap(".send-bar .button.main")
    wait_sent(page)
    case = Case.objects.get()
    assert case.position_source == "map" and case.accuracy_m is None
    assert 10 < (border.x - case.geom.x) * 85700 < 80  # metres at this latitude
    assert abs(case.geom.y - border.y) < 1e-5
