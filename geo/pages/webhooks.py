"""The system administrator's pages of webhooks: where events go, under whose rights, and how that went."""

import json
from datetime import datetime

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from geo import accounts, webhooks
from geo.models import Area, User, Webhook, WebhookDelivery
from geo.net import client_address
from geo.pages.common import attempt, cell, crumbs, office, page_of
from geo.pages.messages import moment
from geo.pages.people import both
from geo.problems import Problem


class WebhookForm(forms.ModelForm):
    owner = forms.CharField(
        label=gettext_lazy("Service account"),
        max_length=150,
        help_text=gettext_lazy("User name. It hears of what this account may see, and of nothing else."),
    )
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: list(webhooks.types.items()),
        help_text=gettext_lazy("None chosen: all."),
    )

    class Meta:
        model = Webhook
        fields = ["name", "url", "owner", "area_code", "active", "types"]
        labels = {
            "name": gettext_lazy("Name"),
            "url": gettext_lazy("Address of the receiver"),
            "area_code": gettext_lazy("Only in area"),
            "active": gettext_lazy("In use"),
        }
        help_texts = {"area_code": gettext_lazy("4, 6, 9 or 12 digits; empty: everywhere.")}
        widgets = {"url": forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["owner"] = self.instance.owner.get_username()

    def clean_owner(self):
        user = User.objects.filter(username=self.cleaned_data["owner"].strip(), is_active=True).first()
        if user is None:
            raise forms.ValidationError(_("There is no such account, or it is switched off."))
        return user

    def clean_area_code(self):
        code = self.cleaned_data["area_code"].strip()
        if code and not Area.objects.filter(code=code, valid_to=None).exists():
            raise forms.ValidationError(_("There is no area with this code."))
        return code


class DeliverySearch(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", "---------"), *WebhookDelivery.State.choices],
    )
    about = forms.CharField(label=gettext_lazy("About"), required=False, max_length=60)


def _state(row: Webhook) -> str:
    if not row.active:
        return f"{_('Switched off')} · {row.off_reason}" if row.off_reason else _("Switched off")
    if row.failing_since:
        return _("Failing since %s") % moment(row.failing_since)
    return _("Working") if row.reached_at else _("Not tried yet")


@require_GET
@office(accounts.MANAGE_SETTINGS)
def hooks(request):
    """All webhooks with how they do."""
    failed = WebhookDelivery.objects.filter(webhook=OuterRef("pk"), state=WebhookDelivery.State.FAILED)
    count = failed.order_by().values("webhook").annotate(n=Count("pk")).values("n")
    rows = Webhook.objects.select_related("owner").annotate(failed=Coalesce(Subquery(count), 0))
    found, pager = page_of(request, rows.order_by("name"))
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Webhooks"),
            "lead": _("Programs outside are told of events as they happen, signed, without personal data."),
            "crumbs": crumbs((_("System"), ""), (_("Webhooks"), "")),
            "buttons": [
                {
                    "url": reverse("manage-webhook-new"),
                    "label": _("New webhook"),
                    "icon": "plus",
                    "kind": "main",
                }
            ],
            "columns": [
                _("Name"),
                _("Address of the receiver"),
                _("Service account"),
                _("State"),
                _("Last reached"),
                _("Failed deliveries"),
            ],
            "rows": [
                [
                    cell(row.name, reverse("manage-webhook", args=[row.pk])),
                    cell(row.url),
                    cell(row.owner.get_username()),
                    cell(_state(row)),
                    cell(moment(row.reached_at)),
                    cell(row.failed),
                ]
                for row in found
            ],
            "empty": _("No webhook yet"),
            "empty_hint": _("Name an address, the events it wants, and the account whose scope it has."),
            "pager": pager,
        },
    )


@both
@office(accounts.MANAGE_SETTINGS)
def hook_new(request):
    """A new webhook; its secret is shown this once."""
    form = WebhookForm(request.POST or None, instance=Webhook())
    if request.method == "POST" and attempt(
        form, lambda: webhooks.save(request.user, form.instance, ip=client_address(request))
    ):
        return _hook_page(request, form.instance, secret=webhooks.secret(form.instance))
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": _("New webhook"),
            "crumbs": crumbs((_("System"), ""), (_("Webhooks"), "manage-webhooks"), (_("New webhook"), "")),
            "form": form,
            "verb": _("Add"),
            "back": reverse("manage-webhooks"),
        },
    )


