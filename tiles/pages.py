"""The system administrator's pages of base maps."""

from django import forms
from django.contrib import messages
from django.contrib.gis.geos import Polygon
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from geo.pages.common import cell, crumbs, office, yes
from geo.problems import Problem
from tiles import actions
from tiles.api.basemaps import why_not
from tiles.api.layers import city_extent
from tiles.models import BaseMap

SERVICE_FIELDS = (
    *("service", "url", "key", "layer", "style", "image_format", "matrix_set", "projection", "level_offset"),
    *("label_layer", "is_overlay", "timeout_s", "box"),
)


# Nothing is drawn any closer.
HIGHEST_LEVEL = 24


class BaseMapForm(forms.ModelForm):
    """A base map as an administrator enters it. The key is written, never shown."""

    key = forms.CharField(
        label=gettext_lazy("key"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Kept on the server. Empty leaves it as it is."),
    )
    box = forms.CharField(
        label=gettext_lazy("extent"),
        required=False,
        help_text=gettext_lazy("west,south,east,north in degrees; empty for everywhere"),
    )

    class Meta:
        model = BaseMap
        fields = [
            *("name", "title", "service", "url", "key", "layer", "style", "image_format", "matrix_set"),
            *("projection", "level_offset", "min_level", "max_level", "tone", "label_layer", "is_overlay"),
            *("opacity", "attribution", "approval_number", "timeout_s", "position", "active"),
        ]
        help_texts = {
            "url": gettext_lazy("“{key}” stands for the key, as in …/wmts?tk={key}"),
            "matrix_set": gettext_lazy("For a WMS: the reference system, if not the projection (EPSG:4490)"),
            "level_offset": gettext_lazy("1 for 天地图's “c”, whose levels are counted one higher"),
        }
        error_messages = {
            "name": {
                "unique": gettext_lazy("There is a base map of this identifier already."),
                "invalid": gettext_lazy("Letters without accents, digits, - and _ only, as in my-map."),
            }
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["label_layer"].queryset = BaseMap.objects.filter(is_overlay=True)
        self.old_key = self.instance.key
        if self.instance.extent:
            self.fields["box"].initial = ",".join(f"{number:g}" for number in self.instance.extent.extent)
        if self.instance.pk:
            self.fields["name"].disabled = True
        if self.instance.service == BaseMap.Service.OWN:
            for name in SERVICE_FIELDS:
                self.fields.pop(name, None)

    def clean_box(self):
        text = self.cleaned_data["box"].strip()
        if not text:
            return None
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise forms.ValidationError(_("Four numbers: west,south,east,north.")) from None
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise forms.ValidationError(_("West of east, south of north, in degrees."))
        return Polygon.from_bbox((west, south, east, north))

    def clean(self):
        cleaned = super().clean()
        if "key" in self.fields and not cleaned.get("key"):
            cleaned["key"] = self.old_key
        self._check_numbers(cleaned)
        if "box" in self.fields:
            self.instance.extent = cleaned.get("box")
        return cleaned

    def _check_numbers(self, cleaned) -> None:
        low, high = cleaned.get("min_level"), cleaned.get("max_level")
        if low is not None and high is not None and not low <= high <= HIGHEST_LEVEL:
            text = _("From the lowest level to the highest, at most %(most)d.") % {"most": HIGHEST_LEVEL}
            self.add_error("max_level", text)
        opacity, timeout = cleaned.get("opacity"), cleaned.get("timeout_s")
        if opacity is not None and not 0 <= opacity <= 1:
            self.add_error("opacity", _("From 0 (invisible) to 1 (opaque)."))
        if timeout is not None and not 0.5 <= timeout <= 30:
            self.add_error("timeout_s", _("From 0.5 to 30 seconds."))


def _middle() -> tuple[float, float]:
    west, south, east, north = city_extent()
    return (west + east) / 2, (south + north) / 2


@office(actions.PERMISSION)
def basemaps(request):
    """All base maps, what they are and whether they work."""
    rows = [
        [
            cell(one.title, reverse("manage-basemap", args=[one.name])),
            cell(one.name),
            cell(one.get_service_display()),
            cell(one.projection),
            cell(yes(one.active)),
            cell(one.approval_number or "–"),
            cell(why_not(one) or _("Works")),
            cell("")
            if one.service == BaseMap.Service.OWN
            else cell(_("Check"), post=reverse("manage-basemap-check", args=[one.name])),
        ]
        for one in BaseMap.objects.all()
    ]
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Base maps"),
            "lead": _("Services are read and a tile is fetched before one is switched on."),
            "crumbs": crumbs((_("System"), ""), (_("Base maps"), "")),
            "buttons": [
                {
                    "label": _("Add a base map"),
                    "url": reverse("manage-basemap-new"),
                    "kind": "main",
                    "icon": "plus",
                }
            ],
            "columns": [
                *(_("Title"), _("Identifier"), _("Service"), _("Projection"), _("Active")),
                *(_("Map approval number"), _("State"), ""),
            ],
            "rows": rows,
        },
    )


@office(actions.PERMISSION)
def basemap(request, name: str = ""):
    """Enter or change a base map."""
    row = get_object_or_404(BaseMap, name=name) if name else BaseMap()
    form = BaseMapForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_basemap(request.user, form.save(commit=False), _middle())
            messages.success(request, _("Saved."))
            return redirect("manage-basemaps")
        except Problem as problem:
            for error in problem.errors:
                form.add_error(error["field"] if error["field"] in form.fields else None, error["detail"])
            if not problem.errors:
                form.add_error(None, problem.detail)
    title = row.title if name else _("Add a base map")
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Base maps"), "manage-basemaps"), (title, "")),
            "form": form,
            "verb": _("Check and save"),
            "back": reverse("manage-basemaps"),
        },
    )


@require_POST
@office(actions.PERMISSION)
def check(request, name: str):
    """Read a base map's service again."""
    row = get_object_or_404(BaseMap, name=name)
    errors = actions.check_basemap(row, _middle())
    for error in errors:
        messages.error(request, error["detail"])
    if not errors:
        messages.success(request, _("“%(title)s” works.") % {"title": row.title})
    return redirect("manage-basemaps")
