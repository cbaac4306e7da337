"""Templates: which placeholders they name, whether they may, and what becomes of them."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from geo.notifications.kinds import Kind

_NAMED = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# No value of ours is longer; one that came from outside does not make five messages of one.
_MOST = 200
# Characters of a message in UCS-2: alone, or in each of several parts.
_ALONE, _PART = 70, 67


def faults(text: str, kind: Kind | None) -> list[str]:
    """What is wrong with a template's text, in words; nothing when it is good."""
    allowed = list(kind.placeholders) if kind else []
    said = []
    for name in dict.fromkeys(_NAMED.findall(text)):
        if name not in allowed:
            said.append(
                _("“{%(name)s}” is not a placeholder of this kind of message. Known: %(known)s.")
                % {"name": name, "known": "、".join(f"{{{one}}}" for one in allowed) or "—"}
            )
    if re.search(r"[{}]", _NAMED.sub("", text)):
        said.append(_("A brace stands alone. A placeholder is a name between { and }."))
    return said


def render(text: str, context: dict) -> str:
    """The text with its placeholders filled in. A value is one line, whatever it was; none is empty."""
    return _NAMED.sub(lambda match: _plain(context.get(match[1], "")), text)


def one_line(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def _plain(value) -> str:
    text = one_line("" if value is None else str(value))
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def sms_parts(text: str) -> int:
    """How many messages a network makes of it, if it has any character beyond ASCII."""
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= _ALONE else -(-length // _PART)
