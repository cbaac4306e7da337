"""Telling residents who asked for it: by text message or mail, with a link, never with the matter itself.

``_send`` is the only way out; what it hands over is queued and sent by the house's notifications.
"""

from __future__ import annotations

import importlib.util

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, PublicContact, PublicReport
from cases.public_view import Stage, stage_of
from geo.problems import Problem

CODE, NEWS = "public_code", "public_news"
# Stages of which a resident wants to hear; what lies between is seen on the page.
_TOLD = (Stage.ACCEPTED, Stage.IN_HAND, Stage.CHECKING, Stage.SOLVED, Stage.DECLINED)


def channels() -> tuple[str, ...]:
    """The channels by which residents may be told: what the operator named, if anything can send at all."""
    return tuple(settings.PUBLIC_TELL) if can_send() else ()


def can_send() -> bool:
    return importlib.util.find_spec("geo.notifications") is not None


def _send(channel: str, address: str, template: str, context: dict, language: str, key: str = "") -> None:
    if not can_send():
        raise Problem(_("Messages cannot be sent from here at present."), status=503, kind="no-channel")
    from geo import notifications

    notifications.send(channel, address, template, context, language=language, key=key, about="public")


def register() -> None:
    """Make the two kinds of messages known to the house. Called once, when the app is ready."""
    if not can_send():
        return
    from geo.notifications import Kind, Placeholder
    from geo.notifications import register as make_known

    ways = ("sms", "mail")
    make_known(
        Kind(
            CODE,
            gettext_lazy("Code for a resident"),
            {
                "code": Placeholder(gettext_lazy("the code"), "123456"),
                "minutes": Placeholder(gettext_lazy("minutes for which it counts"), "10"),
            },
            ways,
            personal=False,
        ),
        Kind(
            NEWS,
            gettext_lazy("News of a resident's report"),
            {
                "number": Placeholder(gettext_lazy("number of the report"), "A9901012026010100001"),
                "news": Placeholder(gettext_lazy("what happened"), gettext_lazy("Being handled")),
                "link": Placeholder(gettext_lazy("where it is followed"), "https://example.cn/public/…"),
            },
            ways,
            personal=False,
        ),
    )


def send_code(channel: str, address: str, code: str, language: str) -> None:
    """Send a code that proves whose a number or mailbox is."""
    _send(channel, address, CODE, {"code": code, "minutes": "10"}, language)


def heard(case: Case, lines, created: bool) -> None:
    """A listener of ``cases.told``: whoever asked hears when a case comes to another stage."""
    if created or case.flow != "city_management":
        return
    before, after = stage_of(lines[0].from_state), stage_of(lines[-1].to_state, case.duplicate_of_id)
    if before != after and after in _TOLD:
        tell(case, after.value, str(lines[-1].pk))


def tell(case: Case, event: str, key: str) -> int:
    """Queue a message to everybody who asked to be told of this case or of one that it repeats; how many."""
    if not can_send():
        return 0
    about = Q(report__case=case) | Q(report__case__duplicate_of=case)
    contacts = list(
        PublicContact.objects.filter(about, confirmed_at__isnull=False).select_related("report__case")
    )
    for contact in contacts:
        context = {
            "number": contact.report.case.number,
            "news": _news(event, contact.language),
            "link": link(contact.report),
        }
        _send(
            contact.channel,
            contact.address,
            NEWS,
            context,
            contact.language,
            key=f"public:{contact.report_id}:{event}:{key}",
        )
    return len(contacts)


def _news(event: str, language: str) -> str:
    with translation.override(language):
        if event == "question":
            return _("the service centre has a question")
        return str(Stage(event).label)


def link(report: PublicReport) -> str:
    """Where a report is followed; the code is asked there unless the browser knows the report."""
    return f"{address_outside()}{reverse('public:case', args=[report.case.number])}"


def address_outside() -> str:
    """How this installation is reached from outside, where the operator said so; else ""."""
    return getattr(settings, "PUBLIC_URL", "")
