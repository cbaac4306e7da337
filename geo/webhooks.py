"""Events for programs outside: CloudEvents 1.0 in structured JSON, signed, tried for a day.

``emit`` writes a row per webhook that wants an event and whose owner may see what it is about, and a job for
each; ``deliver`` is that job. Delivery is at least once, under the event's id, in no promised order. A
receiver that fails is asked ever more rarely and does not hold up others; one that let a whole day pass is
switched off, and the system administrators are told.
"""

from __future__ import annotations

import hmac
import json
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo import accounts, audit, outbound, signing
from geo.models import User, Webhook, WebhookDelivery
from geo.notifications import notify_all
from geo.notifications.kinds import WEBHOOK_OFF
from geo.problems import Problem

MEDIA_TYPE = "application/cloudevents+json"
TEST = "cn.wangge.test"
# Seconds to the next attempt; in all a little less than ``PATIENCE``.
WAITS = (5, 30, 120, 600, 1800, 5400, 10800, 21600, 37800)
PATIENCE = timedelta(hours=24)
# After so many failures in a row a webhook's events wait together, and one goes first to see.
TOGETHER, LONGEST_PAUSE = 3, 3600
FORMER_DAYS = 7
KEPT = timedelta(days=30)
# Under this key "off" stands in the log of a delivery whose webhook was switched off meanwhile.
OFF = gettext_lazy("The webhook was switched off.")
OVER = gettext_lazy("It was tried for a day.")

# Types that a webhook may choose from, in words; apps above add theirs.
types: dict[str, str] = {}
audit.ACTIONS |= {
    "webhook.create": gettext_lazy("Added a webhook"),
    "webhook.change": gettext_lazy("Changed a webhook"),
    "webhook.rotate": gettext_lazy("Changed the secret of a webhook"),
    "webhook.delete": gettext_lazy("Deleted a webhook"),
    "webhook.replay": gettext_lazy("Sent an event to a webhook again"),
    "webhook.off": gettext_lazy("A webhook was switched off"),
}


@dataclass(frozen=True)
class Event:
    """What happened: ``id`` the same however often it is told, ``subject`` the number of what it happened to.

    ``data`` is what a receiver needs to decide whether to ask the API, and nothing about people.
    """

    id: uuid.UUID
    type: str
    subject: str
    at: datetime
    area_code: str
    data: dict


