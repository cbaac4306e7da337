"""Deadlines and moments as people say them; the exact time stands in the title.

The same words as ``geo/static/geo/times.js``, which keeps them fresh while the page is open.
"""

from datetime import datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

register = template.Library()


def length(span: timedelta) -> str:
    """A span in one unit: minutes, hours up to two days, then days."""
    seconds = abs(span.total_seconds())
    if seconds < 3600:
        return _("%(n)s min") % {"n": max(1, round(seconds / 60))}
    if seconds < 48 * 3600:
        return _("%(n)s h") % {"n": round(seconds / 3600)}
    return _("%(n)s d") % {"n": round(seconds / 86400)}


def exact(when: datetime) -> str:
    """The moment in full, Asia/Shanghai."""
    return date_format(timezone.localtime(when), "Y-m-d H:i")


def deadline(
    due: datetime, given: datetime | None = None, now: datetime | None = None
) -> tuple[str, str, str]:
    """Tone, shape and words of a deadline. "Soon" is the last fifth of the time, 15 minutes to 4 hours."""
    now = now or timezone.now()
    left = due - now
    if left < timedelta():
        return "overdue", "bang", _("%(span)s overdue") % {"span": length(left)}
    whole = due - given if given else timedelta(hours=20)
    soon = min(timedelta(hours=4), max(timedelta(minutes=15), whole / 5))
    words = _("%(span)s left") % {"span": length(left)}
    return ("soon", "clock", words) if left <= soon else ("ontime", "ring", words)


@register.simple_tag
def due(when: datetime | None, given: datetime | None = None) -> str:
    """``{% due case.due_at %}``: a badge with the time left or overdue; nothing without a deadline."""
    if when is None:
        return ""
    tone, shape, words = deadline(when, given)
    return format_html(
        '<span class="badge is-{}" data-due="{}" data-from="{}" title="{}">'
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg><span data-word>{}</span></span>',
        tone,
        when.isoformat(),
        given.isoformat() if given else "",
        exact(when),
        static("geo/icons.svg"),
        shape,
        words,
    )


@register.simple_tag
def ago(when: datetime | None) -> str:
    """``{% ago case.reported_at %}``: "5 min ago", after a week the day."""
    if when is None:
        return ""
    span = timezone.now() - when
    if span < timedelta(minutes=1):
        words = _("just now")
    elif span < timedelta(days=7):
        words = _("%(span)s ago") % {"span": length(span)}
    else:
        words = date_format(timezone.localtime(when), "Y-m-d")
    return format_html(
        '<time datetime="{0}" data-ago="{0}" title="{1}">{2}</time>', when.isoformat(), exact(when), words
    )


@register.filter
def spell(span: timedelta | None) -> str:
    """A ``timedelta`` in words: how long a step took."""
    return length(span) if span is not None else ""
