"""Keys of outside systems, on the system administrator's pages."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cases.models import Open311Key
from cases.open311 import keys
from geo import accounts
from geo.net import client_address
from geo.pages.common import attempt, cell, crumbs, office, page_of, yes
from geo.pages.people import both


class KeyForm(forms.ModelForm):
    class Meta:
        model = Open311Key
        fields = ["label", "contact", "may_post", "per_hour"]
        labels = {
            "label": gettext_lazy("System"),
            "contact": gettext_lazy("Contact"),
            "may_post": gettext_lazy("May send reports"),
            "per_hour": gettext_lazy("Reports per hour"),
        }
        help_texts = {"contact": gettext_lazy("Whom to call when it sends nonsense.")}

    per_hour = forms.IntegerField(label=gettext_lazy("Reports per hour"), min_value=1, max_value=10_000)


@office(accounts.MANAGE_SETTINGS)
def key_list(request):
    """All keys, and how much they are used."""
    day = timezone.now() - timedelta(days=1)
    rows = Open311Key.objects.annotate(
        last=Max("posts__at"), today=Count("posts", filter=Q(posts__at__gt=day))
    ).order_by("-active", "label", "id")
    found, pager = page_of(request, rows)
    new = {"url": reverse("manage-open311-new"), "label": _("New key"), "icon": "plus", "kind": "main"}
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Open311 keys"),
            "lead": _("Systems that may send reports to %(url)s. Anybody may read what is public there.")
            % {"url": request.build_absolute_uri(reverse("open311"))},
            "crumbs": crumbs((_("System"), ""), (_("Open311 keys"), "")),
            "buttons": [new],
            "columns": [
                _("System"),
                _("Begins with"),
                _("May send reports"),
                _("Per hour"),
                _("In 24 hours"),
                _("Last sent"),
                _("State"),
                "",
            ],
            "rows": [_row(key) for key in found],
            "pager": pager,
            "empty": _("No key yet"),
            "empty_hint": _("A system that shall send reports needs one."),
        },
    )


def _row(key: Open311Key) -> list[dict]:
    sent = date_format(timezone.localtime(key.last), "Y-m-d H:i") if key.last else _("never")
    if key.active:
        state = cell(_("In use"))
        button = cell(
            _("Revoke"),
            post=reverse("manage-open311-revoke", args=[key.pk]),
            kind="danger",
            name="",
            value="",
        )
    else:
        state = cell(_("Revoked on %s") % date_format(timezone.localtime(key.revoked_at), "Y-m-d"))
        button = cell("")
    return [
        cell(key.label, reverse("manage-open311-key", args=[key.pk]) if key.active else ""),
        cell(key.prefix + "…", pre=True),
        cell(yes(key.may_post)),
        cell(key.per_hour),
        cell(key.today),
        cell(sent),
        state,
        button,
    ]


@both
@office(accounts.MANAGE_SETTINGS)
def key(request, pk: int | None = None):
    """A new key, which is shown once, or the words and limits of one there is."""
    row = get_object_or_404(Open311Key, pk=pk, active=True) if pk else Open311Key()
    form = KeyForm(request.POST or None, instance=row)
    secret = []
    ip = client_address(request)
    if request.method == "POST" and pk and attempt(form, lambda: keys.change(request.user, row, ip=ip)):
        messages.success(request, _("Saved."))
        return redirect("manage-open311")
    if request.method == "POST" and not pk:
        attempt(form, lambda: secret.append(keys.add(request.user, form.instance, ip=ip)))
    title = row.label if row.pk else _("New key")
    context = {
        "title": title,
        "crumbs": crumbs((_("System"), ""), (_("Open311 keys"), "manage-open311"), (title, "")),
        "form": form,
        "verb": _("Save"),
        "back": reverse("manage-open311"),
    }
    if not secret:
        return render(request, "geo/manage/form.html", context)
    response = render(request, "cases/open311_key.html", context | {"secret": secret[0]})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@office(accounts.MANAGE_SETTINGS)
def revoke(request, pk: int):
    row = get_object_or_404(Open311Key, pk=pk, active=True)
    keys.revoke(request.user, row, ip=client_address(request))
    messages.success(request, _("Revoked. What was sent under it stays."))
    return redirect("manage-open311")
