"""What cases tell the grids, and how they follow when borders change.

A case's grid follows its place by itself. Here is what does not: the log of open cases gets a line, a check
that was asked of somebody on duty in the old grid alone is open to those of the new one, and dispatch rules
for a grid go on for the grids that got its ground.
"""

from collections import Counter
from datetime import date

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.actions import REGRID
from cases.models import Case, DispatchRule
from geo import events
from geo.registry import Bond, Place, bonds, places
from grids.assignment import as_array

# More events than this would only flood listeners.
EVENTS_AT_MOST = 200

_OPEN = """
    select c.id, c.state, c.area_code, c.verifier_id, m.old_id, m.new_id
    from unnest(%(ids)s::bigint[], %(old)s::bigint[], %(new)s::bigint[]) m(id, old_id, new_id)
    join cases_case c on c.id = m.id where c.state <> all(%(ended)s)
"""


def _moved(moved) -> dict:
    ids, old, new = zip(*moved, strict=True) if moved else ((), (), ())
    return {
        "ids": as_array(ids),
        "old": as_array(old),
        "new": as_array(new),
        "ended": [*map(str, Case.ENDED)],
    }


def open_by_grids(moved) -> Counter:
    """Open ones among moved cases, by pair of grids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from cases_case where id = any(%s::bigint[]) and state <> all(%s)",
            [as_array(row for row, _old, _new in moved), [str(state) for state in Case.ENDED]],
        )
        found = {row for (row,) in cursor.fetchall()}
    return Counter((old, new) for row, old, new in moved if row in found)


def after_regrid(publication, moved) -> None:
    """A line in the log of every open case that changed grid; named checkers who do not serve there go."""
    values = _moved(moved) | {
        "action": REGRID,
        "publication": publication.pk,
        "undoes": publication.undoes_id,
        "day": publication.effective_on,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with open_ as materialized ({_OPEN}),
            -- Asked because of a duty that the case has left: any duty in the old grid, none in the new one.
            freed as (
                select o.id from open_ o
                where o.verifier_id is not null and o.state in ('verifying_before', 'verifying_after')
                  and exists (select from grids_gridduty d join grids_worker w on w.id = d.worker_id
                      where d.grid_id = o.old_id and w.user_id = o.verifier_id
                        and d.valid_from <= %(day)s and (d.valid_to is null or d.valid_to >= %(day)s))
                  and exists (select from grids_gridduty d where d.grid_id = o.new_id
                      and d.valid_from <= %(day)s and (d.valid_to is null or d.valid_to > %(day)s))
                  and not exists (select from grids_gridduty d join grids_worker w on w.id = d.worker_id
                      where d.grid_id = o.new_id and w.user_id = o.verifier_id
                        and d.valid_from <= %(day)s and (d.valid_to is null or d.valid_to > %(day)s))
            ),
            -- An undoing gives a check back to whoever had it, if nothing was done since.
            returned as (
                select o.id, (t.detail->>'verifier')::bigint as verifier_id from open_ o
                join lateral (select action, detail from cases_transition
                    where case_id = o.id order by id desc limit 1) t on true
                where %(undoes)s::bigint is not null and o.verifier_id is null and t.action = %(action)s
                  and (t.detail->>'publication')::bigint = %(undoes)s and t.detail->>'verifier' is not null
            ),
            asked as (
                update cases_case c set verifier_id = r.verifier_id
                from (select id, null::bigint as verifier_id from freed
                      union all select id, verifier_id from returned) r
                where c.id = r.id
            )
            insert into cases_transition
                (case_id, action, from_state, to_state, role, reason, at, detail)
            select o.id, %(action)s, o.state, o.state, '', '', now(), jsonb_build_object(
                'publication', %(publication)s::bigint, 'from', old.code, 'from_name', old.name,
                'to', new.code, 'to_name', new.name,
                'verifier', case when f.id is not null then o.verifier_id end)
            from open_ o left join freed f on f.id = o.id
            left join grids_grid old on old.id = o.old_id left join grids_grid new on new.id = o.new_id
            order by o.id returning case_id, to_state
            """,
            values,
        )
        written = [case for case, _state in cursor.fetchall()]
    if len(written) > EVENTS_AT_MOST:
        return
    rows = Case.objects.filter(pk__in=written).values_list("pk", "area_code", "holder_unit_id")
    events.emit_all("cases", [(pk, {"area_code": area, "unit_id": unit}) for pk, area, unit in rows])


def told(count: int) -> str:
    return ngettext("%d open case", "%d open cases", count) % count


places.register(
    Place(
        "cases",
        "cases.Case",
        _("Cases"),
        after_regrid=after_regrid,
        told=told,
        weigh=open_by_grids,
        order=10,
    )
)


def hand_over_rules(publication, heirs, gone) -> list[dict]:
    """Rules for a grid hold for its heirs too; those for a grid that is no more end."""
    day = publication.effective_on
    rules = DispatchRule.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), grid__in={*heirs, *gone})
    done = []
    for rule in rules.order_by("pk"):
        until = rule.valid_to.isoformat() if rule.valid_to else None
        made = DispatchRule.objects.bulk_create(
            [_copy(rule, grid, max(day, rule.valid_from)) for grid in heirs.get(rule.grid_id, ())]
        )
        ended = rule.grid_id in gone and rule.valid_from < day
        if ended:
            DispatchRule.objects.filter(pk=rule.pk).update(valid_to=day)
        done.append({"rule": rule.pk, "to": until, "ended": ended, "made": [one.pk for one in made]})
    return done


def _copy(rule: DispatchRule, grid: int, since: date) -> DispatchRule:
    fields = (
        "name",
        "unit_id",
        "type_id",
        "kind",
        "class_code",
        "standard",
        "area_code",
        "valid_to",
        "basis",
    )
    return DispatchRule(grid_id=grid, valid_from=since, **{field: getattr(rule, field) for field in fields})


def hand_back_rules(undo, undone, done) -> None:
    """Rules that were made go, those that ended hold again, unless somebody changed their end."""
    day = undo.effective_on
    for one in done:
        made = DispatchRule.objects.filter(pk__in=one["made"]).filter(_ends(one["to"]))
        made.filter(valid_from__gte=day).delete()
        made.filter(valid_from__lt=day).update(valid_to=day)
        if not one["ended"]:
            continue
        rule = DispatchRule.objects.filter(pk=one["rule"], valid_to=undone.effective_on).first()
        if rule is None or (one["to"] and date.fromisoformat(one["to"]) <= day):
            continue
        until = date.fromisoformat(one["to"]) if one["to"] else None
        if undone.effective_on == day:
            DispatchRule.objects.filter(pk=rule.pk).update(valid_to=until)
        else:
            back = _copy(rule, rule.grid_id, day)
            back.valid_to = until
            back.save()


def _ends(day: str | None) -> Q:
    return Q(valid_to=date.fromisoformat(day)) if day else Q(valid_to=None)


bonds.register(Bond("dispatch_rules", hand_over_rules, hand_back_rules))
