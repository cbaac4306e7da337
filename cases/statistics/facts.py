"""What statistics count, made anew from the log: after bulk loads, for cases that came before, after a doubt.

In daily work triggers keep ``CaseFact``, ``CaseSpell`` and ``CaseCheck`` (migration 0040). They note the
deadlines in force at each moment; a log does not tell those, so a rebuild gives the case's last deadlines to
all of its life, and limits of looks on the spot as the calendar has them.
"""

from __future__ import annotations

from contextlib import contextmanager

from django.db import connection, transaction

from geo.calendar import add_working_time

STEP = 20_000

# The lines of the cases in hand: state changes only, with the marks that run on to the next line.
_LINES = """
    select case_id, id, at, action, actor_id, from_state, to_state,
        cases_standing(to_state) as kind, cases_standing(from_state) as before,
        case when cases_standing(from_state) = 'u' and cases_standing(to_state) in ('d', 'r') then 0
             else to_unit_id end as unit_mark
    from cases_transition
    where case_id between %(low)s and %(high)s and (from_state <> to_state or to_unit_id is not null)
"""

_RUNS = f"""
    with lines as ({_LINES}),
    marked as (
        select *,
            count(unit_mark) over so_far as unit_group,
            count(*) filter (where kind <> before and kind in ('h', 'u', 'd', 'r')) over so_far
                as handled_group,
            count(*) filter (where kind in ('a', 'e') and before not in ('a', 'e')) over so_far as done_group,
            lead(at) over (partition by case_id order by id) as next_at
        from lines window so_far as (partition by case_id order by id)
    ),
    told as (
        select case_id, id, at, kind, next_at,
            nullif(first_value(unit_mark) over (partition by case_id, unit_group order by id), 0) as unit_id,
            case when kind in ('h', 'a', 'e')
                then first_value(case when kind = 'h' then at end)
                    over (partition by case_id, handled_group order by id) end as handled_at,
            case when kind in ('a', 'e')
                then first_value(at) over (partition by case_id, done_group order by id) end as done_at
        from marked
    ),
    -- Of the lines of one moment the last one stands; of equal standings one after the other the first one.
    moments as (
        select t.case_id, t.id, t.at, t.kind, t.unit_id, t.handled_at, t.done_at,
            case when t.kind in ('u', 'h', 'a', 'e', 'p') then c.handle_due_at end as handle_due_at,
            case when t.kind in ('u', 'h', 'a', 'e', 'p') then c.close_due_at end as close_due_at
        from told t join cases_case c on c.id = t.case_id
        where t.next_at is null or t.next_at > t.at
    ),
    changes as (
        select * from (
            select *, (kind, unit_id, handled_at, done_at, handle_due_at, close_due_at) is not distinct from (
                lag(kind) over w, lag(unit_id) over w, lag(handled_at) over w, lag(done_at) over w,
                lag(handle_due_at) over w, lag(close_due_at) over w) as same
            from moments window w as (partition by case_id order by id)
        ) m where not same
    ),
    spells as (
        select *, lead(at) over (partition by case_id order by id) as until from changes
    ),
    past as (
        insert into cases_casespell (case_id, since, until, kind, unit_id, handle_due_at, close_due_at,
            handled_at, done_at)
        select case_id, at, until, kind, unit_id, handle_due_at, close_due_at, handled_at, done_at
        from spells where until is not null
    )
    insert into cases_casefact (since, ended_at, {{names}})
    select coalesce(s.at, p.began_at),
        case when p.kind in ('e', 'x') then coalesce(s.at, p.began_at) end, {{values}}
    from cases_present(array(
        select id from cases_case where id between %(low)s and %(high)s)) p
    left join spells s on s.case_id = p.case_id and s.until is null
    where p.began_at is not null
"""

