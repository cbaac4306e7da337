"""The outbox of events. A database trigger tells the stream process at commit."""

import hashlib

from django.apps import apps

from geo import registry, stream_token
from geo.models import Event

# What is told of without being a layer of the map: the permission that its listeners need.
permissions: dict[str, str] = {}


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
    told = {"area_code": area_code, "unit_id": unit_id, "user_id": user_id, "verb": verb}
    emit_all(layer, [(row_id, told)])


def emit_all(layer: str, rows: list[tuple[object, dict]]) -> None:
    """``emit`` for many rows of a layer, as (row id, what else is told), in one statement."""
    Event.objects.bulk_create(
        Event(layer=layer, row=row_hash(layer, row_id), **({"verb": "changed"} | told))
        for row_id, told in rows
    )


def stream_rules(user) -> dict[str, tuple[list[str], list[int]]]:
    """What a user may hear of, per layer: area prefixes and unit ids (see ``geo.stream_token``).

    A layer follows the permission of its model, what is no layer the one in ``permissions``, or else
    ``geo.view``. Grids on duty count by their communities, because an event names no smaller place.
    """
    needs = {layer.id: layer.model_class.scope for layer in registry.layers.values()}
    rules: dict[str, tuple[list[str], list[int]]] = {}
    by_permission: dict[str, tuple[list[str], list[int]]] = {}
    communities: dict[int, str] = {}
    duty = {grid for part in user.scope.parts for grid in part.grids}
    if duty:
        grids = apps.get_model("grids.Grid").objects.filter(pk__in=duty)
        communities = dict(grids.values_list("pk", "community_code"))
    for layer in [stream_token.OTHERS, *permissions, *needs]:
        spec = needs.get(layer)
        permission = spec.permission if spec else permissions.get(layer, "geo.view")
        if permission not in by_permission:
            areas = set(user.scope.areas(permission))
            areas |= {communities[grid] for grid in user.scope.grids(permission) if grid in communities}
            by_permission[permission] = (sorted(areas), sorted(user.scope.units(permission)))
        everybody = spec is not None and spec.public is not None and not spec.public
        rules[layer] = ([""], []) if everybody else by_permission[permission]
    return rules
