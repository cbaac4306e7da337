"""What can be found of cases: the number, the address, the words of the report. Never by reporter."""

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from cases import flow_data, queries
from cases.models import Case
from geo.registry import finders
from geo.search import Finder, found

# Of more cases than this the latest are soon met when all are gone through.
MANY = 1000


def find_cases(user, text: str, limit: int) -> list[dict]:
    """Cases by the beginning of their number, or words of address and description, latest first."""
    if number := queries.number_in(text):
        wanted = read = Q(number__startswith=number)
    elif text.isdecimal():
        if len(text) < queries.DIGITS:
            return []
        wanted = Q()
        for prefix in {table.prefix for table in flow_data.every()}:
            wanted |= Q(number__startswith=f"{prefix}{text}")
        read = wanted
    else:
        wanted, read = queries.said(text), queries.said(text, few=True)
    few = queries.looked_up([part.filter(wanted) for part in Case.objects.apart_for_user(user)], MANY)
    rows = Case.objects.for_user(user).filter(read if few is None else Q(pk__in=few))
    return [
        found(
            f"{row.number} {row.type or ''}".strip(),
            " · ".join(part for part in (row.get_state_display(), row.address) if part),
            code=row.number,
            url=_page(row),
            place=row.anchor,
        )
        for row in rows.select_related("type").defer("decision").order_by("-reported_at", "-pk")[:limit]
    ]


def _page(case: Case) -> str:
    try:
        return reverse("case-page", args=[case.number])
    except NoReverseMatch:
        return ""


finders.register(Finder("case", _("Cases"), find_cases, order=20))
