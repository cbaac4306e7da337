"""The system administrator's tables: dictionaries, and the working calendar."""

from datetime import date

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from geo import accounts, audit
from geo.calendar import calendar_for, known_until
from geo.models import CalendarDay, Dictionary, DictionaryItem, OfficeHours
from geo.net import client_address
from geo.pages.common import cell, crumbs, office, yes
from geo.pages.people import both


class ItemForm(forms.ModelForm):
    class Meta:
        model = DictionaryItem
        fields = ["code", "name", "name_en", "position", "active"]
        labels = {
            "code": gettext_lazy("Code"),
            "name": gettext_lazy("Name"),
            "name_en": gettext_lazy("English name"),
            "position": gettext_lazy("Position"),
            "active": gettext_lazy("In use"),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Rows refer to a word by its code.
            self.fields["code"].disabled = True

    def clean_code(self):
        code = self.cleaned_data["code"]
        taken = DictionaryItem.objects.filter(dictionary=self.instance.dictionary, code=code)
        if taken.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This code is taken."))
        return code


class DayForm(forms.ModelForm):
    is_working = forms.TypedChoiceField(
        label=gettext_lazy("This day is"),
        coerce=lambda value: value == "True",
        choices=[("False", gettext_lazy("a day off")), ("True", gettext_lazy("a working day"))],
    )

    class Meta:
        model = CalendarDay
        fields = ["date", "is_working", "name", "area_code"]
        labels = {
            "date": gettext_lazy("Date"),
            "name": gettext_lazy("Name"),
            "area_code": gettext_lazy("Only in county"),
        }
        widgets = {"date": forms.DateInput(attrs={"type": "date"})}


class HoursForm(forms.ModelForm):
    class Meta:
        model = OfficeHours
        fields = ["opens", "closes", "valid_from", "valid_to", "area_code"]
        labels = {
            "opens": gettext_lazy("Opens"),
            "closes": gettext_lazy("Closes"),
            "valid_from": gettext_lazy("From"),
            "valid_to": gettext_lazy("Until (not included)"),
            "area_code": gettext_lazy("Only in county"),
        }
        widgets = {
            "opens": forms.TimeInput(attrs={"type": "time"}),
            "closes": forms.TimeInput(attrs={"type": "time"}),
            "valid_from": forms.DateInput(attrs={"type": "date"}),
            "valid_to": forms.DateInput(attrs={"type": "date"}),
        }

    def clean(self):
        said = super().clean()
        if said.get("opens") and said.get("closes") and said["opens"] >= said["closes"]:
            self.add_error("closes", _("It must close after it opens."))
        return said


def _save(request, form, action: str) -> None:
    """Save a row of a table, with its entry in the log."""
    with transaction.atomic():
        row = form.save()
        audit.log(
            request.user,
            action,
            row,
            ip=client_address(request),
            **{name: str(value) for name, value in form.cleaned_data.items()},
        )
    messages.success(request, _("Saved."))


# --- Dictionaries -----------------------------------------------------------------------------------


@office(accounts.MANAGE_SETTINGS)
def dictionaries(request):
    rows = Dictionary.objects.prefetch_related("items")
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Dictionaries"),
            "lead": _("Lists of words for forms. A word that is no longer used is retired, never deleted."),
            "crumbs": crumbs((_("System"), ""), (_("Dictionaries"), "")),
            "columns": [_("Name"), _("Code"), _("Words")],
            "rows": [
                [
                    cell(str(row), reverse("manage-dictionary", args=[row.code])),
                    cell(row.code),
                    cell("、".join(str(item) for item in row.items.all() if item.active)),
                ]
                for row in rows
            ],
        },
    )


@both
@office(accounts.MANAGE_SETTINGS)
def dictionary(request, code: str):
    """One dictionary's words; add one more."""
    row = get_object_or_404(Dictionary, code=code)
    form = ItemForm(request.POST or None, instance=DictionaryItem(dictionary=row))
    if request.method == "POST" and form.is_valid():
        _save(request, form, "dictionary.add")
        return redirect("manage-dictionary", code)
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": str(row),
            "crumbs": crumbs((_("System"), ""), (_("Dictionaries"), "manage-dictionaries"), (str(row), "")),
            "columns": [_("Code"), _("Name"), _("English name"), _("Position"), _("In use")],
            "rows": [
                [
                    cell(item.code, reverse("manage-word", args=[item.pk])),
                    cell(item.name),
                    cell(item.name_en),
                    cell(item.position),
                    cell(yes(item.active)),
                ]
                for item in row.items.order_by("position", "code")
            ],
            "empty": _("No word yet."),
            "parts": [{"title": _("Add a word"), "form": form, "verb": _("Add")}],
        },
    )


