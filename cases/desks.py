"""Desks: the area whose people deal with a case before a unit has it, and those it can be handed to.

A desk is an area's code: 12 digits a community's, 9 a street's, 6 a district's, 4 the city's. Each state of
a desk has its level; a case lies with the place's own desk of that level until it is handed to another.
"""

from __future__ import annotations

from django.db.models import QuerySet

from cases.models import Case
from geo.models import Area

S = Case.State
# The level of the desk by state; complaints begin at the street and may go up from there.
LEVELS = {S.FOUND: 12, S.AT_COMMUNITY: 12, S.AT_DISTRICT: 6}
STREET = 9


def now(case: Case) -> str:
    """The code of the desk that has it."""
    return case.desk_code or case.area_code[: LEVELS.get(case.state, STREET)]


def kept(case: Case, desk: str) -> str:
    """How a desk is noted on a case: nothing where it is the place's own of that level."""
    return "" if case.area_code[: LEVELS.get(case.state, STREET)] == desk else desk


def others(case: Case) -> QuerySet[Area]:
    """The desks it can be handed to: areas of the same level beside the one that has it.

    Communities and streets of the same district; districts of the city.
    """
    desk = now(case)
    around = desk[:6] if len(desk) > 6 else desk[:4]
    rows = Area.objects.filter(
        code__startswith=around, level=Area.CODE_LENGTHS.get(len(desk)), valid_to=None
    ).exclude(code=desk)
    return rows.select_related("parent").order_by("code")


def above(case: Case) -> str:
    """The code of the desk above the one that has it; "" above the city."""
    return {12: now(case)[:9], 9: now(case)[:6], 6: now(case)[:4]}.get(len(now(case)), "")
