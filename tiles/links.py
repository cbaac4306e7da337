"""Signed addresses of scoped tiles, which nginx checks without asking Django.

The signature covers the expiry, the name of the rows and the layer, so one address serves all tiles of a
layer; its form is nginx's ``secure_link_md5`` (base64url of the MD5 digest). It opens nothing but files that
were made for the same rights, and for ten minutes at most.
"""

import base64
import hashlib
import time

from django.conf import settings

from geo.registry import Layer
from tiles.matrix import MatrixSet
from tiles.queries.access import rows_key

STEP_S = 300  # addresses stay the same for five minutes and hold five to ten


def expiry(now: float | None = None) -> int:
    """Seconds since 1970 at which an address made now runs out."""
    return int((time.time() if now is None else now) // STEP_S + 2) * STEP_S


def sign(expires: int, scope: str, layer: str) -> str:
    """The signature as nginx computes it from ``"$link_expires $link_scope $link_layer KEY"``."""
    digest = hashlib.md5(
        f"{expires} {scope} {layer} {settings.LINK_KEY}".encode(), usedforsecurity=False
    ).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def template(layer: Layer, matrix_set: MatrixSet, user) -> str:
    """The address of a layer's tiles for ``user``, with ``{z}``, ``{x}`` and ``{y}``."""
    rest = f"{layer.id}/{matrix_set.id}/{{z}}/{{x}}/{{y}}.mvt"
    if layer.public:
        return f"/tiles/{rest}"
    expires, scope = expiry(), rows_key(layer, user)
    return f"/tiles/s/{expires}/{sign(expires, scope, layer.id)}/{scope}/{rest}"
