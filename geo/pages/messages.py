"""The system administrator's view of messages: the log, what failed, and the outbox of an installation that
sends nothing."""

from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from geo import accounts, audit, notifications
from geo.models import Channel, Message
from geo.net import client_address
from geo.notifications.gateways import chosen
from geo.notifications.sending import REASONS
from geo.notifications.words import sms_parts
from geo.pages.common import cell, crumbs, office
from geo.problems import Problem

PER_PAGE = 50
audit.ACTIONS |= {
    "message.read": gettext_lazy("Read a message that was sent"),
    "message.retry": gettext_lazy("Sent a message again"),
}


def kind_choices() -> list[tuple[str, str]]:
    return [("", "---------")] + [(one.code, one.label) for one in notifications.kinds.values()]


class MessageSearch(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", "---------"), *Message.State.choices]
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), required=False, choices=[("", "---------"), *Channel.choices]
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False, choices=kind_choices)
    about = forms.CharField(
        label=gettext_lazy("About"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("number of a case")}),
    )
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


def _found(form: MessageSearch):
    rows = Message.objects.select_related("user", "unit").order_by("-id")
    if not form.is_valid():
        return rows.none()
    said = form.cleaned_data
    for name, value in (("state", said["state"]), ("channel", said["channel"]), ("template", said["kind"])):
        if value:
            rows = rows.filter(**{name: value})
    if said["about"]:
        rows = rows.filter(about=said["about"].strip())
    zone = timezone.get_current_timezone()
    if said["since"]:
        rows = rows.filter(created_at__gte=datetime.combine(said["since"], time(), zone))
    if said["until"]:
        rows = rows.filter(created_at__lt=datetime.combine(said["until"] + timedelta(days=1), time(), zone))
    return rows


def moment(at) -> str:
    return date_format(timezone.localtime(at), "Y-m-d H:i:s") if at else ""


def kind_label(code: str) -> str:
    kind = notifications.kinds.get(code)
    return str(kind.label) if kind else code


def problem_words(row: Message) -> str:
    return str(REASONS.get(row.problem, row.problem))


def _result(row: Message) -> str:
    """State and what is to be known beside it, in one cell."""
    if row.state == Message.State.SENT and row.gateway == "outbox":
        return _("Kept in the outbox, not sent")
    parts = [row.get_state_display()]
    if row.attempts > 1:
        parts.append(_("%(n)d attempts") % {"n": row.attempts})
    if row.problem:
        parts.append(problem_words(row))
    return " · ".join(parts)


def _recipient(row: Message) -> str:
    return str(row.unit or row.user or _("Resident or guest"))


@require_GET
@office(accounts.MANAGE_SETTINGS)
def log(request):
    """What was sent to whom, newest first; addresses with their middle hidden, words only one at a time."""
    form = MessageSearch(request.GET)
    rows = _found(form)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit():
        rows = rows.filter(id__lt=int(before))
    found = list(rows[: PER_PAGE + 1])
    kept = [(key, value) for key, value in request.GET.items() if key != "before"]
    more = urlencode([*kept, ("before", found[PER_PAGE - 1].pk)]) if len(found) > PER_PAGE else ""
    buttons = [
        {"url": reverse("manage-outbox"), "label": _("Outbox"), "icon": "inbox", "kind": ""},
        {"url": reverse("manage-templates"), "label": _("Templates"), "icon": "edit", "kind": ""},
    ]
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Messages sent"),
            "lead": _gateways(),
            "crumbs": crumbs((_("System"), ""), (_("Messages sent"), "")),
            "buttons": buttons,
            "query": form,
            "columns": [
                _("Time"),
                _("Channel"),
                _("Kind"),
                _("Recipient"),
                _("Address"),
                _("About"),
                _("Result"),
                "",
            ],
            "rows": [
                [
                    cell(moment(row.created_at), reverse("manage-message", args=[row.pk])),
                    cell(row.get_channel_display()),
                    cell(kind_label(row.template)),
                    cell(_recipient(row)),
                    cell(row.shown),
                    cell(row.about),
                    cell(_result(row)),
                    cell(_("Send again"), post=reverse("manage-message-retry", args=[row.pk]))
                    if row.state == Message.State.FAILED and row.address
                    else cell(""),
                ]
                for row in found[:PER_PAGE]
            ],
            "empty": _("No message yet") if not request.GET else "",
            "empty_hint": _("What goes out by SMS, by mail or in Wangge is listed here as it happens."),
            "pager": {"next": f"?{more}" if more else ""},
        },
    )


def _gateways() -> str:
    """What the channels are connected to, in words."""
    words = {
        "outbox": _("nothing is sent, see the outbox"),
        "off": _("switched off"),
        "http": _("HTTP gateway"),
        "smtp": _("mail server"),
    }
    return " · ".join(
        f"{channel.label}: {words.get(chosen(channel), chosen(channel))}"
        for channel in (Channel.SMS, Channel.MAIL)
    )


@require_GET
@office(accounts.MANAGE_SETTINGS)
def message(request, pk: int):
    """One message with its words. That somebody read them is written down."""
    row = get_object_or_404(Message.objects.select_related("user", "unit"), pk=pk)
    if row.body:
        audit.log(request.user, "message.read", row, ip=client_address(request), about=row.about)
    facts = [
        (_("Time"), moment(row.created_at)),
        (_("Channel"), row.get_channel_display()),
        (_("Kind"), kind_label(row.template)),
        (_("Recipient"), _recipient(row)),
        (_("Address"), row.shown),
        (_("About"), row.about),
        (_("Result"), _result(row)),
        (_("Attempts"), row.attempts or ""),
        (_("Last attempt"), moment(row.tried_at)),
        (_("Gateway"), _("Outbox") if row.gateway == "outbox" else row.gateway),
        (_("Id of the delivery"), row.uuid),
        (_("Id at the gateway"), row.gateway_id),
    ]
    return render(
        request,
        "geo/manage/message.html",
        {
            "title": _("Message %(pk)s") % {"pk": row.pk},
            "crumbs": crumbs((_("System"), ""), (_("Messages sent"), "manage-messages"), (str(row.pk), "")),
            "row": row,
            "facts": [(name, value) for name, value in facts if value],
            "can_retry": row.state == Message.State.FAILED and row.address,
        },
    )


@require_POST
@office(accounts.MANAGE_SETTINGS)
def message_retry(request, pk: int):
    """Send a failed message again."""
    try:
        row = notifications.retry(pk)
    except Problem as problem:
        if problem.status == 404:
            raise
        messages.error(request, problem.detail)
    else:
        audit.log(request.user, "message.retry", row, ip=client_address(request), about=row.about)
        messages.success(request, _("It is sent again in a moment."))
    return redirect("manage-messages")


@require_GET
@office(accounts.MANAGE_SETTINGS)
def outbox(request):
    """What would have been sent, as its recipients would see it: for demonstrations and trials."""
    rows = Message.objects.select_related("user", "unit").filter(gateway="outbox").order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit():
        rows = rows.filter(id__lt=int(before))
    found = list(rows[: PER_PAGE + 1])
    return render(
        request,
        "geo/manage/outbox.html",
        {
            "title": _("Outbox"),
            "crumbs": crumbs((_("System"), ""), (_("Messages sent"), "manage-messages"), (_("Outbox"), "")),
            "rows": [
                {"row": row, "to": _recipient(row), "parts": sms_parts(row.body)} for row in found[:PER_PAGE]
            ],
            "used": "outbox" in (chosen(Channel.SMS), chosen(Channel.MAIL)),
            "next": f"?before={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else "",
        },
    )
