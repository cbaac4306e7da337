"""Looking at photos before they may be public, and covering by hand what identifies people."""

import json

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo import attachments
from geo.models import Attachment, DictionaryItem
from geo.pages.common import attempt, crumbs, office, page_of
from geo.pages.people import both


class ReviewForm(forms.Form):
    """The decision: public with these rectangles covered, or not, and why not."""

    rectangles = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), required=False)

    def __init__(self, *args, passed: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.passed = passed
        words = DictionaryItem.objects.filter(dictionary__code="photo_refusal", active=True)
        self.fields["reason"].choices = [("", "—"), *((word.code, str(word)) for word in words)]

    def clean_rectangles(self):
        try:
            rectangles = json.loads(self.cleaned_data["rectangles"] or "[]")
        except ValueError:
            rectangles = None
        if not isinstance(rectangles, list):
            raise forms.ValidationError(_("The rectangles cannot be read."))
        return rectangles

    def clean(self):
        said = super().clean()
        if not self.passed and not said.get("reason"):
            self.add_error("reason", _("Say why it must not be public."))
        return said


@office(attachments.REVIEW_PERMISSION)
def photos(request):
    """The photos within one's scope that nobody has looked at, oldest first."""
    state = request.GET.get("state", "pending")
    state = state if state in Attachment.Review.values else Attachment.Review.PENDING
    rows = attachments.reviewable_by(request.user).filter(review=state).order_by("created_at", "pk")
    found, pager = page_of(request, rows)
    return render(
        request,
        "geo/photos.html",
        {
            "title": _("Photo review"),
            "crumbs": crumbs((_("Work"), ""), (_("Photo review"), "")),
            "photos": found,
            "pager": pager,
            "states": [
                {"label": label, "url": f"?state={value}", "current": value == state}
                for value, label in Attachment.Review.choices
            ],
        },
    )


@both
@office(attachments.REVIEW_PERMISSION)
def photo(request, uuid):
    """One photo: draw, decide, and on to the next."""
    row = attachments.visible(request.user, uuid)
    passed = request.POST.get("decision") == "passed"
    form = ReviewForm(request.POST or None, passed=passed)

    def decide():
        said = form.cleaned_data
        attachments.review(request.user, row, passed, said["rectangles"], reason=said["reason"])

    if request.method == "POST" and attempt(form, decide):
        messages.success(
            request, _("The photo may be public.") if passed else _("The photo stays unpublished.")
        )
        pending = attachments.reviewable_by(request.user).filter(review=Attachment.Review.PENDING)
        following = pending.order_by("created_at", "pk").first()
        return redirect("photo", following.uuid) if following else redirect("photos")
    way = crumbs((_("Work"), ""), (_("Photo review"), "photos"))
    return render(
        request,
        "geo/photo.html",
        {
            "title": _("Look at a photo"),
            "crumbs": [*way, {"label": _("Look at a photo"), "url": ""}],
            "photo": row,
            "source": reverse("attachment-file", args=[row.uuid, "shown"]),
            "form": form,
        },
    )
