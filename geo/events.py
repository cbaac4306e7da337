"""The outbox of events. A database trigger tells the stream process at commit."""

import hashlib

from geo.models import Event


def row_hash(layer: str, row_id) -> str:
    """The name a row has in events and tiles' feature lookups: tells sameness, not the id."""
    return hashlib.blake2b(f"{layer}:{row_id}".encode(), digest_size=8).hexdigest()


def emit(
    layer: str, row_id, *, area_code: str = "", unit_id: int | None = None, user_id=None, verb="changed"
):
    """Note, in the caller's transaction, that a row of a layer changed.

    ``area_code`` and ``unit_id`` say who may hear of it: connections whose scope covers either;
    ``user_id`` instead names one person (a message).
    """
    Event.objects.create(
        layer=layer,
        row=row_hash(layer, row_id),
        area_code=area_code,
        unit_id=unit_id,
        user_id=user_id,
        verb=verb,
    )
