"""The desk's frame: menu by right, scopes to choose from, times in words, error pages."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from geo.menu import menu
from geo.models import Grant, Role, User
from geo.templatetags import times
from tests import factories

pytestmark = pytest.mark.django_db


def entries(user, path="/"):
    return {entry["id"]: entry for group in menu.groups_for(user, path) for entry in group["entries"]}


def test_the_menu_shows_what_one_may_open(city):
    lead = factories.make_user("值班长", role="shift_lead", area="9901")
    system = factories.make_user("系统", role="system_admin", area="9901")
    assert {"console", "rules", "components"} <= set(entries(lead))
    assert "console" not in entries(system)
    assert [key for key, entry in entries(lead, "/cases/A1/").items() if entry["current"]] == ["console"]
    assert [key for key, entry in entries(lead, "/rules/").items() if entry["current"]] == ["rules"]
    assert not any(entry["current"] for entry in entries(lead, "/elsewhere/").values())


def test_our_words_win_over_those_of_packages():
    with translation.override("zh-hans"):
        assert (str(_("Filters")), str(_("Log out"))) == ("筛选", "退出登录")


def test_a_form_sent_behind_its_page_is_told_where_it_leads(client, city):
    client.force_login(factories.make_user("领导", role="leader", area="9901"))
    address, given = reverse("choose-scope"), {"grant": "", "next": "/statistics/"}
    assert client.post(address, given)["Location"] == "/statistics/"
    answer = client.post(address, given, headers={"X-In-Place": "1"})
    assert (answer.status_code, answer["X-Location"], answer.get("Location")) == (204, "/statistics/", None)


def test_every_entry_leads_somewhere(client, city):
    menu.discover()
    for entry in menu.entries.values():
        assert entry.url.startswith("/"), entry.id


def test_working_under_one_of_several_grants(client, city):
    user = factories.make_user("两岗", role="leader", area="990101")
    second = Grant.objects.create(user=user, role=Role.objects.get(code="shift_lead"), area_code="990102")
    west = factories.make_case(factories.at(0.2, 0.2), state="reported")
    east = factories.make_case(factories.at(2.5, 0.5), state="reported")
    client.force_login(user)

    def seen():
        page = client.get("/?view=all").content.decode()
        return {case.number for case in (west, east) if case.number in page}

    assert seen() == {west.number, east.number}
    assert "试验市" in client.get("/?view=all").content.decode()
    client.post(reverse("choose-scope"), {"grant": second.pk, "next": "/?view=all"})
    assert seen() == {east.number}
    # Somebody else's grant is not to be had.
    other = Grant.objects.filter(user=factories.make_user("别人", role="leader", area="990101")).get()
    client.post(reverse("choose-scope"), {"grant": other.pk})
    assert seen() == {west.number, east.number}
    # Nor does one leave the house by the way back.
    answer = client.post(reverse("choose-scope"), {"grant": "", "next": "https://example.org/"})
    assert answer["Location"] == "/"


@pytest.mark.parametrize(
    ("hours", "given", "tone", "words"),
    [
        (30, 40, "ontime", "30 h left"),
        (3, 40, "soon", "3 h left"),
        (0.5, 2, "ontime", "30 min left"),
        (0.2, 2, "soon", "12 min left"),
        (-1, 40, "overdue", "1 h overdue"),
        (-72, 40, "overdue", "3 d overdue"),
    ],
)
def test_deadlines_in_words(hours, given, tone, words):
    now = timezone.now()
    due = now + timedelta(hours=hours)
    with translation.override("en"):
        found = times.deadline(due, due - timedelta(hours=given), now)
    assert (found[0], found[2]) == (tone, words)


def test_error_pages_say_what_to_do(client, city):
    user = factories.make_user("值班长", role="department", unit=factories.make_unit())
    client.force_login(user)
    closed = client.get("/rules/")
    assert closed.status_code == 403 and "安全管理员".encode() in closed.content
    missing = client.get("/cases/A99010120260101000/")
    assert missing.status_code == 404 and b"main" in missing.content


def test_pages_bring_no_script_of_their_own(client, city):
    """The content security policy forbids inline script and style; so do we."""
    import re

    client.force_login(factories.make_user("值班长", role="shift_lead", area="9901"))
    factories.make_case(factories.at(0.2, 0.2), state=Case.State.REPORTED)
    for path in ("/", "/?view=all", "/rules/", "/assets/buildings/", reverse("outputs")):
        page = client.get(path).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"\sstyle=|\son[a-z]+=", page), path
    assert User.objects.count() == 1
