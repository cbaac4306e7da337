"""From a layer to the SQL of its tiles.

The ORM writes the rows and the caller's scope; the tile's bounds are slots that are filled for each tile.
A compiled statement is kept, so that a tile costs the database's work and little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import BooleanField, F, Func, Q, TextField

from geo.registry import Layer, TileField, layers
from tiles.matrix import BUFFER, EXTENT, SETS, MatrixSet
from tiles.queries.access import scope_identity


@dataclass(frozen=True)
class Slot:
    """A place in the parameters that the tile fills in: a side of its bounds, in one CRS or the other."""

    kind: str  # tile: the tile itself; near: with its buffer; lonlat: the same in degrees
    side: int


TILE, NEAR, LONLAT = ([Slot(kind, side) for side in range(4)] for kind in ("tile", "near", "lonlat"))


class _WithSlots(Func):
    """A function whose last parameters are slots."""

    slots: list[Slot] = []

    def as_sql(self, compiler, connection, **extra):
        sql, params = super().as_sql(compiler, connection, **extra)
        return sql, [*params, *self.slots]


class TileGeometry(_WithSlots):
    """The geometry in the tile's own units, clipped with its buffer."""

    slots = TILE
    output_field = TextField()

    def __init__(self, expression, srid: int):
        super().__init__(expression)
        self.template = (
            f"ST_AsMVTGeom(%(expressions)s, ST_MakeEnvelope(%%s, %%s, %%s, %%s, {srid}), {EXTENT}, {BUFFER})"
        )


class Near(_WithSlots):
    """Whether the geometry's box touches the tile's, buffer included; reads the spatial index."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, expression, srid: int, slots: list[Slot]):
        super().__init__(expression)
        self.slots = slots
        self.template = f"%(expressions)s && ST_MakeEnvelope(%%s, %%s, %%s, %%s, {srid})"


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters; ``None`` where the caller sees nothing."""

    sql: str
    params: tuple

    def fill(self, bounds: dict[str, tuple]) -> list:
        return [bounds[p.kind][p.side] if isinstance(p, Slot) else p for p in self.params]


def drawn_at(layer: Layer, scale: float) -> Q | None:
    """The rows that are drawn one by one at this scale; ``None`` if none are."""
    if layer.details:
        shown = [detail.rows for detail in layer.details if detail.finest < scale <= detail.coarsest]
        if not shown:
            return None
        condition = shown[0]
        for one in shown[1:]:
            condition |= one
        return condition & layer.drawn
    return None if layer.max_scale is not None and scale > layer.max_scale else layer.drawn


def fields_at(layer: Layer, scale: float) -> tuple[TileField, ...]:
    """The properties that a tile carries at this scale."""
    return tuple(f for f in layer.fields if f.max_scale is None or scale <= f.max_scale)


def coarsest_scale(layer: Layer) -> float | None:
    """The coarsest scale at which anything of the layer is drawn; ``None`` if at any."""
    if layer.binned:
        return None
    if layer.details:
        return max(detail.coarsest for detail in layer.details)
    return layer.max_scale


def value_of(model, path: str):
    """An expression for a property: times as seconds since 1970, decimals as floats."""
    field = model._meta.get_field(path.split("__")[0]) if path != "pk" else model._meta.pk
    for step in path.split("__")[1:]:
        if field.remote_field is None:
            break
        field = field.related_model._meta.get_field(step)
    if isinstance(field, models.DateTimeField):
        return Func(F(path), template="extract(epoch from %(expressions)s)::bigint", output_field=TextField())
    if isinstance(field, models.DateField):
        return Func(F(path), template="%(expressions)s::text", output_field=TextField())
    if isinstance(field, models.DecimalField):
        return Func(F(path), template="%(expressions)s::float8", output_field=TextField())
    return F(path)


