"""Faults in the dispatch rules: what nobody is responsible for, and what two are at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection
from django.utils import timezone

from assets.models import ItemType
from cases.models import DispatchRule
from geo.models import Area

# Types that no rule covers in a whole community. A drawn area or a grid covers only part of one.
_GAPS = """
with community as (
    select code, geom from geo_area
    where level = 'community' and valid_to is null and starts_with_any(code)
),
rule as (
    select r.*, g.community_code from cases_dispatchrule r
    join geo_organisation u on u.id = r.unit_id and u.active
    left join grids_grid g on g.id = r.grid_id
    where r.valid_from <= %(today)s and (r.valid_to is null or r.valid_to > %(today)s)
),
kind as (select id, standard, kind, class_code from assets_itemtype where active and standard = %(standard)s),
matching as (
    select kind.id as type_id, rule.id as rule_id
    from kind join rule on (rule.type_id is null or rule.type_id = kind.id)
        and (rule.class_code = '' or rule.class_code = kind.class_code)
        and (rule.kind = '' or rule.kind = kind.kind)
        and (rule.standard = '' or rule.standard = kind.standard)
),
reach as (
    select rule.id as rule_id, community.code,
           rule.polygon is not null or rule.grid_id is not null as only_part
    from rule join community on starts_with(community.code, rule.area_code)
        and (rule.grid_id is null or rule.community_code = community.code)
        and (rule.polygon is null or ST_Intersects(rule.polygon, community.geom))
),
covered as (
    select m.type_id, r.code, bool_and(r.only_part) as only_part
    from matching m join reach r on r.rule_id = m.rule_id
    group by m.type_id, r.code
)
select kind.id, array_agg(community.code order by community.code),
       count(covered.code) as partly
from kind cross join community
left join covered on covered.type_id = kind.id and covered.code = community.code
where covered.code is null or covered.only_part
group by kind.id
"""

# Pairs of rules of one rank that meet; of different units they are ties, of one unit merely double.
_TIES = """
with rule as (
    select r.*,
        case when r.type_id is not null then 1 when r.class_code <> '' then 2
             when r.kind <> '' or r.standard <> '' then 3 else 4 end as type_rank,
        case when r.polygon is not null then 1 when r.grid_id is not null then 2 else 3 end as place_kind
    from cases_dispatchrule r
    join geo_organisation u on u.id = r.unit_id and u.active
    where r.valid_to is null or r.valid_to > %(today)s
)
select a.id, b.id
from rule a join rule b on b.id > a.id and b.type_rank = a.type_rank and b.place_kind = a.place_kind
where b.valid_from = a.valid_from
  and b.type_id is not distinct from a.type_id
  and b.class_code = a.class_code
  and (a.kind = '' or b.kind = '' or a.kind = b.kind)
  and (a.standard = '' or b.standard = '' or a.standard = b.standard)
  and case a.place_kind
      when 1 then round(ST_Area(a.polygon::geography)) = round(ST_Area(b.polygon::geography))
                  and ST_Relate(a.polygon, b.polygon, 'T********')
      when 2 then a.grid_id = b.grid_id
      else a.area_code = b.area_code end
order by a.id, b.id
"""


@dataclass
class Gap:
    """A type without a rule in some communities: codes, gathered into larger areas where all lack one.

    ``partly`` counts those of the communities in which a drawn area or a grid covers a part.
    """

    type: ItemType
    areas: list[str]
    communities: int
    partly: int


@dataclass
class Tie:
    """Two rules of one rank that meet; they contradict each other if their units differ."""

    first: DispatchRule
    second: DispatchRule

    @property
    def contradicts(self) -> bool:
        return self.first.unit_id != self.second.unit_id


@dataclass
class Faults:
    """All faults in a scope."""

    gaps: list[Gap] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)


def rule_faults(user, standard: str) -> Faults:
    """Gaps and ties of the dispatch rules over the areas in which ``user`` may see them; four statements.

    ``standard`` is the edition of types that is in force.
    """
    prefixes = user.scope.areas("cases.view_rules")
    if not prefixes:
        return Faults()
    today = timezone.localdate()
    return Faults(_gaps(prefixes, standard, today), _ties(user, today))


def _gaps(prefixes, standard: str, today) -> list[Gap]:
    names = {f"prefix{number}": prefix for number, prefix in enumerate(prefixes)}
    condition = " or ".join(f"starts_with(code, %({name})s)" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            _GAPS.replace("starts_with_any(code)", f"({condition})"),
            {"today": today, "standard": standard, **names},
        )
        rows = cursor.fetchall()
    types = ItemType.objects.in_bulk([row[0] for row in rows])
    every = list(
        Area.objects.filter(level=Area.Level.COMMUNITY, valid_to=None).values_list("code", flat=True)
    )
    gaps = [Gap(types[pk], gather(codes, every), len(codes), partly) for pk, codes, partly in rows]
    return sorted(gaps, key=lambda gap: (gap.type.kind, gap.type.class_code, gap.type.type_code))


def gather(codes: list[str], every: list[str]) -> list[str]:
    """Community codes gathered into streets, districts and the city where these lack all of theirs."""
    gathered = set(codes)
    for digits in (9, 6, 4):
        wanted: dict[str, int] = {}
        for code in every:
            wanted[code[:digits]] = wanted.get(code[:digits], 0) + 1
        have: dict[str, int] = {}
        for code in codes:
            have[code[:digits]] = have.get(code[:digits], 0) + 1
        for prefix, number in have.items():
            if number == wanted[prefix]:
                gathered = {code for code in gathered if not code.startswith(prefix)} | {prefix}
    return sorted(gathered)


def _ties(user, today) -> list[Tie]:
    with connection.cursor() as cursor:
        cursor.execute(_TIES, {"today": today})
        pairs = cursor.fetchall()
    ids = {pk for pair in pairs for pk in pair}
    visible = DispatchRule.objects.for_user(user).select_related("unit", "type").in_bulk(ids)
    return [Tie(visible[a], visible[b]) for a, b in pairs if a in visible and b in visible]
