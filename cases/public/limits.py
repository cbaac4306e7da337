"""How often something may be done without an account: counters in the database, a question, a hidden field.

Counters are rows of (what, keyed hash of an address or number, beginning of the window): they hold for every
web worker, and nothing in them names anybody. Whoever is over the limit is told when to try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import PublicCount
from cases.public import codes
from geo import captcha
from geo.net import client_address
from geo.problems import Problem

HOUR, DAY = 3600, 86400
# A field that people do not see and programs fill in.
HONEYPOT = "website"


@dataclass(frozen=True)
class Limit:
    """At most ``most`` within ``seconds``; the captcha is asked from ``ask`` on (0: never)."""

    what: str
    most: int
    seconds: int
    ask: int = 0


# One address may be a whole office or a mobile network's gateway: generous, with the question much earlier.
REPORT_HERE = Limit("report.address", 60, HOUR, ask=5)
REPORT_CONTACT = Limit("report.contact", 10, DAY)
UPLOAD = Limit("upload.address", 120, HOUR)
TRACK_HERE = Limit("track.address", 60, HOUR, ask=5)
TRACK_NUMBER = Limit("track.number", 15, HOUR)
CODE_HERE = Limit("code.address", 20, HOUR, ask=4)
CODE_CONTACT = Limit("code.contact", 5, DAY)
SAY_HERE = Limit("say.address", 20, HOUR, ask=3)
LOOK_HERE = Limit("look.address", 600, HOUR)
PLATE_HERE = Limit("plate.address", 200, HOUR)


def _window(limit: Limit, now: datetime) -> datetime:
    return datetime.fromtimestamp(int(now.timestamp()) // limit.seconds * limit.seconds, UTC)


def _key(limit: Limit, whose: str) -> str:
    return codes.address_hash(limit.what, whose)


def used(limit: Limit, whose: str) -> int:
    """How often it was done in this window."""
    found = PublicCount.objects.filter(
        what=limit.what, key=_key(limit, whose), since=_window(limit, timezone.now())
    )
    return found.values_list("count", flat=True).first() or 0


def count(limit: Limit, whose: str) -> int:
    """Count one more, whatever becomes of it; how many there are now. One statement, true for all workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into cases_publiccount (what, key, since, count) values (%s, %s, %s, 1)"
            " on conflict (what, key, since) do update set count = cases_publiccount.count + 1"
            " returning count",
            [limit.what, _key(limit, whose), _window(limit, timezone.now())],
        )
        return cursor.fetchone()[0]


def take(limit: Limit, whose: str) -> int:
    """Count one more, or refuse (429) with how long to wait; how many there are now."""
    now = count(limit, whose)
    if now > limit.most:
        raise too_often(limit)
    return now


def too_often(limit: Limit) -> Problem:
    now = timezone.now()
    left = (_window(limit, now) + timedelta(seconds=limit.seconds) - now).total_seconds()
    minutes = max(1, round(left / 60))
    words = (
        _("Too often from here. Try again in %(n)d minutes.") % {"n": minutes}
        if minutes < 120
        else _("Too often today. Try again tomorrow, or call the hotline.")
    )
    return Problem(words, status=429, kind="too-often", retry_after=minutes * 60)


def here(request) -> str:
    """Whose uses are counted where nothing else is known: the network address, of IPv6 its /64."""
    address = client_address(request) or ""
    return ":".join(address.split(":")[:4]) if ":" in address else address


def asks(request, limit: Limit) -> bool:
    """Whether the captcha is to be answered before the next one."""
    return bool(limit.ask) and used(limit, here(request)) >= limit.ask


def check_captcha(request, limit: Limit) -> None:
    """Refuse (422) a form that should carry the right answer and does not."""
    if asks(request, limit) and not captcha.solve(request.session, request.POST.get("captcha", "")):
        detail = _("The answer was not right. Here is another.")
        raise Problem(detail, kind="captcha", errors=[{"pointer": "/captcha", "detail": detail}])


def is_program(request) -> bool:
    """Whether the field that nobody sees was filled in."""
    return bool(request.POST.get(HONEYPOT, "").strip())


def clean_up() -> int:
    """Delete windows that are over; how many."""
    return PublicCount.objects.filter(since__lt=timezone.now() - timedelta(days=2)).delete()[0]
