"""Keys of outside systems: made, checked, revoked. A key is shown once; the database keeps its hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Open311Key, Open311Post
from geo import accounts, audit
from geo.problems import Problem

HEADERS = ("X-Api-Key", "Api-Key")
_SHOWN = 6
audit.ACTIONS |= {
    "open311.add_key": gettext_lazy("Made an Open311 key"),
    "open311.change_key": gettext_lazy("Changed an Open311 key"),
    "open311.revoke_key": gettext_lazy("Revoked an Open311 key"),
}


def add(actor, key: Open311Key, *, ip: str | None = None) -> str:
    """Keep a new key under the label and limits of ``key``; the key itself, which nobody sees again.

    ``actor`` None is the server's own command line.
    """
    if actor is not None:
        accounts.need(actor, accounts.MANAGE_SETTINGS)
    secret = secrets.token_hex(24)  # the command line takes what begins with "-" for an option
    key.prefix, key.sha256, key.created_by = secret[:_SHOWN], digest(secret), actor
    with transaction.atomic():
        key.save(force_insert=True)
        audit.log(actor, "open311.add_key", key, ip=ip, label=key.label, prefix=key.prefix)
    return secret


def change(actor, key: Open311Key, *, ip: str | None = None) -> None:
    """Save other words, limits or rights of a key."""
    accounts.need(actor, accounts.MANAGE_SETTINGS)
    with transaction.atomic():
        key.save(update_fields=["label", "contact", "may_post", "per_hour"])
        audit.log(
            actor,
            "open311.change_key",
            key,
            ip=ip,
            label=key.label,
            may_post=key.may_post,
            per_hour=key.per_hour,
        )


def revoke(actor, key: Open311Key, *, ip: str | None = None) -> None:
    """Take a key out of use, for good. What was sent under it stays."""
    if actor is not None:
        accounts.need(actor, accounts.MANAGE_SETTINGS)
    with transaction.atomic():
        key.active, key.revoked_at = False, timezone.now()
        key.save(update_fields=["active", "revoked_at"])
        audit.log(actor, "open311.revoke_key", key, ip=ip, label=key.label, prefix=key.prefix)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def given(request) -> str:
    """The key a request came with, in its form, its query or a header."""
    sent = [request.POST.get("api_key"), request.GET.get("api_key")]
    sent += [request.headers.get(name) for name in HEADERS]
    return next((one.strip() for one in sent if one and one.strip()), "")


def known(request) -> Open311Key | None:
    """The key in use that a request came with, or None without one; 403 for one that is none."""
    secret = given(request)
    if not secret:
        return None
    key = Open311Key.objects.filter(sha256=digest(secret), active=True).first()
    if key is None:
        raise Problem(
            _("This api_key is not known here, or was revoked. The discovery says where to get one."),
            status=403,
        )
    return key


def sender(request) -> Open311Key:
    """The key that may send, locked until the transaction ends, so that one key sends one after the other.

    403 without a key that may, 429 once it has sent its share of the hour.
    """
    key = known(request)
    if key is None:
        raise Problem(
            _("Sending needs an api_key, in the form or in the header X-Api-Key; the discovery says where."),
            status=403,
        )
    if not key.may_post:
        raise Problem(_("This api_key may only read."), status=403)
    return Open311Key.objects.select_for_update().get(pk=key.pk)


def count(key: Open311Key) -> None:
    """429 once a key has sent its share of the hour; ``retry_after`` are the seconds until there is room."""
    now = timezone.now()
    hour = Open311Post.objects.filter(key=key, at__gt=now - timedelta(hours=1))
    times = list(hour.order_by("-at").values_list("at", flat=True)[: key.per_hour])
    if len(times) >= key.per_hour:
        room = times[-1] + timedelta(hours=1) if times else now + timedelta(hours=1)
        raise Problem(
            _("This api_key may send %(n)d an hour, and has. Send it again later.") % {"n": key.per_hour},
            status=429,
            retry_after=max(1, int((room - now).total_seconds())),
        )
