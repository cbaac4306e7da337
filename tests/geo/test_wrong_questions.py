"""Pages asked wrongly: what was wrong is said once, in words, with a way on; nobody gets an empty page."""

import csv
import io

import pytest

from assets.listings import LISTINGS
from geo import audit
from tests.factories import at, make_component, make_user

pytestmark = pytest.mark.django_db
HTML = {"HTTP_ACCEPT": "text/html"}


@pytest.fixture
def steward(client, city):
    user = make_user("steward", role="data_steward", area="9901")
    client.force_login(user)
    return user


@pytest.mark.parametrize("kind", LISTINGS)
@pytest.mark.parametrize("query", ["area=abc", "area=12345", "is=nothing-of-the-kind"])
def test_filters_that_cannot_be_read(client, steward, kind, query):
    answer = client.get(f"/assets/{kind}/?{query}", **HTML)
    wrong = query.partition("=")[2]
    assert answer.status_code == 400
    assert answer.text.count(f"“{wrong}”") in (1, 2), "in the title and the heading"
    assert f'href="/assets/{kind}/"' in answer.text, "the same page without the filter"


@pytest.mark.parametrize("kind", LISTINGS)
def test_nothing_there_and_nothing_that_fits(client, steward, kind):
    for query in ("", "?q=没有这个", "?area=000000", "?q=" + "长" * 900):
        answer = client.get(f"/assets/{kind}/{query}", **HTML)
        assert answer.status_code == 200 and 'class="state"' in answer.text
    assert client.get(f"/assets/{kind}/no-such-code/", **HTML).status_code == 404
    assert client.get(f"/assets/{kind}/{'9' * 500}/", **HTML).status_code == 404


def test_past_the_end_of_a_list(client, steward):
    make_component(at(0.2, 0.2))
    page = client.get("/assets/components/?q=上水&after=zzzz", **HTML).text
    assert "列表没有这一页" in page and 'href="?q=' in page


def test_a_nul_is_a_page_for_people_and_a_document_for_programs(client, steward):
    page = client.get("/assets/buildings/?q=%00", **HTML)
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "空字符" in page.text and 'href="/assets/buildings/"' in page.text
    document = client.get("/api/cases/?q=%00", **HTML)
    assert (document.status_code, document["Content-Type"]) == (400, "application/problem+json")


def test_what_only_takes_a_button_says_so(client, city):
    client.force_login(make_user("admin", role="system_admin"))
    page = client.get("/manage/calendar/day/1/delete", **HTML)
    assert page.status_code == 405 and page["Allow"] == "POST" and "<h1>" in page.text
    assert client.post("/assets/buildings/", **HTML).status_code == 405
    assert client.head("/manage/calendar/day/1/delete", **HTML).status_code == 405


@pytest.mark.parametrize("path", ["/manage/users/", "/manage/grants/", "/manage/audit/", "/data/imports/"])
def test_not_for_this_role_says_whom_to_ask(client, city, path):
    client.force_login(make_user("leader", role="leader", area="9901"))
    answer = client.get(path, **HTML)
    assert answer.status_code == 403 and "安全管理员" in answer.text


def test_a_question_that_cannot_be_read_is_not_answered_with_everybody(client, city):
    make_user("somebody-else")
    for role, path in (
        ("system_admin", "/manage/users/"),
        ("security_admin", "/manage/grants/"),
        ("system_admin", "/manage/organisations/"),
        ("audit_admin", "/manage/audit/"),
    ):
        client.force_login(make_user(f"one-{role}-{len(path)}", role=role))
        query = {"actor": "y" * 3000} if "audit" in path else {"q": "y" * 3000}
        page = client.get(path, query, **HTML)
        assert page.status_code == 200 and "somebody-else" not in page.text
        assert "<tbody>" not in page.text and 'class="errors"' in page.text
        assert client.get(path, {"page": "abc"}, **HTML).status_code == 200
        assert client.get(path, {"page": "99999"}, **HTML).status_code == 200


def test_empty_cells_of_the_log_stay_empty_and_details_are_text(client, city):
    admin = make_user("auditor", role="audit_admin")
    audit.log(
        admin, "plan.create", admin, communities=["990101001001", "990101001002"], moved={"a": 0, "b": 2}
    )
    client.force_login(admin)
    page = client.get("/manage/audit/", **HTML).text
    assert "移动: b 2; 社区: 990101001001, 990101001002" in page
    text = b"".join(client.get("/manage/audit/export")).decode("utf-8-sig")
    assert "'" not in text
    assert "" in next(row for row in csv.reader(io.StringIO(text)) if "plan.create" in " ".join(row))
