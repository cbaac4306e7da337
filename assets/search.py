"""What can be found of assets: codes, addresses, names of places. Households never."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assets.models import (
    Building,
    Component,
    Enterprise,
    Estate,
    PublicFacility,
    ReferenceLine,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
    Shop,
)
from geo.registry import finders
from geo.search import Finder, found

# Fewer digits of a code would match half the city.
CODE_DIGITS = 6


def find_components(user, text: str, limit: int) -> list[dict]:
    """Components by the beginning of their code."""
    if not text.isdigit() or len(text) < CODE_DIGITS:
        return []
    rows = Component.objects.for_user(user).filter(code__startswith=text).order_by("code")[:limit]
    return [found(row.name, row.code, code=row.code, place=row.anchor) for row in rows]


def find_buildings(user, text: str, limit: int) -> list[dict]:
    """Buildings by code, name or address."""
    rows = Building.objects.for_user(user).filter(
        Q(code=text) | Q(name__contains=text) | Q(address__contains=text)
    )
    return [
        found(row.name, row.address, code=row.code, place=row.anchor)
        for row in rows.order_by("name", "pk")[:limit]
    ]


def find_centres(user, text: str, limit: int) -> list[dict]:
    """Service centres by name or address."""
    return _named(ServiceCenter.objects.for_user(user), text, limit, "address")


def find_risks(user, text: str, limit: int) -> list[dict]:
    """Risk points by number or name, for those who may see them."""
    rows = RiskPoint.objects.for_user(user).filter(Q(code__startswith=text) | Q(name__contains=text))
    return [
        found(row.name, row.get_level_display(), code=row.code, place=row.anchor)
        for row in rows.order_by("code")[:limit]
    ]


def find_places(user, text: str, limit: int) -> list[dict]:
    """Estates, facilities, institutions, roads and water, shops and enterprises by name."""
    if text.isdigit():
        return []
    results = []
    for model in (Estate, PublicFacility, ResidentUnit, ReferenceLine):
        results += _named(model.objects.for_user(user), text, limit - len(results), "")
        if len(results) >= limit:
            return results
    for model in (Shop, Enterprise):
        rows = model.objects.for_user(user).filter(name__contains=text).select_related("building")
        for row in rows.order_by("name", "pk")[: limit - len(results)]:
            address = row.building.address or row.building.name
            results.append(found(row.name, address, code=row.code, place=row.building.anchor))
    return results


def _named(rows, text: str, limit: int, detail: str) -> list[dict]:
    condition = Q(name__contains=text)
    if detail:
        condition |= Q(**{f"{detail}__contains": text})
    kind = rows.model._meta.verbose_name
    return [
        found(
            row.name,
            getattr(row, detail) if detail else str(kind),
            code=row.code,
            place=row.anchor,
        )
        for row in rows.filter(condition).order_by("name", "pk")[: max(limit, 0)]
    ]


finders.register(
    Finder("component", _("Components"), find_components, order=30),
    Finder("building", _("Buildings and addresses"), find_buildings, order=70),
    Finder("centre", _("Service centres"), find_centres, order=75),
    Finder("risk", _("Risk points"), find_risks, order=80),
    Finder("address", _("Places"), find_places, order=90),
)
