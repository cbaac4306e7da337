"""The rows behind the figures of grids and of those who work in them: exactly what the measure counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from geo.models import Area
from geo.pages.common import cell, crumbs, page_of
from geo.registry import measures
from geo.rest import parse_area
from grids.history import in_force_on
from grids.models import GridDuty


@dataclass(frozen=True)
class Listing:
    """What is shown of a row: ``columns`` are labels and readers, ``area`` the path to its area's code."""

    area: str
    columns: tuple[tuple[object, Callable], ...]
    order: str
    prepare: Callable[[QuerySet], QuerySet] = lambda rows: rows


def _duties(rows: QuerySet) -> QuerySet:
    today = GridDuty.objects.filter(in_force_on(timezone.localdate())).select_related("grid")
    return rows.select_related("organisation").prefetch_related(
        Prefetch("duties", today.order_by("role", "grid__code"), to_attr="of_today")
    )


def _clock(value) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


LISTINGS = {
    "grids": Listing(
        "community_code",
        (
            (gettext_lazy("Code"), lambda row: cell(row.code, reverse("grid-page", args=[row.code]))),
            (gettext_lazy("Name"), lambda row: cell(row.name)),
            (gettext_lazy("Kind"), lambda row: cell(row.get_kind_display())),
            (gettext_lazy("In force since"), lambda row: cell(row.valid_from)),
        ),
        "code",
        lambda rows: rows.defer("geom", "geom_3857", "label_point"),
    ),
    "unit_grids": Listing(
        "community_code",
        (
            (gettext_lazy("Code"), lambda row: cell(row.code)),
            (gettext_lazy("Duty grid"), lambda row: cell(row.duty_grid.name if row.duty_grid else "")),
            (gettext_lazy("In force since"), lambda row: cell(row.valid_from)),
        ),
        "code",
        lambda rows: rows.select_related("duty_grid").only(
            "code", "community_code", "valid_from", "duty_grid__name"
        ),
    ),
    "workers": Listing(
        "area_code",
        (
            (gettext_lazy("Name"), lambda row: cell(row.name)),
            (gettext_lazy("Kind"), lambda row: cell(row.get_staff_kind_display())),
            (gettext_lazy("Unit"), lambda row: cell(row.organisation.name if row.organisation else "")),
            (
                gettext_lazy("Grids"),
                lambda row: cell(_(", ").join(duty.grid.name or duty.grid.code for duty in row.of_today)),
            ),
        ),
        "area_code",
        _duties,
    ),
    "workers_on_shift": Listing(
        "area_code",
        (
            (gettext_lazy("Name"), lambda row: cell(row.worker.name)),
            (
                gettext_lazy("Unit"),
                lambda row: cell(row.worker.organisation.name if row.worker.organisation else ""),
            ),
            (gettext_lazy("On shift since"), lambda row: cell(_clock(row.punched_in_at))),
            (gettext_lazy("Planned until"), lambda row: cell(_clock(row.planned_end))),
        ),
        "area_code",
        lambda rows: rows.select_related("worker__organisation"),
    ),
}


class AreaForm(forms.Form):
    """The areas on the way down to the one that is shown, and those in it."""

    area = forms.ChoiceField(label=gettext_lazy("Area"), required=False)

    def __init__(self, code: str, *args, **kwargs):
        super().__init__(*args, initial={"area": code}, **kwargs)
        codes = [code[:digits] for digits in (4, 6, 9, 12) if digits <= len(code)]
        rows = Area.objects.filter(valid_to=None).only("code", "name").order_by("code")
        if code:
            chain = list(rows.filter(code__in=codes))
            below = list(rows.filter(parent__code=code, parent__valid_to=None))
        else:
            chain, below = list(rows.filter(level__in=(Area.Level.CITY, Area.Level.DISTRICT))), []
        self.fields["area"].choices = [("", _("All")), *((one.code, one.name) for one in (*chain, *below))]


@login_required
@never_cache
@require_GET
def counted(request: HttpRequest, measure: str) -> HttpResponse:
    """The rows that a measure counts in ``area``, within the user's scope."""
    found, listing = measures[measure], LISTINGS[measure]
    if not request.user.can(found.needs):
        raise PermissionDenied(_("Your roles do not show this kind of data."))
    rows = found.model_class.objects.for_user(request.user, found.needs).filter(found.filters())
    code = request.GET.get("area", "").strip()
    if code:
        code = parse_area(code)
        rows = rows.filter(**{f"{listing.area}__startswith": code})
    rows = listing.prepare(rows).order_by(listing.order, "pk")
    page, pager = page_of(request, rows)
    names = dict(
        Area.objects.filter(code__in={getattr(row, listing.area)[:12] for row in page}, valid_to=None)
        .values_list("code", "name")
        .order_by("code")
    )
    cells = [
        [
            cell(names.get(getattr(row, listing.area)[:12], "")),
            *(read(row) for _label, read in listing.columns),
        ]
        for row in page
    ]
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": found.label,
            "lead": found.definition,
            "crumbs": crumbs((_("Grids by day"), "grids-page"), (found.label, "")),
            "query": AreaForm(code),
            "columns": [_("Area"), *(label for label, _read in listing.columns)],
            "rows": cells,
            "pager": pager,
        },
    )
