"""Supervision orders: list, paper and Word file, within scope, without the reporter."""

import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from docx import Document

from cases import actions
from cases.models import Supervision
from cases.steps import Given
from geo.models import AuditEntry, User
from tests.cases.people import case_in, make_people
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def browser_of(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def order(people):
    reporter = make_user("举报人")
    case = case_in("handling", people, reporter=reporter, address="一号路口", description="井盖丢失")
    actions.act(case.number, "supervise", User.objects.get(pk=people.leader.pk), Given(reason="请立即处置"))
    return Supervision.objects.get(case=case)


def text_of(response) -> str:
    paper = Document(io.BytesIO(response.content))
    return "\n".join(cell.text for row in paper.tables[0].rows for cell in row.cells)


def test_list_filters_and_paper(people, order):
    browser = browser_of(people.lead)
    page = browser.get("/supervisions/").content.decode()
    assert order.number in page and "排水公司" in page
    for query, there in (
        ("state=open", 1),
        ("state=replied", 0),
        ("state=late", 0),
        ("level=0", 1),
        ("level=2", 0),
    ):
        assert (order.number in browser.get(f"/supervisions/?{query}").content.decode()) == bool(there), query
    Supervision.objects.update(reply_due_at=timezone.now() - timedelta(hours=1))
    assert order.number in browser.get("/supervisions/?state=late").content.decode()
    page = browser.get(f"/supervisions/{order.number}/").content.decode()
    assert f"<dt>督办编号</dt><dd>{order.number}" in page
    assert "请立即处置" in page and "一号路口" in page and order.case.number in page and "举报人" not in page


def test_word_file(people, order):
    Supervision.objects.update(clock=timezone.now() - timedelta(days=1), level=1)
    actions.act(
        order.case.number,
        "reply_supervision",
        User.objects.get(pk=people.department.pk),
        Given(reason="已处置"),
    )
    answer = browser_of(people.department).get(f"/supervisions/{order.number}/word/")
    assert answer.status_code == 200 and f"{order.number}.docx" in answer["Content-Disposition"]
    words = text_of(answer)
    assert order.number in words and "已处置" in words and "排水公司" in words and "井盖丢失" in words
    assert "举报人" not in words
    assert AuditEntry.objects.filter(action="supervision.export").count() == 1


@pytest.mark.parametrize("who", ["other_department", "other_dispatcher", "other_worker"])
def test_not_of_another_unit_or_area(people, order, who):
    browser = browser_of(getattr(people, who))
    assert order.number not in browser.get("/supervisions/").content.decode()
    for address in (f"/supervisions/{order.number}/", f"/supervisions/{order.number}/word/"):
        assert browser.get(address).status_code == 404


def test_not_without_the_right_to_see_cases(people, order):
    for address in ("", f"{order.number}/", f"{order.number}/word/"):
        assert browser_of(people.nobody).get(f"/supervisions/{address}").status_code == 403
        assert Client().get(f"/supervisions/{address}").status_code == 302


def test_a_reporter_who_orders_stays_unknown_to_the_unit(people):
    case = case_in("handling", people, reporter=people.lead)
    actions.act(case.number, "supervise", User.objects.get(pk=people.lead.pk), Given(reason="办"))
    number = Supervision.objects.get(case=case).number
    facts = browser_of(people.department).get(f"/supervisions/{number}/").context["lines"]
    assert "lead" not in dict(facts).values()
    assert (
        "lead"
        in dict(browser_of(people.dispatcher).get(f"/supervisions/{number}/").context["lines"]).values()
    )
