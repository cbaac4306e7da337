"""Who is responsible: rules as data, one statement, no coin toss.

The order, the first that decides wins: the component's maintenance unit, then its owner; the narrowest type
(the type, its class, its kind, anything); within it the smallest area (a drawn polygon, the smaller one
first, by whole square metres, then grid, community, street, district, city, everywhere); the latest
``valid_from``. What is still equal and names different units is a fault: nobody gets it, the dispatcher does,
with the fault explained.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import Component, ItemType

BY_TYPE = {1: "type", 2: "class", 3: "kind", 4: "any"}
BY_PLACE = {1: "polygon", 2: "grid", 3: "community", 4: "street", 5: "district", 6: "city", 7: "everywhere"}
TYPE_WORDS = {
    "type": gettext_lazy("this type"),
    "class": gettext_lazy("its class"),
    "kind": gettext_lazy("its kind"),
    "any": gettext_lazy("every type"),
}
PLACE_WORDS = {
    "polygon": gettext_lazy("a drawn area"),
    "grid": gettext_lazy("the grid"),
    "community": gettext_lazy("the community"),
    "street": gettext_lazy("the street"),
    "district": gettext_lazy("the district"),
    "city": gettext_lazy("the city"),
    "everywhere": gettext_lazy("everywhere"),
}

# Who in the unit it is for, and what is to be done: the lines of the duty list and of the command manual.
DUTY = ("party", "post", "person", "person_name", "manual")

# Ranks every candidate; all those on the first rank come back, so that a tie is seen.
_RANKED = """
with place as (select ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) as point),
candidate as (
    select 0 as type_rank, offer.rank as place_rank, 0::float8 as size, null::date as valid_from,
           null::bigint as rule_id, offer.reason, offer.unit_id, c.name as rule_name, '' as area_code,
           null::geometry as polygon, '' as basis, '' as party, '' as post, '' as manual,
           null::bigint as person_id
    from assets_component c
    cross join lateral (values (1, 'maintenance', c.maintenance_unit_id), (2, 'owner', c.owner_unit_id))
        as offer (rank, reason, unit_id)
    where c.id = %(component)s and offer.unit_id is not null
    union all
    select case when r.type_id is not null then 1 when r.class_code <> '' then 2
                when r.kind <> '' or r.standard <> '' then 3 else 4 end,
           case when r.polygon is not null then 1 when r.grid_id is not null then 2
                else case length(r.area_code) when 12 then 3 when 9 then 4 when 6 then 5 when 4 then 6
                     else 7 end
           end,
           case when r.polygon is null then 0 else round(ST_Area(r.polygon::geography)) end,
           r.valid_from, r.id, 'rule', r.unit_id, r.name, r.area_code, r.polygon, r.basis,
           r.party, r.post, r.manual, r.person_id
    from cases_dispatchrule r cross join place
    where r.valid_from <= %(day)s and (r.valid_to is null or r.valid_to > %(day)s)
      and (r.type_id is null or r.type_id = %(type)s)
      and (r.class_code = '' or r.class_code = %(class_code)s)
      and (r.kind = '' or r.kind = %(kind)s)
      and (r.standard = '' or r.standard = %(standard)s)
      and (r.grid_id is null or r.grid_id = %(grid)s)
      and starts_with(%(area)s, r.area_code)
      and (r.polygon is null or ST_Intersects(r.polygon, place.point))
),
ranked as (
    select candidate.*, u.name as unit_name,
           rank() over (order by type_rank, place_rank, size, valid_from desc) as place_in_line
    from candidate join geo_organisation u on u.id = candidate.unit_id and u.active
)
select type_rank, place_rank, rule_id, reason, unit_id, unit_name, rule_name, area_code, basis,
       ST_AsGeoJSON(polygon, 8)::json as polygon, valid_from,
       party, post, manual, person.id as person, coalesce(person.name, '') as person_name
