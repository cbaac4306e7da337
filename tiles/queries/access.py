"""Which layers a caller may see, and the name of what he sees of one."""

import hashlib

from django.core.exceptions import EmptyResultSet
from django.utils.translation import gettext as _

from geo.problems import Problem
from geo.registry import Layer, layers
from geo.scopes import scope_filter

PUBLIC = "public"
_keys: dict[tuple, str] = {}


def may_see(layer: Layer, user) -> bool:
    """Whether ``user`` may see any row of the layer, now or later."""
    return layer.public or scope_filter(layer.model_class, user) is not None


def visible_layers(user) -> list[Layer]:
    """The layers that ``user`` may see, in the order of the layer tree."""
    return sorted(
        (layer for layer in layers.values() if may_see(layer, user)),
        key=lambda layer: (layer.order, layer.id),
    )


def layer_for(layer_id: str, user) -> Layer:
    """The layer by its id; a problem 404 if there is none, 401 or 403 if ``user`` may see nothing of it."""
    layer = layers.get(layer_id)
    if layer is None:
        raise Problem(_("There is no layer “%(id)s”.") % {"id": layer_id}, status=404, kind="not-found")
    if may_see(layer, user):
        return layer
    if user is None or not user.is_authenticated:
        raise Problem(_("Log in to see this layer."), status=401, kind="not-authenticated")
    raise Problem(_("This layer is not within your scope."), status=403, kind="forbidden")


def scope_identity(layer: Layer, user):
    """Something hashable that is equal for callers who see the same rows of the layer."""
    return None if layer.public or user is None or not user.is_authenticated else user.scope


def rows_key(layer: Layer, user) -> str:
    """A short name of the rows that ``user`` sees: equal names, equal rows.

    It is the digest of the condition itself, so whatever changes a right (a grant, a unit below, a duty)
    changes the name, and callers with equal rights share cached tiles.
    """
    if layer.public:
        return PUBLIC
    identity = (layer.id, scope_identity(layer, user))
    if (key := _keys.get(identity)) is None:
        try:
            sql, params = layer.rows(user).order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            sql, params = "", ()
        text = f"{sql} {params!r}"
        key = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
        if len(_keys) > 10_000:
            _keys.clear()
        _keys[identity] = key
    return key
