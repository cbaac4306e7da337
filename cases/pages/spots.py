"""Hot, hard, blocked and legacy spots, beside a map."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases import meetings, spots
from geo.models import Area
from geo.rest import bad_parameter

TABS = {
    "hot": gettext_lazy("Hot spots"),
    "hard": gettext_lazy("Hard spots"),
    "blocked": gettext_lazy("Blocked spots"),
    "legacy": gettext_lazy("Legacy problems"),
}
DAYS = (7, 30, 90, 365)
METRES = (50, 100, 200, 500)


def _one_of(request, name: str, known: tuple[int, ...], usual: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return usual
    if not text.isdecimal() or int(text) not in known:
        raise bad_parameter(
            name, _("%(name)s takes one of: %(known)s.") % {"name": name, "known": ", ".join(map(str, known))}
        )
    return int(text)


@login_required
@never_cache
@require_GET
def spots_page(request):
    """One of the four kinds: a list with its evidence, and the places on the map."""
    user = request.user
    if not user.can(spots.PERMISSION):
        raise PermissionDenied(_("Your roles do not show where problems pile up."))
    tab = request.GET.get("tab", "hot")
    if tab not in TABS:
        raise bad_parameter(
            "tab", _("%(name)s takes one of: %(known)s.") % {"name": "tab", "known": ", ".join(TABS)}
        )
    days, metres = _one_of(request, "days", DAYS, 30), _one_of(request, "metres", METRES, 100)
    names = dict(Area.objects.filter(valid_to=None).values_list("code", "name"))
    context = {"tab": tab, "tabs": TABS.items(), "days": days, "metres": metres}
    context["may_meet"] = user.can(meetings.PERMISSION)
    context |= {"all_days": DAYS, "all_metres": METRES}
    if tab == "hot":
        found = spots.hot(user, days=days, metres=metres)
        context["hot"] = [(spot, names.get(spot.area_code, spot.area_code)) for spot in found]
        places = [(spot.lon, spot.lat, spot.count, spot.radius_m, str(spot.type)) for spot in found]
    else:
        rows = list(getattr(spots, tab)(user)[: spots.MOST])
        context["rows"] = [(case, names.get(case.area_code, case.area_code)) for case in rows]
        places = [(case.geom.x, case.geom.y, 1, 0, case.number) for case in rows]
    context["places"] = json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
                    "properties": {"count": count, "radius_m": round(radius), "label": label},
                }
                for lon, lat, count, radius, label in places
            ],
        }
    )
    return render(request, "cases/spots.html", context)
