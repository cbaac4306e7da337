"""News, help, suggestions, questionnaires, large type, and who of the staff keeps them."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import (
    PublicText,
    PublicTopic,
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    QuestionnaireSheet,
    Suggestion,
)
from cases.public import queries, topics
from geo.models import AuditEntry
from tests.cases.public_site import resident
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(city, client):
    user = make_user("公众台", role="public_desk", area="9901")
    client.force_login(user)
    return client


def text(**values) -> PublicText:
    values.setdefault("body", "正文")
    return PublicText.objects.create(**{"kind": "news", "title": "标题", **values})


def test_texts_are_shown_on_their_days_in_the_reader_s_language(city):
    today = timezone.localdate()
    text(title="今天", title_en="Today")
    later = text(title="以后", shown_from=today + timedelta(days=1))
    text(title="过去", shown_from=today - timedelta(days=9), shown_to=today)
    text(kind="help", title="怎么上报")
    page = resident().get("/public/news/").content.decode()
    assert "今天" in page and "以后" not in page and "过去" not in page and "怎么上报" not in page
    assert resident().get(f"/public/news/{later.pk}/").status_code == 404
    assert "怎么上报" in resident().get("/public/help/").content.decode()
    english = resident()
    english.cookies["django_language"] = "en"
    assert "Today" in english.get("/public/news/").content.decode()


def test_large_type_is_a_switch_that_is_remembered(city):
    browser = resident()
    assert "large-type" not in browser.get("/public/").content.decode()
    answer = browser.post("/public/large/", {"on": "1", "next": "/public/help/"})
    assert answer.url == "/public/help/" and answer.cookies["large"]["max-age"]
    page = browser.get("/public/").content.decode()
    assert 'class="large-type"' in page and "tel:12345" in page
    assert page.count("<li>") < resident().get("/public/").content.decode().count("<li>")
    assert browser.post("/public/large/", {"on": "0", "next": "https://elsewhere.example/"}).url == "/public/"


def test_a_suggestion_is_public_once_somebody_answered_and_let_it(desk):
    browser = resident()
    sent = {"client_key": str(uuid.uuid4()), "title": "多种树", "text": "路边太晒"}
    first = browser.post("/public/suggestions/", sent)
    again = browser.post("/public/suggestions/", sent)
    assert first.status_code == again.status_code == 302
    made = Suggestion.objects.get()
    page = browser.get(first.url)
    secret = page.context["secret"].replace(" ", "")
    assert len(secret) == 8 and "多种树" in page.content.decode()
    assert not browser.get(f"/public/suggestions/{made.pk}/").context["secret"]  # once
    stranger = resident("192.0.2.70")
    assert stranger.get(f"/public/suggestions/{made.pk}/").status_code == 404
    url = f"/public-desk/suggestions/{made.pk}/"
    assert "先答复" in desk.post(url, {"state": "new", "public": "on"}).content.decode()
    said = {"state": "answered", "reply": "已列入计划", "public": "on"}
    assert desk.post(url, said).status_code == 302
    assert "已列入计划" in stranger.get(f"/public/suggestions/{made.pk}/").content.decode()
    assert AuditEntry.objects.filter(action="public.suggestion").exists()
    opened = stranger.post("/public/track/", {"number": made.number, "secret": secret})
    assert opened.url == f"/public/suggestions/{made.pk}/"


def questionnaire(**values) -> Questionnaire:
    today = timezone.localdate()
    values.setdefault("opens_on", today - timedelta(days=1))
    values.setdefault("closes_on", today + timedelta(days=9))
    made = Questionnaire.objects.create(title="满意吗", published=True, **values)
    for position, (kind, options) in enumerate(
        (("single", ["好", "一般", "差"]), ("multiple", ["停车", "绿化"]), ("text", []))
    ):
        QuestionnaireItem.objects.create(
            questionnaire=made,
            position=position,
            kind=kind,
            text=f"题{position}",
            options=options,
            needed=kind == "single",
        )
    return made


def test_filling_in_once_without_a_name(city):
    asked = questionnaire()
    one, several, words = asked.items.all()
    browser = resident()
    url = f"/public/questionnaires/{asked.pk}/"
    missing = browser.post(url, {"client_key": str(uuid.uuid4()), f"q{several.pk}": ["0"]})
    assert missing.status_code == 422 and "必答" in missing.content.decode()
    sent = {
        "client_key": str(uuid.uuid4()),
        f"q{one.pk}": "2",
        f"q{several.pk}": ["0", "1", "7"],
        f"q{words.pk}": "多些长椅",
    }
    assert browser.post(url, sent).status_code == browser.post(url, sent).status_code == 302
    assert QuestionnaireSheet.objects.count() == 1
    assert sorted(QuestionnaireAnswer.objects.values_list("item", "option"), key=str) == sorted(
        [(one.pk, 2), (several.pk, 0), (several.pk, 1), (words.pk, None)], key=str
    )
    names = {field.name for field in QuestionnaireSheet._meta.get_fields()}
    assert not names & {"user", "ip", "address", "contact"}


def test_it_is_open_from_day_to_day(city):
    today = timezone.localdate()
    for days in ((-9, -1), (3, 9)):
        asked = questionnaire(
            opens_on=today + timedelta(days=days[0]), closes_on=today + timedelta(days=days[1])
        )
        item = asked.items.first()
        answer = resident().post(
            f"/public/questionnaires/{asked.pk}/", {"client_key": str(uuid.uuid4()), f"q{item.pk}": "0"}
        )
        assert answer.status_code == 409
    assert not QuestionnaireSheet.objects.exists()


def fill(asked, chosen: list[int]):
    item = asked.items.first()
    for option in chosen:
        sheet = QuestionnaireSheet.objects.create(questionnaire=asked, client_key=uuid.uuid4())
        QuestionnaireAnswer.objects.create(sheet=sheet, item=item, option=option)


def test_small_totals_are_not_told_nor_to_be_reckoned(city):
    today = timezone.localdate()
    asked = questionnaire(opens_on=today - timedelta(days=30), closes_on=today - timedelta(days=1))
    fill(asked, [0] * 20 + [1] * 7 + [2] * 2)
    row = queries.totals(asked)["rows"][0]
    # Two of 29 would be the difference from the total: the next smallest is left out with them.
    assert [one["n"] for one in row["options"]] == ["20", "", "<5"]
    page = resident().get(f"/public/questionnaires/{asked.pk}/").content.decode()
    assert "20" in page and "共 29 份" in page
    asked.shows_results = False
    asked.save()
    assert "20" not in resident().get(f"/public/questionnaires/{asked.pk}/").context.get("totals", "")


def test_staff_write_questionnaires_and_leave_answered_ones_alone(desk):
    today = timezone.localdate()
    frame = {
        "title": "问卷",
        "opens_on": today.isoformat(),
        "closes_on": (today + timedelta(days=7)).isoformat(),
        "shows_results": "on",
    }
    assert (
        "还没有题目"
        in desk.post("/public-desk/questionnaires/new/", {**frame, "published": "on"}).content.decode()
    )
    made = desk.post("/public-desk/questionnaires/new/", frame)
    asked = Questionnaire.objects.get()
    item = {"kind": "single", "text": "好吗", "options_text": "好\n不好", "needed": "on", "position": "0"}
    assert "2 至 20" in desk.post(made.url, {**item, "options_text": "好"}).content.decode()
    long = desk.post(made.url, {**item, "options_text": "好\n" + "坏" * 101}).content.decode()
    assert "第2行" in long and "101" in long and not asked.items.exists()
    assert desk.post(made.url, item).status_code == 302
    assert asked.items.get().options == ["好", "不好"]
    assert desk.post(f"/public-desk/questionnaires/{asked.pk}/frame/", {**frame, "published": "on"})
    fill(asked, [0])
    answer = desk.post(made.url, {**item, "text": "又一题"}, follow=True)
    assert "不能再修改" in answer.content.decode()
    assert desk.post(f"/public-desk/questionnaires/items/{asked.items.get().pk}/delete/").status_code == 302
    assert asked.items.count() == 1


def test_only_those_who_keep_the_pages_may(city, client):
    pages = ("", "texts/", "topics/", "suggestions/", "questionnaires/", "questions/", "blocks/")
    client.force_login(make_user(role="dispatcher", area="9901"))
    assert {client.get(f"/public-desk/{page}").status_code for page in pages} == {403}
    client.force_login(make_user(role="public_desk", area="9901"))
    assert {client.get(f"/public-desk/{page}").status_code for page in pages} == {200}
    written = {"kind": "news", "title": "新", "body": "文", "shown_from": "2026-01-01", "position": "0"}
    assert client.post("/public-desk/texts/new/", written).status_code == 302
    assert "新" in resident().get("/public/news/").content.decode()
    assert AuditEntry.objects.filter(action="public.text").exists()


def test_the_shipped_kinds_of_problems_have_types(roles):
    from django.core.management import call_command

    call_command("load_code_tables", verbosity=0)
    kinds = {row.name: row for row in PublicTopic.objects.select_related("type")}
    assert len(kinds) >= 14 and kinds["路灯"].type.name == "路灯"
    assert [name for name, row in kinds.items() if row.type is None] == ["其他"]
    PublicTopic.objects.filter(name="路灯").update(name="街灯")
    topics.load()
    assert PublicTopic.objects.filter(name="路灯").count() == 0
