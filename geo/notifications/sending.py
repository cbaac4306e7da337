"""Messages: written with the change that caused them, delivered by a job, tried again, logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from geo import outputs
from geo.models import (
    Channel,
    Message,
    NotificationPreference,
    NotificationTemplate,
    Organisation,
    User,
)
from geo.notifications import addresses, gateways, words
from geo.notifications.kinds import kinds
from geo.outbound import Unreachable
from geo.problems import Problem

# The first, and as many more as ``geo.jobs.PATIENT`` makes of a job that fails, over an hour and a half.
ATTEMPTS = 7
# A message that no job has taken by then is lost; the log says so.
LOST = timedelta(days=1)
# What the log says of messages that were never tried.
REASONS = {
    "address": gettext_lazy("There is no address that could be used."),
    "template": gettext_lazy("There is no template in use for this kind and channel."),
    "off": gettext_lazy("The channel is switched off."),
    "lost": gettext_lazy("No job took it within a day."),
    "died": gettext_lazy("The worker died with every attempt."),
}

Context = dict | Callable[[], dict]


@dataclass(frozen=True)
class Wanted:
    """A message to be sent. ``to`` is a user or an address; a ``context`` that is a function is asked in the
    language of the message. ``key`` makes sure that it is sent once, however often it is asked for."""

    channel: str
    to: User | str
    code: str
    context: Context = field(default_factory=dict)
    about: str = ""
    url: str = ""
    language: str = ""
    key: str = ""
    unit: Organisation | None = None
    icon: str = "bell"

    @property
    def spoken(self) -> str:
        own = self.to.language if isinstance(self.to, User) else ""
        return self.language or own or settings.LANGUAGE_CODE


def send(
    channel: str,
    address_or_user: User | str,
    template_code: str,
    context: Context,
    *,
    about: str = "",
    url: str = "",
    language: str = "",
    key: str = "",
) -> Message | None:
    """One message on one channel. Its row, or ``None`` when one under ``key`` was there already.

    What cannot be sent (no template, no usable address, channel off) is a row that says so, never an error:
    the change that is told of stands whether or not somebody can be told.
    """
    sent = send_all([Wanted(channel, address_or_user, template_code, context, about, url, language, key)])
    return sent[0] if sent else None


def notify(
    user: User, template_code: str, context: Context, *, url: str = "", about: str = "", key: str = ""
) -> list[Message]:
    """A message to a person, in Wangge and on the other channels that the person wants."""
    return notify_all([user], template_code, context, url=url, about=about, key=key)


def notify_all(
    users: Iterable[User],
    template_code: str,
    context: Context,
    *,
    url: str = "",
    about: str = "",
    key: str = "",
    without: Iterable[str] = (),
    icon: str = "bell",
) -> list[Message]:
    """``notify`` for several people in a handful of statements; ``without`` leaves channels out."""
    people = {user.pk: user for user in users if user.is_active}
    kind, left_out = kinds[template_code], set(without)
    wanted = Wanted("", "", template_code, context, about, url, icon=icon)
    return send_all(
        [
            replace(wanted, channel=channel, to=people[pk], key=f"{key}:{pk}:{channel}" if key else "")
            for pk, channels in wishes(list(people), template_code).items()
            for channel in kind.channels
            if channel in channels and channel not in left_out
        ]
    )


def wishes(users: list[int], code: str) -> dict[int, set[str]]:
    """The channels on which each user wants this kind: in Wangge unless refused, elsewhere if asked for."""
    found = {pk: {Channel.IN_APP.value} for pk in users}
    rows = NotificationPreference.objects.filter(user__in=users, kind=code)
    for pk, channel, wanted in rows.values_list("user_id", "channel", "wanted"):
        (found[pk].add if wanted else found[pk].discard)(channel)
    return found


@transaction.atomic
def send_all(wanted: list[Wanted]) -> list[Message]:
    """Write the messages, the notices of those that stay in Wangge, and a job for each of the others."""
    keys = [one.key for one in wanted if one.key]
    known = set(Message.objects.filter(key__in=keys).values_list("key", flat=True)) if keys else set()
    wanted = [one for one in wanted if one.key not in known]
    if not wanted:
        return []
    templates = {
        (row.code, row.channel, row.language): row
        for row in NotificationTemplate.objects.filter(code__in={one.code for one in wanted}, active=True)
    }
    messages, notices = [], []
    for one in wanted:
        message = _written(one, templates)
        messages.append(message)
        if message.channel == Channel.IN_APP and message.state == Message.State.SENT:
            told = outputs.notice(
                one.to, message.subject, detail=message.body, url=message.url, icon=one.icon
            )
            notices.append(told)
    Message.objects.bulk_create(messages)
    if notices:
        outputs.tell_all(notices)
    _hand_over([one.pk for one in messages if one.state == Message.State.QUEUED])
    return messages


def _written(one: Wanted, templates: dict) -> Message:
    message = Message(
        key=one.key or None,
        user=one.to if isinstance(one.to, User) else None,
        unit=one.unit,
        channel=one.channel,
        template=one.code,
        language=one.spoken,
        about=one.about[:60],
        url=one.url[:300],
    )
    template = templates.get((one.code, one.channel, message.language)) or templates.get(
        (one.code, one.channel, settings.LANGUAGE_CODE)
    )
    if one.channel == Channel.IN_APP:
        if not isinstance(one.to, User):
            raise ValueError("a message in Wangge goes to a user")
        message.shown = one.to.get_username()
    else:
        message.address = addresses.clean(one.channel, _address(one))
        message.shown = addresses.masked(message.address)
    if template is None:
        return _skipped(message, "template")
    if one.channel != Channel.IN_APP and not message.address:
        return _skipped(message, "address")
    if one.channel != Channel.IN_APP and gateways.chosen(one.channel) == "off":
        return _skipped(message, "off")
    message.language = template.language
    with override(message.language):
        context = one.context() if callable(one.context) else one.context
        message.context = {name: str(value) for name, value in context.items()}
    message.subject = words.one_line(words.render(template.subject, message.context))[:300]
    message.body = words.render(template.body, message.context)
    if one.channel == Channel.IN_APP:
        message.state, message.sent_at, message.context = Message.State.SENT, timezone.now(), {}
    return message


def _skipped(message: Message, reason: str) -> Message:
    message.state, message.problem, message.address = Message.State.SKIPPED, reason, ""
    return message


def _address(one: Wanted) -> str:
    if isinstance(one.to, User):
        return one.to.phone if one.channel == Channel.SMS else one.to.email
    return one.to


def _hand_over(ids: list[int]) -> None:
    from geo.jobs import deliver_message

    if ids:
        deliver_message.batch_defer(*({"message_id": pk} for pk in ids))


def deliver(pk: int) -> str:
    """One attempt, in a job; the state afterwards. Raises ``Unreachable`` when it shall be tried again.

    A worker that dies in the middle leaves the message waiting, and it is sent once more under the same id.
    """
    rows = Message.objects.filter(pk=pk, state=Message.State.QUEUED)
    if not rows.update(attempts=F("attempts") + 1, tried_at=timezone.now()):
        return "done before"
    message = Message.objects.get(pk=pk)
    if message.attempts > ATTEMPTS:
        return _ended(message, Message.State.FAILED, problem="died")
    try:
        gateway = gateways.gateway_of(message.channel)
        if gateway is None:
            return _ended(message, Message.State.SKIPPED, problem="off")
        identity = gateway.send(message)
    except gateways.Refused as error:
        return _ended(message, Message.State.FAILED, problem=str(error)[:300])
    except Exception as error:
        text = (str(error) or type(error).__name__)[:300]
        if message.attempts >= ATTEMPTS:
            return _ended(message, Message.State.FAILED, problem=text)
        rows.update(problem=text)
        raise Unreachable(text) from error
    return _ended(
        message,
        Message.State.SENT,
        gateway=gateway.name,
        gateway_id=(identity or "")[:120],
        sent_at=timezone.now(),
        problem="",
        # What served its purpose is not kept.
        address="",
        context={},
    )


def _ended(message: Message, state: str, **values) -> str:
    Message.objects.filter(pk=message.pk).update(state=state, **values)
    return state


@transaction.atomic
def retry(pk: int) -> Message:
    """Send a failed message again, as if it were new."""
    message = Message.objects.select_for_update().filter(pk=pk).first()
    if message is None:
        raise Problem(_("There is no such message."), status=404, kind="not-found")
    if message.state != Message.State.FAILED:
        raise Problem(_("Only a message that failed is sent again."), status=409, kind="state")
    if not message.address:
        raise Problem(_("Its words and address were dropped by now."), status=409, kind="dropped")
    message.state, message.attempts, message.problem = Message.State.QUEUED, 0, ""
    message.save(update_fields=["state", "attempts", "problem"])
    _hand_over([message.pk])
    return message


def clean_up() -> dict[str, int]:
    """At night: words, then lines, that have served their time; and what no job took is told as lost."""
    now = timezone.now()
    old = now - timedelta(days=settings.MESSAGE_TEXT_DAYS)
    lost = Message.objects.filter(state=Message.State.QUEUED, created_at__lt=now - LOST)
    lost = lost.exclude(tried_at__gt=now - LOST)
    return {
        "lost messages": lost.update(state=Message.State.FAILED, problem="lost"),
        "words of messages": Message.objects.filter(created_at__lt=old)
        .exclude(body="", subject="", address="")
        .update(body="", subject="", address="", context={}),
        "messages": Message.objects.filter(
            created_at__lt=now - timedelta(days=settings.MESSAGE_DAYS)
        ).delete()[0],
    }