_CHECKS = f"""
    with lines as ({_LINES}),
    steps as (
        select *, lead(action) over w as ended_by, lead(at) over w as ended_at, lead(actor_id) over w as did
        from lines window w as (partition by case_id order by id)
    )
    insert into cases_casecheck
        (case_id, kind, asked_at, due_at, done_at, cancelled_at, passed, person_id, company_id, unit_id)
    select s.case_id, substr(s.to_state, 11), s.at,
        coalesce(case when s.ended_at is null then c.due_at end, '-infinity'),
        case when v.verdict then s.ended_at end, case when not v.verdict then s.ended_at end,
        case when v.verdict then s.ended_by in ('verify_true', 'verify_pass') end,
        w.person, (select o.id from geo_user u join geo_organisation o on o.id = u.organisation_id
            where u.id = w.person and o.kind = 'company'),
        case when s.to_state = 'verifying_after' then coalesce(c.lead_unit_id, c.holder_unit_id) end
    from steps s join cases_case c on c.id = s.case_id
    cross join lateral (
        select s.ended_by in ('verify_true', 'verify_false', 'verify_pass', 'verify_fail') as verdict) v
    cross join lateral (select case when v.verdict then s.did else c.verifier_id end as person) w
    where s.to_state in ('verifying_before', 'verifying_after')
"""

# Work hours for a look on the spot (domain reference, 4.1).
_LIMITS = {"before": 2, "after": 4}


def rebuild(say=lambda text: None) -> int:
    """Count all cases anew; how many there are. Writers of the log wait until it is done."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("lock table cases_transition in share row exclusive mode")
        cursor.execute("delete from cases_casecheck")
        cursor.execute("delete from cases_casespell")
        cursor.execute("delete from cases_casefact")
        cursor.execute("select coalesce(min(id), 1), coalesce(max(id), 0) from cases_case")
        low, high = cursor.fetchone()
        for start in range(low, high + 1, STEP):
            _part(cursor, start, min(start + STEP - 1, high))
            say(f"statistics {start}")
        _limits(cursor)
        cursor.execute("select count(*) from cases_casefact")
        return cursor.fetchone()[0]


def _part(cursor, low: int, high: int) -> None:
    cursor.execute(
        "select array_agg(name::text order by ordinal) from unnest((select proargnames from pg_proc"
        " where proname = 'cases_present')) with ordinality a(name, ordinal) where name <> 'ids'"
    )
    names = cursor.fetchone()[0]
    values = {"low": low, "high": high}
    runs = _RUNS.format(names=", ".join(names), values=", ".join(f"p.{name}" for name in names))
    cursor.execute(runs, values)
    cursor.execute(_CHECKS, values)


def _limits(cursor) -> None:
    """Looks whose limit the log does not tell get the one that the calendar gives them."""
    cursor.execute(
        "select distinct k.kind, k.asked_at, left(f.here_code, 6) from cases_casecheck k"
        " join cases_casefact f using (case_id) where k.due_at = '-infinity'"
    )
    rows = [
        (kind, at, county, add_working_time(at, _LIMITS[kind], "work_hour", county))
        for kind, at, county in cursor.fetchall()
    ]
    if not rows:
        return
    cursor.execute(
        "create temporary table check_limits"
        " (kind text, asked_at timestamptz, county text, due_at timestamptz) on commit drop"
    )
    with cursor.copy("copy check_limits from stdin") as sink:
        for row in rows:
            sink.write_row(row)
    cursor.execute("analyze check_limits")
    cursor.execute(
        "update cases_casecheck k set due_at = l.due_at from cases_casefact f, check_limits l"
        " where f.case_id = k.case_id and k.due_at = '-infinity' and l.kind = k.kind"
        " and l.asked_at = k.asked_at and l.county = left(f.here_code, 6)"
    )


@contextmanager
def paused():
    """For bulk loads: the log is not followed line by line; what was loaded is counted at the end."""
    with connection.cursor() as cursor:
        # A table with deferred checks still to come cannot be altered.
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table cases_transition disable trigger cases_note_facts")
        try:
            yield
        finally:
            cursor.execute("set constraints all immediate")
            cursor.execute("alter table cases_transition enable trigger cases_note_facts")
    rebuild()
