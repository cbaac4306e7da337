"""The cockpit: figures of an area and its children, on the wall and through the API.

Works from the measures' registry alone, so a new measure appears by itself.
"""

import json

from django.apps import apps
from django.contrib.auth.decorators import login_required
from django.contrib.gis.db.models.functions import AsGeoJSON, Envelope
from django.db.models import F
from django.http import Http404
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.response import Response

from geo import measures, tallies
from geo.models import Area
from geo.problems import Problem
from geo.registry import measures as registry

AREA = OpenApiParameter("area", str, required=True, description="Area code of 4, 6, 9 or 12 digits.")


def home_areas(user) -> tuple[str, ...]:
    """Areas a user may stand in: those of the cockpit's own permission, else those whose cases are seen."""
    return user.scope.areas("tiles.cockpit") or user.scope.areas("cases.view")


def _area(user, code: str) -> Area:
    """The area in force, if the user may stand in it; 404 tells neither from the other."""
    if not any(code.startswith(home) for home in home_areas(user)):
        raise Problem(
            _("This area does not exist or is not within your scope."), status=404, kind="not-found"
        )
    area = Area.objects.filter(code=code, valid_to=None).first()
    if area is None or len(code) not in tallies.LEVELS:
        raise Problem(
            _("This area does not exist or is not within your scope."), status=404, kind="not-found"
        )
    return area


def _rows_url(measure, code: str) -> str:
    if not measure.rows_url:
        return ""
    try:
        url = reverse(measure.rows_url)
    except NoReverseMatch:
        return ""
    query = f"area={code}" + (f"&{measure.rows_query}" if measure.rows_query else "")
    return f"{url}?{query}"


def _crumbs(user, area: Area) -> list[dict]:
    """The chain from the user's own area down to this one."""
    homes = home_areas(user)
    prefixes = [area.code[:n] for n in tallies.LEVELS if n <= len(area.code)]
    mine = [code for code in prefixes if any(code.startswith(home) for home in homes)]
    names = dict(Area.objects.filter(code__in=mine, valid_to=None).values_list("code", "name"))
    return [{"code": code, "name": names[code]} for code in mine if code in names]


def _children(user, area: Area):
    """Codes and names one level below: areas, or the grids of a community."""
    if len(area.code) < 12:
        return list(measures.children_of(area.code).values_list("code", "name"))
    return list(_grids(user, area).values_list("code", "name"))


def _grids(user, area: Area):
    """A community's grids in force. Named by string: grids stand above tiles."""
    grids = apps.get_model("grids.Grid").objects.for_user(user)
    return grids.filter(community_code=area.code, retired_on=None).order_by("code")


def _figure(figure, names, code) -> dict:
    measure = figure.measure
    labels = measure.class_labels() if measure.class_labels else {}
    return {
        "id": measure.id,
        "label": str(measure.label),
        "definition": str(measure.definition),
        "group": measure.group,
        "unit": str(measure.unit),
        "tone": measure.tone,
        "total": figure.total,
        "classes": [
            {"id": key, "label": str(labels.get(key, key)), "value": value}
            for key, value in sorted(figure.classes.items(), key=lambda item: -item[1])
        ],
        "children": [{"code": child, "value": figure.children.get(child, 0)} for child, _name in names],
        # In the parent but in none of the children listed: what stands in no grid, or outside all outlines.
        "elsewhere": figure.total - sum(figure.children.get(child, 0) for child, _name in names),
        "rows": _rows_url(measure, code),
        "daily": bool(measure.time),
    }


@extend_schema(
    parameters=[AREA, OpenApiParameter("ids", str, description="Measure ids, separated by commas.")],
    responses={200: dict},
    tags=["measures"],
)
@api_view(["GET"])
def figures_view(request):
    """Figures of an area: totals, classes, children, and what lies in no child. They add up."""
    area = _area(request.user, request.GET.get("area", ""))
    ids = {one for one in request.GET.get("ids", "").split(",") if one} or None
    if ids and (unknown := sorted(ids - set(registry))):
        raise Problem(
            _("Unknown measure: %(ids)s") % {"ids": ", ".join(unknown)},
            errors=[{"pointer": "ids", "detail": ", ".join(sorted(registry))}],
        )
    names = _children(request.user, area)
    return Response(
        {
            "area": {"code": area.code, "name": area.name, "level": area.level},
            "breadcrumb": _crumbs(request.user, area),
            "children": [{"code": code, "name": name} for code, name in names],
            "as_of": timezone.now(),
            "measures": [
                _figure(figure, names, area.code) for figure in measures.figures(request.user, area.code, ids)
            ],
        }
    )


@extend_schema(parameters=[AREA], responses={200: dict}, tags=["measures"])
@api_view(["GET"])
def shapes_view(request):
    """GeoJSON outlines of an area's children (areas, or the grids of a community), for a choropleth."""
    area = _area(request.user, request.GET.get("area", ""))
    if len(area.code) < 12:
        rows = measures.children_of(area.code).exclude(geom=None)
    else:
        rows = _grids(request.user, area)
    # Lattice of 1e-5 degrees, about a metre: enough for a wall, a third of the bytes.
    rows = rows.annotate(shape=AsGeoJSON(F("geom"), precision=5)).values_list("code", "name", "shape")
    extent = None
    if area.geom:
        extent = Area.objects.filter(pk=area.pk).annotate(box=Envelope("geom")).get().box.extent
    return Response(
        {
            "type": "FeatureCollection",
            "bbox": extent,
            "features": [
                {
                    "type": "Feature",
                    "id": code,
                    "properties": {"code": code, "name": name},
                    "geometry": json.loads(shape),
                }
                for code, name, shape in rows
            ],
        }
    )


@extend_schema(
    parameters=[AREA, OpenApiParameter("days", int, description="1 to 366, by default 30.")],
    responses={200: dict},
    tags=["measures"],
)
@api_view(["GET"])
def series_view(request, measure: str):
    """A daily measure's last days under an area."""
    area = _area(request.user, request.GET.get("area", ""))
    if measure not in registry or not registry[measure].time:
        raise Http404
    days = request.GET.get("days", "30")
    if not days.isdecimal() or not 1 <= int(days) <= 366:
        raise Problem(_("The number of days must be between 1 and 366."), errors=[{"pointer": "days"}])
    rows = measures.series(request.user, area.code, measure, int(days))
    return Response({"days": [{"day": day, "value": value} for day, value in rows]})


@login_required
def cockpit_page(request):
    """The wall. Its figures come from the API, so that it can refresh without flicker."""
    homes = home_areas(request.user)
    if not homes:
        return render(request, "tiles/cockpit_closed.html", status=403)
    code = request.GET.get("area", "")
    if not any(code.startswith(home) for home in homes):
        code = homes[0]
    return render(request, "tiles/cockpit.html", {"area_code": code})
