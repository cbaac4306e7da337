"""Messages by channel: templates, wishes, outbox, gateways that are really there, and the log."""

import asyncio
import email
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from geo import code_tables, jobs, notifications, signing
from geo.models import (
    AuditEntry,
    Message,
    Notice,
    NotificationPreference,
    NotificationTemplate,
    UnitSubscription,
)
from geo.notifications import Kind, Placeholder, addresses, kinds, sending, words
from geo.outbound import Unreachable
from tests.factories import make_unit, make_user
from tests.geo.receivers import Mailbox, Receiver, serving
from tests.geo.test_jobs import Context

ROOT = Path(__file__).resolve().parents[2]
SIGN = Kind(
    "test.sign", "A sign", {"name": Placeholder("name", "某"), "due": Placeholder("due", "1")}, units=True
)
KEY = signing.written(b"k" * 32)
WAIT = 60


@pytest.fixture(autouse=True)
def known_kind(db):
    notifications.register(SIGN)
    for language, text in (("zh-hans", "{name}：请于 {due} 前到"), ("en", "{name}: come by {due}")):
        for channel in ("in_app", "sms", "mail"):
            NotificationTemplate.objects.create(
                code=SIGN.code,
                channel=channel,
                language=language,
                subject="" if channel == "sms" else f"{language} {{name}}",
                body=text,
            )
    yield
    kinds.pop(SIGN.code)


def queued_jobs(task="geo.jobs.deliver_message") -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select args from procrastinate_jobs where task_name = %s and status = 'todo' order by id", [task]
        )
        return [args if isinstance(args, dict) else json.loads(args) for (args,) in cursor.fetchall()]


def send(channel="sms", to="13800138000", **more):
    return notifications.send(channel, to, SIGN.code, {"name": "甲", "due": "5 点"}, **more)


@pytest.fixture
def gateway(settings):
    settings.SMS_GATEWAY, settings.SMS_KEY = "http", KEY
    with serving(Receiver()) as server:
        settings.SMS_URL = server.url
        yield server


@pytest.fixture
def mailbox(settings):
    with serving(Mailbox()) as server:
        settings.MAIL_GATEWAY, settings.EMAIL_HOST, settings.EMAIL_PORT = "smtp", "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "网格 <wangge@example.cn>"
        yield server


# --- Words ------------------------------------------------------------------------------------------


def test_unknown_placeholders_are_refused_in_words():
    (fault,) = words.faults("{name} {phone}", SIGN)
    assert "phone" in fault and "{name}" in fault
    assert words.faults("{name", SIGN) and words.faults("{}", SIGN) and words.faults("a }", SIGN)
    assert not words.faults("{name} by {due}", SIGN)


def test_a_value_is_one_line_and_makes_no_placeholder_of_its_own():
    assert words.render("{name}!", {"name": "a\r\nBcc: x{due}", "due": "1"}) == "a Bcc: x{due}!"
    assert len(words.render("{name}", {"name": "x" * 900})) == 200


