"""The key to the event stream: who listens, to what, until when. Signed, so that it needs no database.

Knows neither models nor requests: the stream process imports this, and must stay small.
"""

import time
from dataclasses import dataclass

from django.core import signing

SALT = "wangge.events"
# Seconds a token, and the connection opened with it, lives: a revoked right dies within that.
LIFETIME = 600
# The rule for layers that no other rule names.
OTHERS = "*"


class TokenError(ValueError):
    """A token that is missing, expired or not ours."""


@dataclass(frozen=True)
class Listener:
    """What a token says. ``rules`` maps a layer to the area prefixes and unit ids one may hear of it."""

    user_id: int
    expires: float
    rules: dict[str, tuple[tuple[str, ...], frozenset[int]]]

    def hears(self, layer: str, area_code: str, unit_id: int | None, user_id: int | None) -> bool:
        """Whether an event is for this listener: by name, or by area or unit; without any, for nobody."""
        if user_id is not None:
            return user_id == self.user_id
        rule = self.rules.get(layer) or self.rules.get(OTHERS)
        if rule is None:
            return False
        areas, units = rule
        return bool(area_code and area_code.startswith(areas)) or (unit_id is not None and unit_id in units)


def issue(user_id: int, rules: dict[str, tuple[list[str], list[int]]], lifetime: int = LIFETIME) -> str:
    """A token for a user; layers with the same rule are written once."""
    grouped: dict[tuple, list[str]] = {}
    for layer, (areas, units) in rules.items():
        grouped.setdefault((tuple(sorted(areas)), tuple(sorted(units))), []).append(layer)
    said = [[layers, *rule] for rule, layers in grouped.items()]
    body = {"u": user_id, "x": int(time.time()) + lifetime, "s": said}
    return signing.dumps(body, salt=SALT, compress=True)


def read(token: str) -> Listener:
    """Check a token and say who listens; raises ``TokenError``."""
    try:
        body = signing.loads(token, salt=SALT)
        rules = {
            layer: (tuple(areas), frozenset(units)) for layers, areas, units in body["s"] for layer in layers
        }
        listener = Listener(body["u"], body["x"], rules)
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise TokenError("this token was not made here; ask /api/events/token for one") from None
    if listener.expires <= time.time():
        raise TokenError("this token has expired; ask /api/events/token for another")
    return listener
