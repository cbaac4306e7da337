"""What can be found of cases: the number, the address, the words of the report. Never by reporter."""

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from cases import flow_data, queries
from cases.models import Case
from geo.registry import finders
from geo.search import Finder, found


def find_cases(user, text: str, limit: int) -> list[dict]:
    """Cases by the beginning of their number, or words of address and description, latest first."""
    rows = Case.objects.for_user(user).select_related("type").defer("decision")
    if number := queries.number_in(text):
        rows = rows.filter(number__startswith=number)
    elif text.isdecimal():
        if len(text) < queries.DIGITS:
            return []
        wanted = Q()
        for prefix in {table.prefix for table in flow_data.every()}:
            wanted |= Q(number__startswith=f"{prefix}{text}")
        rows = rows.filter(wanted)
    else:
        rows = rows.filter(queries.said(text))
    return [
        found(
            f"{row.number} {row.type or ''}".strip(),
            " · ".join(part for part in (row.get_state_display(), row.address) if part),
            code=row.number,
            url=_page(row),
            place=row.anchor,
        )
        for row in rows.order_by("-reported_at", "-pk")[:limit]
    ]


def _page(case: Case) -> str:
    try:
        return reverse("case-page", args=[case.number])
    except NoReverseMatch:
        return ""


finders.register(Finder("case", _("Cases"), find_cases, order=20))
