"""Three administrators, none of whom can do another's part."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, transaction
from django.utils.translation import override

from geo import accounts
from geo.models import (
    AuditEntry,
    CalendarDay,
    Dictionary,
    DictionaryItem,
    Grant,
    OfficeHours,
    Organisation,
    Role,
    User,
)
from geo.problems import Problem
from tests.factories import make_unit, make_user

HTML = {"HTTP_ACCEPT": "text/html"}
PAGES = {
    "system_admin": [
        "/manage/users/",
        "/manage/users/new",
        "/manage/organisations/",
        "/manage/organisations/new",
        "/manage/dictionaries/",
        "/manage/calendar/",
    ],
    "security_admin": ["/manage/grants/", "/manage/roles/", "/manage/roles/new"],
    "audit_admin": ["/manage/audit/", "/manage/audit/export"],
}


@pytest.fixture
def admins(city):
    return {role: make_user(role, role=role) for role in PAGES}


def role(code):
    return Role.objects.get(code=code)


@pytest.mark.parametrize("who", [*PAGES, "leader", "nobody"])
def test_each_sees_the_own_pages_only(client, admins, who):
    user = admins.get(who)
    if who == "leader":
        user = make_user("leader", role="leader", area="9901")
    if user:
        client.force_login(user)
    for owner, pages in PAGES.items():
        for page in pages:
            answer = client.get(page, **HTML)
            wanted = 200 if owner == who else 302 if who == "nobody" else 403
            assert answer.status_code == wanted, page
            if who == "nobody":
                assert answer["Location"].startswith("/login/?next=")


def test_the_menu_shows_the_own_pages_only(client, admins):
    client.force_login(admins["audit_admin"])
    page = client.get("/manage/audit/", **HTML).text
    assert "/manage/audit/" in page and "/manage/users/" not in page and "/manage/grants/" not in page


def test_system_makes_accounts_that_can_do_nothing_yet(client, admins):
    client.force_login(admins["system_admin"])
    unit = make_unit("城管局")
    body = {"username": "zhao", "name": "赵", "organisation": unit.pk, "is_active": "on", "language": ""}
    page = client.post("/manage/users/new", body, **HTML)
    made = User.objects.get(username="zhao")
    assert made.must_change_password and not made.is_superuser and not made.scope.permissions
    password = page.text.split('<code class="secret">')[1].split("<")[0]
    assert made.check_password(password) and page["Cache-Control"] == "no-store"
    assert password not in str(list(AuditEntry.objects.values()))
    # The same name in other letters is taken.
    assert 'role="alert"' in client.post("/manage/users/new", body | {"username": "ZHAO"}, **HTML).text
    assert User.objects.filter(username__iexact="zhao").count() == 1
    # Changes are written down with what was before.
    client.post(f"/manage/users/{made.pk}/", body | {"name": "赵一"}, **HTML)
    changes = AuditEntry.objects.get(action="user.change").detail["changes"]
    assert changes == {"name": ["赵", "赵一"]}
    answer = client.post(f"/manage/users/{made.pk}/password", **HTML)
    assert answer.status_code == 200 and not User.objects.get(pk=made.pk).check_password(password)


def test_system_cannot_take_over_another_office(client, admins):
    client.force_login(admins["system_admin"])
    before = admins["audit_admin"].password
    assert client.post(f"/manage/users/{admins['audit_admin'].pk}/password", **HTML).status_code == 403
    assert User.objects.get(pk=admins["audit_admin"].pk).password == before
    with pytest.raises(Problem):
        accounts.grant(admins["system_admin"], make_user(), role("leader"), area_code="9901")
    me = admins["system_admin"]
    client.post(f"/manage/users/{me.pk}/", {"username": "system_admin", "name": "x"}, **HTML)
    assert User.objects.get(pk=me.pk).is_active


def test_security_grants_and_revokes(client, admins):
    client.force_login(admins["security_admin"])
    user = make_user("qian")
    address = f"/manage/grants/{user.pk}/"
    body = {"role": role("dispatcher").pk, "area_code": "990101", "reason": "调任"}
    assert client.post(address, body, **HTML).status_code == 302
    assert user.scope.areas("cases.dispatch") == ("990101",)
    for wrong in (
        body,  # twice
        body | {"area_code": "9999"},  # no such area
        body | {"unit": make_unit().pk},  # both
        body | {"area_code": "990102", "reason": ""},  # why?
    ):
        assert client.post(address, wrong, **HTML).status_code == 200
    assert Grant.objects.filter(user=user).count() == 1
    given = Grant.objects.get(user=user)
    assert client.post(f"/manage/grants/{given.pk}/revoke", **HTML).status_code == 302
    assert not User.objects.get(pk=user.pk).scope.permissions
    actions = AuditEntry.objects.filter(action__startswith="grant.").order_by("id")
    assert [(entry.action, entry.reason) for entry in actions] == [
        ("grant.give", "调任"),
        ("grant.revoke", ""),
    ]


def test_nobody_grants_to_himself_or_holds_two_offices(admins):
    security = admins["security_admin"]
    with pytest.raises(Problem):
        accounts.grant(security, security, role("leader"), area_code="9901")
    with pytest.raises(Problem):
        accounts.revoke(security, security.grants.get())
    for code in ("security_admin", "audit_admin"):
        with pytest.raises(Problem):
            accounts.grant(security, admins["system_admin"], role(code))
    with pytest.raises(Problem):
        accounts.grant(security, make_user(), role("audit_admin"), area_code="9901")
    accounts.grant(security, make_user(), role("audit_admin"))


def test_a_role_holds_no_part_of_an_office(client, admins):
    client.force_login(admins["security_admin"])
    made = {"code": "night_watch", "name": "夜班", "permissions": ["cases.view", "geo.view"]}
    assert client.post("/manage/roles/new", made, **HTML).status_code == 302
    assert role("night_watch").permissions == ["cases.view", "geo.view"]
    sly = {"code": "sly", "name": "x", "permissions": ["geo.read_audit"]}
    assert client.post("/manage/roles/new", sly, **HTML).status_code == 200
    assert not Role.objects.filter(code="sly").exists()
    with pytest.raises(Problem):
        accounts.save_role(
            admins["security_admin"], Role(code="s", name="s", permissions=["geo.manage_accounts"])
        )
    # An office is not changed, not even by its address.
    assert client.get(f"/manage/roles/{role('audit_admin').pk}/", **HTML).status_code == 404


def test_unlocking(client, admins):
    from axes.models import AccessAttempt

    user = User.objects.create_user("sun", password="Lanchuan-2026")
    for _time in range(5):
        client.post("/login/", {"username": "sun", "password": "wrong"})
        if "captcha" in client.session:
            answer = client.session["captcha"]["answer"]
            client.post("/login/", {"username": "sun", "password": "wrong", "captcha": answer})
    assert AccessAttempt.objects.get().failures_since_start >= 5
    client.force_login(admins["security_admin"])
    assert f"/manage/grants/{user.pk}/unlock" in client.get("/manage/grants/", **HTML).text
    client.post(f"/manage/grants/{user.pk}/unlock", **HTML)
    assert not AccessAttempt.objects.exists()


def test_the_log_is_read_and_taken_away_but_never_changed(client, admins):
    for number in range(120):
        accounts.audit.log(
            admins["system_admin"], "user.change", admins["system_admin"], reason=f"=cmd{number}"
        )
    client.force_login(admins["audit_admin"])
    page = client.get("/manage/audit/", {"actor": "system_admin", "action": "user."}, **HTML)
    assert page.text.count("=cmd") == 100 and "before=" in page.text
    before = page.text.split("before=")[1].split('"')[0]
    rest = client.get("/manage/audit/", {"action": "user.", "before": before}, **HTML)
    assert rest.text.count("=cmd") == 20
    lines = b"".join(client.get("/manage/audit/export", {"action": "user."})).decode("utf-8-sig").splitlines()
    assert len(lines) == 121 and ",'=cmd119," in lines[1]
    assert AuditEntry.objects.filter(action="audit.export").exists()
    entry = AuditEntry.objects.first()
    for change in (lambda: entry.delete(), lambda: AuditEntry.objects.update(reason="x")):
        with pytest.raises(Error), transaction.atomic():
            change()


def test_units_form_a_tree(client, admins):
    client.force_login(admins["system_admin"])
    top, below = make_unit("局"), make_unit("科")
    body = {"name": "科", "code": below.code, "kind": "department", "parent": top.pk, "active": "on"}
    assert client.post(f"/manage/organisations/{below.pk}/", body, **HTML).status_code == 302
    below.refresh_from_db()
    assert below.path == f"/{top.pk}/{below.pk}/"
    body |= {"name": "局", "code": top.code, "parent": below.pk}
    assert client.post(f"/manage/organisations/{top.pk}/", body, **HTML).status_code == 200
    assert Organisation.objects.get(pk=top.pk).parent is None


def test_words_and_days(client, admins):
    client.force_login(admins["system_admin"])
    Dictionary.objects.create(code="colour", name="颜色")
    address = "/manage/dictionaries/colour/"
    word = {"code": "red", "name": "红", "name_en": "Red", "position": 1, "active": "on"}
    assert client.post(address, word, **HTML).status_code == 302
    assert client.post(address, word, **HTML).status_code == 200  # twice
    item = DictionaryItem.objects.get()
    client.post(f"/manage/dictionaries/words/{item.pk}/", {**word, "code": "blue", "active": ""}, **HTML)
    item.refresh_from_db()
    assert (item.code, item.active) == ("red", False)
    day = {"date": "2027-10-01", "is_working": "False", "name": "国庆节", "area_code": ""}
    assert client.post("/manage/calendar/?year=2027", day, **HTML)["Location"].endswith("year=2027")
    assert "国庆节" in client.get("/manage/calendar/?year=2027", **HTML).text
    hours = {"opens": "10:00", "closes": "09:00", "valid_from": "2026-01-01", "area_code": ""}
    assert client.post("/manage/calendar/", hours, **HTML).status_code == 200
    assert client.post("/manage/calendar/", hours | {"closes": "20:00"}, **HTML).status_code == 302
    assert OfficeHours.objects.count() == 1
    row = CalendarDay.objects.get(date=date(2027, 10, 1))
    assert client.post(f"/manage/calendar/day/{row.pk}/delete", **HTML).status_code == 302
    assert not CalendarDay.objects.filter(pk=row.pk).exists()


def test_the_first_administrators_come_from_the_server(client, roles):
    out = StringIO()
    with override("en"):
        call_command("make_administrator", "security", "wu", "--name", "吴", stdout=out)
    password = out.getvalue().split("temporary password ")[1].split(" ")[0]
    user = User.objects.get(username="wu")
    assert user.check_password(password) and user.must_change_password and user.can("geo.grant_roles")
    with pytest.raises(CommandError):
        call_command("make_administrator", "audit", "WU", stdout=out)
