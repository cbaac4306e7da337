"""Webhooks against a receiver that is really there: signed, tried again, guarded, switched off."""

import asyncio
import ipaddress
import json
import signal
import socket
import ssl
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from geo import jobs, outbound, signing, webhooks
from geo.models import AuditEntry, Grant, Message, Notice, Webhook, WebhookDelivery
from geo.problems import Problem
from tests.factories import make_user
from tests.geo.receivers import Receiver, serving
from tests.geo.test_jobs import Context
from tests.geo.test_notifications import WAIT, no_jobs, queued_jobs, until, work  # noqa: F401

pytestmark = pytest.mark.django_db
TYPE = "cn.wangge.case.dispatched"
HERE = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_HTTP, settings.WEBHOOK_ALLOW_NETWORKS = True, HERE
    with serving(Receiver()) as server:
        yield server


@pytest.fixture
def hook(receiver, roles):
    return Webhook.objects.create(
        name="12345", url=receiver.url, owner=make_user("service", role="leader", area="9901")
    )


def event(**values) -> webhooks.Event:
    values = {
        "id": uuid.uuid4(),
        "type": TYPE,
        "subject": "A990101",
        "at": timezone.now(),
        "area_code": "990101001001",
        "data": {"number": "A990101", "state": "dispatched"},
    } | values
    return webhooks.Event(**values)


def emit(*events, sees=lambda owner: True):
    webhooks.emit(events or [event()], sees)
    return WebhookDelivery.objects.order_by("-id").first()


def run(delivery, **more) -> str:
    """The job that is due."""
    delivery.refresh_from_db()
    return jobs.deliver_webhook.func(delivery.pk, delivery.attempts, **more)


def verified(headers, body, secret) -> bool:
    """What docs/notifications.md tells receivers to do."""
    right = signing.signature(
        signing.key_of(secret), headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    return right in headers["webhook-signature"].split(" ")


# --- What arrives -----------------------------------------------------------------------------------


def test_a_signed_cloud_event_arrives(hook, receiver):
    told = event()
    delivery = emit(told)
    assert run(delivery) == "sent"
    headers, body = receiver.got[0]
    said = json.loads(body)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert {key: said[key] for key in ("specversion", "id", "type", "subject", "datacontenttype")} == {
        "specversion": "1.0",
        "id": str(told.id),
        "type": TYPE,
        "subject": "A990101",
        "datacontenttype": "application/json",
    }
    assert said["source"] and said["time"] == told.at.isoformat() and said["data"] == told.data
    assert headers["webhook-id"] == str(told.id)
    assert verified(headers, body, webhooks.secret(hook))
    assert not verified(headers, body + b" ", webhooks.secret(hook))
    hook.refresh_from_db()
    assert hook.reached_at and headers["host"] == f"127.0.0.1:{receiver.server_port}"


def test_the_signature_is_the_one_of_the_standard():
    """The example that Standard Webhooks gives."""
    key = signing.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    said = signing.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_fails_twice_then_succeeds(hook, receiver):
    receiver.answers = [(500, "no"), (503, "not yet"), (200, "thanks")]
    delivery = emit()
    assert [run(delivery), run(delivery), run(delivery)] == ["again", "again", "sent"]
    delivery.refresh_from_db()
    assert [one["status"] for one in delivery.tries] == [500, 503, 200]
    assert (delivery.state, delivery.attempts, delivery.answer) == ("sent", 3, "thanks")
    # Each attempt is signed anew, under one id and over the same words.
    assert len({headers["webhook-id"] for headers, _body in receiver.got}) == 1
    assert len({body for _headers, body in receiver.got}) == 1
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since) == (0, None)


def test_both_secrets_sign_while_one_is_changed(hook, receiver, client):
    old = webhooks.secret(hook)
    client.force_login(make_user(role="system_admin"))
    page = client.post(reverse("manage-webhook-rotate", args=[hook.pk]))
    hook.refresh_from_db()
    new = webhooks.secret(hook)
    assert new != old and new in page.content.decode() and page["Cache-Control"] == "no-store"
    assert new not in client.get(reverse("manage-webhook", args=[hook.pk])).content.decode()
    run(emit())
    assert verified(*receiver.got[0], old) and verified(*receiver.got[0], new)
    Webhook.objects.update(former_until=timezone.now() - timedelta(minutes=1))
    run(emit())
    assert not verified(*receiver.got[1], old) and verified(*receiver.got[1], new)


