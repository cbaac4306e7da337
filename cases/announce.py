"""What happens to cases is told outside: one job per commit, for messages and webhooks."""

from __future__ import annotations

from django.db import transaction

from cases import notices, webhooks
from cases.models import Case, Transition
from geo.webhooks import wanted


def heard(case: Case, lines: list[Transition], created: bool) -> None:
    """A listener of ``cases.told``: nothing but one row for the job, and that only where somebody is told."""
    from cases.jobs import announce

    if lines and (notices.concern(lines) or wanted()):
        announce.defer(case_id=case.pk, lines=[line.pk for line in lines])


@transaction.atomic
def announce(case_id: int, lines: list[int]) -> dict[str, int]:
    """In the job: who may hear it is asked now, by the rights that people have now. All or nothing."""
    case = Case.objects.select_related("type", "reporter", "holder_unit").get(pk=case_id)
    found = list(Transition.objects.filter(pk__in=lines, case=case).order_by("pk"))
    return {"messages": notices.tell(case, found), "events": webhooks.emit(case, found)}