def test_sms_are_counted_as_networks_count():
    assert [words.sms_parts("字" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "channel, given, cleaned, shown",
    [
        ("sms", "138 0013 8000", "13800138000", "138****8000"),
        ("sms", "+86-13800138000", "13800138000", "138****8000"),
        ("sms", "+6591234567", "+6591234567", "+65****4567"),
        ("sms", "010-12345678", "", ""),
        ("mail", " zhou@example.cn ", "zhou@example.cn", "z***@example.cn"),
        ("mail", "zhou@example.cn\nBcc: all@example.cn", "", ""),
    ],
)
def test_addresses(channel, given, cleaned, shown):
    assert addresses.clean(channel, given) == cleaned
    assert addresses.masked(cleaned) == shown


def test_shipped_templates_are_whole_and_have_no_faults(db):
    rows = list(code_tables.rows("notification_templates.csv"))
    assert {row["code"] for row in rows} == set(kinds) - {SIGN.code}
    pairs = {(row["code"], row["channel"], row["language"]) for row in rows}
    assert len(pairs) == len(rows)
    for code, kind in kinds.items():
        if code != SIGN.code:
            for channel in kind.channels:
                assert {(code, channel, "zh-hans"), (code, channel, "en")} <= pairs
    for row in rows:
        assert not words.faults(row["subject"] + row["body"], kinds[row["code"]]), row
        assert bool(row["subject"]) == (row["channel"] != "sms")
        assert len(row["body"]) <= 1000 and len(row["subject"]) <= 120


def test_loading_again_keeps_what_an_operator_changed(db):
    call_command("load_code_tables", verbosity=0)
    kept, other = NotificationTemplate.objects.exclude(code=SIGN.code).order_by("id")[:2]
    NotificationTemplate.objects.filter(pk=kept.pk).update(body="ours", changed_at=timezone.now())
    NotificationTemplate.objects.filter(pk=other.pk).update(body="an older version")
    count = NotificationTemplate.objects.count()
    call_command("load_code_tables", verbosity=0)
    kept.refresh_from_db()
    assert kept.body == "ours" and NotificationTemplate.objects.count() == count
    body = other.body
    other.refresh_from_db()
    assert other.body == body


# --- Sending ----------------------------------------------------------------------------------------


def test_a_message_is_a_row_and_a_job_in_the_same_transaction():
    message = send(about="A1")
    assert (message.state, message.body, message.shown) == ("queued", "甲：请于 5 点 前到", "138****8000")
    assert queued_jobs() == [{"message_id": message.pk}]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        send()
        raise ZeroDivisionError
    assert Message.objects.count() == 1 and len(queued_jobs()) == 1


def test_what_cannot_be_sent_is_told_and_breaks_nothing(settings):
    assert send(to="").problem == "address" and send("mail", "nobody").problem == "address"
    assert notifications.send("sms", "13800138000", "no.such", {}).problem == "template"
    settings.SMS_GATEWAY = "off"
    assert send().problem == "off"
    assert set(Message.objects.values_list("state", flat=True)) == {"skipped"}
    assert not Message.objects.exclude(address="").exists() and not queued_jobs()


def test_one_key_one_message():
    first = send(key="once")
    assert send(key="once") is None
    assert list(Message.objects.values_list("pk", flat=True)) == [first.pk]


def test_people_are_told_where_they_want_and_in_their_language():
    user = make_user("zhou")
    user.phone, user.email, user.language = "13800138000", "zhou@example.cn", "en"
    user.save()
    told = notifications.notify(user, SIGN.code, {"name": "甲", "due": "5"}, url="/x")
    assert [one.channel for one in told] == ["in_app"]
    notice = Notice.objects.get(user=user)
    assert (notice.title, notice.detail, notice.url) == ("en 甲", "甲: come by 5", "/x")
    for channel, wanted in (("in_app", False), ("sms", True), ("mail", True)):
        NotificationPreference.objects.create(user=user, kind=SIGN.code, channel=channel, wanted=wanted)
    told = notifications.notify(user, SIGN.code, {"name": "甲", "due": "5"})
    assert {(one.channel, one.state) for one in told} == {("sms", "queued"), ("mail", "queued")}
    assert Notice.objects.count() == 1
    user.is_active = False
    assert notifications.notify(user, SIGN.code, {}) == []


def test_telling_many_takes_as_many_statements_as_telling_one(django_assert_num_queries):
    few = [make_user() for _ in range(2)]
    many = [make_user() for _ in range(20)]
    for users in (few, many):
        # Wishes, templates, messages, notices, events; a savepoint and its end.
        with django_assert_num_queries(7):
            notifications.notify_all(users, SIGN.code, {"name": "甲", "due": "5"})


# --- Gateways ---------------------------------------------------------------------------------------


def test_the_outbox_keeps_what_it_does_not_send():
    message = send()
    assert notifications.deliver(message.pk) == "sent"
    message.refresh_from_db()
    assert (message.gateway, message.address, message.body != "") == ("outbox", "", True)
    assert notifications.deliver(message.pk) == "done before"


def test_the_http_gateway_gets_a_signed_request(gateway):
    gateway.answers = [(200, '{"id": "net-7"}')]
    message = send()
    assert notifications.deliver(message.pk) == "sent"
    headers, body = gateway.got[0]
    said = json.loads(body)
    assert said["to"] == "13800138000" and said["text"] == message.body and said["template"] == SIGN.code
    assert said["params"] == {"name": "甲", "due": "5 点"} and said["id"] == str(message.uuid)
    assert headers["webhook-id"] == str(message.uuid)
    right = signing.signature(b"k" * 32, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == right
    message.refresh_from_db()
    assert (message.gateway_id, message.address, message.context) == ("net-7", "", {})


def test_a_gateway_that_fails_is_tried_again_under_one_id(gateway):
    gateway.answers = [(503, "busy"), (429, ""), (200, "{}")]
    message = send()
    for _ in range(2):
        with pytest.raises(Unreachable):
            jobs.deliver_message.func(message.pk)
    message.refresh_from_db()
    assert message.state == "queued" and message.attempts == 2 and "429" in message.problem
    assert jobs.deliver_message.func(message.pk) == "sent"
    assert {headers["webhook-id"] for headers, _body in gateway.got} == {str(message.uuid)}
    message.refresh_from_db()
    assert message.problem == ""


def test_it_fails_visibly_in_the_end_and_can_be_sent_again(gateway, client, roles):
    gateway.answers = [(500, "broken")]
    message = send()
    for _ in range(sending.ATTEMPTS - 1):
        with pytest.raises(Unreachable):
            notifications.deliver(message.pk)
    assert notifications.deliver(message.pk) == "failed"
    client.force_login(make_user(role="system_admin"))
    page = client.get(reverse("manage-messages"), {"state": "failed"}).content.decode()
    assert "500 broken" in page and "138****8000" in page and "13800138000" not in page
    gateway.answers = [(204, "")]
    client.post(reverse("manage-message-retry", args=[message.pk]))
    assert notifications.deliver(message.pk) == "sent"
    # A second click is too late, and says so.
    answer = client.post(reverse("manage-message-retry", args=[message.pk]), follow=True)
    assert "is-overdue" in answer.content.decode() or "banner bad" in answer.content.decode()
    assert AuditEntry.objects.filter(action="message.retry").count() == 1


def test_what_a_gateway_refuses_is_not_tried_again(gateway):
    gateway.answers = [(400, "unknown template")]
    message = send()
    assert notifications.deliver(message.pk) == "failed"
    message.refresh_from_db()
    assert message.attempts == 1 and "unknown template" in message.problem


def test_mail_goes_to_a_real_server(mailbox, settings):
    settings.PUBLIC_URL = "https://wangge.example.cn"
    message = send("mail", "zhou@example.cn", url="/cases/A1/")
    assert notifications.deliver(message.pk) == "sent"
    mail = email.message_from_bytes(mailbox.got[0].encode(), policy=default)
    assert mail["subject"] == "zh-hans 甲" and mail["to"] == "zhou@example.cn"
    assert mail["message-id"] == f"<{message.uuid}@example.cn>" and mail["auto-submitted"]
    text = mail.get_content()
    assert "甲：请于 5 点 前到" in text and "https://wangge.example.cn/cases/A1/" in text


def test_mail_is_put_off_or_refused(mailbox):
    mailbox.closed_for = 1
    message = send("mail", "zhou@example.cn")
    with pytest.raises(Unreachable):
        notifications.deliver(message.pk)
    assert notifications.deliver(message.pk) == "sent"
    refused = send("mail", "refused@example.cn")
    assert notifications.deliver(refused.pk) == "failed"
    refused.refresh_from_db()
    assert "no such mailbox" in refused.problem


def test_nobody_listens(settings):
    settings.SMS_GATEWAY, settings.SMS_KEY, settings.SMS_URL = "http", KEY, "http://127.0.0.1:9/"
    message = send()
    with pytest.raises(Unreachable):
        notifications.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == "queued" and "ConnectError" in message.problem


# --- A worker that dies -----------------------------------------------------------------------------


def work(extra: dict, *more: str) -> subprocess.Popen:
    """A real worker on the test's database."""
    url = urlsplit(os.environ["DATABASE_URL"])
    here = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    return subprocess.Popen(
        [sys.executable, "manage.py", "procrastinate", "worker", "--queues", "outside", *more],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": here} | extra,
        stderr=subprocess.DEVNULL,
    )


def until(true) -> None:
    for _round in range(WAIT * 10):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_s_message_is_sent_again_under_the_same_id(no_jobs):
    with serving(Receiver()) as server:
        server.slow = 30
        message = send()
        extra = {"WANGGE_SMS_GATEWAY": "http", "WANGGE_SMS_URL": server.url, "WANGGE_SMS_KEY": KEY}
        worker = work(extra)
        try:
            until(lambda: server.got)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        message.refresh_from_db()
        assert (message.state, message.attempts) == ("queued", 1)
        server.slow = 0
        with connection.cursor() as cursor:
            cursor.execute("update procrastinate_workers set last_heartbeat = now() - interval '5 minutes'")
        assert asyncio.run(jobs.retry_stalled.func(Context, 0)) == 1
        again = work(extra, "--one-shot")
        assert again.wait(WAIT) == 0
        message.refresh_from_db()
        assert (message.state, message.attempts) == ("sent", 2)
        assert [headers["webhook-id"] for headers, _body in server.got] == [str(message.uuid)] * 2


@pytest.fixture
def no_jobs(db):
    def empty():
        with connection.cursor() as cursor:
            cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")

    empty()
    yield
    empty()


# --- Time -------------------------------------------------------------------------------------------


def test_words_go_first_then_the_line(settings):
    rows = {days: send() for days in (1, 31, 181)}
    for days, row in rows.items():
        Message.objects.filter(pk=row.pk).update(
            state="sent", created_at=timezone.now() - timedelta(days=days)
        )
    assert sending.clean_up() == {"lost messages": 0, "words of messages": 2, "messages": 1}
    assert Message.objects.get(pk=rows[1].pk).body
    old = Message.objects.get(pk=rows[31].pk)
    assert (old.body, old.address, old.context) == ("", "", {}) and old.shown == "138****8000"


def test_what_no_job_took_is_told_as_lost():
    message = send()
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert sending.clean_up()["lost messages"] == 1
    message.refresh_from_db()
    assert message.state == "failed"


# --- Pages ------------------------------------------------------------------------------------------


@pytest.fixture
def admin(client, roles):
    user = make_user("sys", role="system_admin")
    client.force_login(user)
    return user


def test_the_words_of_a_message_are_read_one_at_a_time_and_that_is_written_down(client, admin):
    message = send(about="A1")
    notifications.deliver(message.pk)
    page = client.get(reverse("manage-messages"), {"about": "A1"}).content.decode()
    assert "138****8000" in page and "请于 5 点" not in page
    page = client.get(reverse("manage-message", args=[message.pk])).content.decode()
    assert "请于 5 点" in page
    assert AuditEntry.objects.get(action="message.read").actor == admin
    assert "请于 5 点" in client.get(reverse("manage-outbox")).content.decode()


def test_words_are_changed_with_a_preview(client, admin):
    row = NotificationTemplate.objects.get(code=SIGN.code, channel="sms", language="zh-hans")
    page = reverse("manage-template", args=[row.pk])
    answer = client.post(page, {"body": "{name} {wrong}", "active": "on"})
    assert answer.status_code == 200 and "{wrong}" in answer.content.decode()
    row.refresh_from_db()
    assert row.changed_at is None
    shown = client.post(reverse("manage-template-preview", args=[row.pk]), {"body": "{name}来"})
    assert "某来" in shown.content.decode()
    assert client.post(page, {"body": "{name}来", "active": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.body == "{name}来" and row.changed_by == admin
    assert AuditEntry.objects.filter(action="template.change").exists()


def test_back_to_the_shipped_words(client, admin):
    call_command("load_code_tables", verbosity=0)
    row = NotificationTemplate.objects.exclude(code=SIGN.code).filter(channel="sms").first()
    shipped = row.body
    NotificationTemplate.objects.filter(pk=row.pk).update(body="x", changed_at=timezone.now())
    client.post(reverse("manage-template-restore", args=[row.pk]))
    row.refresh_from_db()
    assert row.body == shipped and row.changed_at is None


def test_a_unit_takes_messages_at_an_address_of_its_own(client, admin):
    unit = make_unit("排水公司")
    page = reverse("manage-subscriptions")
    given = {"unit": unit.pk, "kind": SIGN.code, "channel": "sms", "address": ""}
    assert client.post(page, given).status_code == 200  # its duty phone is none
    assert client.post(page, given | {"channel": "mail", "address": "no"}).status_code == 200
    assert client.post(page, given | {"address": "138 0013 8000"}).status_code == 302
    row = UnitSubscription.objects.get(unit=unit)
    assert row.address == "13800138000"
    client.post(reverse("manage-subscription-delete", args=[row.pk]))
    assert not UnitSubscription.objects.exists()


def test_everybody_chooses_on_a_page_of_their_own(client, roles):
    user = make_user("zhou", role="department", unit=make_unit())
    client.force_login(user)
    page = reverse("my-notifications")
    assert client.get(page).status_code == 200
    given = {"email": "zhou@example.cn", "want": [f"{SIGN.code}:sms", f"{SIGN.code}:mail", "no.such:sms"]}
    assert client.post(page, given).status_code == 302
    assert notifications.wishes([user.pk], SIGN.code) == {user.pk: {"sms", "mail"}}
    assert not NotificationPreference.objects.filter(kind="no.such").exists()
    user.refresh_from_db()
    assert user.email == "zhou@example.cn"
    assert client.post(page, {"email": "no", "want": []}).status_code == 200
    assert notifications.wishes([user.pk], SIGN.code) == {user.pk: {"sms", "mail"}}


def test_others_do_not_get_in(client, roles):
    client.force_login(make_user(role="shift_lead", area="9901"))
    message = send()
    for name, args in (
        ("manage-messages", []),
        ("manage-message", [message.pk]),
        ("manage-outbox", []),
        ("manage-templates", []),
        ("manage-subscriptions", []),
        ("manage-webhooks", []),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403