def test_only_what_was_asked_for_and_may_be_seen(hook):
    def told(**values):
        before = WebhookDelivery.objects.count()
        sees = values.pop("sees", lambda owner: owner == hook.owner)
        webhooks.emit([event(**values)], sees)
        return WebhookDelivery.objects.count() - before

    assert told() == 1
    assert told(sees=lambda owner: False) == 0
    Webhook.objects.update(types=["cn.wangge.case.closed"])
    assert told() == 0 and told(type="cn.wangge.case.closed") == 1
    Webhook.objects.update(types=[], area_code="990102")
    assert told() == 0 and told(area_code="990102001001") == 1
    Webhook.objects.update(area_code="", active=False)
    assert told() == 0


def test_told_twice_it_is_sent_once(hook):
    told = event()
    first, second = emit(told), emit(told)
    assert first == second and WebhookDelivery.objects.count() == 1
    assert run(first) == "sent"
    # A job that is left over finds nothing to do.
    assert {jobs.deliver_webhook.func(**args) for args in queued_jobs("geo.jobs.deliver_webhook")} == {
        "done before"
    }


# --- Failing ----------------------------------------------------------------------------------------


def test_it_waits_ever_longer_and_is_switched_off_after_a_day(hook, receiver, monkeypatch):
    """The clock of the test goes on to the time of each next attempt."""
    receiver.answers = [(500, "broken")]
    admin = make_user("sys", role="system_admin")
    expired = make_user("was", role="system_admin")
    Grant.objects.filter(user=expired).update(valid_to=timezone.localdate() - timedelta(days=1))
    from geo.code_tables import load_templates

    load_templates()
    start = clock = timezone.now()
    monkeypatch.setattr("geo.webhooks.timezone.now", lambda: clock)
    delivery = emit()
    waits = []
    while run(delivery) in ("again", "later"):
        delivery.refresh_from_db()
        waits.append((delivery.next_try - clock).total_seconds())
        clock = delivery.next_try
        assert len(waits) < 40
    assert timedelta(hours=19) < clock - start < timedelta(hours=24)
    assert waits[0] < 6 and max(waits) > 6 * 3600
    hook.refresh_from_db()
    delivery.refresh_from_db()
    assert not hook.active and "HTTP 500" in hook.off_reason and delivery.state == "failed"
    assert Notice.objects.filter(user=admin, title__contains="12345").count() == 1
    assert not Notice.objects.filter(user=expired).exists()
    assert AuditEntry.objects.filter(action="webhook.off").exists()
    assert Message.objects.get(user=admin).url == reverse("manage-webhook", args=[hook.pk])


def test_one_event_that_is_refused_does_not_switch_off_a_receiver_that_works(hook, receiver, monkeypatch):
    receiver.answers = [(422, "not this one")]
    clock = timezone.now()
    monkeypatch.setattr("geo.webhooks.timezone.now", lambda: clock)
    delivery = emit()
    run(delivery)
    receiver.answers = [(204, "")]
    clock += timedelta(hours=5)
    assert run(emit()) == "sent"
    receiver.answers = [(422, "not this one")]
    clock += timedelta(hours=18)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(attempts=9)
    assert run(delivery) == "failed"
    hook.refresh_from_db()
    assert hook.active


def test_while_it_fails_the_others_wait_without_being_tried(hook, receiver):
    receiver.answers = [(500, "")]
    first = emit()
    for _ in range(3):
        run(first)
    assert len(receiver.got) == 3
    others = [emit() for _ in range(5)]
    assert {run(one) for one in others} == {"later"} and len(receiver.got) == 3
    receiver.answers = [(204, "")]
    Webhook.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert {run(one) for one in others} == {"sent"}


def test_gone_is_gone(hook, receiver):
    receiver.answers = [(410, "")]
    assert run(emit()) == "gone"
    hook.refresh_from_db()
    assert not hook.active and "410" in hook.off_reason


