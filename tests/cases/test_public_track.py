"""Following a report: only with its secret, in public words; answering, rating, withdrawing."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from cases import actions as engine
from cases.actions import Given
from cases.models import (
    Case,
    PublicContact,
    PublicQuestion,
    PublicReport,
    Rating,
    ReporterContact,
)
from cases.public import actions, codes, limits
from cases.public.desk import actions as desk
from geo.models import Message
from geo.problems import Problem
from tests.cases import people
from tests.cases.public_site import PHONE, report, resident, topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def trades(city):
    return people.make_people()


def track(browser, number, secret, **more):
    return browser.post("/public/track/", {"number": number, "secret": secret, **more})


def to_unit(trades, number) -> Case:
    """Accepted, filed and sent to the unit by hand."""
    if Case.objects.get(number=number).state == "reported":
        engine.act(number, "accept", trades.acceptor)
    if Case.objects.get(number=number).state == "accepted":
        engine.act(number, "file_case", trades.acceptor, Given(type=topic().type))
    case = Case.objects.get(number=number)
    if case.state == "filed":
        case = engine.act(number, "dispatch", trades.dispatcher, Given(unit=trades.unit))
    return case


def closed(number) -> Case:
    Case.objects.filter(number=number).update(
        state="closed", phase="ended", closed_at=timezone.now(), due_at=None
    )
    return Case.objects.get(number=number)


def test_nobody_reads_a_report_without_its_code(city):
    number, secret = report(resident())
    stranger = resident("192.0.2.50")
    assert stranger.get(f"/public/track/{number}/").status_code == 302
    for what in ("rate", "answer", "withdraw", "tell"):
        assert stranger.post(f"/public/track/{number}/{what}/", {"words": "x"}).status_code == 404
    assert track(stranger, number, "AAAAAAAA").status_code == 403
    other, others = report(resident("192.0.2.51"), description="另一个")
    assert track(stranger, number, others).status_code == 403
    assert track(stranger, "A99010120200101000019", secret).status_code == 403
    answer = track(stranger, number.lower(), f"{secret[:4].lower()} {secret[4:]}", remember="1")
    assert answer.status_code == 302 and answer.url == f"/public/track/{number}/"
    assert "路灯不亮" not in stranger.get(answer.url).content.decode()  # one knows what one wrote
    assert stranger.get(f"/public/track/{other}/").status_code == 302


def test_the_link_opens_it_and_leaves_the_address(city):
    number, secret = report(resident())
    browser = resident("192.0.2.52")
    answer = browser.get(f"/public/t/{number}/{secret}/")
    assert answer.status_code == 302 and secret not in answer.url
    assert browser.get(answer.url).status_code == 200
    assert resident("192.0.2.53").get(f"/public/t/{number}/WRONGWRO/").status_code == 403


def test_guessing_is_slow(city, monkeypatch):
    number, secret = report(resident())
    guesser = resident("192.0.2.60")
    for _try in range(limits.TRACK_HERE.ask):
        assert track(guesser, number, "22222222").status_code == 403
    asked = track(guesser, number, secret)
    assert asked.status_code == 422 and asked.context["captcha"]  # even the right one waits for the question
    # From ever new addresses the number itself is shut for a while; its owner's browser is not concerned.
    for step in range(limits.TRACK_NUMBER.most):
        track(resident(f"198.51.100.{step}"), number, "22222222")
    assert track(resident("203.0.113.9"), number, secret).status_code == 429
    later = timezone.now() + timedelta(hours=1, minutes=1)
    monkeypatch.setattr("cases.public.limits.timezone.now", lambda: later)
    assert track(resident("203.0.113.9"), number, secret).status_code == 302


def test_the_story_is_told_in_public_words(trades):
    browser = resident()
    number, _secret = report(browser, name="王先生", phone=PHONE)
    page = browser.get(f"/public/track/{number}/").content.decode()
    assert "已收到您的上报" in page and "受理中心" in page and 'data-stage="received"' in page
    case = to_unit(trades, number)
    assert case.state == "dispatched"
    answer = browser.get(f"/public/track/{number}/")
    page = answer.content.decode()
    assert f"已派至{trades.unit.name}" in page and 'data-stage="in_hand"' in page
    assert timezone.localtime(case.handle_due_at).strftime("%Y-%m-%d") in page
    assert answer.context["by_when"] == case.handle_due_at
    for secret_word in ("acceptor", "dispatcher", "王先生", PHONE):
        assert secret_word not in page


def test_a_refusal_says_why_and_a_merged_report_goes_on_with_the_first(trades):
    browser = resident()
    refused, _secret = report(browser)
    engine.act(refused, "reject", trades.acceptor, Given(reason="不属于城市管理范围"))
    assert "不属于城市管理范围" in browser.get(f"/public/track/{refused}/").content.decode()
    first, _secret = report(resident("192.0.2.61"))
    second, _secret = report(browser)
    engine.act(first, "accept", trades.acceptor)
    engine.act(second, "merge", trades.acceptor, Given(duplicate_of=first))
    to_unit(trades, first)
    page = browser.get(f"/public/track/{second}/").content.decode()
    assert first in page and f"已派至{trades.unit.name}" in page and 'data-stage="in_hand"' in page


def test_the_desk_asks_and_the_reporter_answers(trades, client):
    browser = resident()
    number, _secret = report(browser)
    with pytest.raises(Problem) as refused:
        desk.ask(trades.department, number, "哪一盏？")
    assert refused.value.status in (403, 404)
    with pytest.raises(Problem):
        desk.ask(trades.other_dispatcher, number, "哪一盏？")
    client.force_login(trades.acceptor)
    box = client.post(f"/public-desk/cases/{number}/", {"question": "是哪一盏灯？"})
    assert box.status_code == 200 and "是哪一盏灯？" in box.content.decode()
    with pytest.raises(Problem):
        desk.ask(trades.acceptor, number, "第二个问题")
    assert "是哪一盏灯？" in browser.get(f"/public/track/{number}/").content.decode()
    assert browser.post(f"/public/track/{number}/answer/", {"answer": ""}).status_code == 422
    long = browser.post(f"/public/track/{number}/answer/", {"answer": "长" * 501})
    assert long.status_code == 422 and "501" in long.content.decode() and "长" * 501 in long.content.decode()
    assert browser.post(f"/public/track/{number}/answer/", {"answer": "东起第三盏"}).status_code == 302
    assert PublicQuestion.objects.get().answer == "东起第三盏"
    assert browser.post(f"/public/track/{number}/answer/", {"answer": "又来"}).status_code == 409
    assert "东起第三盏" in client.get(f"/public-desk/cases/{number}/").content.decode()


def test_rating_once_when_it_is_closed(trades):
    browser = resident()
    number, _secret = report(browser)
    said = {"stars": "4", "solved": "yes", "words": "很快"}
    assert browser.post(f"/public/track/{number}/rate/", said).status_code == 409
    closed(number)
    page = browser.get(f"/public/track/{number}/")
    assert page.context["may_rate"]
    assert browser.post(f"/public/track/{number}/rate/", {"stars": "9"}).status_code == 422
    assert browser.post(f"/public/track/{number}/rate/", {"stars": "4"}).status_code == 422
    assert browser.post(f"/public/track/{number}/rate/", {**said, "words": "长" * 501}).status_code == 422
    assert browser.post(f"/public/track/{number}/rate/", said).status_code == 302
    rating = Rating.objects.get()
    assert (rating.kind, rating.stars, rating.solved) == ("outer", 4, True)
    assert not browser.get(f"/public/track/{number}/").context["may_rate"]
    assert browser.post(f"/public/track/{number}/rate/", said).status_code == 409


def test_withdrawing_while_nobody_was_sent(trades):
    browser = resident()
    number, _secret = report(browser)
    assert browser.get(f"/public/track/{number}/").context["may_withdraw"]
    assert browser.post(f"/public/track/{number}/withdraw/", {"words": "已经修好"}).status_code == 302
    case = Case.objects.get(number=number)
    assert not case.is_open and case.transitions.last().action == "withdraw"
    second, _secret = report(browser)
    to_unit(trades, second)
    assert not browser.get(f"/public/track/{second}/").context["may_withdraw"]
    assert browser.post(f"/public/track/{second}/withdraw/", {"words": "x"}).status_code == 409


def test_being_told_after_a_code_came_back(trades, settings):
    call_command("load_code_tables", verbosity=0)
    browser = resident()
    number, _secret = report(browser)
    wish = {"channel": "sms", "address": PHONE}
    url = f"/public/track/{number}/tell/"
    assert browser.post(url, wish).status_code == 422  # not offered unless the operator said so
    settings.PUBLIC_TELL = ["sms", "mail"]
    assert browser.post(url, wish).context["telling"]
    sent = Message.objects.get(template="public_code")
    code = re.search(r"\d{6}", sent.body)[0]
    assert sent.channel == "sms" and sent.address == PHONE and sent.body.startswith("【网格】")
    assert browser.post(url, {**wish, "code": "0000000"}).status_code == 422
    assert not PublicContact.objects.exists()
    assert browser.post(url, {**wish, "code": code}).status_code == 302
    assert PublicContact.objects.get().confirmed_at
    to_unit(trades, number)
    news = list(Message.objects.filter(template="public_news"))
    assert len(news) == 2  # accepted; sent to a unit
    assert all(number in one.body and one.address == PHONE and "路灯" not in one.body for one in news)
    assert browser.post(url, {"stop": "1"}).status_code == 302
    assert not PublicContact.objects.exists()


def test_what_this_browser_remembers_can_be_forgotten(city):
    browser = resident()
    number, secret = report(browser)
    assert number in browser.get("/public/mine/").content.decode()
    mark = f"r{PublicReport.objects.get().pk}"
    assert browser.post("/public/mine/forget/", {"mark": mark}).status_code == 302
    assert number not in browser.get("/public/mine/").content.decode()
    assert browser.get(f"/public/track/{number}/").status_code == 302
    track(browser, number, secret)
    cookie = browser.cookies[codes.COOKIE]
    assert not cookie["max-age"]  # not ticked: only until the browser is closed


def test_contacts_go_when_they_have_served(trades, settings):
    number, _secret = report(resident(), phone=PHONE)
    case = closed(number)
    made = PublicReport.objects.get()
    PublicContact.objects.create(report=made, channel="sms", address=PHONE, confirmed_at=timezone.now())
    actions.clean_up()
    assert ReporterContact.objects.exists() and PublicContact.objects.exists()
    old = timezone.now() - timedelta(days=settings.PUBLIC_CONTACT_DAYS + 1)
    Case.objects.filter(pk=case.pk).update(updated_at=old)
    actions.clean_up()
    assert not ReporterContact.objects.exists() and not PublicContact.objects.exists()
