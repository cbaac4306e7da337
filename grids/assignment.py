"""Which grid a row with a place is in: proved, mended, and moved when borders change.

The trigger ``located`` fills it when a row is written; here are the statements over whole tables, one each.
"""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection

from grids.models import Grid, Located, UnitGrid


def located_models() -> list[type[Located]]:
    """Every table with a place, by its label."""
    models = [model for model in apps.get_models() if issubclass(model, Located)]
    return sorted(models, key=lambda model: model._meta.label)


def column(grid_model) -> str:
    """The column of a ``Located`` table that points to a grid of this model."""
    return {Grid: "grid_id", UnitGrid: "unit_grid_id"}[grid_model]


def reassign(model: type[Located], grid_model, communities: list[str]) -> list[tuple[int, int, int]]:
    """Give the rows of a table that lie in ``regrid_piece`` (changed ground) the grid they are in now.

    A piece that names a grid and its community lies inside that grid; on the others, along borders, the grid
    is looked up. Two statements, by index; only rows that move are written. Returns (row id, old grid id, new
    grid id); either grid may be null. The caller holds the locks of ``communities``.
    """
    table, grid_id = model._meta.db_table, column(grid_model)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            -- Each step materialized: the community tells nothing that the piece does not, so its index is
            -- left alone, and the grid is looked up once for each row.
            with near as materialized (
                select distinct on (r.id) r.id, r.{grid_id} as old_id, r.area_code, r.anchor,
                    p.grid, p.community
                from regrid_piece p join {table} r on p.geom && r.geom and ST_Intersects(p.geom, r.anchor)
                order by r.id, p.grid nulls first
            ),
            found as materialized (
                select r.id, r.old_id, case when r.community = r.area_code then r.grid else (
                    select g.id from {grid_model._meta.db_table} g
                    where g.community_code = r.area_code and g.retired_on is null
                      and ST_Intersects(g.geom, r.anchor)
                    order by g.code limit 1
                ) end as new_id
                from near r where r.area_code = any(%s)
            )
            select id, old_id, new_id from found where new_id is distinct from old_id order by id
            """,
            [communities],
        )
        moved = cursor.fetchall()
        if not moved:
            return []
        # With the rows counted the planner goes by the key; a guess would read the whole table.
        rows, _old, new = zip(*moved, strict=True)
        cursor.execute(
            f"update {table} t set {grid_id} = m.new_id"
            " from unnest(%s::bigint[], %s::bigint[]) m(id, new_id) where t.id = m.id",
            [as_array(rows), as_array(new)],
        )
        return moved


def as_array(numbers) -> str:
    """Numbers or None as PostgreSQL writes an array; psycopg would look at each of tens of thousands."""
    return "{" + ",".join("NULL" if number is None else str(number) for number in numbers) + "}"


@dataclass(frozen=True)
class Disagreement:
    """A row whose derived columns are not what its geometry says."""

    table: str
    row: int
    stands: tuple
    right: tuple


RIGHT = """
    select r.id,
        array[ST_AsText(r.anchor), r.area_code, r.grid_id::text, r.unit_grid_id::text] as stands,
        array[ST_AsText(a.anchor), coalesce(c.code, w.code, ''), g.id::text, u.id::text] as should,
        a.anchor, coalesce(c.code, w.code, '') as area_code, g.id as grid_id, u.id as unit_grid_id
    from {table} r
    cross join lateral (select wangge_anchor(r.geom) as anchor) a
    left join lateral (
        select code from geo_area where level = 'community' and valid_to is null
            and ST_Intersects(geom, a.anchor) order by code limit 1
    ) c on true
    left join lateral (
        select wangge_area_at(a.anchor) as code where c.code is null
    ) w on true
    left join lateral (
        select id from grids_grid where community_code = c.code and retired_on is null
            and ST_Intersects(geom, a.anchor) order by code limit 1
    ) g on true
    left join lateral (
        select id from grids_unitgrid where community_code = c.code and retired_on is null
            and ST_Intersects(geom, a.anchor) order by code limit 1
    ) u on true
    where (r.anchor is distinct from a.anchor or r.area_code <> coalesce(c.code, w.code, '')
        or r.grid_id is distinct from g.id or r.unit_grid_id is distinct from u.id)
"""


def disagreements(model: type[Located]) -> list[Disagreement]:
    """Rows of a table that disagree with their geometry; one statement."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"select id, stands, should from ({RIGHT.format(table=table)}) x order by id")
        return [
            Disagreement(table, row, tuple(stands), tuple(should))
            for row, stands, should in cursor.fetchall()
        ]


def mend(model: type[Located], community: str = "") -> int:
    """Set right what ``disagreements`` finds, by letting the trigger look again; one statement.

    With a ``community`` only rows that say they lie in it are looked at.
    """
    table = model._meta.db_table
    wrong, params = RIGHT.format(table=table), []
    if community:
        wrong, params = f"{wrong} and r.area_code = %s", [community]
    with connection.cursor() as cursor:
        cursor.execute(
            f"update {table} set geom = {table}.geom where id in (select id from ({wrong}) x)", params
        )
        return cursor.rowcount