def test_redirects_are_not_followed_and_long_answers_not_kept(hook, receiver):
    receiver.headers = {"location": receiver.url}
    receiver.answers = [(302, "")]
    delivery = emit()
    assert run(delivery) == "again" and len(receiver.got) == 1
    receiver.headers, receiver.answers = {}, [(200, "x" * 5_000_000)]
    assert run(delivery) == "sent"
    delivery.refresh_from_db()
    assert delivery.answer == "x" * outbound.MOST_KEPT


def test_a_receiver_that_does_not_answer_is_left_in_time(hook, receiver, monkeypatch):
    monkeypatch.setattr(outbound, "TIMEOUT", 0.5)
    receiver.slow = 2
    delivery = emit()
    assert run(delivery) == "again"
    delivery.refresh_from_db()
    assert "no answer" in delivery.problem and delivery.status is None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_s_event_is_sent_again(hook, receiver, no_jobs):  # noqa: F811
    receiver.slow = 30
    delivery = emit()
    extra = {"WANGGE_WEBHOOK_HTTP": "1", "WANGGE_WEBHOOK_ALLOW": "127.0.0.0/8"}
    # Another process has another key unless it is told; its signature is not what is judged here.
    worker = work(extra)
    try:
        until(lambda: receiver.got)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    receiver.slow = 0
    with connection.cursor() as cursor:
        cursor.execute("update procrastinate_workers set last_heartbeat = now() - interval '5 minutes'")
    assert asyncio.run(jobs.retry_stalled.func(Context, 0)) == 1
    assert work(extra, "--one-shot").wait(WAIT) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 1)
    assert [headers["webhook-id"] for headers, _body in receiver.got] == [str(delivery.event)] * 2
    assert verified(*receiver.got[1], webhooks.secret(hook))


# --- Where it may not go ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.cn/",
        "ftp://example.cn/",
        "https://user:password@example.cn/",
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https:///nowhere",
        "https://example.cn/#part",
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(Problem):
        outbound.check_address(url)


def test_addresses_that_are_taken(settings):
    outbound.check_address("https://example.cn:8443/hook?x=1")
    settings.WEBHOOK_ALLOW_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    outbound.check_address("https://10.0.0.1/")
    with pytest.raises(Problem):
        outbound.check_address("https://192.168.0.1/")


def test_a_name_that_leads_inside_is_not_called(hook, receiver, settings):
    settings.WEBHOOK_ALLOW_NETWORKS = []
    Webhook.objects.update(url=f"http://localhost:{receiver.server_port}/")
    delivery = emit()
    assert run(delivery) == "again" and not receiver.got
    delivery.refresh_from_db()
    assert "private network" in delivery.problem
    settings.WEBHOOK_ALLOW_HOSTS = {"localhost"}
    Webhook.objects.update(retry_at=None)
    # The receiver listens on IPv4 alone; which address comes first is the machine's.
    assert run(delivery) in ("again", "sent")


