"""Ways out of the house. Which one a channel takes is a setting; what they need comes from the environment.

A gateway has a name and ``send(message)``, which hands a message over and returns the gateway's own id of it,
if it has one. ``Refused`` says that trying again is of no use; anything else is tried again. With every
attempt the message has the same ``uuid``: whoever takes it can tell a second send from a second message.
"""

from __future__ import annotations

import json
import smtplib
from email.utils import formataddr, parseaddr
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone
from django.utils.module_loading import import_string

from geo import outbound, signing
from geo.models.notifications import Channel, Message


class Refused(Exception):
    """The gateway will never take this message; the words say why."""


class Gateway(Protocol):
    name: str

    def send(self, message: Message) -> str: ...


class Outbox:
    """Sends nothing: the message is to be seen at ``/manage/outbox/``."""

    name = "outbox"

    def send(self, message: Message) -> str:
        return ""


class JsonSms:
    """A signed POST of JSON to ``WANGGE_SMS_URL``, as docs/notifications.md describes it."""

    name = "http"

    def send(self, message: Message) -> str:
        if not settings.SMS_URL or not settings.SMS_KEY:
            raise Refused("WANGGE_SMS_URL and WANGGE_SMS_KEY are not set")
        body = json.dumps(
            {
                "id": str(message.uuid),
                "to": message.address,
                "text": message.body,
                "template": message.template,
                "language": message.language,
                "params": message.context,
            },
            ensure_ascii=False,
        ).encode()
        headers = signing.headers([signing.key_of(settings.SMS_KEY)], str(message.uuid), timezone.now(), body)
        answer = outbound.post(
            settings.SMS_URL, body, {"content-type": "application/json", **headers}, guarded=False
        )
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise outbound.Unreachable(f"HTTP {answer.status} {answer.text}")
        if not 200 <= answer.status < 300:
            raise Refused(f"HTTP {answer.status} {answer.text}")
        return _id_in(answer.text)


def _id_in(text: str) -> str:
    try:
        return str(json.loads(text)["id"])[:120]
    except (ValueError, TypeError, KeyError):
        return ""


class Smtp:
    """Mail through the server of the ``WANGGE_MAIL_…`` settings; the message's uuid is its Message-ID."""

    name = "smtp"

    def send(self, message: Message) -> str:
        if not settings.EMAIL_HOST or not settings.DEFAULT_FROM_EMAIL:
            raise Refused("WANGGE_MAIL_HOST and WANGGE_MAIL_FROM are not set")
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        identity = f"<{message.uuid}@{address.partition('@')[2]}>"
        body = message.body
        if message.url and settings.PUBLIC_URL:
            body += f"\n\n{settings.PUBLIC_URL}{message.url}"
        mail = EmailMessage(
            message.subject,
            body,
            formataddr((name, address)),
            [message.address],
            headers={"Message-ID": identity, "Auto-Submitted": "auto-generated"},
        )
        mail.connection = EmailBackend(fail_silently=False)
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _judged(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        return identity


def _judged(code: int, words) -> Exception:
    """A server's 5xx is for good, except where it is about who we are: an operator can mend that."""
    text = f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
    return Refused(text) if code in (501, 550, 551, 552, 553, 554, 555) else outbound.Unreachable(text)


GATEWAYS: dict[str, dict[str, type]] = {
    Channel.SMS: {"outbox": Outbox, "http": JsonSms},
    Channel.MAIL: {"outbox": Outbox, "smtp": Smtp},
}


def chosen(channel: str) -> str:
    """What the settings say for a channel: a name of ``GATEWAYS``, ``off``, or a dotted path to a class."""
    return {Channel.SMS: settings.SMS_GATEWAY, Channel.MAIL: settings.MAIL_GATEWAY}[channel]


def gateway_of(channel: str) -> Gateway | None:
    """The gateway of a channel; ``None`` when it is switched off."""
    name = chosen(channel)
    if name == "off":
        return None
    found = GATEWAYS[channel].get(name) or import_string(name)
    return found()