from ranked left join geo_user person on person.id = ranked.person_id and person.is_active
where place_in_line = 1 order by rule_id
"""


@dataclass(frozen=True)
class Decision:
    """Who gets a case and why, or why nobody does. ``as_json`` is what the case keeps."""

    reason: str  # maintenance | owner | rule | tie | none | hand
    unit_id: int | None = None
    detail: dict = field(default_factory=dict)

    def as_json(self) -> dict:
        return {"reason": self.reason, "unit": self.unit_id, **self.detail}


def decide(
    point: Point,
    *,
    type: ItemType | None,
    area_code: str,
    grid_id: int | None = None,
    component: Component | None = None,
    day: date,
) -> Decision:
    """The unit responsible for a problem of ``type`` (at ``component``) at ``point`` (EPSG:4326) on a day.

    One statement. ``area_code`` and ``grid_id`` are those of the point, as ``locate`` gives them.
    """
    return _decision(_first(point, type, area_code, grid_id, component, day), component)


def decide_for(case, day: date) -> Decision:
    """The unit responsible for a case on a day."""
    return _decision(_first_for(case, day), case.component)


def along(case, unit_id: int, day: date) -> dict:
    """What a person who gives a case to a unit takes over from the rule that names it; empty without one.

    Of rules that contradict each other the one that names this unit counts: the person has decided.
    """
    return next((_of_rule(row) for row in _first_for(case, day) if _names(row, unit_id)), {})


def _names(row: dict, unit_id: int) -> bool:
    return row["reason"] == "rule" and row["unit_id"] == unit_id


def _of_rule(row: dict) -> dict:
    """Which rule it is and, of the duty list, what it has: an empty line says nothing."""
    told = {"rule": row["rule_id"], "name": row["rule_name"], "basis": row["basis"]}
    return told | {name: row[name] for name in DUTY if row[name]}


def _first_for(case, day: date) -> list[dict]:
    return _first(case.geom, case.type, case.area_code, case.grid_id, case.component, day)


def _first(
    point: Point,
    type: ItemType | None,
    area_code: str,
    grid_id: int | None,
    component: Component | None,
    day: date,
) -> list[dict]:
    """Who is on the first rank: one, or several rules that are equally narrow and new."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RANKED,
            {
                "lon": point.x,
                "lat": point.y,
                "component": component.pk if component else None,
                "day": day,
                "type": type.pk if type else None,
                "class_code": type.class_code if type else None,
                "kind": type.kind if type else None,
                "standard": type.standard if type else None,
                "grid": grid_id,
                "area": area_code,
            },
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _decision(first: list[dict], component: Component | None) -> Decision:
    if not first:
        return Decision("none")
    if len({row["unit_id"] for row in first}) > 1:
        return Decision(
            "tie",
            detail={
                "by_type": BY_TYPE[first[0]["type_rank"]],
                "by_place": BY_PLACE[first[0]["place_rank"]],
                "rules": [
                    {
                        "rule": row["rule_id"],
                        "name": row["rule_name"],
                        "unit": row["unit_id"],
                        "unit_name": row["unit_name"],
                    }
                    for row in first
                ],
            },
        )
    row = first[0]
    if row["reason"] != "rule":
        return Decision(
            row["reason"],
            row["unit_id"],
            {"unit_name": row["unit_name"], "component": component.code, "component_name": component.name},
        )
    return Decision(
        "rule",
        row["unit_id"],
        {
            "unit_name": row["unit_name"],
            "by_type": BY_TYPE[row["type_rank"]],
            "by_place": BY_PLACE[row["place_rank"]],
            "area": row["area_code"],
            "valid_from": row["valid_from"].isoformat(),
            "polygon": row["polygon"],
            **_of_rule(row),
        },
    )


def explain(decision: dict | None) -> str:
    """The decision in words, in the reader's language: the answer to "why mine?"."""
    if not decision:
        return ""
    reason = decision.get("reason")
    words = {
        "unit": decision.get("unit_name", ""),
        "component": f"{decision.get('component_name', '')} {decision.get('component', '')}".strip(),
        "rule": decision.get("name", ""),
        "type": TYPE_WORDS.get(decision.get("by_type", ""), ""),
        "place": PLACE_WORDS.get(decision.get("by_place", ""), ""),
        "by": decision.get("by", ""),
    }
    if reason == "maintenance":
        return _("%(unit)s maintains the component %(component)s.") % words
    if reason == "owner":
        return _("%(unit)s owns the component %(component)s, which has no maintenance unit.") % words
    if reason == "rule":
        return (
            _("Rule “%(rule)s” makes %(unit)s responsible: for %(type)s in %(place)s; none is narrower.")
            % words
        )
    if reason == "tie":
        words["rules"] = ", ".join(
            f"“{row['name']}” ({row['unit_name']})" for row in decision.get("rules", ())
        )
        return (
            _(
                "Rules contradict each other, so the dispatcher decides: %(rules)s are equally narrow "
                "(%(type)s, %(place)s) and equally new."
            )
            % words
        )
    if reason == "hand" and decision.get("rule"):
        return _("%(by)s dispatched it to %(unit)s by hand, as the rule “%(rule)s” has it.") % words
    if reason == "hand":
        return _("%(by)s dispatched it to %(unit)s by hand.") % words
    if reason == "none":
        return _("No rule covers this type in this place, so the dispatcher decides.")
    return ""