def body_of(event: Event) -> str:
    """The event as it goes over the wire."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(event.id),
            "source": settings.PUBLIC_URL or f"urn:wangge:{settings.CITY_CODE}",
            "type": event.type,
            "subject": event.subject,
            "time": event.at.isoformat(),
            "datacontenttype": "application/json",
            "data": event.data,
        },
        ensure_ascii=False,
    )


# --- Secrets ----------------------------------------------------------------------------------------


def _key(webhook: Webhook, generation: int) -> bytes:
    text = f"wangge.webhook:{webhook.uuid}:{generation}"
    return hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256")


def secret(webhook: Webhook) -> str:
    """The secret to be shown once to whoever made the webhook or changed its secret."""
    return signing.written(_key(webhook, webhook.generation))


def _keys(webhook: Webhook, now: datetime) -> list[bytes]:
    keys = [_key(webhook, webhook.generation)]
    if webhook.former_until and now < webhook.former_until:
        keys.append(_key(webhook, webhook.generation - 1))
    return keys


# --- Verbs ------------------------------------------------------------------------------------------


@transaction.atomic
def save(actor, webhook: Webhook, *, ip: str | None = None) -> None:
    """Add or change a webhook. One that is switched on again begins with a clean slate."""
    outbound.check_address(webhook.url)
    if not webhook.owner.is_active:
        raise Problem(_("The service account is switched off."))
    verb = "webhook.change" if webhook.pk else "webhook.create"
    if webhook.active:
        webhook.off_reason, webhook.failures = "", 0
        webhook.failing_since = webhook.retry_at = None
    webhook.save()
    said = {"name": webhook.name, "url": webhook.url, "types": webhook.types, "area": webhook.area_code}
    audit.log(actor, verb, webhook, ip=ip, owner=webhook.owner.username, active=webhook.active, **said)


@transaction.atomic
def rotate(actor, webhook: Webhook, *, ip: str | None = None) -> str:
    """A new secret, shown this once; the one before signs too for a week."""
    webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
    webhook.generation += 1
    webhook.former_until = timezone.now() + timedelta(days=FORMER_DAYS)
    webhook.save(update_fields=["generation", "former_until"])
    audit.log(actor, "webhook.rotate", webhook, ip=ip, name=webhook.name)
    return secret(webhook)


@transaction.atomic
def delete(actor, webhook: Webhook, *, ip: str | None = None) -> None:
    audit.log(actor, "webhook.delete", webhook, ip=ip, name=webhook.name, url=webhook.url)
    webhook.delete()


@transaction.atomic
def test(webhook: Webhook) -> WebhookDelivery:
    """Send it an event that means nothing."""
    event = Event(uuid.uuid4(), TEST, "test", timezone.now(), "", {"webhook": webhook.name})
    delivery = _row(webhook, event)
    delivery.save()
    _defer(delivery, force=True)
    return delivery


@transaction.atomic
def replay(actor, pk: int, *, ip: str | None = None) -> WebhookDelivery:
    """Send an event again, under its own id, whatever became of it."""
    delivery = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("webhook").get(pk=pk)
    if not delivery.webhook.active:
        raise Problem(_("The webhook is switched off."), status=409, kind="state")
    if delivery.state != WebhookDelivery.State.WAITING:
        _begin_anew(delivery)
    _defer(delivery, force=True)
    audit.log(
        actor,
        "webhook.replay",
        delivery.webhook,
        ip=ip,
        event=str(delivery.event),
        type=delivery.type,
        about=delivery.subject,
    )
    return delivery


@transaction.atomic
def replay_failed(actor, webhook: Webhook, *, ip: str | None = None, most: int = 1000) -> int:
    """Send again what failed, the oldest first; how many."""
    if not webhook.active:
        raise Problem(_("The webhook is switched off."), status=409, kind="state")
    rows = webhook.deliveries.select_for_update().filter(state=WebhookDelivery.State.FAILED)
    found = list(rows.order_by("id")[:most])
    for delivery in found:
        _begin_anew(delivery, save=False)
    WebhookDelivery.objects.bulk_update(found, ["state", "attempts", "since", "next_try", "problem"])
    _hand_over(found)
    audit.log(actor, "webhook.replay", webhook, ip=ip, count=len(found))
    return len(found)


def _begin_anew(delivery: WebhookDelivery, save: bool = True) -> None:
    delivery.state, delivery.problem, delivery.attempts = WebhookDelivery.State.WAITING, "", 0
    delivery.since = delivery.next_try = timezone.now()
    if save:
        delivery.save(update_fields=["state", "problem", "attempts", "since", "next_try"])


# --- Telling ----------------------------------------------------------------------------------------


def wanted() -> bool:
    """Whether anybody listens at all."""
    return Webhook.objects.filter(active=True).exists()


@transaction.atomic
def emit(events: Iterable[Event], sees: Callable[[User], bool]) -> int:
    """Events about one thing, for every webhook that wants them and whose owner may see it; how many rows.

    Told twice (a job that ran again), they are written once.
    """
    events, rows, seen = list(events), [], {}
    for webhook in Webhook.objects.filter(active=True).select_related("owner"):
        chosen = [
            one
            for one in events
            if one.area_code.startswith(webhook.area_code)
            and (not webhook.types or one.type in webhook.types)
        ]
        if not chosen:
            continue
        if webhook.owner_id not in seen:
            seen[webhook.owner_id] = sees(webhook.owner)
        if seen[webhook.owner_id]:
            rows += [_row(webhook, one) for one in chosen]
    if not rows:
        return 0
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    fresh = WebhookDelivery.objects.filter(
        webhook__in={one.webhook_id for one in rows},
        event__in={one.event for one in rows},
        state=WebhookDelivery.State.WAITING,
        attempts=0,
    )
    _hand_over(list(fresh))
    return len(rows)


def _row(webhook: Webhook, event: Event) -> WebhookDelivery:
    now = timezone.now()
    return WebhookDelivery(
        webhook=webhook,
        event=event.id,
        type=event.type,
        subject=event.subject,
        body=body_of(event),
        since=now,
        next_try=now,
    )


def _hand_over(rows: list[WebhookDelivery]) -> None:
    from geo.jobs import deliver_webhook

    if rows:
        deliver_webhook.batch_defer(*({"delivery_id": row.pk, "attempt": row.attempts} for row in rows))


def _defer(delivery: WebhookDelivery, *, seconds: float = 0, force: bool = False) -> None:
    from geo.jobs import deliver_webhook

    job = deliver_webhook.configure(schedule_in={"seconds": round(seconds)}) if seconds else deliver_webhook
    job.defer(delivery_id=delivery.pk, attempt=delivery.attempts, force=force)


# --- Delivering -------------------------------------------------------------------------------------


def deliver(pk: int, attempt: int, *, force: bool = False) -> str:
    """Attempt number ``attempt`` (from 0), in a job; what came of it. Another job's work is left alone."""
    delivery = WebhookDelivery.objects.select_related("webhook").filter(pk=pk).first()
    if delivery is None or delivery.state != WebhookDelivery.State.WAITING or delivery.attempts != attempt:
        return "done before"
    webhook, now = delivery.webhook, timezone.now()
    if not webhook.active:
        return _give_up(delivery, OFF)
    if webhook.retry_at and webhook.retry_at > now and not force:
        if now - delivery.since > PATIENCE:
            return _run_out(delivery, now)
        return _postpone(delivery, webhook.retry_at, now)
    body = delivery.body.encode()
    headers = signing.headers(_keys(webhook, now), str(delivery.event), now, body)
    headers["content-type"] = f"{MEDIA_TYPE}; charset=utf-8"
    answer, problem = None, ""
    try:
        answer = outbound.post(webhook.url, body, headers)
        if not 200 <= answer.status < 300:
            problem = f"HTTP {answer.status}"
    except outbound.Unreachable as error:
        problem = str(error)[:300]
    return _note(delivery.pk, attempt, answer, problem, now)


