"""Drawing the sample: first evaluation grids, then points in them, without replacement, repeatable.

The order of the draw is ``md5(seed || ':' || code)``, so that the same seed over the same population gives
the same rows on any machine. The rules of a task (``EvaluationTask.sampling``)::

    {"cells": "unit" | "duty", "per_subject": 5,
     "points": [{"item": id, "of": "component" | "case", "type": "" | "component:0102" | "component:01" |
                 "event:", "state": "" | a component's state, "number": 3}]}

``number`` points are drawn in each evaluation grid. Cases are those that ended within the task's period.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, time

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import Component
from cases.evaluation import tasks
from cases.models import EvaluationGrid, EvaluationModel, EvaluationTask, SamplePoint
from geo import audit
from geo.problems import Problem

CELLS = ("unit", "duty")
_KIND = re.compile(r"(component|event):(\d{2}|\d{4,5})?")
MOST_PER_SUBJECT, MOST_PER_GRID, MOST_RULES, MOST_POINTS = 50, 50, 20, 20_000

_CELL_TABLES = {
    "unit": ("grids_unitgrid", "community_code"),
    "duty": ("grids_dutygrid", "area_code"),
}
# Every cell in force of every subject, in the order of the draw.
_CELLS = """
select s.id as subject_id, g.code, g.name, ST_Multi(g.geom) as geom,
    row_number() over (partition by s.id order by md5(%(seed)s || ':' || g.code), g.code) as place
from cases_tasksubject s
join {table} g on g.{area} ~>=~ s.code and g.{area} ~<~ (s.code || ':') and g.retired_on is null
where s.task_id = %(task)s
"""
# A row on the border of two cells counts in the one with the lower code, and what an earlier rule drew for
# the same item is not drawn again.
_POINTS = """
select f.*, row_number() over (
    partition by f.grid_id order by md5(%(seed)s || ':' || f.code), f.code) as place
