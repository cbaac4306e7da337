"""Faults in the dispatch rules: what nobody is responsible for, what two are at once, what cannot work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases import flow
from cases.models import Case, DispatchRule, RuleAlarm
from geo.models import Area, Organisation

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

# Rules in force that no case can match any more, each with the first thing that is wrong, and units that
# rules in force name although nobody could handle a case of theirs: by a grant over the unit or one above
# it, or as a member with the permission (``cases.flow.holds``).
_ALARMS = """
with rule as (
    select r.id, r.type_id, r.standard, r.kind, r.class_code, r.grid_id, r.area_code, r.polygon, r.unit_id
    from cases_dispatchrule r
    where (r.valid_to is null or r.valid_to > %(today)s) and r.valid_from <= %(today)s and {scoped}
),
city as (select ST_Union(geom) as geom from geo_area where level = 'city' and valid_to is null),
broken as (
    select rule.*, case
        when rule.type_id is not null and not exists (
            select from assets_itemtype t where t.id = rule.type_id and t.active)
          or rule.type_id is null and (rule.kind <> '' or rule.standard <> '') and not exists (
            select from assets_itemtype t where t.active and rule.kind in ('', t.kind)
                and rule.standard in ('', t.standard) and rule.class_code in ('', t.class_code)) then 'type'
        when g.retired_on <= %(today)s then 'grid'
        when rule.area_code <> '' and not exists (
            select from geo_area a where a.code = rule.area_code and a.valid_to is null) then 'area'
        when not u.active then 'unit'
        when rule.polygon is not null and not exists (
            select from geo_area a where a.valid_to is null and ST_Intersects(a.geom, rule.polygon)
                and (a.code = rule.area_code or rule.area_code = '' and a.level = 'city'))
          or rule.polygon is not null and not ST_Covers(city.geom, rule.polygon) then 'outside'
        end as kind_of_alarm
    from rule cross join city
    join geo_organisation u on u.id = rule.unit_id
    left join grids_grid g on g.id = rule.grid_id
),
handler as (
    select u.id as user_id, u.organisation_id, grantee.path
    from geo_grant gr
    join geo_role ro on ro.id = gr.role_id and 'cases.handle' = any(ro.permissions)
    join geo_user u on u.id = gr.user_id and u.is_active
    left join geo_organisation grantee on grantee.id = gr.unit_id
    where gr.valid_to is null or gr.valid_to > %(today)s
),
lonely as (
    select o.id, array_agg(distinct rule.area_code) as areas, count(*) as rules
    from rule join geo_organisation o on o.id = rule.unit_id and o.active
    where not exists (select from handler h where starts_with(o.path, h.path) or h.organisation_id = o.id)
    group by o.id
)
select kind_of_alarm as kind, id as rule_id, null::bigint as unit_id, array[area_code]::text[] as areas, 1
from broken where kind_of_alarm is not null
union all
select 'people', null, id, areas::text[], rules from lonely
order by 1, 2, 3
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
class Alarm:
    """What keeps a rule, or all rules of a unit, from working; ``areas`` are the codes of the rules."""

    kind: str
    rule_id: int | None
    unit_id: int | None
    areas: list[str]
    rules: int
    rule: DispatchRule | None = None
    unit: Organisation | None = None
    # The rule is for a larger area than the reader's: there it is mended, here only known.
    from_above: bool = False

    @property
    def label(self) -> str:
        return str(RuleAlarm.Kind(self.kind).label)

    @property
    def mend(self) -> str:
        """What would mend it."""
        return {
            "type": _("End it, or make a rule for the type that is used instead."),
            "grid": _("End it, and make a rule for the grid that took its place, or for the community."),
            "area": _("End it, and make a rule for the area that took its place."),
            "unit": _("End it, and make a rule for the unit that took over its duties."),
            "outside": _("End it, and draw its area anew within the city and the area it is for."),
            "people": _("Give somebody the role of the department over this unit or one above it."),
        }[self.kind]


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
    visible = DispatchRule.objects.for_user(user).select_related("unit", "type", "grid").in_bulk(ids)
    return [Tie(visible[a], visible[b]) for a, b in pairs if a in visible and b in visible]


# --- Alarms -------------------------------------------------------------------------------------------


def alarms(user) -> list[Alarm]:
    """What keeps rules that ``user`` may see from working: one statement, two more for its names.

    Rules for a larger area that the user's lies in, or for everywhere, decide there too, so their alarms are
    told as well.
    """
    visible = DispatchRule.objects.for_user(user, "cases.view_rules").order_by()
    if visible.query.is_empty():
        return []
    areas = user.scope.areas("cases.view_rules")
    above = {area[:length] for area in areas for length in (0, 2, 4, 6, 9) if length < len(area)}
    if above:
        visible = DispatchRule.objects.filter(Q(pk__in=visible.values("pk")) | Q(area_code__in=above))
    found = _named(_alarms(visible.order_by()))
    for alarm in found:
        alarm.from_above = alarm.rule is not None and not user.scope.covers(
            "cases.view_rules", alarm.rule.area_code, alarm.rule.unit_id
        )
    return found


def every_alarm() -> list[Alarm]:
    """All of them, whoever may see the rules: for the job that tells of new ones."""
    return _alarms(None)


def _alarms(visible) -> list[Alarm]:
    scoped, names = "true", {}
    if visible is not None:
        text, values = visible.values("pk").query.sql_with_params()
        names = {f"scope{number}": value for number, value in enumerate(values)}
        scoped = "r.id in ({})".format(text.replace("%s", "{}").format(*(f"%({name})s" for name in names)))
    with connection.cursor() as cursor:
        cursor.execute(_ALARMS.replace("{scoped}", scoped), {"today": timezone.localdate(), **names})
        return [Alarm(*row) for row in cursor.fetchall()]


def _named(found: list[Alarm]) -> list[Alarm]:
    rules = DispatchRule.objects.select_related("unit", "type", "grid", "person").in_bulk(
        [alarm.rule_id for alarm in found if alarm.rule_id]
    )
    units = Organisation.objects.in_bulk([alarm.unit_id for alarm in found if alarm.unit_id])
    for alarm in found:
        alarm.rule, alarm.unit = rules.get(alarm.rule_id), units.get(alarm.unit_id)
    return found


# --- How much the rules do ----------------------------------------------------------------------------


@dataclass(frozen=True)
class AutoRate:
    """Of the city's cases given out in a period, those that a rule gave out; ``rate`` is exact."""

    auto: int
    dispatched: int

    @property
    def rate(self) -> Fraction | None:
        return Fraction(self.auto, self.dispatched) if self.dispatched else None

    @property
    def percent(self) -> str:
        """With one decimal, half up; a dash where nothing was given out."""
        if self.rate is None:
            return "—"
        tenths = int(self.rate * 1000 + Fraction(1, 2))
        return f"{tenths // 10}.{tenths % 10}%"


RATE_DAYS = 30


def auto_rate(user, days: int = RATE_DAYS) -> AutoRate:
    """Automatic dispatch of the last ``days`` in the user's scope, by the last dispatch; one statement."""
    since = timezone.now() - timedelta(days=days)
    rows = Case.objects.for_user(user).filter(flow=flow.CITY, dispatched_at__gte=since).order_by()
    found = rows.aggregate(every=Count("pk"), auto=Count("pk", filter=Q(auto_dispatched=True)))
    return AutoRate(found["auto"], found["every"])
