"""Grids as they were on any day: the list of an area with its figures, and the life of one grid."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from geo.models import Area
from geo.registry import measures
from geo.rest import bad_parameter, parse_area, parse_date
from grids import history
from grids.models import Grid, Plan

# What a list of grids counts; all that is countable is on the page of one grid.
LISTED = ("households", "buildings", "components", "cases_reported")


def _day(request):
    """The day asked for: today by default, and never one to come."""
    today = timezone.localdate()
    text = request.GET.get("at", "")
    day = parse_date("at", text) if text else today
    if day > today:
        raise bad_parameter("at", _("No borders are known of days to come."))
    return day, today


def _visible(request):
    if not request.user.can("grids.view"):
        raise PermissionDenied(_("Your roles do not show grids."))
    return Grid.objects.for_user(request.user)


@login_required
@never_cache
@require_GET
def grids_page(request):
    """The grids of a street or a community on a day, with figures by the borders of that day."""
    _visible(request)
    day, today = _day(request)
    streets = _streets(request.user)
    code = request.GET.get("area", "").strip()
    code = parse_area(code) if code else (streets[0].code if streets else "")
    if len(code) not in (9, 12):
        raise bad_parameter("area", _("Choose a street (9 digits) or a community (12 digits)."))
    area = Area.objects.filter(code=code, valid_to=None).select_related("parent").first()
    if area is None:
        raise Http404
    wanted = history.countable(request.user, code, LISTED)
    rows = history.grids_on(code, day)
    figures = history.figures_on(code, day, wanted)
    for row in rows:
        row.cells = [figures[measure.id].get(row.code, 0) for measure in wanted]
    below = Area.objects.filter(parent=area if len(code) == 9 else area.parent, valid_to=None).order_by(
        "code"
    )
    return render(
        request,
        "grids/grids.html",
        {
            "area": area,
            "streets": streets,
            "street": code[:9],
            "communities": below.defer("geom", "geom_3857"),
            "day": day,
            "today": today,
            "rows": rows,
            "measures": wanted,
            "totals": [sum(figures[measure.id].values()) for measure in wanted],
            "days": history.DAYS,
        },
    )


def _streets(user) -> list[Area]:
    """Streets within the user's scope; everybody with the right sees borders, so without one all."""
    rows = Area.objects.filter(level=Area.Level.STREET, valid_to=None).order_by("code")
    prefixes = user.scope.areas("grids.view")
    found = list(rows.defer("geom", "geom_3857"))
    inside = [one for one in found if any(one.code.startswith(p) or p.startswith(one.code) for p in prefixes)]
    return inside or found


@login_required
@never_cache
@require_GET
def grid_page(request, code: str):
    """A grid's life: its borders with their lineage, who served, figures, publications; ``at`` for a day."""
    grid = _visible(request).filter(code=code).defer("geom_3857").first()
    if grid is None:
        raise Http404
    day, today = _day(request)
    versions = history.versions_of(grid)
    then = next((one for one in versions if _holds(one, day)), None)
    wanted = history.countable(request.user, grid.community_code)
    figures = history.figures_on(code, day, wanted) if then is not None else {}
    sees_plans = request.user.can("grids.view_plans")
    plans = set()
    if sees_plans:
        ids = [one.publication.plan.pk for one in versions if hasattr(one.publication, "plan")]
        plans = set(Plan.objects.for_user(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    codes = [code[:6], code[:9], code[:12]]
    return render(
        request,
        "grids/grid.html",
        {
            "grid": grid,
            "areas": Area.objects.filter(code__in=codes, valid_to=None).order_by("code"),
            "day": day,
            "today": today,
            "then": then,
            "versions": [_told(one, plans) for one in versions],
            "heirs": history.heirs_of(grid),
            "people": history.duties_of(grid, request.user),
            "sees_people": request.user.scope.covers("grids.view_workers", grid.community_code),
            "figures": [
                {"measure": measure, "value": figures[measure.id].get(code, 0), "url": _rows(measure, code)}
                for measure in wanted
                if measure.id in figures
            ],
            "days": history.DAYS,
            "box": ",".join(f"{part:.7f}" for part in grid.geom.extent),
        },
    )


def _holds(version, day) -> bool:
    return version.valid_from <= day and (version.valid_to is None or version.valid_to > day)


def _rows(measure, code: str) -> str:
    """The page that lists what is counted, for rows in the grid of today."""
    if not measure.rows_url or measure.id not in measures:
        return ""
    try:
        url = reverse(measure.rows_url)
    except NoReverseMatch:
        return ""
    more = f"&{measure.rows_query}" if measure.rows_query else ""
    return f"{url}?area={code}{more}"


def _told(version, plans: set[int]) -> dict:
    """A version with the words of the publication that made it."""
    publication = version.publication
    plan = getattr(publication, "plan", None)
    return {
        "version": version,
        "parents": list(version.predecessors.all()),
        "publication": publication,
        "plan": plan if plan is not None and plan.pk in plans else None,
        "words": str(publication.note or publication.get_kind_display()),
        "short": version.valid_to == version.valid_from,
    }
