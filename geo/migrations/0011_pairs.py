"""Pairs of characters of a text, for search by one or two Chinese characters (geo/pairs.py)."""

from django.db import migrations

FUNCTIONS = r"""
-- Each character with the one after it, the last one alone. Its cost (20 us) is told, so that a plan has it
-- worked out for few rows, and by the index for many.
create or replace function wangge_pairs(said text) returns tsvector
language plpgsql immutable strict parallel safe cost 500 as $$
declare
    chars text[] := string_to_array(upper(said), null);
    pairs text[] := chars;
begin
    for place in 1..cardinality(chars) - 1 loop
        pairs[place] := chars[place] || chars[place + 1];
    end loop;
    return array_to_tsvector(pairs);
end
$$;

-- A single character is the beginning of a pair, or the last one of its text. Twenty pairs are enough to
-- leave few rows.
create or replace function wangge_pairs_of(words text) returns tsquery
language sql immutable strict parallel safe as $$
    select string_agg(
        '''' || replace(replace(pair, '\', '\\'), '''', '''''') || ''''
        || case when length(upper(words)) = 1 then ':*' else '' end, ' & ')::tsquery
    from (select substr(upper(words), place, 2) as pair
          from generate_series(1, least(greatest(length(upper(words)) - 1, 1), 20)) place) pairs
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("geo", "0010_tally_with_value")]

    operations = [
        migrations.RunSQL(FUNCTIONS, "drop function wangge_pairs(text); drop function wangge_pairs_of(text);")
    ]
