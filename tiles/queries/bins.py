"""Points counted in cells, for levels too coarse to draw them one by one.

A cell's side at level L of WebMercatorQuad is a quarter of a tile's width in degrees: 360 / 2**(L + 2), in
longitude and latitude alike, counted from 180 W and 90 N. Both matrix sets draw the same cells
(WorldCRS84Quad those of one level more), each as one point in the middle of what it counts. Coarser levels
are sums of finer ones, so only the finest is written by triggers; ``fold`` makes the others.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, CharField, Count, F, Func, IntegerField, Q, Sum, Value
from django.db.models.functions import Cast, Coalesce
from psycopg.types.numeric import Int4

from geo.registry import Layer, layers
from geo.scopes import scope_filter
from tiles.matrix import BUFFER, EXTENT, SETS, WEB_MERCATOR, Bounds, MatrixSet, cell_size
from tiles.queries.access import scope_identity
from tiles.queries.session import fetchone
from tiles.queries.statement import TILE, Near, RowsOf, Slot, Statement, box, polygon

DEGREE = 10_000_000  # sums are kept in whole units of 1e-7 degrees

CELL = [Slot("cell", side) for side in range(4)]  # first and last column, first and last row
FINE = [Slot("fine", side) for side in range(4)]  # the same at the layer's finest level
CELL_LONLAT = Slot("cell_lonlat")
LEVEL = Slot("level")


def finest(layer: Layer) -> int:
    """The finest level (of WebMercatorQuad) whose cells are kept: the first of single rows.

    There tiles that hold too much are still counted; from the rows themselves it took six times as long as
    any other tile.
    """
    return WEB_MERCATOR.level(layer.max_scale)


def kept_at(layer: Layer, matrix_set: MatrixSet, z: int) -> bool:
    """Whether cells are kept for the tiles of a level."""
    return layer.binned and z + matrix_set.behind <= finest(layer)


def property_of(layer: Layer) -> str:
    """The property that carries the class most of a cell's points have."""
    return next((f.name for f in layer.fields if f.path == layer.bin_class), "class")


def in_cells(queryset, layer: Layer, level: int):
    """Rows counted by cell, class and community: columns x, y, k, a, n, lon, lat."""
    size = cell_size(level)
    integer, big = IntegerField(), BigIntegerField()

    def of_anchor(template: str, output):
        return Func(F("anchor"), template=template, output_field=output)

    klass = Coalesce(Cast(F(layer.bin_class), CharField()), Value("")) if layer.bin_class else Value("")
    return (
        queryset.filter(anchor__isnull=False)
        .order_by()
        .annotate(
            x=of_anchor(f"floor((ST_X(%(expressions)s) + 180) / {size!r})::int", integer),
            y=of_anchor(f"floor((90 - ST_Y(%(expressions)s)) / {size!r})::int", integer),
            k=klass,
            a=F("area_code"),
        )
        .values("x", "y", "k", "a")
        .annotate(
            n=Count("pk"),
            lon=Sum(of_anchor(f"round(ST_X(%(expressions)s) * {DEGREE})::bigint", big)),
            lat=Sum(of_anchor(f"round(ST_Y(%(expressions)s) * {DEGREE})::bigint", big)),
        )
        .values_list("x", "y", "k", "a", "n", "lon", "lat")
    )


def counted_rows(layer: Layer):
    """The rows that are counted: those that tiles draw, whoever looks."""
    return layer.model_class._base_manager.filter(layer.filters & layer.drawn)


class _Part:
    """A caller reduced to some of his rights."""

    is_authenticated = is_active = True

    def __init__(self, user, scope):
        self.pk, self.scope = user.pk, scope


def _by_area(layer: Layer, user) -> tuple[list[str] | None, object]:
    """How a caller's rows are counted: area prefixes (``None``: everything), and a query for the rest.

    Cells know the community, so whoever sees areas reads sums. Rows that come by a unit, a grid on duty or
    as one's own are counted as they are, without those the areas have already.
    """
    if layer.public:
        return None, None
    model, spec = layer.model_class, layer.model_class.scope
    prefixes = list(user.scope.areas(spec.permission)) if spec.area == "area_code" else []
    rest = replace(user.scope, parts=tuple(replace(part, areas=()) for part in user.scope.parts))
    condition = scope_filter(model, _Part(user, rest) if prefixes else user)
    if condition is None:
        return prefixes, None
    for prefix in prefixes:
        condition &= ~Q(**{f"{spec.area}__startswith": prefix})
    return prefixes, model.objects.filter(condition, layer.filters, layer.drawn)


