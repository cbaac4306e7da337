"""The asset pages: a list of each kind beside its map, one thing in detail, a building floor by unit."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from assets import queries
from assets.listings import LISTINGS, Badge, Field, Listing
from assets.models import Building
from geo.models import Area
from geo.registry import Measure, measures
from geo.rest import COUNT_TO, bad_parameter, parse_area
from geo.scopes import in_area

PAGE = 50


def _rows(request, listing: Listing) -> QuerySet:
    if not request.user.can(listing.permission):
        raise PermissionDenied(_("Your roles do not show this kind of data."))
    return listing.model.objects.for_user(request.user)


def _cell(field: Field, row) -> dict:
    value = field.read(row)
    return {
        "label": field.label,
        "badge": value if isinstance(value, Badge) else None,
        "text": "" if value is None or isinstance(value, Badge) else value,
        "form": field.form,
        "url": _link(value),
    }


def _link(value) -> str:
    """The page of another asset that a field names."""
    for listing in LISTINGS.values():
        if type(value) is listing.model:
            return reverse("asset-page", args=[listing.id, value.code])
    return ""


@login_required
@require_GET
def asset_list(request, kind: str):
    """A kind of asset: query form, table, map. Filters: ``q``, ``area``, ``is`` (the kind's own choice).

    ``counted`` names a measure: only what it counts is listed.
    """
    listing = LISTINGS[kind]
    rows = _rows(request, listing).select_related(*listing.related).order_by("code")
    if text := request.GET.get("q", "").strip()[:100]:
        wanted = Q()
        for name in listing.search:
            wanted |= Q(**{f"{name}__startswith" if name == "code" else f"{name}__icontains": text})
        rows = rows.filter(wanted)
    if area := request.GET.get("area", "").strip():
        rows = rows.filter(
            in_area(parse_area(area), *(listing.path(name) for name in ("area_code", "grid", "geom")))
        )
    chosen = request.GET.get("is", "")
    if chosen:
        if chosen not in dict(listing.choices()):
            raise bad_parameter("is", _("There is no “%s” among the choices.") % chosen[:40])
        rows = rows.filter(**{listing.choose: chosen})
    measure = _measure(listing, request.GET.get("counted", ""))
    columns, hidden = listing.columns, False
    if measure is not None and measure.model_class is listing.model:
        rows = rows.filter(_filters(measure))
    elif measure is not None:
        # How many live behind a door is not for everybody; the doors are.
        hidden = not request.user.can(measure.model_class.scope.permission)
        inside = measures["houses"] if hidden else measure
        rows = _with_number(rows, inside, request.user)
        number = Field(inside.label, lambda row: row.inside, "number")
        columns = (columns[0], number, *columns[1:])
    counted = rows.order_by()[: COUNT_TO + 1].count()
    if after := request.GET.get("after", ""):
        rows = rows.filter(code__gt=after)
    page = list(rows[: PAGE + 1])
    shown = page[:PAGE]
    columns, table = _table(listing, columns, shown)
    return render(
        request,
        "assets/list.html",
        {
            "listing": listing,
            "columns": columns,
            "rows": table,
            "count": f"{COUNT_TO:,}+" if counted > COUNT_TO else f"{counted:,}",
            "after": shown[-1].code if len(page) > PAGE else "",
            "areas": _areas(request.user, listing.permission),
            "area": area,
            "text": text,
            "chosen": chosen,
            "measure": measure,
            "hidden": hidden,
        },
    )


def _measure(listing: Listing, name: str):
    """The measure whose rows alone are asked for: a figure opens what it counts, and nothing else.

    What is in buildings is shown as its buildings, each with its number.
    """
    if not name:
        return None
    found = measures.get(name)
    ours = found is not None and (
        found.model_class is listing.model or (listing.model is Building and _way_to_building(found))
    )
    if not ours:
        raise bad_parameter("counted", _("No figure “%s” counts these rows.") % name[:40])
    return found


def _filters(measure: Measure) -> Q:
    return measure.filters() if measure.filters else Q()


def _way_to_building(measure: Measure) -> str:
    """The path from a measure's rows to the building they take their place from, or nothing."""
    way, _sep, field = measure.area.rpartition("__")
    return way if field == "area_code" and way.endswith("building") else ""


def _with_number(buildings: QuerySet, measure: Measure, user) -> QuerySet:
    """The buildings with something that a measure counts, each with its number as ``inside``."""
    way = _way_to_building(measure)
    rows = measure.model_class.objects.for_user(user).filter(_filters(measure), **{way: OuterRef("pk")})
    number = Sum(measure.sum_of) if measure.sum_of else Count("pk")
    inside = Subquery(rows.order_by().values(way).annotate(number=number).values("number"))
    # Each building is looked into; "exists" would be planned as a join with all doors of the city.
    first = Subquery(rows.order_by().values("pk")[:1])
    return buildings.alias(first=first).filter(first__isnull=False).annotate(inside=inside)


def _table(listing: Listing, columns: tuple[Field, ...], rows: list) -> tuple[list[Field], list[dict]]:
    """Columns and rows; a column that is empty in every row is left out."""
    table = [_table_row(listing, columns, row) for row in rows]
    filled = [
        at
        for at in range(len(columns))
        if any(row["cells"][at]["badge"] or row["cells"][at]["text"] != "" for row in table)
    ]
    for row in table:
        row["cells"] = [row["cells"][at] for at in filled]
    return [columns[at] for at in filled], table


def _table_row(listing: Listing, columns: tuple[Field, ...], row) -> dict:
    anchor = listing.placed(row).anchor
    return {
        "url": reverse("asset-page", args=[listing.id, row.code]),
        "cells": [_cell(field, row) for field in columns],
        "lon": anchor.x if anchor else None,
        "lat": anchor.y if anchor else None,
    }


def _areas(user, permission: str) -> list[dict]:
    """Districts and streets within the user's scope, for the query form."""
    granted = user.scope.areas(permission)
    areas = Area.objects.filter(valid_to=None, level__in=["district", "street"]).order_by("code")
    if granted:
        inside = Q()
        for code in granted:
            inside |= Q(code__startswith=code)
        areas = areas.filter(inside)
    return [{"code": area.code, "name": area.name, "deep": area.level == "street"} for area in areas]


@login_required
@require_GET
def asset_page(request, kind: str, code: str):
    """One thing: facts, place, what belongs to it; of a building the floor × unit picture."""
    listing = LISTINGS.get(kind)
    if listing is None:
        raise Http404
    related = [*listing.related, listing.path("grid"), listing.path("unit_grid")]
    row = _rows(request, listing).select_related(*related).filter(code=code).first()
    if row is None:
        raise Http404
    placed = listing.placed(row)
    codes = {placed.area_code[:size] for size in (6, 9, 12)} - {""}
    context = {
        "listing": listing,
        "row": row,
        "facts": [_cell(field, row) for field in listing.facts],
        "placed": placed,
        "sees_cases": request.user.can("cases.view"),
        "prints_plates": request.user.can("assets.export"),
        "areas": Area.objects.filter(code__in=codes, valid_to=None).order_by("code"),
    }
    if isinstance(row, Building):
        context |= _building(request.user, row)
    if listing.id == "estates":
        context["buildings"] = (
            Building.objects.for_user(request.user).filter(estate=row).order_by("name")[:200]
        )
    if listing.id == "service-centers":
        context["children"] = row.children.order_by("code")
    return render(request, "assets/detail.html", context)


def _building(user, building: Building) -> dict:
    """The picture as tables: a stairwell's floors from the top, every stairwell with every floor."""
    plan = queries.stack_plan(user, building)
    shops = {shop.house_id: shop for shop in building.shops.all()}
    firms = {firm.house_id: firm for firm in building.enterprises.all()}
    stairwells = []
    for name in plan["stairwells"]:
        floors = []
        for floor in plan["floors"]:
            homes = [_home(unit, shops, firms, plan) for unit in floor["units"] if unit["stairwell"] == name]
            floors.append({"floor": floor["floor"], "homes": homes, "ground": floor["floor"] == 1})
        stairwells.append({"name": name, "floors": floors})
    empty = None
    if plan["households"] is not None:
        living = sum(
            1
            for floor in plan["floors"]
            for unit in floor["units"]
            if unit["use"] in ("home", "dormitory", "villa")
        )
        empty = max(0, living - plan["households"])
    return {
        "plan": plan,
        "stairwells": stairwells,
        "empty": empty,
        "occupants": [*shops.values(), *firms.values()],
    }


def _home(unit: dict, shops: dict, firms: dict, plan: dict) -> dict:
    occupant = shops.get(unit["id"]) or firms.get(unit["id"])
    people = unit.get("people")
    if occupant or unit["use"] in ("shop", "mixed"):
        look = "shop"
    elif unit["use"] in ("office", "public", "industry", "garage"):
        look = "office"
    elif plan["households"] is None:
        look = ""
    else:
        look = "lived" if people else "empty"
    return unit | {"look": look, "occupant": occupant}
