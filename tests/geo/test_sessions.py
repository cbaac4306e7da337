"""Sessions end by themselves, and old passwords do not come back."""

import itertools

import pytest
from django.core.exceptions import ValidationError

from geo import accounts, passwords, sessions
from geo.models import AuditEntry, FormerPassword, User
from tests.factories import make_user

PASSWORD = "Lanchuan-2026"
HTML = {"HTTP_ACCEPT": "text/html"}
AWAY = {"HTTP_X_WANGGE_AWAY": "1"}


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved: ``clock(minutes)``."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(sessions.time, "time", lambda: now[0])

    def move(minutes):
        now[0] += 60 * minutes

    return move


@pytest.fixture
def user(city, clock):
    user = make_user("wang", role="shift_lead", area="9901")
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client, to="/"):
    return client.post("/login/", {"username": "wang", "password": PASSWORD, "next": to})


def is_in(client):
    return "_auth_user_id" in client.session


def test_nobody_there_for_half_an_hour(client, user, clock):
    log_in(client)
    clock(29)
    assert client.get("/api/me/").status_code == 200
    clock(29)
    assert client.get("/api/me/").status_code == 200
    clock(30)
    answer = client.get("/api/me/")
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/idle") and not is_in(client)
    assert AuditEntry.objects.filter(actor=user).latest("id").action == "session.idle"
    assert not AuditEntry.objects.filter(action="logout").exists()


def test_a_page_leads_to_the_log_in_that_says_why_and_back(client, user, clock):
    log_in(client)
    clock(31)
    answer = client.get("/outputs/?page=2", **HTML)
    assert answer.status_code == 302 and answer["Location"].startswith(
        "/login/?ended=idle&next=%2Foutputs%2F"
    )
    page = client.get(answer["Location"], HTTP_ACCEPT_LANGUAGE="en")
    assert "because nothing was done" in page.text
    back = client.post(
        answer["Location"], {"username": "wang", "password": PASSWORD, "next": "/outputs/?page=2"}
    )
    assert back["Location"] == "/outputs/?page=2"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/api/events/token", {}),
        ("/tiles/cases/WebMercatorQuad/14/12011/6232.mvt", {}),
        ("/api/session", {}),
        ("/m/session", {}),
        ("/api/cases/", AWAY),
    ],
)
def test_what_a_page_asks_by_itself_keeps_nothing_open(client, user, clock, address, headers):
    log_in(client)
    for _time in range(3):
        clock(9)
        client.get(address, **headers)
        assert is_in(client)
    clock(3.5)
    client.get(address, **headers)
    assert not is_in(client)


def test_staying(client, user, clock):
    log_in(client)
    page = client.get("/", **HTML)
    assert 'data-idle="1800"' in page.text and 'data-idle-warning="120"' in page.text
    clock(29)
    assert client.get("/api/session").json() == {"left": 60, "warning": 120}
    assert client.post("/api/session").json() == {"left": 1800, "warning": 120}
    clock(29)
    assert client.get("/api/session").json()["left"] == 60


def test_the_phone_lasts_longer_until_it_opens_the_console(client, user, clock):
    log_in(client, to="/m/")
    clock(200)
    assert client.get("/api/me/").status_code == 200
    clock(200)
    assert client.get("/m/", **HTML).status_code == 200 and is_in(client)
    client.get("/", **HTML)
    clock(31)
    client.get("/m/session")
    assert not is_in(client)


def test_a_phone_session_ends_too_and_the_app_still_opens(client, user, clock):
    log_in(client, to="/m/")
    clock(241)
    assert client.get("/m/session").json()["user"] is None
    assert client.get("/m/data/messages").status_code == 401


def test_use_does_not_make_a_session_last_longer_than_a_shift(client, user):
    log_in(client)
    until = client.session["_session_expiry"]
    client.post("/api/session")
    assert client.session["_session_expiry"] == until
    assert client.session.get_expiry_age() <= 12 * 3600


def test_wall_screens_and_no_limit(client, user, clock, settings):
    settings.SESSION_IDLE_EXEMPT = {"wang"}
    log_in(client)
    clock(600)
    assert "data-idle=" not in client.get("/", **HTML).text and is_in(client)
    settings.SESSION_IDLE_EXEMPT, settings.SESSION_IDLE = set(), 0
    clock(600)
    assert client.get("/api/session").json() == {"left": 0, "warning": 0}


def change(client, old, new):
    body = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/password/", body, HTTP_ACCEPT_LANGUAGE="en")


def test_the_last_five_passwords_do_not_come_back(client, user):
    log_in(client)
    made = [PASSWORD, *(f"Lanchuan-{year}" for year in range(2027, 2032))]
    page = change(client, PASSWORD, PASSWORD)
    assert page.status_code == 200 and "not one of your last 5" in page.text
    for old, new in itertools.pairwise(made):
        assert change(client, old, new).status_code == 302
    assert change(client, made[-1], made[1]).status_code == 200
    # The sixth from the end is free again.
    assert change(client, made[-1], made[0]).status_code == 302
    assert FormerPassword.objects.filter(user=user).count() <= 5


def test_a_password_that_an_administrator_gave_counts(user):
    admin = make_user(role="system_admin")
    given = accounts.reset_password(admin, user)
    user.refresh_from_db()
    for password in (PASSWORD, given):
        with pytest.raises(ValidationError):
            passwords.NotUsedBefore().validate(password, user)
    passwords.NotUsedBefore().validate("Never-had-1", user)


def test_a_stronger_hash_is_no_new_password(user, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert User.objects.get(pk=user.pk).password.startswith("pbkdf2")
    assert not FormerPassword.objects.exists()
