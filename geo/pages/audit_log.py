"""The audit administrator's page: the log, to read and to take away, never to change."""

import csv
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django import forms
from django.apps import apps
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo import accounts, audit
from geo.models import AuditEntry
from geo.net import client_address
from geo.pages.common import cell, crumbs, office

PER_PAGE = 100
_MOST_EXPORTED = 100_000


class LogSearch(forms.Form):
    actor = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=150)
    action = forms.CharField(
        label=gettext_lazy("Action"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("for example case. or grant.")}),
    )
    object = forms.CharField(label=gettext_lazy("Object"), required=False, max_length=100)
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


def _entries(form):
    rows = AuditEntry.objects.select_related("actor").order_by("-id")
    if not form.is_valid():
        return rows.none()
    said = form.cleaned_data
    if said["actor"]:
        rows = rows.filter(actor__username=said["actor"])
    if said["action"]:
        rows = rows.filter(action__startswith=said["action"])
    if said["object"]:
        kind, _sep, number = said["object"].rpartition(" ")
        rows = rows.filter(object_id=number)
        if kind:
            rows = rows.filter(object_type=kind)
    zone = timezone.get_current_timezone()
    if said["since"]:
        rows = rows.filter(at__gte=datetime.combine(said["since"], time(), zone))
    if said["until"]:
        rows = rows.filter(at__lt=datetime.combine(said["until"] + timedelta(days=1), time(), zone))
    return rows


def _columns() -> list[str]:
    return [_("Time"), _("User"), _("Action"), _("Object"), _("Area"), _("Reason"), _("Detail"), _("Address")]


def _cells(row: AuditEntry) -> list[str]:
    told = [(audit.DETAILS.get(key, key), _plain(value)) for key, value in row.detail.items()]
    detail = "; ".join(f"{words}: {said}" for words, said in told if said)
    return [
        timezone.localtime(row.at).strftime("%Y-%m-%d %H:%M:%S"),
        row.actor.username if row.actor else "",
        f"{audit.ACTIONS[row.action]} {row.action}" if row.action in audit.ACTIONS else row.action,
        _object(row),
        row.area_code,
        row.reason,
        detail,
        row.ip or "",
    ]


def _object(row: AuditEntry) -> str:
    """ "grid (grids.grid 12)": what it is in words, and as the page's filter takes it."""
    known = f"{row.object_type} {row.object_id}".strip()
    try:
        words = apps.get_model(row.object_type)._meta.verbose_name
    except (LookupError, ValueError):  # of an app that is no more, or no object
        return known
    return f"{words} ({known})"


def _plain(value) -> str:
    """A detail as somebody reads it: lists with commas, of what was counted only what there was."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items() if one not in (0, "", None, []))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return "" if value is None else str(value)


@office(accounts.READ_AUDIT)
def log(request):
    """The log, newest first, a page at a time by its numbers: it only grows at the end."""
    form = LogSearch(request.GET)
    rows = _entries(form)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit():
        rows = rows.filter(id__lt=int(before))
    found = list(rows[: PER_PAGE + 1])
    kept = [(key, value) for key, value in request.GET.items() if key != "before"]
    more = urlencode([*kept, ("before", found[PER_PAGE - 1].pk)]) if len(found) > PER_PAGE else ""
    export = f"{reverse('manage-audit-export')}?{urlencode(kept)}"
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Audit log"),
            "lead": _("Who did what to what, when and why. Nobody can change or delete an entry."),
            "crumbs": crumbs((_("System"), ""), (_("Audit log"), "")),
            "buttons": [{"url": export, "label": _("Export"), "icon": "download", "kind": ""}],
            "query": form,
            "columns": _columns(),
            "rows": [[cell(text) for text in _cells(row)] for row in found[:PER_PAGE]],
            "empty": _("No entry yet") if not request.GET else "",
            "empty_hint": _("Log-ins, grants, changes of cases and exports are written here as they happen."),
            "pager": {"next": f"?{more}" if more else ""},
        },
    )


class _Echo:
    def write(self, value):
        return value


@office(accounts.READ_AUDIT)
def export(request):
    """The same entries as CSV (UTF-8 with a mark, for spreadsheets); taking them away is an entry too."""
    form = LogSearch(request.GET)
    rows = _entries(form)[:_MOST_EXPORTED]
    audit.log(request.user, "audit.export", ip=client_address(request), filters=dict(request.GET.items()))
    writer = csv.writer(_Echo())

    def lines():
        yield "\ufeff" + writer.writerow(_columns())
        for row in rows.iterator(chunk_size=1000):
            yield writer.writerow([_harmless(text) for text in _cells(row)])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate():%Y%m%d}.csv"'
    return response


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
