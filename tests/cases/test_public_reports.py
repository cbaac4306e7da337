"""Reporting without an account: photo, place, kind; once; with limits, traps and blocks."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, PublicBlock, PublicReport, ReporterContact, Transition
from cases.public import codes, limits
from cases.public.desk import actions as desk
from geo import attachments
from geo.models import Attachment
from geo.problems import Problem
from tests.cases import people
from tests.cases.public_site import HERE, PHONE, done, form, picture, report, resident, send, topic
from tests.factories import at, make_case, make_component, make_type, make_user

pytestmark = pytest.mark.django_db


def test_a_report_becomes_a_case_that_waits_to_be_accepted(city):
    browser = resident()
    number, secret = report(browser, address="东门口", name="李女士", phone=PHONE)
    case = Case.objects.get(number=number)
    assert (case.source, case.state, case.reporter_id) == ("public", "reported", None)
    assert case.type == topic().type and case.description == "路灯不亮" and case.address == "东门口"
    assert case.grid.code == "990101001001001" and case.position_source == "map"
    kept = PublicReport.objects.get(case=case)
    assert secret not in (kept.secret_hash, kept.contact_hash) and PHONE not in kept.contact_hash
    assert ReporterContact.objects.get(case=case).phone == PHONE
    assert [line.action for line in case.transitions.all()] == ["report"]


def test_the_same_form_twice_is_one_report_with_the_same_code(city):
    browser = resident()
    sent = form()
    first = browser.post("/public/report/", sent)
    second = browser.post("/public/report/", sent)
    assert first.status_code == second.status_code == 302
    assert done(browser, first.url) == done(browser, second.url)
    assert Case.objects.count() == PublicReport.objects.count() == 1


def test_the_code_is_shown_once_and_not_to_somebody_else(city):
    browser = resident()
    answer = send(browser).json()["next"]
    assert resident("192.0.2.99").get("/public/report/done/").status_code == 302
    forged = resident("192.0.2.99").get("/public/report/done/", {"k": answer.split("k=")[1][:-4] + "AAAA"})
    assert forged.status_code == 302


def test_a_photo_goes_ahead_and_places_the_pin(city):
    browser = resident()
    answer = browser.post("/public/report/photos/", {"file": picture((HERE.x, HERE.y))})
    assert answer.status_code == 201
    told = answer.json()
    assert abs(told["lon"] - HERE.x) < 1e-5 and abs(told["lat"] - HERE.y) < 1e-5
    number, _secret = report(browser, photo=told["token"], lon="", lat="")
    case = Case.objects.get(number=number)
    assert case.position_source == "exif" and case.geom.distance(HERE) < 1e-5
    photo = case.case_attachments.get().attachment
    assert photo.owner_id is None and photo.review == "pending" and not photo.public
    shown = photo.shown.open("rb").read()
    assert b"SecretPhoneMaker" not in shown and b"Exif" not in shown
    assert b"SecretPhoneMaker" in photo.original.open("rb").read()


def test_a_photo_belongs_to_one_report_and_to_who_sent_it(city):
    browser = resident()
    token = browser.post("/public/report/photos/", {"file": picture()}).json()["token"]
    report(browser, photo=token)
    again = send(browser, photo=token)
    assert again.status_code == 422 and "photos" in again.json()["errors"][0]["pointer"]
    # Somebody's account photo cannot be taken by its uuid, nor by a token of another making.
    own = Attachment.objects.create(owner=make_user(), media_type="image/jpeg", sha256="0" * 64, size=1)
    report(browser, photo=codes.token("photo", str(own.uuid)))
    report(browser, photo=str(own.uuid))
    assert not own.case_attachments.exists()


def test_without_scripts_the_form_carries_the_photo_itself(city):
    browser = resident()
    answer = browser.post("/public/report/", form(lon="", lat="", photos=picture((HERE.x, HERE.y))))
    assert answer.status_code == 302
    number, _secret = done(browser, answer.url)
    assert Case.objects.get(number=number).case_attachments.count() == 1


def test_what_is_no_photo_is_refused(city):
    file = picture()
    file.seek(0)
    broken = type(file)(b"%PDF-1.7 no picture at all")
    broken.name = "x.jpg"
    answer = resident().post(
        "/public/report/photos/", {"file": broken}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 422


def test_what_is_missing_is_named_and_nothing_is_lost(city):
    browser = resident()
    long = browser.post("/public/report/", form(address="东" * 201, name="李" * 61))
    assert long.status_code == 422 and "201" in long.content.decode() and not Case.objects.exists()
    page = browser.post("/public/report/", form(topic="", description="", lon="", lat="", address="东门"))
    assert page.status_code == 422
    assert {"topic", "description", "lon"} <= set(page.context["errors"])
    assert 'value="东门"' in page.content.decode()
    assert not Case.objects.exists()


def test_outside_the_city_is_told_with_how_far(city):
    answer = send(resident(), place=at(9, 9))
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/lon"


def test_positions_in_other_systems_are_converted_at_the_door(city):
    from geo.coordinates import from_wgs84

    lon, lat = from_wgs84(HERE.x, HERE.y, "gcj02")
    number, _secret = report(resident(), lon=str(lon), lat=str(lat), crs="gcj02")
    case = Case.objects.get(number=number)
    assert case.geom.distance(HERE) < 2e-6 and case.raw_crs == "gcj02" and abs(case.raw_lon - lon) < 1e-9


# --- Somebody saw it before -------------------------------------------------------------------------


def test_a_problem_that_is_there_already_is_shown_first(city):
    known = make_case(HERE, type=topic().type, state="dispatched", holder_unit=people.make_unit())
    answer = send(resident(), near="")
    told = answer.json()["near"]
    assert [one["number"] for one in told] == [known.number]
    assert "description" in told[0] and known.description == "" and not Case.objects.exclude(pk=known.pk)
    # And beforehand, without the position standing in an address.
    near = resident().post("/public/report/near/", {"lon": HERE.x, "lat": HERE.y, "topic": topic().pk})
    assert [one["number"] for one in near.json()["near"]] == [known.number]


def test_me_too_adds_words_photo_and_an_own_code(city):
    first, second = resident(), resident("192.0.2.11")
    number, secret = report(first, description="路灯不亮")
    token = second.post("/public/report/photos/", {"file": picture(colour="#aa3322")}).json()["token"]
    sent = form(same=number, description="昨晚也不亮", photo=token)
    answer = second.post("/public/report/", sent, headers={"accept": "application/json"}).json()
    again = second.post("/public/report/", sent, headers={"accept": "application/json"}).json()
    same, other = done(second, answer["next"])
    assert (same, other) == done(second, again["next"]) and same == number and other != secret
    assert Case.objects.count() == 1 and PublicReport.objects.count() == 2
    line = Transition.objects.get(action="supplement")
    assert line.reason == "昨晚也不亮" and line.actor_id is None
    assert Case.objects.get().case_attachments.get().transition_id == line.pk
    # Neither reads the other's words.
    page = first.get(f"/public/track/{number}/").content.decode()
    assert "昨晚也不亮" not in page


def test_me_too_is_for_what_is_public_and_open(city):
    letter = make_case(HERE, type=topic().type, state="reported")
    Case.objects.filter(pk=letter.pk).update(flow="letter")
    closed = make_case(HERE, type=topic().type, state="closed")
    assert send(resident(), same=letter.number).status_code == 404
    assert send(resident(), same=closed.number).status_code == 409


# --- Plates -----------------------------------------------------------------------------------------


def test_a_plate_fills_in_kind_and_place_without_telling_the_place(city):
    kind = make_type(type_code="37", name="路灯")
    lamp = make_component(HERE, type=kind, name="内部名称", owner_unit=people.make_unit("路灯所"))
    browser = resident()
    page = browser.get(f"/public/c/{lamp.code}/").content.decode()
    assert "路灯" in page and lamp.code in page
    assert "内部名称" not in page and "83.9" not in page and "路灯所" not in page
    answer = browser.post(
        f"/public/c/{lamp.code}/",
        {"client_key": str(uuid.uuid4()), "description": "不亮", "near": "1"},
        headers={"accept": "application/json"},
    )
    number, _secret = done(browser, answer.json()["next"])
    case = Case.objects.get(number=number)
    assert case.component == lamp and case.type == kind and case.position_source == "component"
    assert browser.get("/public/c/9999999999999999/").status_code == 404


# --- Abuse ------------------------------------------------------------------------------------------


def test_a_program_that_fills_in_every_field_gets_nothing(city):
    answer = resident().post("/public/report/", form(**{limits.HONEYPOT: "http://x"}))
    assert answer.status_code == 302 and not Case.objects.exists()


def test_after_some_reports_from_an_address_a_question_is_asked_then_no_more_taken(city, monkeypatch):
    browser = resident()
    for _number in range(limits.REPORT_HERE.ask):
        report(browser)
    refused = send(browser)
    assert refused.status_code == 422 and refused.json()["type"].endswith("/captcha")
    browser.get("/public/captcha/?words")
    answer = browser.session["captcha"]["answer"]
    report(browser, captcha=answer)
    assert send(browser, captcha=answer).status_code == 422  # it counts once
    monkeypatch.setattr(
        limits, "REPORT_HERE", limits.Limit("report.address", limits.REPORT_HERE.ask + 1, 3600)
    )
    late = send(browser)
    assert late.status_code == 429 and int(late["Retry-After"]) > 0
    assert Case.objects.count() == limits.REPORT_HERE.most
    report(resident("192.0.2.77"))  # others are not concerned


def test_uploads_and_numbers_have_limits_of_their_own(city, monkeypatch):
    monkeypatch.setattr(limits, "UPLOAD", limits.Limit("upload.address", 2, 3600))
    browser = resident()
    assert [browser.post("/public/report/photos/", {"file": picture()}).status_code for _ in range(3)] == [
        201,
        201,
        429,
    ]
    monkeypatch.setattr(limits, "REPORT_CONTACT", limits.Limit("report.contact", 1, 86400))
    report(resident("192.0.2.20"), phone=PHONE)
    assert send(resident("192.0.2.21"), phone="138-0013 8000").status_code == 429


def test_a_blocked_number_hears_why_until_when_and_may_appeal(city):
    trades = people.make_people()
    number, _secret = report(resident(), phone=PHONE)
    with pytest.raises(Problem) as refused:
        desk.block(trades.acceptor, number, "spam", "广告", 7)
    assert refused.value.status == 403
    with pytest.raises(Problem):
        desk.block(trades.lead, number, "spam", "广" * 301, 7)
    block = desk.block(trades.lead, number, "spam", "连续广告", 7)
    assert PHONE not in str(PublicBlock.objects.values().get())
    browser = resident("192.0.2.30")
    answer = send(browser, phone=PHONE)
    told = answer.json()
    assert answer.status_code == 403 and "广告" in told["detail"]
    assert str(timezone.localtime(block.expires_at).date()) in told["detail"]
    page = browser.get(told["next"])
    assert page.status_code == 200
    token = told["next"].split("k=")[1]
    assert browser.post("/public/report/appeal/", {"k": token, "appeal": "不是我发的"}).status_code == 200
    block.refresh_from_db()
    assert block.appeal == "不是我发的" and block.appealed_at
    # Who blocked does not judge the appeal against it.
    with pytest.raises(Problem):
        desk.settle(trades.lead, block.pk, "维持", lift=False)
    other = make_user(role="shift_lead", area="9901")
    desk.settle(other, block.pk, "误判", lift=True)
    report(browser, phone=PHONE)
    report(resident("192.0.2.31"))  # without a number nobody is known


def test_the_operator_says_whether_a_number_is_asked_and_proved(city, settings, monkeypatch):
    sent = []
    monkeypatch.setattr("cases.public.telling._send", lambda *given, **more: sent.append(given))
    settings.PUBLIC_PHONE = "none"
    assert "id_phone" not in resident().get("/public/report/").content.decode()
    number, _secret = report(resident(), phone=PHONE)
    assert not ReporterContact.objects.filter(case__number=number).exists()
    settings.PUBLIC_PHONE = "code"
    browser = resident("192.0.2.40")
    assert send(browser, phone=PHONE).status_code == 422
    assert browser.post("/public/report/code/", {"phone": PHONE}).status_code == 200
    channel, address, _template, context, _language = sent[-1]
    assert (channel, address) == ("sms", PHONE) and len(context["code"]) == 6
    wrong = "000000" if context["code"] != "000000" else "111111"
    assert send(browser, phone=PHONE, code=wrong).status_code == 422
    number, _secret = report(browser, phone=PHONE, code=context["code"])
    assert ReporterContact.objects.get(case__number=number).phone == PHONE
    assert send(browser, phone=PHONE, code=context["code"]).status_code == 422  # used up


def test_a_code_is_void_after_five_wrong_ones(city, settings, monkeypatch):
    from cases.public import actions

    sent = []
    monkeypatch.setattr("cases.public.telling._send", lambda *given, **more: sent.append(given))
    settings.PUBLIC_PHONE = "code"
    actions.send_code("sms", PHONE)
    right = sent[0][3]["code"]
    wrong = "123456" if right != "123456" else "654321"
    assert not any(actions.prove(PHONE, wrong) for _try in range(5))
    assert not actions.prove(PHONE, right)


def test_nobody_sees_a_photo_before_it_was_looked_at(city):
    trades = people.make_people()
    browser = resident()
    token = browser.post("/public/report/photos/", {"file": picture((HERE.x, HERE.y))}).json()["token"]
    number, _secret = report(browser, photo=token)
    photo = Case.objects.get(number=number).case_attachments.get().attachment
    for kind in ("public", "shown", "thumbnail", "original"):
        url = reverse("attachment-file", args=[photo.uuid, kind])
        assert browser.get(url).status_code in (401, 403, 404), kind
    page = browser.get(f"/public/track/{number}/").content.decode()
    assert str(photo.uuid) not in page and "尚未审看" in page
    attachments.review(trades.acceptor, photo, True, [(0, 0, 0.5, 0.5)])
    assert str(photo.uuid) in browser.get(f"/public/track/{number}/").content.decode()
    public = b"".join(browser.get(reverse("attachment-file", args=[photo.uuid, "public"])).streaming_content)
    assert public[:2] == b"\xff\xd8" and b"SecretPhoneMaker" not in public
