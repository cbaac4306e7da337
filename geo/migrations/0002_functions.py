"""Functions of the ground: the deepest area at a point, and the bell that an event rings."""

from django.db import migrations

AREA_AT = """
create or replace function wangge_area_at(place geometry) returns text language sql stable parallel safe as $$
    -- The deepest area in force that covers the point; a tie on a border goes to the lowest code.
    select code from geo_area
    where valid_to is null and ST_Intersects(geom, place)
    order by length(code) desc, code
    limit 1
$$;
"""

EVENT_BELL = """
create or replace function wangge_event_bell() returns trigger language plpgsql as $$
begin
    -- Small on purpose: the stream reads the row itself, so nothing is lost when a notice is.
    perform pg_notify('wangge_events', new.id::text);
    return null;
end $$;
create trigger event_bell after insert on geo_event for each row execute function wangge_event_bell();
"""


class Migration(migrations.Migration):
    dependencies = [("geo", "0001_initial")]

    operations = [
        migrations.RunSQL(AREA_AT, "drop function wangge_area_at(geometry)"),
        migrations.RunSQL(EVENT_BELL, "drop function wangge_event_bell() cascade"),
    ]