def _stored(layer: Layer, prefixes: list[str] | None) -> tuple[str, list]:
    """SQL of the kept sums and of the changes that are not folded yet; columns x, y, k, n, lon, lat."""
    area, area_params = "", []
    if prefixes is not None:
        area, area_params = " and area_code like any(%s)", [[f"{prefix}%" for prefix in prefixes]]
    shift = Slot("shift")
    sql = (
        "select x, y, klass, n, lon, lat from tiles_tilebin where layer = %s and level = %s"
        # Named one by one, so that the index answers for each column instead of walking all rows.
        " and x = any(array(select generate_series(%s, %s))) and y between %s and %s"
        f"{area} union all"
        " select x >> %s, y >> %s, klass, n, lon, lat from tiles_tilebindelta where layer = %s"
        f" and x between %s and %s and y between %s and %s{area}"
    )
    params = [layer.id, LEVEL, *CELL, *area_params, shift, shift, layer.id, *FINE, *area_params]
    return sql, params


def _mvt(layer: Layer, matrix_set: MatrixSet, sources: list[tuple[str, list]]) -> Statement:
    point = f"ST_SetSRID(ST_MakePoint(lon::float8 / n / {DEGREE}, lat::float8 / n / {DEGREE}), 4326)"
    if matrix_set.srid == 3857:
        point = f"ST_Transform({point}, 3857)"
    sql = (
        "with counted(x, y, k, n, lon, lat) as ("
        " select x, y, k, sum(n)::bigint, sum(lon), sum(lat)"
        f" from ({' union all '.join(sql for sql, _p in sources)}) as r(x, y, k, n, lon, lat)"
        " group by x, y, k),"
        " cells as (select x, y, sum(n)::bigint as n, sum(lon) as lon, sum(lat) as lat,"
        " (array_agg(k order by n desc, k))[1] as k,"
        " jsonb_object_agg('n_' || k, n) filter (where n > 0 and k <> '') as by_class"
        " from counted group by x, y having sum(n) > 0 order by y, x),"
        " t as (select ST_AsMVTGeom("
        f"{point}, %s::box2d, {EXTENT}, {BUFFER}) as geom,"
        f' (x::bigint << 20) + y as id, n, k as "{property_of(layer)}", by_class from cells)'
        f" select ST_AsMVT(t, '{layer.id}', {EXTENT}, 'geom', 'id') from t"
    )
    return Statement(sql, (*(p for _s, params in sources for p in params), TILE))


def _rows_source(queryset, layer: Layer, level: int) -> list[tuple[str, list]]:
    """SQL that counts the rows of a queryset as they are."""
    near = Near(F("anchor"), CELL_LONLAT)
    try:
        sql, params = in_cells(queryset.filter(near), layer, level).query.sql_with_params()
    except EmptyResultSet:
        return []
    return [(f"select x, y, k, n, lon, lat from ({sql}) as s(x, y, k, a, n, lon, lat)", list(params))]


@lru_cache(maxsize=2048)
def _compiled(
    layer_id: str, matrix_set_id: str, level: int, stored: bool, identity, rows
) -> Statement | None:
    layer, matrix_set = layers[layer_id], SETS[matrix_set_id]
    if not stored:
        sources = _rows_source(rows().filter(layer.drawn), layer, level)
        return _mvt(layer, matrix_set, sources) if sources else None
    prefixes, rest = _by_area(layer, rows.user)
    sources = [_stored(layer, prefixes)] if prefixes is None or prefixes else []
    if rest is not None:
        sources += _rows_source(rest, layer, level)
    return _mvt(layer, matrix_set, sources) if sources else None


def statement_for(
    layer: Layer, matrix_set: MatrixSet, z: int, user, *, finer: int = 0
) -> tuple[Statement | None, int]:
    """The statement that counts a layer's points at a level, and the level of its cells.

    ``finer`` asks for cells that many levels finer than the tile's, counted from the rows themselves.
    """
    level = z + matrix_set.behind + finer
    identity = scope_identity(layer, user)
    rows = RowsOf(layer, user)
    return _compiled(layer.id, matrix_set.id, level, not finer, identity, rows), level


