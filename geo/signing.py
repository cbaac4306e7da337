"""Signatures of what leaves the house, as Standard Webhooks has them.

Three headers: ``webhook-id``, ``webhook-timestamp`` (seconds since 1970) and ``webhook-signature``, which is
``v1,`` and the base64 of an HMAC-SHA256 over ``id.timestamp.body``; several, divided by spaces, while a
secret is being changed. A secret is written ``whsec_`` and the base64 of its bytes.
"""

import base64
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"


def written(key: bytes) -> str:
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The bytes of a written secret; anything without the prefix is taken as it is."""
    if secret.startswith(PREFIX):
        return base64.b64decode(secret[len(PREFIX) :])
    return secret.encode()


def signature(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    signed = b".".join((identity.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(keys: list[bytes], identity: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers, with a signature by each key."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, identity, timestamp, body) for key in keys),
    }
