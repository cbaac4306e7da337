"""The functions that keep every row with a place in its grid."""

from django.db import migrations

from grids.operations import AttachLocated

ANCHOR = """
create or replace function wangge_anchor(shape geometry) returns geometry language sql immutable parallel safe as $$
    -- One point that stands for the row: the middle of a line, a point inside a polygon, the point itself.
    select case
        when ST_GeometryType(shape) = 'ST_Point' then shape
        when ST_GeometryType(shape) = 'ST_LineString' then ST_LineInterpolatePoint(shape, 0.5)
        when ST_GeometryType(shape) = 'ST_MultiLineString' and ST_NumGeometries(shape) = 1
            then ST_LineInterpolatePoint(ST_GeometryN(shape, 1), 0.5)
        else ST_PointOnSurface(shape)
    end
$$;
"""

COMMUNITY_LOCK = """
create or replace function wangge_community_lock(code text) returns bigint language sql immutable parallel safe as $$
    -- The advisory lock of a community's borders: shared by whoever looks a grid up for a row to keep,
    -- exclusive for whoever publishes new borders.
    select hashtextextended('wangge-community:' || code, 0)
$$;
"""

LOCATE = """
create or replace function wangge_locate() returns trigger language plpgsql volatile as $$
declare
    community text;
begin
    if new.geom is null then
        new.anchor := null; new.grid_id := null; new.unit_grid_id := null; new.area_code := '';
        return new;
    end if;
    new.anchor := wangge_anchor(new.geom);
    select code into community from geo_area
        where level = 'community' and valid_to is null and ST_Intersects(geom, new.anchor)
        order by code limit 1;
    if community is null then
        new.grid_id := null; new.unit_grid_id := null;
        new.area_code := coalesce(wangge_area_at(new.anchor), '');
        return new;
    end if;
    -- First the lock, then the look: a publication that was under way has committed by now, and the
    -- statements below see it, because a volatile function takes a new snapshot for each.
    perform pg_advisory_xact_lock_shared(wangge_community_lock(community));
    select id into new.grid_id from grids_grid
        where community_code = community and retired_on is null and ST_Intersects(geom, new.anchor)
        order by code limit 1;
    select id into new.unit_grid_id from grids_unitgrid
        where community_code = community and retired_on is null and ST_Intersects(geom, new.anchor)
        order by code limit 1;
    new.area_code := community;
    return new;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("grids", "0001_initial"), ("geo", "0002_functions")]

    operations = [
        migrations.RunSQL(ANCHOR, "drop function wangge_anchor(geometry)"),
        migrations.RunSQL(COMMUNITY_LOCK, "drop function wangge_community_lock(text)"),
        migrations.RunSQL(LOCATE, "drop function wangge_locate() cascade"),
        AttachLocated("grids_checkin"),
    ]