def test_one_bad_address_among_good_ones_is_enough(settings, monkeypatch):
    async def both(self, host, port, **kwargs):
        return [(None, None, None, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", both)
    with pytest.raises(outbound.Forbidden):
        outbound.post("https://example.cn/", b"", {})


def test_the_call_goes_to_the_address_that_was_looked_at(receiver, settings, monkeypatch):
    """A name that changes its mind after the look is not asked a second time."""
    asked = []

    async def once(self, host, port, **kwargs):
        asked.append(host)
        return [(None, None, None, "", ("127.0.0.1", port))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", once)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("asked again"))
    answer = outbound.post(f"http://rebinding.example:{receiver.server_port}/", b"{}", {})
    assert answer.status == 204 and "rebinding.example" in asked
    assert receiver.got[0][0]["host"] == f"rebinding.example:{receiver.server_port}"


def certificate(tmp_path, name: str):
    """An authority of its own, and a certificate for one name; (authority's file, server's file)."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now, keys = timezone.now(), [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "city")])

    def signed(subject, key, extension):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(authority)
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(extension, critical=True).sign(keys[0], hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    root, server = tmp_path / "ca.pem", tmp_path / "server.pem"
    root.write_bytes(signed(authority, keys[0], x509.BasicConstraints(ca=True, path_length=None)))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    server.write_bytes(private + signed(x509.Name([]), keys[1], names))
    return root, server


def test_the_certificate_is_judged_by_the_name(settings, monkeypatch, tmp_path):
    """The call goes to an address; the name in the certificate must be the one that was typed."""

    async def here(self, host, port, **kwargs):
        return [(None, None, None, "", ("127.0.0.1", port))]

    root, mine = certificate(tmp_path, "bus.example")
    settings.WEBHOOK_ALLOW_NETWORKS, settings.OUTBOUND_CA = HERE, str(root)
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", here)
    server = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(mine)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        port = server.server_port
        assert outbound.post(f"https://bus.example:{port}/", b"{}", {}).status == 204
        with pytest.raises(outbound.Unreachable, match="Hostname mismatch"):
            outbound.post(f"https://other.example:{port}/", b"{}", {})
        settings.OUTBOUND_CA = ""
        with pytest.raises(outbound.Unreachable, match="certificate"):
            outbound.post(f"https://bus.example:{port}/", b"{}", {})
    assert len(server.got) == 1


# --- Pages ------------------------------------------------------------------------------------------


@pytest.fixture
def admin(client, roles):
    user = make_user("sys", role="system_admin")
    client.force_login(user)
    return user


def test_a_webhook_is_added_and_its_secret_shown_once(client, admin, receiver, city):
    make_user("service", role="leader", area="9901")
    page = reverse("manage-webhook-new")
    given = {"name": "12345", "url": receiver.url, "owner": "service", "active": "on", "types": [TYPE]}
    assert "10.0.0.1" in client.post(page, given | {"url": "http://10.0.0.1/"}).content.decode()
    assert client.post(page, given | {"owner": "nobody"}).status_code == 200
    assert client.post(page, given | {"area_code": "123456"}).status_code == 200
    assert not Webhook.objects.exists()
    answer = client.post(page, given)
    hook = Webhook.objects.get()
    assert webhooks.secret(hook) in answer.content.decode() and hook.types == [TYPE]
    assert webhooks.secret(hook) not in client.get(reverse("manage-webhook", args=[hook.pk])).content.decode()
    assert AuditEntry.objects.get(action="webhook.create").actor == admin
    assert webhooks.secret(hook) not in json.dumps([row.detail for row in AuditEntry.objects.all()])


def test_a_test_event_and_a_replay(client, admin, hook, receiver):
    receiver.answers = [(500, "<script>broken</script>"), (200, "ok")]
    answer = client.post(reverse("manage-webhook-test", args=[hook.pk]))
    delivery = WebhookDelivery.objects.get()
    assert answer.url == reverse("manage-delivery", args=[delivery.pk]) and delivery.type == webhooks.TEST
    assert run(delivery, force=True) == "again"
    page = client.get(answer.url).content.decode()
    assert "HTTP 500" in page and "<script>broken" not in page
    client.post(reverse("manage-delivery-replay", args=[delivery.pk]))
    assert run(delivery, force=True) == "sent"
    # Delivered, it may be sent once more: under its own id.
    client.post(reverse("manage-delivery-replay", args=[delivery.pk]))
    assert run(delivery, force=True) == "sent"
    assert len({headers["webhook-id"] for headers, _body in receiver.got}) == 1


def test_what_failed_is_sent_again_after_a_repair(client, admin, hook, receiver):
    rows = [emit() for _ in range(3)]
    WebhookDelivery.objects.update(state="failed", attempts=9)
    Webhook.objects.update(active=False, off_reason="x", failures=9, retry_at=timezone.now())
    client.post(reverse("manage-webhook-replay", args=[hook.pk]))
    assert WebhookDelivery.objects.filter(state="failed").count() == 3
    given = {"name": hook.name, "url": hook.url, "owner": "service", "active": "on"}
    assert client.post(reverse("manage-webhook", args=[hook.pk]), given).status_code == 302
    client.post(reverse("manage-webhook-replay", args=[hook.pk]))
    assert {run(one) for one in rows} == {"sent"}


def test_a_delivery_of_a_deleted_webhook_is_no_error(client, admin, hook):
    delivery = emit()
    client.post(reverse("manage-webhook-delete", args=[hook.pk]))
    assert jobs.deliver_webhook.func(delivery.pk, 0) == "done before"
    assert AuditEntry.objects.filter(action="webhook.delete").exists()


def test_old_deliveries_go(hook):
    delivery = emit()
    assert webhooks.clean_up() == 0
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert webhooks.clean_up() == 1 and not WebhookDelivery.objects.filter(pk=delivery.pk).exists()
