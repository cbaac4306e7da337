"""From a layer to the SQL of its tiles.

The ORM writes the rows and the caller's scope; the tile's bounds are slots that are filled for each tile.
A compiled statement is kept, so that a tile costs the database's work and little else.

A prepared statement is soon planned for any values, so two things matter. Bounds go in as finished values:
ST_MakeEnvelope of four parameters would be called for each row. What is the same for all tiles (scope, kind
of rows) stands in the text: where an area code is only known to be like something the planner expects few
rows, and joins types to them one by one. Together that was up to half of a tile's time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import BooleanField, F, Func, Q, TextField
from psycopg.sql import Literal

from geo.registry import Layer, TileField, layers
from tiles.matrix import BUFFER, EXTENT, SETS, Bounds, MatrixSet
from tiles.queries.access import scope_identity


@dataclass(frozen=True)
class Slot:
    """A place in the parameters that the tile fills in."""

    kind: str  # tile: its own box, in its set's CRS; near: a polygon in degrees, with its buffer
    number: int = 0


TILE, NEAR = Slot("tile"), Slot("near")


def box(bounds: Bounds) -> str:
    """Bounds as PostGIS' ``box2d``, exactly."""
    west, south, east, north = bounds
    return f"BOX({west!r} {south!r},{east!r} {north!r})"


def polygon(bounds: Bounds, srid: int = 4326) -> str:
    """Bounds as a geometry (EWKT), exactly."""
    west, south, east, north = bounds
    corners = ((west, south), (west, north), (east, north), (east, south), (west, south))
    return f"SRID={srid};POLYGON(({','.join(f'{x!r} {y!r}' for x, y in corners)}))"


class _WithSlot(Func):
    """A function whose last parameter is a slot."""

    slot: Slot

    def as_sql(self, compiler, connection, **extra):
        sql, params = super().as_sql(compiler, connection, **extra)
        return sql, [*params, self.slot]


class TileGeometry(_WithSlot):
    """The geometry in the tile's own units, clipped with its buffer."""

    slot = TILE
    template = f"ST_AsMVTGeom(%(expressions)s, %%s::box2d, {EXTENT}, {BUFFER})"
    output_field = TextField()


class Near(_WithSlot):
    """Whether the geometry's box touches the tile's, buffer included; reads the spatial index."""

    template = "%(expressions)s && %%s::geometry"
    output_field = BooleanField()
    conditional = True

    def __init__(self, expression, slot: Slot):
        super().__init__(expression)
        self.slot = slot


_PLACES = re.compile("(%%|%s)")


class Statement:
    """SQL whose parameters are slots; other values given to it become part of the text."""

    def __init__(self, sql: str, params: Iterable):
        given, text, self.slots = iter(params), [], []
        for part in _PLACES.split(sql):
            if part == "%s":
                value = next(given)
                if isinstance(value, Slot):
                    self.slots.append(value)
                else:
                    part = Literal(value).as_string().replace("%", "%%")
            text.append(part)
        self.sql = "".join(text)

    def fill(self, bounds: dict[str, tuple]) -> list:
        return [bounds[slot.kind][slot.number] for slot in self.slots]


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
    if isinstance(field, models.CharField):
        # ST_AsMVT looks up how to print any other type than text again for each value.
        return Func(F(path), template="%(expressions)s::text", output_field=TextField())
    return F(path)


def geometry_of(layer: Layer, matrix_set: MatrixSet):
    """The column to draw, in the set's CRS, and the condition that finds it by the index on degrees."""
    column = F(layer.geometry)
    if matrix_set.srid == 4326:
        drawn = column
    else:
        drawn = F("geom_3857") if layer.geometry == "geom" else transformed(column)
    return drawn, Near(column, NEAR)


def transformed(column):
    return Func(column, template="ST_Transform(%(expressions)s, 3857)", output_field=TextField())


def of_rows(
    layer: Layer, queryset, geometry, fields: tuple[TileField, ...], key: str = "pk"
) -> Statement | None:
    """The statement that makes a tile of a queryset's rows."""
    queryset = queryset.order_by().annotate(tile_geometry=TileGeometry(geometry))
    values = {f"tile_{number}": value_of(queryset.model, f.path) for number, f in enumerate(fields)}
    try:
        rows = queryset.annotate(**values).values_list("tile_geometry", key, *values)
        inner, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    names = ", ".join(["geom", "id", *(f'"{f.name}"' for f in fields)])
    return Statement(
        f"select ST_AsMVT(t, '{layer.id}', {EXTENT}, 'geom', 'id') from ({inner}) as t({names})",
        params,
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
    return of_rows(layer, queryset, geometry, fields_at(layer, scale))


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
    queryset = versions.filter(Near(column, NEAR))
    geometry = drawn if matrix_set.srid == 4326 else transformed(drawn)
    key = f"{foreign_key}_id" if foreign_key else "pk"
    return of_rows(layer, queryset, geometry, fields, key)