@transaction.atomic
def _note(pk: int, attempt: int, answer: outbound.Answer | None, problem: str, at: datetime) -> str:
    """Write down how an attempt went, and see to the next."""
    # The webhook first, so that two deliveries of one webhook do not wait for each other.
    delivery = WebhookDelivery.objects.filter(pk=pk).first()
    webhook = delivery and Webhook.objects.select_for_update().filter(pk=delivery.webhook_id).first()
    if webhook is None:
        return "deleted meanwhile"
    delivery = WebhookDelivery.objects.select_for_update().get(pk=pk)
    if delivery.state != WebhookDelivery.State.WAITING or delivery.attempts != attempt:
        return "done before"
    now = timezone.now()
    delivery.webhook = webhook
    delivery.attempts += 1
    delivery.status, delivery.problem = answer and answer.status, problem
    delivery.answer = answer.text if answer else ""
    entry = {"at": at.isoformat(timespec="seconds"), "status": delivery.status, "problem": problem}
    delivery.tries = [*delivery.tries, entry | {"ms": answer and answer.ms}][-30:]
    if not problem:
        delivery.state, delivery.sent_at, delivery.next_try = WebhookDelivery.State.SENT, now, None
        delivery.save()
        webhook.failures, webhook.failing_since, webhook.retry_at, webhook.reached_at = 0, None, None, now
        webhook.save(update_fields=["failures", "failing_since", "retry_at", "reached_at"])
        return delivery.state
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    if webhook.failures >= TOGETHER:
        step = WAITS[min(webhook.failures - TOGETHER, len(WAITS) - 1)]
        webhook.retry_at = now + timedelta(seconds=min(step, LONGEST_PAUSE))
    webhook.save(update_fields=["failures", "failing_since", "retry_at"])
    if delivery.status == 410:
        _give_up(delivery, problem)
        switch_off(webhook, _("The receiver says that it is gone (HTTP 410)."))
        return "gone"
    wait = WAITS[min(delivery.attempts, len(WAITS)) - 1] * random.uniform(0.9, 1.1)
    if delivery.attempts > len(WAITS) or now + timedelta(seconds=wait) > delivery.since + PATIENCE:
        return _run_out(delivery, now)
    delivery.next_try = now + timedelta(seconds=wait)
    delivery.save()
    _defer(delivery, seconds=wait)
    return "again"


@transaction.atomic
def _postpone(delivery: WebhookDelivery, until: datetime, now: datetime) -> str:
    """Wait with the others of a webhook that fails, a little scattered so that one of them goes first."""
    seconds = (until - now).total_seconds() + 1 + random.uniform(0, 20)
    delivery.next_try = now + timedelta(seconds=seconds)
    delivery.save(update_fields=["next_try"])
    _defer(delivery, seconds=seconds)
    return "later"


def _give_up(delivery: WebhookDelivery, problem) -> str:
    delivery.state, delivery.next_try = WebhookDelivery.State.FAILED, None
    delivery.problem = str(problem)[:300]
    delivery.save()
    return delivery.state


@transaction.atomic
def _run_out(delivery: WebhookDelivery, now: datetime) -> str:
    """A day is over. If nothing at all got through meanwhile, it is the receiver and not this event."""
    webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
    _give_up(delivery, " ".join((str(OVER), delivery.problem)))
    if webhook.active and (webhook.reached_at is None or webhook.reached_at < delivery.since):
        switch_off(webhook, _("Nothing got through for a day. The last answer: %s") % delivery.problem)
    return delivery.state


def switch_off(webhook: Webhook, reason: str) -> None:
    """Stop sending, and tell those who can mend it."""
    webhook.active, webhook.off_reason = False, reason[:300]
    webhook.save(update_fields=["active", "off_reason"])
    audit.log(None, "webhook.off", webhook, name=webhook.name, reason=webhook.off_reason)
    notify_all(
        accounts.holders(accounts.MANAGE_SETTINGS),
        WEBHOOK_OFF,
        {"name": webhook.name, "reason": webhook.off_reason},
        url=f"/manage/webhooks/{webhook.pk}/",
        about=webhook.name[:60],
        icon="bang",
    )


def clean_up() -> int:
    """Deliveries of more than 30 days ago go; how many."""
    return WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
