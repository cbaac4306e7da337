"""What I want to be told, and where: everybody's own page."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from geo import audit, notifications
from geo.models import Channel, NotificationPreference
from geo.net import client_address
from geo.notifications import addresses
from geo.notifications.gateways import chosen
from geo.pages.people import both

audit.ACTIONS["user.email"] = gettext_lazy("Changed the own mail address")


class AddressForm(forms.Form):
    email = forms.CharField(
        label=gettext_lazy("Mail address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_email(self):
        address = self.cleaned_data["email"].strip()
        if address:
            try:
                validate_email(address)
            except ValidationError:
                raise forms.ValidationError(_("This is no mail address.")) from None
        return address


@both
@login_required
@never_cache
def my_notifications(request):
    """A table of kinds and channels; what is ticked is wanted."""
    user = request.user
    request.from_phone_too = True
    form = AddressForm(request.POST or None, initial={"email": user.email})
    personal = [
        kind
        for kind in notifications.kinds.values()
        if kind.personal and (not kind.permission or user.can(kind.permission))
    ]
    if request.method == "POST" and form.is_valid():
        _save(request, form.cleaned_data["email"], personal)
        messages.success(request, _("Saved."))
        return redirect("my-notifications")
    wanted = _wanted(user, personal)
    channels = list(Channel)
    return render(
        request,
        "geo/notifications.html",
        {
            "form": form,
            "channels": channels,
            "rows": [
                {
                    "label": kind.label,
                    "cells": [
                        {
                            "name": f"{kind.code}:{channel.value}",
                            "label": f"{kind.label}: {channel.label}",
                            "channel": channel.label,
                            "offered": channel in kind.channels,
                            "fixed": kind.in_log and channel == Channel.IN_APP,
                            "on": (kind.code, channel.value) in wanted,
                        }
                        for channel in channels
                    ],
                }
                for kind in personal
            ],
            "phone": addresses.masked(addresses.clean(Channel.SMS, user.phone)),
            "off": [channel.label for channel in (Channel.SMS, Channel.MAIL) if chosen(channel) == "off"],
        },
    )


def _wanted(user, kinds) -> set[tuple[str, str]]:
    """Pairs of kind and channel that the person wants."""
    found = {(kind.code, Channel.IN_APP.value) for kind in kinds}
    for code, channel, wanted in NotificationPreference.objects.filter(user=user).values_list(
        "kind", "channel", "wanted"
    ):
        (found.add if wanted else found.discard)((code, channel))
    return found


@transaction.atomic
def _save(request, email: str, kinds) -> None:
    user = request.user
    if email != user.email:
        user.email = email
        user.save(update_fields=["email"])
        audit.log(user, "user.email", user, ip=client_address(request), address=addresses.masked(email))
    ticked = set(request.POST.getlist("want"))
    rows = [
        NotificationPreference(
            user=user, kind=kind.code, channel=channel, wanted=f"{kind.code}:{channel}" in ticked
        )
        for kind in kinds
        for channel in (one.value for one in Channel)
        if channel in kind.channels and not (kind.in_log and channel == Channel.IN_APP)
    ]
    NotificationPreference.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["user", "kind", "channel"],
        update_fields=["wanted"],
    )