def slots(
    layer: Layer,
    matrix_set: MatrixSet,
    z: int,
    x: int,
    y: int,
    level: int,
    margin: float = BUFFER / EXTENT,
) -> dict[str, tuple]:
    """The cells that touch a tile with its buffer, as the statement wants them."""
    columns, rows = _cells(matrix_set.lonlat_bounds(z, x, y, margin), level)
    shift = max(finest(layer) - level, 0)
    fine = [(first << shift, ((last + 1) << shift) - 1) for first, last in (columns, rows)]
    return {
        "tile": (box(matrix_set.bounds(z, x, y)),),
        "cell": tuple(Int4(v) for v in (*columns, *rows)),
        "fine": tuple(Int4(v) for pair in fine for v in pair),
        "level": (Int4(level),),
        "shift": (Int4(shift),),
        "cell_lonlat": (polygon(_of_cells(columns, rows, level)),),
    }


def _cells(lonlat: Bounds, level: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last column and first and last row of the cells that touch bounds in degrees."""
    west, south, east, north = lonlat
    size = cell_size(level)
    columns = math.floor((west + 180) / size), math.floor((east + 180) / size)
    rows = math.floor((90 - north) / size), math.floor((90 - south) / size)
    return columns, rows


def _of_cells(columns: tuple[int, int], rows: tuple[int, int], level: int) -> Bounds:
    """The degrees that cells take up together."""
    size = cell_size(level)
    return (
        columns[0] * size - 180,
        90 - (rows[1] + 1) * size,
        (columns[1] + 1) * size - 180,
        90 - rows[0] * size,
    )


@lru_cache(maxsize=2048)
def _estimating(layer_id: str, identity, rows) -> Statement | None:
    layer = layers[layer_id]
    prefixes, _rest = _by_area(layer, rows.user)
    if prefixes == []:
        return None
    sql, params = _stored(layer, prefixes)
    return Statement(f"select coalesce(sum(n), 0)::bigint from ({sql}) r(x, y, k, n, lon, lat)", params)


def estimate(layer: Layer, matrix_set: MatrixSet, z: int, x: int, y: int, user) -> float:
    """About how many points one who sees by area has in a tile; 0 where that cannot be told cheaply.

    Reckons with points spread evenly over the cells that the tile touches.
    """
    made = _estimating(layer.id, scope_identity(layer, user), RowsOf(layer, user))
    if made is None:
        return 0
    depth = finest(layer)
    (counted,) = fetchone(made.sql, made.fill(slots(layer, matrix_set, z, x, y, depth, margin=-1e-6)))
    west, south, east, north = matrix_set.lonlat_bounds(z, x, y)
    left, bottom, right, top = _of_cells(*_cells(matrix_set.lonlat_bounds(z, x, y, -1e-6), depth), depth)
    return counted * (east - west) * (north - south) / ((right - left) * (top - bottom))


COLUMNS = "(layer, level, x, y, klass, area_code, n, lon, lat)"


def counted_layers() -> list[Layer]:
    return [layer for layer in layers.values() if layer.binned]


def fold() -> int:
    """Move the changes into the sums of every level, in one statement; returns how many there were.

    Two folding at once double nothing: a change is deleted by one of them.
    """
    depths = [(layer.id, finest(layer)) for layer in counted_layers()]
    if not depths:
        return 0
    values = ", ".join(["(%s, %s)"] * len(depths))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with gone as (
                delete from tiles_tilebindelta returning layer, x, y, klass, area_code, n, lon, lat
            ),
            summed as (
                select g.layer, level, x >> (depth - level) as x, y >> (depth - level) as y, klass, area_code,
                    sum(n)::bigint as n, sum(lon)::bigint as lon, sum(lat)::bigint as lat
                from gone g join (values {values}) depths(layer, depth) on depths.layer = g.layer,
                    generate_series(0, depth) as level
                group by 1, 2, 3, 4, 5, 6
                order by 1, 2, 3, 4, 5, 6
            ),
            kept as (
                insert into tiles_tilebin as b {COLUMNS}
                select layer, level, x, y, klass, area_code, n, lon, lat from summed
                where n <> 0 or lon <> 0 or lat <> 0
                on conflict (layer, level, x, y, klass, area_code) do update
                set n = b.n + excluded.n, lon = b.lon + excluded.lon, lat = b.lat + excluded.lat
            )
            select count(*) from gone
            """,
            [value for pair in depths for value in pair],
        )
        folded = cursor.fetchone()[0]
        if folded:
            cursor.execute("delete from tiles_tilebin where n = 0 and lon = 0 and lat = 0")
    return folded
