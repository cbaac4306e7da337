"""Verbs that change what stands at a place: one function, one transaction, one line in the audit log."""

import hashlib
import json

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets import codes
from assets.models import Component, ItemType
from assets.queries import point_at
from geo import audit, events
from geo.models import Organisation
from geo.problems import Problem

UNITS = ("managing_unit", "owner_unit", "maintenance_unit")
PLAIN = ("name", "surveyed_on", "data_source", "note")


def version_of(component: Component) -> str:
    """A digest of what a survey may change: whoever read it and writes back finds out who was faster."""
    place = component.geom.hex.decode() if component.geom is not None else ""
    content = [component.code, component.type_id, component.state, place]
    content += [str(getattr(component, name)) for name in PLAIN]
    content += [getattr(component, f"{name}_id") for name in UNITS]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()


def area_at(place: Point) -> str:
    """The code of the deepest area in force at a point (EPSG:4326); empty outside the city."""
    with connection.cursor() as cursor:
        cursor.execute("select wangge_area_at(ST_SetSRID(ST_MakePoint(%s, %s), 4326))", [place.x, place.y])
        return cursor.fetchone()[0] or ""


def find_type(code: str, standard: str | None = None, kind: str = "component") -> ItemType:
    """An active type by class and type code; the standard decides where two editions share digits."""
    rows = ItemType.objects.filter(kind=kind, active=True, class_code=code[:2], type_code=code[2:])
    if standard:
        rows = rows.filter(standard=standard)
    found = list(rows[:3])
    if len(found) == 1:
        return found[0]
    if found:
        detail = _("The type %s exists in several standards; say which.") % code
    else:
        detail = _("There is no such type: %s. A type is class and type code, like 0101 or 01001.") % code
    raise Problem(detail, kind="type", errors=[{"field": "type", "detail": detail}])


@transaction.atomic
def create_component(user, *, type=None, standard=None, lon=None, lat=None, crs="wgs84", code="", **values):
    """Survey a new component where the user may edit; its code is minted unless one is given.

    ``lon`` and ``lat`` are in ``crs``; units are named by their code.
    """
    values.pop("version", None)
    missing = [name for name, value in (("type", type), ("lon", lon), ("lat", lat)) if value in (None, "")]
    if missing:
        raise Problem(
            _("A component needs a type and a place."),
            errors=[{"field": name, "detail": _("This is missing.")} for name in missing],
        )
    kind = find_type(type, standard)
    place = point_at(lon, lat, crs)
    area_code = area_at(place)
    _may_edit(user, area_code)
    component = Component(type=kind, geom=place, name=values.pop("name", "") or str(kind.name))
    try:
        if code:
            codes.check(code, kind)
            if Component.objects.filter(code=code).exists():
                raise Problem(_("The code %s is taken.") % code, status=409, kind="taken")
        component.code = code or codes.mint(area_code, kind)
    except codes.CodeError as error:
        raise Problem(str(error), errors=[{"field": "code", "detail": str(error)}]) from None
    values.setdefault("surveyed_on", timezone.localdate())
    _fill(component, values)
    component.save()
    return _done(user, component, "component.create", verb="created")


@transaction.atomic
def update_component(user, code: str, /, *, version: str = "", lon=None, lat=None, crs="wgs84", **values):
    """Change what a survey says of a component. Its code and type stay what they are.

    With ``version`` (from the row as it was read) a row that changed since is refused with 409.
    """
    if {"code", "type", "standard"} & set(values):
        raise Problem(_("A component's code and type stay; remove it and survey another one."))
    component = _locked(user, code, version)
    if (lon is None) != (lat is None):
        raise Problem(_("A place is both lon and lat."))
    before = {name: str(getattr(component, name)) for name in values}
    if lon is not None:
        component.geom = point_at(lon, lat, crs)
        _may_edit(user, area_at(component.geom))
        before["place"] = "moved"
    _fill(component, values)
    component.changed_on = timezone.localdate()
    component.save()
    return _done(user, component, "component.update", before=before)


@transaction.atomic
def set_component_state(user, code: str, state: str, *, reason: str = "", version: str = ""):
    """Say what a component's state is."""
    if state not in Component.State.values:
        raise Problem(
            _("state takes one of: %s.") % ", ".join(Component.State.values), errors=[{"field": "state"}]
        )
    component = _locked(user, code, version)
    before = component.state
    component.state, component.changed_on = state, timezone.localdate()
    component.save(update_fields=["state", "changed_on"])
    return _done(user, component, "component.state", reason=reason, before=before, after=state)


def _locked(user, code: str, version: str) -> Component:
    """The component under its row's lock, within the user's right to edit."""
    if not Component.objects.for_user(user).filter(code=code).exists():
        raise Problem(_("Not found, or not within your scope."), status=404, kind="not-found")
    component = (
        Component.objects.for_user(user, "assets.edit")
        .select_for_update(of=("self",))
        .filter(code=code)
        .first()
    )
    if component is None:
        raise Problem(_("You may see this component but not change it."), status=403, kind="forbidden")
    if version and version != version_of(component):
        raise Problem(
            _("Somebody changed this component since you read it; look again."), status=409, kind="conflict"
        )
    return component


def _may_edit(user, area_code: str) -> None:
    if not area_code:
        raise Problem(_("This place is outside the city."), kind="outside")
    if not user.scope.covers("assets.edit", area_code):
        raise Problem(_("You may not edit what stands there."), status=403, kind="forbidden")


def _fill(component: Component, values: dict) -> None:
    for name in UNITS:
        if name in values:
            setattr(component, name, _unit(name, values[name]))
    for name in (*PLAIN, "state"):
        if name in values:
            setattr(component, name, values[name])


def _unit(field: str, code: str | None) -> Organisation | None:
    if not code:
        return None
    unit = Organisation.objects.filter(code=code, active=True).first()
    if unit is None:
        detail = _("There is no active unit with the code %s.") % code
        raise Problem(detail, errors=[{"field": field, "detail": detail}])
    return unit


def _done(user, component, action, *, verb="changed", reason="", **detail) -> Component:
    component.refresh_from_db()
    audit.log(
        user, action, component, reason=reason, area_code=component.area_code, code=component.code, **detail
    )
    events.emit("components", component.pk, area_code=component.area_code, verb=verb)
    return component