def geometry_of(layer: Layer, matrix_set: MatrixSet):
    """The column to draw, in the set's CRS, and the condition that finds it by an index."""
    column = F(layer.geometry)
    if matrix_set.srid == 4326:
        return column, Near(column, 4326, NEAR)
    if layer.geometry == "geom":
        return F("geom_3857"), Near(F("geom_3857"), 3857, NEAR)
    return transformed(column), Near(column, 4326, LONLAT)


def transformed(column):
    return Func(column, template="ST_Transform(%(expressions)s, 3857)", output_field=TextField())


def of_rows(
    layer: Layer, queryset, geometry, fields: tuple[TileField, ...], srid: int, key: str = "pk"
) -> Statement | None:
    """The statement that makes a tile of a queryset's rows; also tells the snapshot it saw."""
    queryset = queryset.order_by().annotate(tile_geometry=TileGeometry(geometry, srid))
    values = {f"tile_{number}": value_of(queryset.model, f.path) for number, f in enumerate(fields)}
    try:
        rows = queryset.annotate(**values).values_list("tile_geometry", key, *values)
        inner, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    names = ", ".join(["geom", "id", *(f'"{f.name}"' for f in fields)])
    return Statement(
        f"select ST_AsMVT(t, '{layer.id}', {EXTENT}, 'geom', 'id'), pg_current_snapshot()::text"
        f" from ({inner}) as t({names})",
        tuple(params),
    )


@lru_cache(maxsize=4096)
def _compiled(layer_id: str, matrix_set_id: str, z: int, identity, rows_of) -> Statement | None:
    layer, matrix_set = layers[layer_id], SETS[matrix_set_id]
    scale = matrix_set.scale(z)
    shown = drawn_at(layer, scale)
    if shown is None:
        return None
    geometry, near = geometry_of(layer, matrix_set)
    queryset = rows_of().filter(shown).filter(near)
    return of_rows(layer, queryset, geometry, fields_at(layer, scale), matrix_set.srid)


class RowsOf:
    """Hands the caller's rows to the compiler without being part of the key they are kept under."""

    def __init__(self, layer: Layer, user):
        self.layer, self.user = layer, user

    def __call__(self):
        return self.layer.rows(self.user)

    def __eq__(self, other):
        return isinstance(other, RowsOf)

    def __hash__(self):
        return 0


def for_rows(layer: Layer, matrix_set: MatrixSet, z: int, user) -> Statement | None:
    """The statement of a layer's single rows at a level, within the caller's scope; ``None``: no rows."""
    return _compiled(layer.id, matrix_set.id, z, scope_identity(layer, user), RowsOf(layer, user))


def for_versions(layer: Layer, matrix_set: MatrixSet, z: int, user, day: date) -> Statement | None:
    """The same from the borders that were in force on a day. Names and codes are the rows' own."""
    label, foreign_key = layer.versions
    scale = matrix_set.scale(z)
    if (shown := drawn_at(layer, scale)) is None:
        return None
    in_force = Q(valid_to=None) | Q(valid_to__gt=day)
    rows = layer.model_class.objects.for_user(user)
    fields = fields_at(layer, scale)
    if not foreign_key:  # the table keeps its own past
        versions = rows.filter(in_force, shown, valid_from__lte=day)
    else:
        versions = apps.get_model(label)._base_manager.filter(
            in_force, valid_from__lte=day, **{f"{foreign_key}__in": rows}
        )
        own = {field.name for field in versions.model._meta.fields}
        fields = tuple(
            TileField(f.name, f.label, f.path if f.path.split("__")[0] in own else f"{foreign_key}__{f.path}")
            for f in fields
        )
    column = F("geom")
    if layer.geometry == "label_point":
        drawn = Func(column, function="ST_PointOnSurface", output_field=TextField())
    else:
        drawn = column
    lonlat = matrix_set.srid == 4326
    queryset = versions.filter(Near(column, 4326, NEAR if lonlat else LONLAT))
    geometry = drawn if lonlat else transformed(drawn)
    key = f"{foreign_key}_id" if foreign_key else "pk"
    return of_rows(layer, queryset, geometry, fields, matrix_set.srid, key)
