"""Staff's side of what residents read and say: texts, kinds of problems, suggestions, questionnaires."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from assets.models import ItemType
from cases.models import (
    PublicText,
    PublicTopic,
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    Suggestion,
)
from cases.public import queries
from cases.public.desk import EDIT
from cases.public.desk.pages import both, way
from geo import audit
from geo.net import client_address
from geo.pages.common import cell, office, page_of, yes
from geo.problems import Problem
from geo.texts import fitting

ICONS = {
    "bang": gettext_lazy("Triangle with a mark"),
    "lamp": gettext_lazy("Street lamp"),
    "trash": gettext_lazy("Bin"),
    "shop": gettext_lazy("Shop front"),
    "tree": gettext_lazy("Tree"),
    "facility": gettext_lazy("Shop awning"),
    "component": gettext_lazy("Manhole cover"),
    "report": gettext_lazy("House with a mark"),
    "building": gettext_lazy("High building"),
    "risk": gettext_lazy("Shield with a mark"),
    "pin": gettext_lazy("Pin"),
    "edit": gettext_lazy("Pencil"),
    "parking": gettext_lazy("Car park sign"),
    "track": gettext_lazy("Winding way"),
    "area": gettext_lazy("Many-cornered area"),
    "toilet": gettext_lazy("Public toilet"),
    "list": gettext_lazy("Lines"),
    "question": gettext_lazy("Question mark"),
}
_DATE = {"type": "date"}


def _save(request, form, action: str, **values):
    """Save a row with its entry in the log."""
    with transaction.atomic():
        for name, value in values.items():
            setattr(form.instance, name, value)
        row = form.save()
        audit.log(
            request.user,
            action,
            row,
            ip=client_address(request),
            **{name: str(value)[:200] for name, value in form.cleaned_data.items()},
        )
    messages.success(request, _("Saved."))
    return row


def _form_page(request, form, title: str, crumbs, back: str, verb: str = "", **more):
    context = {
        "title": title,
        "crumbs": crumbs,
        "form": form,
        "verb": verb or _("Save"),
        "back": reverse(back),
    }
    return render(request, "geo/manage/form.html", context | more)


# --- Texts ------------------------------------------------------------------------------------------


class TextForm(forms.ModelForm):
    class Meta:
        model = PublicText
        fields = ["kind", "title", "title_en", "body", "body_en", "shown_from", "shown_to", "position"]
        labels = {
            "kind": gettext_lazy("Kind"),
            "title": gettext_lazy("Title"),
            "title_en": gettext_lazy("English title"),
            "body": gettext_lazy("Text"),
            "body_en": gettext_lazy("English text"),
            "shown_from": gettext_lazy("Shown from"),
            "shown_to": gettext_lazy("Until (not included)"),
            "position": gettext_lazy("Position"),
        }
        widgets = {
            "shown_from": forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
            "shown_to": forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
            "body": forms.Textarea(attrs={"rows": 8}),
            "body_en": forms.Textarea(attrs={"rows": 6}),
        }
        help_texts = {"position": gettext_lazy("The order of the help; news go by date.")}

    def clean(self):
        said = super().clean()
        if said.get("shown_from") and said.get("shown_to") and said["shown_to"] <= said["shown_from"]:
            self.add_error("shown_to", _("It must end after it begins."))
        return said


@office(EDIT)
@require_GET
def texts(request):
    """Notices, news and help, also what is not shown today."""
    found, pager = page_of(request, PublicText.objects.order_by("kind", "position", "-shown_from", "-id"))
    today = timezone.localdate()

    def state(row) -> str:
        if row.shown_from > today:
            return _("shown later")
        return _("over") if row.shown_to and row.shown_to <= today else _("shown")

    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("News and help"),
            "crumbs": way((_("News and help"), "")),
            "buttons": [
                {
                    "label": _("New text"),
                    "url": reverse("public-desk-text-new"),
                    "icon": "plus",
                    "kind": "main",
                }
            ],
            "columns": [_("Title"), _("Kind"), _("State"), _("From"), _("Until")],
            "rows": [
                [
                    cell(row, reverse("public-desk-text", args=[row.pk])),
                    cell(row.get_kind_display()),
                    cell(state(row)),
                    cell(row.shown_from),
                    cell(row.shown_to or ""),
                ]
                for row in found
            ],
            "pager": pager,
            "empty": _("Nothing written yet."),
        },
    )


@both
@office(EDIT)
def text(request, pk: int | None = None):
    """Write a text, or change one."""
    row = get_object_or_404(PublicText, pk=pk) if pk else PublicText(created_by=request.user)
    form = TextForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        _save(request, form, "public.text")
        return redirect("public-desk-texts")
    title = str(row) if pk else _("New text")
    crumbs = way((_("News and help"), "public-desk-texts"), (title, ""))
    return _form_page(request, form, title, crumbs, "public-desk-texts")


# --- Kinds of problems ------------------------------------------------------------------------------


class TopicForm(forms.ModelForm):
    icon = forms.ChoiceField(label=gettext_lazy("Picture"), choices=list(ICONS.items()))

    class Meta:
        model = PublicTopic
        fields = ["name", "name_en", "hint", "hint_en", "type", "icon", "position", "active"]
        labels = {
            "name": gettext_lazy("Name"),
            "name_en": gettext_lazy("English name"),
            "hint": gettext_lazy("For example"),
            "hint_en": gettext_lazy("For example, in English"),
            "type": gettext_lazy("Filed as"),
            "position": gettext_lazy("Position"),
            "active": gettext_lazy("In use"),
        }
        help_texts = {"type": gettext_lazy("Not set: whoever accepts the report chooses.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        rows = ItemType.objects.filter(active=True).order_by("standard", "-kind", "class_code", "type_code")
        self.fields["type"].queryset = rows


@office(EDIT)
@require_GET
def topics(request):
    """What residents choose from, and what it is filed as."""
    rows = PublicTopic.objects.select_related("type")
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Kinds of problems"),
            "lead": _("Residents choose one of these; the report is filed as the type beside it."),
            "crumbs": way((_("Kinds of problems"), "")),
            "buttons": [
                {
                    "label": _("New kind"),
                    "url": reverse("public-desk-topic-new"),
                    "icon": "plus",
                    "kind": "main",
                }
            ],
            "columns": [_("Name"), _("For example"), _("Filed as"), _("Position"), _("In use")],
            "rows": [
                [
                    cell(row, reverse("public-desk-topic", args=[row.pk])),
                    cell(row.example),
                    cell(row.type or _("chosen when accepted")),
                    cell(row.position),
                    cell(yes(row.active)),
                ]
                for row in rows
            ],
            "empty": _("No kind yet."),
        },
    )


@both
@office(EDIT)
def topic(request, pk: int | None = None):
    """One kind of problem."""
    row = get_object_or_404(PublicTopic, pk=pk) if pk else PublicTopic()
    form = TopicForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        _save(request, form, "public.topic")
        return redirect("public-desk-topics")
    title = str(row) if pk else _("New kind")
    crumbs = way((_("Kinds of problems"), "public-desk-topics"), (title, ""))
    return _form_page(request, form, title, crumbs, "public-desk-topics")


# --- Suggestions ------------------------------------------------------------------------------------


class ReplyForm(forms.ModelForm):
    class Meta:
        model = Suggestion
        fields = ["state", "reply", "public"]
        labels = {
            "state": gettext_lazy("State"),
            "reply": gettext_lazy("Reply"),
            "public": gettext_lazy("Others may read it, with the reply"),
        }
        widgets = {"reply": forms.Textarea(attrs={"rows": 5})}
        help_texts = {"public": gettext_lazy("Only when nobody is named in it.")}

    def clean(self):
        said = super().clean()
        if said.get("state") == Suggestion.State.ANSWERED and not said.get("reply"):
            self.add_error("reply", _("Write a reply."))
        if said.get("public") and said.get("state") != Suggestion.State.ANSWERED:
            self.add_error("public", _("Answer it first."))
        return said


@office(EDIT)
@require_GET
def suggestions(request):
    """Suggestions, those to be answered first."""
    rows = Suggestion.objects.select_related("replied_by").order_by("-id")
    state = request.GET.get("state", "")
    if state in Suggestion.State.values:
        rows = rows.filter(state=state)
    found, pager = page_of(request, rows)
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Suggestions"),
            "crumbs": way((_("Suggestions"), "")),
            "query": _StateForm(request.GET),
            "columns": [
                _("Title"),
                _("Reference"),
                _("State"),
                _("Made public"),
                _("Received"),
                _("Answered by"),
            ],
            "rows": [
                [
                    cell(row.title, reverse("public-desk-suggestion", args=[row.pk])),
                    cell(row.number),
                    cell(row.get_state_display()),
                    cell(yes(row.public)),
                    cell(date_format(timezone.localtime(row.at), "Y-m-d H:i")),
                    cell(row.replied_by or ""),
                ]
                for row in found
            ],
            "pager": pager,
            "empty": _("No suggestion yet."),
        },
    )


class _StateForm(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", "---------"), *Suggestion.State.choices]
    )


@both
@office(EDIT)
def suggestion(request, pk: int):
    """Read one, and reply."""
    row = get_object_or_404(Suggestion, pk=pk)
    form = ReplyForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        _save(request, form, "public.suggestion", replied_by=request.user, replied_at=timezone.now())
        return redirect("public-desk-suggestions")
    crumbs = way((_("Suggestions"), "public-desk-suggestions"), (row.number, ""))
    return _form_page(
        request, form, row.title, crumbs, "public-desk-suggestions", lead=row.text, verb=_("Save the reply")
    )


# --- Questionnaires ---------------------------------------------------------------------------------


class QuestionnaireForm(forms.ModelForm):
    class Meta:
        model = Questionnaire
        fields = [
            "title",
            "title_en",
            "intro",
            "intro_en",
            "opens_on",
            "closes_on",
            "published",
            "shows_results",
        ]
        labels = {
            "title": gettext_lazy("Title"),
            "title_en": gettext_lazy("English title"),
            "intro": gettext_lazy("Introduction"),
            "intro_en": gettext_lazy("English introduction"),
            "opens_on": gettext_lazy("Opens on"),
            "closes_on": gettext_lazy("Closes on (not included)"),
            "published": gettext_lazy("Published"),
            "shows_results": gettext_lazy("Totals are public after it closed"),
        }
        widgets = {
            "opens_on": forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
            "closes_on": forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
            "intro": forms.Textarea(attrs={"rows": 3}),
            "intro_en": forms.Textarea(attrs={"rows": 3}),
        }

    def clean(self):
        said = super().clean()
        if said.get("opens_on") and said.get("closes_on") and said["closes_on"] <= said["opens_on"]:
            self.add_error("closes_on", _("It must end after it begins."))
        return said


class ItemForm(forms.ModelForm):
    options_text = forms.CharField(
        label=gettext_lazy("Options, one a line"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    options_text_en = forms.CharField(
        label=gettext_lazy("Options in English"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    class Meta:
        model = QuestionnaireItem
        fields = ["kind", "text", "text_en", "needed", "position"]
        labels = {
            "kind": gettext_lazy("Kind"),
            "text": gettext_lazy("Question"),
            "text_en": gettext_lazy("Question in English"),
            "needed": gettext_lazy("Must be answered"),
            "position": gettext_lazy("Position"),
        }

    def clean(self):
        said = super().clean()
        lines = self._lines("options_text", 100)
        english = self._lines("options_text_en", 150)
        if said.get("kind") != QuestionnaireItem.Kind.TEXT and not 2 <= len(lines) <= 20:
            self.add_error("options_text", _("From 2 to 20 options."))
        if english and len(english) != len(lines):
            self.add_error("options_text_en", _("As many lines as in Chinese, or none."))
        is_text = said.get("kind") == QuestionnaireItem.Kind.TEXT
        self.instance.options = [] if is_text else lines
        self.instance.options_en = [] if is_text else english
        return said

    def _lines(self, name: str, most: int) -> list[str]:
        """The options, a line each; every one that is too long is told."""
        lines = [one.strip() for one in self.cleaned_data.get(name, "").splitlines() if one.strip()]
        for number, line in enumerate(lines, start=1):
            try:
                fitting(line, most, name)
            except Problem as problem:
                told = {"number": number, "detail": problem.detail}
                self.add_error(name, _("Line %(number)d: %(detail)s") % told)
        return lines


@office(EDIT)
@require_GET
def questionnaires(request):
    found, pager = page_of(request, Questionnaire.objects.all())
    return render(
        request,
        "geo/manage/list.html",
        {
            "title": _("Questionnaires"),
            "crumbs": way((_("Questionnaires"), "")),
            "buttons": [
                {
                    "label": _("New questionnaire"),
                    "url": reverse("public-desk-questionnaire-new"),
                    "icon": "plus",
                    "kind": "main",
                }
            ],
            "columns": [_("Title"), _("Published"), _("Opens on"), _("Closes on")],
            "rows": [
                [
                    cell(row, reverse("public-desk-items", args=[row.pk])),
                    cell(yes(row.published)),
                    cell(row.opens_on),
                    cell(row.closes_on),
                ]
                for row in found
            ],
            "pager": pager,
            "empty": _("No questionnaire yet."),
        },
    )


@both
@office(EDIT)
def questionnaire(request, pk: int | None = None):
    """The frame of a questionnaire: title, days, whether it is published."""
    row = get_object_or_404(Questionnaire, pk=pk) if pk else Questionnaire(created_by=request.user)
    form = QuestionnaireForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["published"] and not (pk and row.items.exists()):
            form.add_error("published", _("It has no questions yet: save it, add them, then publish."))
        else:
            saved = _save(request, form, "public.questionnaire")
            return redirect("public-desk-items", saved.pk)
    title = str(row) if pk else _("New questionnaire")
    crumbs = way((_("Questionnaires"), "public-desk-questionnaires"), (title, ""))
    return _form_page(request, form, title, crumbs, "public-desk-questionnaires")


@both
@office(EDIT)
def items(request, pk: int):
    """The questions of a questionnaire with their totals, and one more question while nobody has answered."""
    row = get_object_or_404(Questionnaire, pk=pk)
    sheets = row.sheets.count()
    form = ItemForm(request.POST or None, instance=QuestionnaireItem(questionnaire=row))
    if request.method == "POST" and sheets:
        messages.error(request, _("It has been answered; its questions stay as they are."))
        return redirect("public-desk-items", pk)
    if request.method == "POST" and form.is_valid():
        _save(request, form, "public.questionnaire")
        return redirect("public-desk-items", pk)
    asked = list(row.items.order_by("position", "id"))
    return render(
        request,
        "cases/public/desk/items.html",
        {
            "title": str(row),
            "crumbs": way((_("Questionnaires"), "public-desk-questionnaires"), (str(row), "")),
            "questionnaire": row,
            "items": asked,
            "sheets": sheets,
            "totals": queries.totals(row) if sheets else None,
            "words": QuestionnaireAnswer.objects.filter(item__questionnaire=row, option=None)
            .select_related("item")
            .order_by("-id")[:100]
            if sheets
            else [],
            "form": form,
        },
    )


@require_POST
@office(EDIT)
def item_delete(request, pk: int):
    """Take a question out, while nobody has answered."""
    row = get_object_or_404(QuestionnaireItem.objects.select_related("questionnaire"), pk=pk)
    if row.questionnaire.sheets.exists():
        messages.error(request, _("It has been answered; its questions stay as they are."))
    else:
        with transaction.atomic():
            audit.log(
                request.user,
                "public.questionnaire",
                row.questionnaire,
                ip=client_address(request),
                out=row.text,
            )
            row.delete()
        messages.success(request, _("Deleted."))
    return redirect("public-desk-items", row.questionnaire_id)
