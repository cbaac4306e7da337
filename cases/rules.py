"""Verbs on dispatch rules. A rule in use is not rewritten: it ends on a day, and another begins."""

from __future__ import annotations

import json
from datetime import date

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, MultiPolygon
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases.models import DispatchRule, MeetingItem
from geo import audit
from geo.models import Area, DictionaryItem, Organisation, User
from geo.problems import Problem
from geo.words import in_language
from grids.models import Grid

PERMISSION = "cases.edit_rules"
# Whoever holds joint meetings adds the rows that a meeting decided, and no others.
BY_MEETING = "cases.meetings"
PARTIES = "five_party"


def create_rule(
    user,
    *,
    name: str,
    unit: Organisation,
    type: ItemType | None = None,
    kind: str = "",
    class_code: str = "",
    standard: str = "",
    area_code: str = "",
    grid: Grid | None = None,
    polygon: dict | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
    basis: str = "",
    party: str = "",
    post: str = "",
    person: User | None = None,
    manual: str = "",
    source_item: MeetingItem | None = None,
) -> DispatchRule:
    """A new rule. ``polygon`` is a GeoJSON (Multi)Polygon in WGS-84; dates are days of Asia/Shanghai.

    A drawn area and a grid carry the area they lie in, so that rights follow it. ``party`` is a code of the
    dictionary five_party; ``person`` works in the unit or below it. With ``source_item`` it is a row that a
    joint meeting adds.
    """
    errors = []

    def wrong(field: str, detail: str):
        errors.append({"pointer": f"/{field}", "detail": detail})

    shape = _polygon(polygon, wrong) if polygon else None
    if shape is not None and grid is not None:
        wrong("grid", _("A rule is for a drawn area or for a grid, not for both."))
    if grid is not None:
        area_code = grid.community_code
    if area_code and not Area.objects.filter(code=area_code, valid_to=None).exists():
        wrong("area_code", _("There is no area %s in force.") % area_code)
    if class_code and not (kind and standard):
        wrong("class_code", _("A class needs its standard and kind."))
    valid_from = valid_from or timezone.localdate()
    if valid_to is not None and valid_to <= valid_from:
        wrong("valid_to", _("The last day must be after the first."))
    if not unit.active:
        wrong("unit", _("“%s” is not active any more.") % unit)
    if party and party not in dict(parties()):
        wrong("party", _("There is no duty holder “%s” in the dictionary.") % party)
    if person is not None and not works_for(person, unit):
        wrong("person", _("%(person)s does not work for %(unit)s.") % {"person": person, "unit": unit})
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    permissions = (PERMISSION, BY_MEETING) if source_item is not None else (PERMISSION,)
    if not any(user.scope.covers(permission, area_code) for permission in permissions):
        raise Problem(_("Your role does not make rules for this area."), status=403, kind="forbidden")
    with transaction.atomic():
        rule = DispatchRule.objects.create(
            name=name,
            unit=unit,
            type=type,
            kind=kind,
            class_code=class_code,
            standard=standard,
            area_code=area_code,
            grid=grid,
            polygon=shape,
            valid_from=valid_from,
            valid_to=valid_to,
            basis=basis,
            party=party,
            post=post,
            person=person,
            manual=manual,
            source_item=source_item,
        )
        audit.log(user, "dispatch_rule.create", rule, area_code=area_code, name=name, unit=unit.code)
    return rule


def parties() -> list[tuple[str, str]]:
    """The five duty holders as the operator keeps them: (code, name in the reader's language)."""
    rows = DictionaryItem.objects.filter(dictionary__code=PARTIES, active=True)
    return [(row.code, in_language(row.name, row.name_en)) for row in rows]


def works_for(person: User, unit: Organisation) -> bool:
    """Whether somebody is active and belongs to a unit or to one below it."""
    own = person.organisation
    return person.is_active and own is not None and own.path.startswith(unit.path)


def person_of(unit: Organisation, username: str) -> User:
    """Somebody of a unit; whoever is not of it is not told from who does not exist."""
    found = User.objects.select_related("organisation").filter(username=username).first()
    if found is None or not works_for(found, unit):
        detail = _("Nobody of %(unit)s has the user name “%(name)s”.") % {"unit": unit, "name": username}
        raise Problem(detail, errors=[{"pointer": "/person", "detail": detail}])
    return found


def end_rule(user, pk: int, last_day: date | None = None, reason: str = "") -> DispatchRule:
    """End a rule: it holds until ``last_day`` (exclusive; today by default)."""
    with transaction.atomic():
        rule = DispatchRule.objects.for_user(user, PERMISSION).select_for_update().filter(pk=pk).first()
        if rule is None:
            raise Problem(_("There is no such rule, or not within your scope."), status=404, kind="not-found")
        last_day = last_day or max(timezone.localdate(), rule.valid_from)
        if last_day == rule.valid_from:
            # It never held a day: ends the day after it began, which the dates can say.
            last_day = date.fromordinal(rule.valid_from.toordinal() + 1)
        if last_day < rule.valid_from:
            detail = _("The last day must be after the first.")
            raise Problem(detail, errors=[{"pointer": "/valid_to", "detail": detail}])
        rule.valid_to = last_day
        rule.save(update_fields=["valid_to"])
        audit.log(
            user,
            "dispatch_rule.end",
            rule,
            reason=reason,
            area_code=rule.area_code,
            valid_to=last_day.isoformat(),
        )
    return rule


def _polygon(given: dict, wrong) -> MultiPolygon | None:
    try:
        shape = GEOSGeometry(json.dumps(given))
    except (GEOSException, GDALException, ValueError, TypeError):
        wrong("polygon", _("The drawn area must be a GeoJSON Polygon or MultiPolygon in WGS-84."))
        return None
    if shape.geom_type == "Polygon":
        shape = MultiPolygon(shape, srid=4326)
    if shape.geom_type != "MultiPolygon" or shape.empty:
        wrong("polygon", _("The drawn area must be a GeoJSON Polygon or MultiPolygon in WGS-84."))
        return None
    if not shape.valid:
        wrong("polygon", _("The drawn area crosses itself: %s.") % shape.valid_reason)
        return None
    return shape
