"""The duty list (权责清单): whom a rule names is told when the case comes to the unit by it."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from cases.models import Case, Transition
from geo import outputs
from geo.models import User


def heard(case: Case, lines: list[Transition], created: bool) -> None:
    """A listener of ``cases.told``: one notice to the person, where a rule that names one has decided, or a
    dispatcher as the rule has it.

    Whoever may not see the case any more is told nothing, nor is who dispatched it.
    """
    for line in lines:
        person = (line.detail.get("decision") or {}).get("person")
        if line.to_unit_id and person and person != line.actor_id:
            _tell(case, line, person)


def _tell(case: Case, line: Transition, person_id: int) -> None:
    person = User.objects.filter(pk=person_id, is_active=True).first()
    if person is None or not Case.objects.for_user(person).filter(pk=case.pk).exists():
        return
    with override(person.language or "zh-hans"):
        outputs.tell(
            person,
            _("A case for you by the duty list"),
            detail=f"{case.type or ''} · {case.number} · {line.detail['decision'].get('post', '')}".strip(
                " ·"
            ),
            url=reverse("case-page", args=[case.number]),
            icon="case",
        )