@both
@office(accounts.MANAGE_SETTINGS)
def hook(request, pk: int):
    """One webhook: what it is told, its deliveries, its secret."""
    row = get_object_or_404(Webhook.objects.select_related("owner"), pk=pk)
    form = WebhookForm(request.POST or None, instance=row)
    if request.method == "POST" and attempt(
        form, lambda: webhooks.save(request.user, form.instance, ip=client_address(request))
    ):
        messages.success(request, _("Saved."))
        return redirect("manage-webhook", pk)
    return _hook_page(request, row, form=form)


def _hook_page(request, row: Webhook, *, form=None, secret: str = ""):
    search = DeliverySearch(request.GET)
    rows = row.deliveries.order_by("-id").defer("body", "answer", "tries")
    if search.is_valid():
        if search.cleaned_data["state"]:
            rows = rows.filter(state=search.cleaned_data["state"])
        if search.cleaned_data["about"]:
            rows = rows.filter(subject=search.cleaned_data["about"].strip())
    found, pager = page_of(request, rows)
    name = Webhook.objects.values_list("name", flat=True).get(pk=row.pk)
    response = render(
        request,
        "geo/manage/webhook.html",
        {
            "title": name,
            "crumbs": crumbs((_("System"), ""), (_("Webhooks"), "manage-webhooks"), (name, "")),
            "row": row,
            "state": _state(row),
            "form": form or WebhookForm(instance=row),
            "secret": secret,
            "search": search,
            "deliveries": found,
            "pager": pager,
            "words": webhooks.types,
        },
    )
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_POST
@office(accounts.MANAGE_SETTINGS)
def hook_rotate(request, pk: int):
    """Another secret, shown this once; the old one signs for a week more."""
    row = get_object_or_404(Webhook, pk=pk)
    secret = webhooks.rotate(request.user, row, ip=client_address(request))
    return _hook_page(request, Webhook.objects.select_related("owner").get(pk=pk), secret=secret)


@require_POST
@office(accounts.MANAGE_SETTINGS)
def hook_delete(request, pk: int):
    webhooks.delete(request.user, get_object_or_404(Webhook, pk=pk), ip=client_address(request))
    messages.success(request, _("Deleted."))
    return redirect("manage-webhooks")


@require_POST
@office(accounts.MANAGE_SETTINGS)
def hook_test(request, pk: int):
    """An event that means nothing; the page shows how it goes."""
    row = get_object_or_404(Webhook, pk=pk)
    if not row.active:
        messages.error(request, _("The webhook is switched off."))
        return redirect("manage-webhook", pk)
    return redirect("manage-delivery", webhooks.test(row).pk)


@require_POST
@office(accounts.MANAGE_SETTINGS)
def hook_replay(request, pk: int):
    """Everything that failed, once more."""
    row = get_object_or_404(Webhook, pk=pk)
    try:
        count = webhooks.replay_failed(request.user, row, ip=client_address(request))
        messages.success(request, _("%(n)d events are sent again.") % {"n": count})
    except Problem as problem:
        messages.error(request, problem.detail)
    return redirect("manage-webhook", pk)


@require_GET
@office(accounts.MANAGE_SETTINGS)
def delivery(request, pk: int):
    """One event: what was sent, each attempt, the last answer. Fetched again while it is on its way."""
    row = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=pk)
    part = request.headers.get("HX-Target") == "delivery"
    way = crumbs((_("System"), ""), (_("Webhooks"), "manage-webhooks"))
    back = {"label": row.webhook.name, "url": reverse("manage-webhook", args=[row.webhook_id])}
    return render(
        request,
        "geo/manage/delivery_part.html" if part else "geo/manage/delivery.html",
        {
            "title": str(
                webhooks.types.get(row.type) or (_("Test") if row.type == webhooks.TEST else row.type)
            ),
            "crumbs": [*way, back, {"label": row.subject or str(row.event), "url": ""}],
            "row": row,
            "tries": [one | {"when": datetime.fromisoformat(one["at"])} for one in reversed(row.tries)],
            "pretty": json.dumps(json.loads(row.body), indent=2, ensure_ascii=False),
            "going": row.state == WebhookDelivery.State.WAITING,
        },
    )


@require_POST
@office(accounts.MANAGE_SETTINGS)
def delivery_replay(request, pk: int):
    """The same event, under its own id, now."""
    row = get_object_or_404(WebhookDelivery, pk=pk)
    try:
        webhooks.replay(request.user, row.pk, ip=client_address(request))
    except Problem as problem:
        messages.error(request, problem.detail)
    return redirect("manage-delivery", pk)
