"""The system administrator's pages of words: templates of messages, and units that take them."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from geo import accounts, audit, code_tables, notifications
from geo.models import Channel, NotificationTemplate, UnitSubscription
from geo.net import client_address
from geo.notifications import addresses, words
from geo.pages.common import cell, crumbs, office, page_of, yes
from geo.pages.messages import kind_choices, kind_label
from geo.pages.people import both, unit_field

audit.ACTIONS |= {
    "template.change": gettext_lazy("Changed the words of a message"),
    "template.restore": gettext_lazy("Went back to the shipped words of a message"),
    "subscription.add": gettext_lazy("A unit takes messages"),
    "subscription.delete": gettext_lazy("A unit takes messages no more"),
}


class TemplateSearch(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False, choices=kind_choices)
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), required=False, choices=[("", "---------"), *Channel.choices]
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", "---------"), *NotificationTemplate._meta.get_field("language").choices],
    )


class TemplateForm(forms.ModelForm):
    class Meta:
        model = NotificationTemplate
        fields = ["subject", "body", "active"]
        labels = {
            "subject": gettext_lazy("Subject"),
            "body": gettext_lazy("Text of the message"),
            "active": gettext_lazy("In use"),
        }
        widgets = {"body": forms.Textarea(attrs={"rows": 7})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.channel == Channel.SMS:
            del self.fields["subject"]
        else:
            self.fields["subject"].required = True

    def _checked(self, name: str) -> str:
        text = self.cleaned_data[name]
        if found := words.faults(text, notifications.kinds.get(self.instance.code)):
            raise forms.ValidationError(found)
        return text

    def clean_subject(self):
        return words.one_line(self._checked("subject"))

    def clean_body(self):
        return self._checked("body").replace("\r\n", "\n")


class SubscriptionForm(forms.ModelForm):
    unit = unit_field(gettext_lazy("Unit"))
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=lambda: [(one.code, one.label) for one in notifications.kinds.values() if one.units],
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), choices=[one for one in Channel.choices if one[0] != Channel.IN_APP]
    )

    class Meta:
        model = UnitSubscription
        fields = ["unit", "kind", "channel", "address"]
        labels = {"address": gettext_lazy("Phone or mail address")}
        help_texts = {"address": gettext_lazy("Empty: the unit's duty phone.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].required = True

    def clean(self):
        said = super().clean()
        channel, address, unit = said.get("channel"), said.get("address", ""), said.get("unit")
        if not channel or not unit:
            return said
        if not address and channel == Channel.SMS:
            if not addresses.clean(channel, unit.phone):
                self.add_error("address", _("The unit's duty phone is no mobile number; name one here."))
        elif not (cleaned := addresses.clean(channel, address)):
            self.add_error(
                "address",
                _("This is no mobile number.") if channel == Channel.SMS else _("This is no mail address."),
            )
        else:
            said["address"] = cleaned
        return said


@office(accounts.MANAGE_SETTINGS)
def templates(request):
    """All words, by kind."""
    form = TemplateSearch(request.GET)
    rows = NotificationTemplate.objects.all()
    if form.is_valid():
        said = form.cleaned_data
        for name, value in (
            ("code", said["kind"]),
            ("channel", said["channel"]),
            ("language", said["language"]),
        ):
            if value:
                rows = rows.filter(**{name: value})
    found, pager = page_of(request, rows)
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Message templates"),
            "lead": _("What people are told by SMS, by mail and in Wangge. Words you change stay yours."),
            "crumbs": crumbs((_("System"), ""), (_("Message templates"), "")),
            "buttons": [
                {
                    "url": reverse("manage-subscriptions"),
                    "label": _("Units that take messages"),
                    "icon": "unit",
                    "kind": "",
                }
            ],
            "query": form,
            "columns": [
                _("Kind"),
                _("Channel"),
                _("Language"),
                _("Text of the message"),
                _("In use"),
                _("Changed"),
            ],
            "rows": [
                [
                    cell(kind_label(row.code), reverse("manage-template", args=[row.pk])),
                    cell(row.get_channel_display()),
                    cell(row.get_language_display()),
                    cell(" · ".join(one for one in (row.subject, row.body) if one)),
                    cell(yes(row.active)),
                    cell(yes(bool(row.changed_at))),
                ]
                for row in found
            ],
            "empty": _("No template yet"),
            "empty_hint": _("They are loaded with the code tables at every start of the server."),
            "pager": pager,
        },
    )


@both
@office(accounts.MANAGE_SETTINGS)
def template(request, pk: int):
    """The words of one, with what may stand in them and how they will read."""
    row = get_object_or_404(NotificationTemplate, pk=pk)
    form = TemplateForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            row.changed_at, row.changed_by = timezone.now(), request.user
            form.save()
            audit.log(
                request.user,
                "template.change",
                row,
                ip=client_address(request),
                code=row.code,
                channel=row.channel,
                language=row.language,
                fields=form.changed_data,
            )
        messages.success(request, _("Saved."))
        return redirect("manage-templates")
    kind = notifications.kinds.get(row.code)
    title = f"{kind_label(row.code)} · {row.get_channel_display()} · {row.get_language_display()}"
    return render(
        request,
        "geo/manage/template.html",
        {
            "title": title,
            "crumbs": crumbs((_("System"), ""), (_("Message templates"), "manage-templates"), (title, "")),
            "row": row,
            "form": form,
            "placeholders": kind.placeholders.items() if kind else [],
            "preview": _preview(row, form.data if form.is_bound else form.initial),
        },
    )


@require_POST
@office(accounts.MANAGE_SETTINGS)
def template_preview(request, pk: int):
    """How words that are being typed will read, or what is wrong with them: a fragment."""
    row = get_object_or_404(NotificationTemplate, pk=pk)
    return render(
        request, "geo/manage/template_preview.html", {"row": row, "preview": _preview(row, request.POST)}
    )


def _preview(row: NotificationTemplate, said) -> dict:
    kind = notifications.kinds.get(row.code)
    subject, body = str(said.get("subject", ""))[:120], str(said.get("body", ""))[:1000]
    context = {name: one.sample for name, one in kind.placeholders.items()} if kind else {}
    text = words.render(body, context)
    parts = words.sms_parts(text)
    size = ngettext("%(n)d character", "%(n)d characters", len(text)) % {"n": len(text)}
    counted = ngettext("%(n)d message", "%(n)d messages", parts) % {"n": parts}
    return {
        "subject": words.render(subject, context),
        "body": text,
        "faults": words.faults(subject, kind) + words.faults(body, kind),
        "size": f"{size} · {counted}" if row.channel == Channel.SMS else size,
    }


@require_POST
@office(accounts.MANAGE_SETTINGS)
def template_restore(request, pk: int):
    """Back to the words that came with the product."""
    row = get_object_or_404(NotificationTemplate, pk=pk)
    with transaction.atomic():
        NotificationTemplate.objects.filter(pk=pk).update(changed_at=None, changed_by=None, active=True)
        code_tables.load_templates()
        audit.log(
            request.user,
            "template.restore",
            row,
            ip=client_address(request),
            code=row.code,
            channel=row.channel,
            language=row.language,
        )
    messages.success(request, _("These are the shipped words again."))
    return redirect("manage-template", pk)


@both
@office(accounts.MANAGE_SETTINGS)
def subscriptions(request):
    """Which units take which messages at an address of their own; add one more."""
    form = SubscriptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            row = form.save()
            audit.log(
                request.user,
                "subscription.add",
                row.unit,
                ip=client_address(request),
                kind=row.kind,
                channel=row.channel,
                address=addresses.masked(row.address),
            )
        messages.success(request, _("Saved."))
        return redirect("manage-subscriptions")
    found, pager = page_of(request, UnitSubscription.objects.select_related("unit"))
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Units that take messages"),
            "lead": _(
                "People choose for themselves under “Notifications”; here a unit has a phone or a mailbox."
            ),
            "crumbs": crumbs(
                (_("System"), ""),
                (_("Message templates"), "manage-templates"),
                (_("Units that take messages"), ""),
            ),
            "columns": [_("Unit"), _("Kind"), _("Channel"), _("Address"), ""],
            "rows": [
                [
                    cell(row.unit),
                    cell(kind_label(row.kind)),
                    cell(row.get_channel_display()),
                    cell(row.address or _("duty phone %s") % row.unit.phone),
                    cell(
                        _("Delete"), post=reverse("manage-subscription-delete", args=[row.pk]), kind="danger"
                    ),
                ]
                for row in found
            ],
            "empty": _("No unit takes messages yet"),
            "empty_hint": _("Choose one below."),
            "pager": pager,
            "parts": [{"title": _("Add a unit"), "form": form, "verb": _("Add")}],
        },
    )


@require_POST
@office(accounts.MANAGE_SETTINGS)
def subscription_delete(request, pk: int):
    row = get_object_or_404(UnitSubscription.objects.select_related("unit"), pk=pk)
    with transaction.atomic():
        audit.log(
            request.user,
            "subscription.delete",
            row.unit,
            ip=client_address(request),
            kind=row.kind,
            channel=row.channel,
        )
        row.delete()
    messages.success(request, _("Deleted."))
    return redirect("manage-subscriptions")
