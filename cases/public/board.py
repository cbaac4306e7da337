"""Verbs of what residents say besides reports: suggestions and questionnaires."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Questionnaire,
    QuestionnaireAnswer,
    QuestionnaireItem,
    QuestionnaireSheet,
    Suggestion,
)
from cases.public import codes
from geo.numbers import mint
from geo.problems import Problem

PREFIX = "S"


def check_suggestion(title: str, words: str) -> None:
    errors = []
    if not title:
        errors.append({"pointer": "/title", "detail": _("Give it a subject.")})
    if not words:
        errors.append({"pointer": "/text", "detail": _("Write what you suggest.")})
    if len(words) > 2000 or len(title) > 100:
        errors.append({"pointer": "/text", "detail": _("At most 2000 characters, the subject 100.")})
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)


def suggest(key: uuid.UUID, title: str, words: str) -> tuple[Suggestion, str]:
    """Keep a suggestion; with its secret. Once per key."""
    secret = codes.secret_for(key, "suggestion")
    try:
        with transaction.atomic():
            number = mint(PREFIX, settings.CITY_CODE, timezone.localdate())
            made = Suggestion.objects.create(
                number=number,
                client_key=key,
                secret_hash=codes.secret_hash(number, secret),
                title=title,
                text=words,
            )
    except IntegrityError:
        made = Suggestion.objects.get(client_key=key)
    return made, secret


def read_sheet(questionnaire: Questionnaire, data) -> list[tuple[QuestionnaireItem, int | None, str]]:
    """The answers of a form, or a problem that names each question in which something is missing."""
    if not questionnaire.is_open:
        raise Problem(_("This questionnaire is not open any more."), status=409, kind="state")
    chosen: list[tuple[QuestionnaireItem, int | None, str]] = []
    errors = []
    for item in questionnaire.items.all():
        name = f"q{item.pk}"
        if item.kind == QuestionnaireItem.Kind.TEXT:
            said = data.get(name, "").strip()
            if len(said) > 500:
                errors.append({"pointer": f"/{name}", "detail": _("At most 500 characters.")})
            elif said:
                chosen.append((item, None, said))
            elif item.needed:
                errors.append({"pointer": f"/{name}", "detail": _("This one must be answered.")})
            continue
        picked = {int(one) for one in data.getlist(name) if one.isdecimal() and int(one) < len(item.options)}
        if item.kind == QuestionnaireItem.Kind.SINGLE and len(picked) > 1:
            errors.append({"pointer": f"/{name}", "detail": _("Choose one.")})
        elif not picked and item.needed:
            errors.append({"pointer": f"/{name}", "detail": _("This one must be answered.")})
        chosen += [(item, option, "") for option in sorted(picked)]
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    return chosen


def filled_before(key: uuid.UUID) -> bool:
    return QuestionnaireSheet.objects.filter(client_key=key).exists()


def fill_in(questionnaire: Questionnaire, key: uuid.UUID, chosen) -> None:
    """Count a sheet, once per key."""
    try:
        with transaction.atomic():
            sheet = QuestionnaireSheet.objects.create(questionnaire=questionnaire, client_key=key)
            QuestionnaireAnswer.objects.bulk_create(
                QuestionnaireAnswer(sheet=sheet, item=item, option=option, words=said)
                for item, option, said in chosen
            )
    except IntegrityError:
        return  # the same form, a moment faster