@both
@office(accounts.MANAGE_SETTINGS)
def word(request, pk: int):
    """One word of a dictionary."""
    row = get_object_or_404(DictionaryItem.objects.select_related("dictionary"), pk=pk)
    form = ItemForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        _save(request, form, "dictionary.change")
        return redirect("manage-dictionary", row.dictionary.code)
    back = reverse("manage-dictionary", args=[row.dictionary.code])
    way = crumbs((_("System"), ""), (_("Dictionaries"), "manage-dictionaries"))
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": str(row),
            "crumbs": [*way, {"label": str(row.dictionary), "url": back}, {"label": str(row), "url": ""}],
            "form": form,
            "verb": _("Save"),
            "back": back,
        },
    )


# --- The working calendar ---------------------------------------------------------------------------


@both
@office(accounts.MANAGE_SETTINGS)
def calendar(request):
    """A year's days that differ from their weekday, the office hours, and one more of either."""
    asked = request.GET.get("year", "")
    this_year = timezone.localdate().year
    year = int(asked) if asked.isascii() and asked.isdigit() and 1990 <= int(asked) <= 2200 else this_year
    is_hours = request.method == "POST" and "opens" in request.POST
    day_form = DayForm(None if is_hours else request.POST or None)
    hours_form = HoursForm(request.POST if is_hours else None, auto_id="hours_%s")
    if request.method == "POST":
        form, action = (hours_form, "office_hours.add") if is_hours else (day_form, "calendar.add")
        if form.is_valid():
            _save(request, form, action)
            return redirect(f"{reverse('manage-calendar')}?year={year}")
    days = CalendarDay.objects.filter(date__year=year).order_by("date", "area_code")
    until = known_until(calendar_for("").days)
    rows = [
        [
            cell(f"{date_format(row.date, 'Y-m-d')} {date_format(row.date, 'l')}"),
            cell(_("working day") if row.is_working else _("day off")),
            cell(row.name),
            cell(row.area_code or _("everywhere")),
            cell(_("Delete"), post=reverse("manage-calendar-delete", args=["day", row.pk]), kind="danger"),
        ]
        for row in days
    ]
    rows += [
        [
            cell(f"{row.opens:%H:%M}–{row.closes:%H:%M}"),
            cell(_("office hours")),
            cell(f"{row.valid_from} – {row.valid_to or ''}"),
            cell(row.area_code or _("everywhere")),
            cell(_("Delete"), post=reverse("manage-calendar-delete", args=["hours", row.pk]), kind="danger"),
        ]
        for row in OfficeHours.objects.all()
    ]
    lead = _("Other days follow their weekday. A change moves no deadline that is fixed already.")
    if until is None or until < date(this_year, 12, 31):
        lead += " " + _("Holidays of %(year)d are missing.") % {"year": this_year}
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Working calendar %(year)d") % {"year": year},
            "lead": lead,
            "crumbs": crumbs((_("System"), ""), (_("Working calendar"), "")),
            "columns": [_("Date"), _("Kind"), _("Name"), _("Where"), ""],
            "rows": rows,
            "pager": {
                "note": _("Holidays are known until %(date)s.") % {"date": until or "—"},
                "previous": f"?year={year - 1}",
                "next": f"?year={year + 1}",
            },
            "parts": [
                {"title": _("Add a day"), "form": day_form, "verb": _("Add")},
                {"title": _("Add office hours"), "form": hours_form, "verb": _("Add")},
            ],
        },
    )


@require_POST
@office(accounts.MANAGE_SETTINGS)
def calendar_delete(request, kind: str, pk: int):
    """Take a day or hours out of the calendar."""
    models = {"day": CalendarDay, "hours": OfficeHours}
    if kind not in models:
        return HttpResponseNotAllowed([])
    row = get_object_or_404(models[kind], pk=pk)
    with transaction.atomic():
        audit.log(request.user, f"calendar.delete_{kind}", row, ip=client_address(request), row=str(row))
        row.delete()
    messages.success(request, _("Deleted."))
    return redirect("manage-calendar")
