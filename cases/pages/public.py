"""What the public may read of a case: words that staff release, beside what the reporter wrote."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cases import public_view
from cases.models import Case, PublicWords
from geo import accounts, attachments, audit
from geo.net import client_address

audit.ACTIONS["case.release_words"] = gettext_lazy("Released words about a case")


class WordsForm(forms.ModelForm):
    class Meta:
        model = PublicWords
        fields = ["description", "address", "reply"]
        labels = {
            "description": gettext_lazy("Description"),
            "address": gettext_lazy("Place in words"),
            "reply": gettext_lazy("Reply of the city"),
        }
        help_texts = {
            "description": gettext_lazy("Without names, phone numbers, doors or plates."),
            "address": gettext_lazy("A street or a place everybody may know; empty: the names of the areas."),
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "reply": forms.Textarea(attrs={"rows": 3}),
        }


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def words(request, number: str):
    """Release words about a case, or take them back by leaving them empty."""
    accounts.need(request.user, attachments.REVIEW_PERMISSION)
    visible = Case.objects.for_user(request.user).select_related("type", "public_words")
    case = visible.filter(number=number).first()
    if case is None:
        raise Http404
    row = getattr(case, "public_words", None)
    # What was written is there to be cut down; nothing of it is public before it is saved.
    row = row or PublicWords(case=case, description=case.description[:1000], address=case.address)
    form = WordsForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        row.released_by, row.released_at = request.user, timezone.now()
        with transaction.atomic():
            row.save()
            audit.log(
                request.user,
                "case.release_words",
                case,
                area_code=case.area_code,
                ip=client_address(request),
                **form.cleaned_data,
            )
        messages.success(request, _("Released."))
        return redirect("case-page", number)
    is_public = public_view.public_rows().filter(pk=case.pk).exists()
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": _("Public words of %s") % number,
            "lead": _("Anybody may read what is saved here. The reporter's own words stay inside.")
            if is_public
            else _("This case is not public as it is now; what is saved here is shown once it is."),
            "crumbs": [
                {"label": _("Cases"), "url": reverse("console")},
                {"label": number, "url": reverse("case-page", args=[number])},
                {"label": _("Public words"), "url": ""},
            ],
            "form": form,
            "verb": _("Release"),
            "back": reverse("case-page", args=[number]),
        },
    )