from (
    select distinct on (e.subject_id, r.code) e.id as grid_id, e.subject_id, r.*
    from cases_evaluationgrid e
    join lateral ({rows}) r on true
    where e.task_id = %(task)s
    order by e.subject_id, r.code, e.code
) f
where not exists (
    select 1 from cases_samplepoint p
    where p.task_id = %(task)s and p.subject_id = f.subject_id and p.item_id = %(item)s
        and p.of = %(of)s and p.code = f.code and p.rule < %(rule)s
)
"""
_TYPE = """(%(type_kind)s = '' or t.kind = %(type_kind)s)
    and %(type_code)s in ('', t.class_code, t.class_code || t.type_code)"""
_ROWS = {
    "component": f"""
    select c.code, t.name as type_name, '' as address, c.anchor as geom
    from assets_component c join assets_itemtype t on t.id = c.type_id
    where e.geom && c.geom and ST_Intersects(e.geom, c.anchor) and {_TYPE}
        and case when %(state)s = '' then c.state not in ('removed', 'abandoned') else c.state = %(state)s end
    """,
    "case": f"""
    select c.number as code, coalesce(t.name, '') as type_name, c.address, c.geom
    from cases_case c left join assets_itemtype t on t.id = c.type_id
    where ST_Intersects(e.geom, c.geom) and c.flow = 'city_management'
        and c.closed_at >= %(a)s and c.closed_at < %(b)s and (%(type_kind)s = '' or ({_TYPE}))
    """,
}


def _points_sql(rule: dict) -> str:
    return _POINTS.format(rows=_ROWS[rule["of"]])


def check_rules(model: EvaluationModel, given: dict) -> dict:
    """The rules of a draw, read and checked; what is wrong is told line by line."""
    errors: list[dict] = []

    def whole(value, pointer: str, most: int) -> int:
        try:
            found = int(str(value))
        except ValueError:
            found = 0
        if not 1 <= found <= most:
            errors.append({"pointer": pointer, "detail": _("A whole number from 1 to %d.") % most})
        return found

    lines = given.get("points") or []
    if not lines:
        return {}
    if model.subject != EvaluationModel.Subject.AREA:
        detail = _("Samples are drawn in areas; this model evaluates %s.") % model.get_subject_display()
        raise Problem(detail, errors=[{"pointer": "/sampling", "detail": detail}])
    field_items = {
        item.pk for item in model.items.all() if item.definition and item.definition["kind"] == "field"
    }
    cells = given.get("cells", "unit")
    if cells not in CELLS:
        errors.append({"pointer": "/sampling/cells", "detail": _("Choose unit grids or duty grids.")})
    rules = []
    if len(lines) > MOST_RULES:
        errors.append({"pointer": "/sampling/points", "detail": _("At most %d lines.") % MOST_RULES})
    for at, line in enumerate(lines):
        here = f"/sampling/points/{at}"
        item, of = line.get("item"), line.get("of")
        if item not in field_items:
            detail = _("Points serve an item that is seen on the spot; choose one.")
            errors.append({"pointer": f"{here}/item", "detail": detail})
        if of not in SamplePoint.Of.values:
            errors.append({"pointer": f"{here}/of", "detail": _("Choose components or cases.")})
        code = str(line.get("type") or "").strip()
        if code and not _KIND.fullmatch(code):
            detail = _("A type is written component:0102 or event:0203, a class component:01; not “%s”.")
            errors.append({"pointer": f"{here}/type", "detail": detail % code[:30]})
        elif of == SamplePoint.Of.COMPONENT and code.startswith("event:"):
            detail = _("Components have types of components.")
            errors.append({"pointer": f"{here}/type", "detail": detail})
        state = str(line.get("state") or "")
        if state and (of != SamplePoint.Of.COMPONENT or state not in Component.State.values):
            errors.append({"pointer": f"{here}/state", "detail": _("There is no such state.")})
        number = whole(line.get("number"), f"{here}/number", MOST_PER_GRID)
        rules.append({"item": item, "of": of, "type": code, "state": state, "number": number})
    per = whole(given.get("per_subject"), "/sampling/per_subject", MOST_PER_SUBJECT)
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    return {"cells": cells, "per_subject": per, "points": rules}


def set_rules(user, pk: int, given: dict) -> EvaluationTask:
    """Change the rules of a draft; what was drawn by the old ones goes."""
    with transaction.atomic():
        task = tasks.locked(user, pk, EvaluationTask.State.DRAFT)
        task.sampling = check_rules(task.model, given)
        _forget(task)
        task.save()
        audit.log(user, "evaluation_task.change", task, area_code=task.area_code, sampling=task.sampling)
    return task


def _forget(task: EvaluationTask) -> None:
    task.points.all().delete()
    task.grids.all().delete()
    task.drawn_at = task.drawn_from = None


def draw(user, pk: int, seed: str = "") -> EvaluationTask:
    """Draw by the task's rules and seed (or another seed), in a draft; a draw before it is replaced."""
    with transaction.atomic():
        task = tasks.locked(user, pk, EvaluationTask.State.DRAFT)
        if not task.sampling.get("points"):
            raise Problem(_("Say first what is drawn."), status=409, kind="not-ready")
        if seed:
            if not (len(seed) <= 32 and seed.isascii() and seed.isalnum()):
                detail = _("A seed has up to 32 letters and digits.")
                raise Problem(detail, errors=[{"pointer": "/seed", "detail": detail}])
            task.seed = seed
        _forget(task)
        with connection.cursor() as cursor:
            task.drawn_from = {"cells": _draw_cells(cursor, task)}
            task.drawn_from["rules"] = [
                _draw_points(cursor, task, number, rule)
                for number, rule in enumerate(task.sampling["points"])
            ]
        if task.points.count() > MOST_POINTS:
            raise Problem(_("More than %d points: draw fewer.") % MOST_POINTS)
        task.drawn_at = timezone.now()
        task.save()
        audit.log(
            user,
            "evaluation_task.draw",
            task,
            area_code=task.area_code,
            seed=task.seed,
            points=sum(rule["drawn"] for rule in task.drawn_from["rules"]),
        )
    return task


