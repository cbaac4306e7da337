"""Logging in, and being kept out."""

import base64
import io

import pytest
from axes.models import AccessAttempt
from django.core.exceptions import ValidationError
from django.test import Client
from PIL import Image

from geo import authentication, captcha, passwords
from geo.models import AuditEntry, User
from geo.pages import login

PASSWORD = "Lanchuan-2026"


@pytest.fixture
def user(db):
    return User.objects.create_user("wang", password=PASSWORD, name="王")


def attempt(client, password=PASSWORD, username="wang", **more):
    return client.post("/login/", {"username": username, "password": password, **more})


def answer(client):
    return client.session["captcha"]["answer"]


def test_in_and_out_and_the_log_knows(client, user):
    assert attempt(client).status_code == 302
    assert client.session.get_expiry_age() <= 12 * 3600
    assert client.post("/logout/").status_code == 302
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["login", "logout"]
    attempt(client, "wrong")
    assert AuditEntry.objects.get(action="login.failed").detail == {"begins": "wan"}


def test_a_question_after_three_wrong_passwords(client, user):
    for _time in range(2):
        assert "captcha" not in attempt(client, "wrong").text
    page = attempt(client, "wrong")
    assert 'name="captcha"' in page.text and "/login/captcha.png" in page.text
    image = client.get("/login/captcha.png")
    assert Image.open(io.BytesIO(image.content)).size == captcha.SIZE
    # The right password alone is not enough, nor a wrong answer, nor no answer.
    assert attempt(client, captcha="????").status_code == 200
    assert attempt(client).status_code == 200
    assert AccessAttempt.objects.get().failures_since_start == 3
    assert attempt(client, captcha=answer(client).lower()).status_code == 302


def test_an_answer_counts_once(client, user):
    for _time in range(3):
        attempt(client, "wrong")
    old = answer(client)
    attempt(client, "wrong", captcha=old)
    assert attempt(client, captcha=old).status_code == 200


def test_the_question_in_words(client, user):
    for _time in range(3):
        attempt(client, "wrong")
    page = client.get("/login/?words", HTTP_ACCEPT_LANGUAGE="en")
    assert "plus" in page.text and "captcha.png" not in page.text
    assert client.get("/login/captcha.png").status_code == 404
    assert attempt(client, captcha=answer(client)).status_code == 302


def test_five_wrong_passwords_lock(client, user):
    for _time in range(5):
        given = {"captcha": answer(client)} if "captcha" in client.session else {}
        page = attempt(client, "wrong", **given)
    assert page.status_code == 429 and 'role="alert"' in page.text
    assert attempt(client).status_code == 429
    # Another account from the same place is neither locked nor asked, until it comes to many.
    User.objects.create_user("li", password=PASSWORD)
    elsewhere = Client()
    assert attempt(elsewhere, username="li").status_code == 302
    AccessAttempt.objects.update(failures_since_start=login.CAPTCHA_AFTER_FROM_ADDRESS)
    elsewhere = Client()
    page = attempt(elsewhere, username="li")
    assert page.status_code == 200
    assert attempt(elsewhere, username="li", captcha=answer(elsewhere)).status_code == 302


def test_the_first_password_is_changed_first(client, user):
    user.must_change_password = True
    user.save()
    assert attempt(client).status_code == 302
    html = {"HTTP_ACCEPT": "text/html"}
    assert client.get("/", **html)["Location"] == "/password/"
    assert client.get("/api/events/token").status_code == 403
    assert client.get("/password/").status_code == 200
    body = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert client.post("/password/", body).status_code == 200
    body |= {"new_password1": "Another-2026x", "new_password2": "Another-2026x"}
    assert client.post("/password/", body)["Location"] == "/"
    user.refresh_from_db()
    assert not user.must_change_password and user.check_password("Another-2026x")
    assert client.get("/api/events/token").status_code == 200
    assert AuditEntry.objects.filter(action="password.change").exists()


def test_a_changed_password_ends_other_sessions(client, user):
    attempt(client)
    user.set_password("Another-2026x")
    user.save()
    assert client.get("/api/events/token").status_code in (401, 403)


@pytest.mark.parametrize("password", ["onlysmallletters", "Onlytwokinds", "12345-6789-0"])
def test_plain_passwords_are_refused(password):
    with pytest.raises(ValidationError):
        passwords.MixedCharacters().validate(password)


def test_temporary_passwords_satisfy_the_rules(user):
    from django.contrib.auth.password_validation import validate_password

    made = {passwords.temporary() for _time in range(50)}
    assert len(made) == 50
    for password in made:
        validate_password(password, user)


def test_cookies_and_headers(client, user):
    answer = attempt(client)
    cookie = answer.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    page = client.get("/login/")
    assert "script-src 'self'" in page["Content-Security-Policy"] and page["X-Frame-Options"] == "DENY"


def basic(client, password=PASSWORD, address="/api/events/token"):
    credentials = base64.b64encode(f"wang:{password}".encode()).decode()
    return client.get(address, headers={"Authorization": f"Basic {credentials}"})


def test_programs_log_in_with_each_request(client, user, monkeypatch):
    authentication._kept.clear()
    assert basic(client, "wrong").status_code in (401, 403)
    assert basic(client).status_code == 200
    # The second request does not hash again, but sees at once that the account changed.
    with monkeypatch.context() as patch:
        patch.setattr("django.contrib.auth.authenticate", None)
        patch.setattr("rest_framework.authentication.authenticate", None)
        assert basic(client).status_code == 200
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    assert basic(client).status_code in (401, 403)
    User.objects.filter(pk=user.pk).update(must_change_password=False, is_active=False)
    assert basic(client).status_code in (401, 403)


def test_programs_are_locked_out_too(client, user):
    authentication._kept.clear()
    for _time in range(5):
        answer = basic(client, "wrong")
    assert answer.status_code == 429 and answer["Content-Type"] == "application/problem+json"
    assert basic(client).status_code == 429
