"""Codes of grids that were never used: community 12 + sequence 3, basic 001-799, exclusive 801-999."""

from django.utils.translation import gettext as _

from geo.problems import Problem
from grids.models.grids import Grid

SEQUENCES = {Grid.Kind.BASIC: range(1, 800), Grid.Kind.EXCLUSIVE: range(801, 1000)}


def used(community: str, planned=()) -> set[str]:
    """Codes of all grids that a community ever had, and of those ``planned``."""
    ever = Grid.objects.filter(community_code=community).values_list("code", flat=True)
    return {*ever, *(code for code in planned if code.startswith(community))}


def free(community: str, kind: str, taken: set[str]) -> str:
    """The next code of a kind; numbers are given out upwards and none twice."""
    sequence = SEQUENCES[kind]
    last = max((int(code[-3:]) for code in taken if int(code[-3:]) in sequence), default=sequence[0] - 1)
    numbers = [*range(last + 1, sequence[-1] + 1), *sequence]
    for number in numbers:
        if (code := f"{community}{number:03d}") not in taken:
            return code
    raise Problem(_("All codes of this kind are used in %s.") % community)


def short(code: str) -> str:
    """What planners call a grid within its community: its sequence."""
    return code[-3:]
