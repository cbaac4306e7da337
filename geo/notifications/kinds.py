"""What kinds of messages there are: each app registers its own at start."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from geo.models.notifications import Channel


@dataclass(frozen=True)
class Placeholder:
    """A word in braces that a template may use: what it means, and an example for the preview."""

    label: str
    sample: str


@dataclass(frozen=True)
class Kind:
    """A kind of message, and the channels it may go to.

    ``personal``: people choose it for themselves. ``units``: units may have it at an address of theirs.
    Neither: it goes to whoever left an address for it. ``in_log``: in Wangge it is read from a log of what
    was done and cannot be refused.
    """

    code: str
    label: str
    placeholders: dict[str, Placeholder] = field(default_factory=dict)
    channels: tuple[str, ...] = (Channel.IN_APP, Channel.SMS, Channel.MAIL)
    personal: bool = True
    units: bool = False
    in_log: bool = False
    # Whom it can concern at all: others are not asked whether they want it.
    permission: str = ""


kinds: dict[str, Kind] = {}


def register(*more: Kind) -> None:
    """Make kinds known; the same one twice is no error, another one under the same code is."""
    for kind in more:
        if kinds.setdefault(kind.code, kind) != kind:
            raise ValueError(f"notification kind {kind.code!r} is there twice")


WEBHOOK_OFF = "webhook.off"
register(
    Kind(
        WEBHOOK_OFF,
        _("A webhook was switched off"),
        {
            "name": Placeholder(_("name of the webhook"), "12345"),
            "reason": Placeholder(_("why"), "HTTP 503"),
        },
        (Channel.IN_APP, Channel.MAIL),
        permission="geo.manage_settings",
    )
)
