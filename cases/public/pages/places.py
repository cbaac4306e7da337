"""The map of what was reported, and what is near: toilets, parks, car parks, service centres."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from assets.models import PublicFacility
from cases.public import limits, queries
from cases.public.pages.common import json, page, place_of, show, wants_json
from geo.problems import Problem
from geo.rest import bad_parameter

LABELS = {
    "toilet": (gettext_lazy("Toilets"), "toilet"),
    "park": (gettext_lazy("Parks"), "tree"),
    "parking": (gettext_lazy("Car parks"), "parking"),
    "market": (gettext_lazy("Markets"), "shop"),
    "sports": (gettext_lazy("Sports grounds"), "star"),
    "center": (gettext_lazy("Service centres"), "centre"),
}


@page
@require_GET
def city_map(request):
    """What is open and what was solved lately: a map and a list."""
    return show(request, "map", {"cases": queries.latest()})


@require_GET
def map_data(request):
    """GeoJSON of a box (``bbox=west,south,east,north``), the same for everybody for a minute."""
    try:
        west, south, east, north = (float(part) for part in request.GET.get("bbox", "").split(","))
        whole = -180 <= west < east <= 180 and -90 <= south < north <= 90
    except ValueError:
        whole = False
    if not whole:
        raise bad_parameter("bbox", _("bbox takes west,south,east,north in degrees."))
    if east - west > 2 or north - south > 2:
        raise bad_parameter("bbox", _("The box is too large; at most 2 degrees."))
    limits.take(limits.LOOK_HERE, limits.here(request))
    response = json(queries.on_the_map(west, south, east, north), content_type="application/geo+json")
    response["Cache-Control"] = "public, max-age=60"
    return response


@page
@require_http_methods(["GET", "POST"])
def nearby(request):
    """Places of use to everybody, nearest first from where somebody stands, or from the middle of an area.

    The position comes in the body of a POST, is used for one statement, and is kept nowhere.
    """
    data = request.POST if request.method == "POST" else request.GET
    kinds = tuple(kind for kind in data.getlist("kind") if kind in queries.KINDS)
    areas = queries.areas()
    area = next((one for one in areas if one.code == data.get("area", "")), None)
    problem, found, here = None, [], None
    try:
        if request.method == "POST":
            limits.take(limits.LOOK_HERE, limits.here(request))
            place = place_of(request.POST)
            here = place.point if place else None
        if here is None and area is not None:
            here = area.label_point
        if here is not None:
            found = queries.nearest_places(here, kinds or queries.KINDS)
    except Problem as error:
        problem = error
        if wants_json(request):
            raise
    for one in found:
        one.label, one.icon = LABELS.get(one.kind, (PublicFacility.Kind.OTHER.label, "facility"))
    if wants_json(request):
        return json({"places": [_told(one) for one in found]})
    context = {
        "kinds": [
            {"kind": kind, "label": label, "icon": icon, "on": kind in kinds}
            for kind, (label, icon) in LABELS.items()
        ],
        "chosen": kinds,
        "areas": areas,
        "area": area,
        "places": found,
        "asked": here is not None,
        "by_position": request.method == "POST" and here is not None,
        "problem": problem,
    }
    return show(request, "nearby", context)


def _told(one: queries.Near) -> dict:
    return {
        "kind": one.kind,
        "label": str(one.label),
        "icon": one.icon,
        "name": one.name,
        "hours": one.hours,
        "phone": one.phone,
        "address": one.address,
        "services": one.services,
        "lon": round(one.lon, 6),
        "lat": round(one.lat, 6),
        "metres": round(one.metres),
    }