def _begin(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _given(task: EvaluationTask, rule: dict | None = None, number: int = 0) -> dict:
    rule = rule or {}
    kind, _colon, code = rule.get("type", "").partition(":")
    return {
        "rule": number,
        "seed": task.seed,
        "task": task.pk,
        "a": _begin(task.period_from),
        "b": _begin(task.period_to),
        "of": rule.get("of", ""),
        "type_kind": kind,
        "type_code": code,
        "state": rule.get("state", ""),
        "number": rule.get("number", 0),
        "per": task.sampling["per_subject"],
        "item": rule.get("item"),
    }


def _cells_sql(task: EvaluationTask) -> str:
    table, area = _CELL_TABLES[task.sampling["cells"]]
    return _CELLS.format(table=table, area=area)


# How many there were to draw from, and a hash over all of them, to tell later whether they are the same.
_POPULATION = "select count(*), coalesce(md5(string_agg(code, ',' order by {by})), '') from ({rows}) as rows"


def _draw_cells(cursor, task: EvaluationTask) -> dict:
    rows, given = _cells_sql(task), _given(task)
    cursor.execute(_POPULATION.format(rows=rows, by="subject_id, code"), given)
    count, digest = cursor.fetchone()
    cursor.execute(
        "insert into cases_evaluationgrid (task_id, subject_id, code, name, place, geom)"
        f" select %(task)s, subject_id, code, name, place, geom from ({rows}) as rows where place <= %(per)s",
        given,
    )
    return {"count": count, "hash": digest, "drawn": cursor.rowcount}


def _draw_points(cursor, task: EvaluationTask, number: int, rule: dict) -> dict:
    rows, given = _points_sql(rule), _given(task, rule, number)
    cursor.execute(_POPULATION.format(rows=rows, by="subject_id, code"), given)
    count, digest = cursor.fetchone()
    cursor.execute(
        "insert into cases_samplepoint"
        " (task_id, subject_id, grid_id, item_id, rule, place, of, code, type_name, address, geom)"
        " select %(task)s, subject_id, grid_id, %(item)s, %(rule)s, place, %(of)s, code, type_name, address,"
        f" geom from ({rows}) as rows where place <= %(number)s",
        given,
    )
    return {"count": count, "hash": digest, "drawn": cursor.rowcount}


def repeat(task: EvaluationTask) -> dict:
    """Draw again without writing: {"same", "cells", "points", "population_changed"}, to prove the draw.

    ``same`` is whether the stored rows come out again; ``population_changed`` says why they may not.
    """
    if task.drawn_at is None:
        raise Problem(_("Nothing has been drawn yet."), status=409, kind="not-ready")
    with connection.cursor() as cursor, transaction.atomic():
        given = _given(task)
        rows = _cells_sql(task)
        cursor.execute(_POPULATION.format(rows=rows, by="subject_id, code"), given)
        changed = list(cursor.fetchone()) != [task.drawn_from["cells"][key] for key in ("count", "hash")]
        cursor.execute(
            f"select subject_id, code from ({rows}) as rows where place <= %(per)s order by 1, place", given
        )
        cells = cursor.fetchall()
        same = cells == list(
            EvaluationGrid.objects.filter(task=task)
            .order_by("subject_id", "place")
            .values_list("subject_id", "code")
        )
        points = 0
        for number, rule in enumerate(task.sampling["points"]):
            rows, given = _points_sql(rule), _given(task, rule, number)
            cursor.execute(_POPULATION.format(rows=rows, by="subject_id, code"), given)
            before = [task.drawn_from["rules"][number][key] for key in ("count", "hash")]
            changed = changed or list(cursor.fetchone()) != before
            cursor.execute(
                f"select grid_id, code from ({rows}) as rows where place <= %(number)s order by 1, place",
                given,
            )
            again = cursor.fetchall()
            stored = SamplePoint.objects.filter(task=task, rule=number).order_by("grid_id", "place")
            same = same and again == list(stored.values_list("grid_id", "code"))
            points += len(again)
    return {"same": same, "cells": len(cells), "points": points, "population_changed": changed}


def as_geojson(task: EvaluationTask, subjects) -> str:
    """The draw for the map: cells and points as one FeatureCollection, made by the database (WGS-84)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select json_build_object('type', 'FeatureCollection',
                'features', coalesce(json_agg(f), '[]'::json))
            from (
                select json_build_object('type', 'Feature', 'geometry', ST_AsGeoJSON(g.geom, 7)::json,
                    'properties', json_build_object('kind', 'cell', 'code', g.code, 'name', g.name)) as f
                from cases_evaluationgrid g where g.task_id = %(task)s and g.subject_id = any(%(subjects)s)
                union all
                select json_build_object('type', 'Feature', 'geometry', ST_AsGeoJSON(p.geom, 7)::json,
                    'properties', json_build_object('kind', 'point', 'id', p.id, 'code', p.code,
                        'of', p.of, 'type', p.type_name, 'item', i.name,
                        'state', case when n.id is null then 'open' when n.unreachable then 'unreachable'
                                 when n.found <> '[]'::jsonb then 'found' else 'good' end))
                from cases_samplepoint p join cases_modelitem i on i.id = p.item_id
                left join cases_inspection n on n.point_id = p.id
                where p.task_id = %(task)s and p.subject_id = any(%(subjects)s)
            ) as features
            """,
            {"task": task.pk, "subjects": [one.pk for one in subjects]},
        )
        collection = cursor.fetchone()[0]
    return collection if isinstance(collection, str) else json.dumps(collection, ensure_ascii=False)
