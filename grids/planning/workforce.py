"""Who works in which grid, now and when a plan is published: ``publication._hand_over`` foretold.

A grid that keeps its code keeps its people. Those of a grid that goes come to the grids that got most of
their ground from it. Where a grid has a leader, another's leader comes as a member.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone

from grids.descent import heirs_of, parents_of
from grids.models import Grid, GridDuty

LEADER, MEMBER = GridDuty.Role.LEADER, GridDuty.Role.MEMBER


@dataclass
class Workforce:
    """Roles by worker id, by code of a grid; ``moves`` are (worker id, code now, code then)."""

    today: dict[str, dict[int, str]] = field(default_factory=dict)
    then: dict[str, dict[int, str]] = field(default_factory=dict)
    moves: list[tuple[int, str, str]] = field(default_factory=list)


def in_force(grids: dict[str, Grid]) -> dict[str, dict[int, str]]:
    """Active workers with duty today, by code of their grid: {worker id: role}."""
    today = timezone.localdate()
    duties = (
        GridDuty.objects.filter(grid__in=grids.values(), worker__active=True, valid_from__lte=today)
        .filter(Q(valid_to=None) | Q(valid_to__gt=today))
        .order_by("id")
        .values_list("grid__code", "worker_id", "role")
    )
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for code, worker, role in duties:
        found[code].setdefault(worker, role)
        if role == LEADER:
            found[code][worker] = role
    return found


def foretell(today: dict[str, dict[int, str]], codes_now, ground: dict[str, dict[str, float]]) -> Workforce:
    """What becomes of the duties when the grids ``ground`` replace those of ``codes_now``.

    ``ground`` is, for each new grid, the area it has from each grid in force.
    """
    result = Workforce(today={code: dict(people) for code, people in today.items()})
    descent = {}
    for code in sorted(ground):
        area = sum(ground[code].values())
        descent[code] = parents_of([(part / area, parent) for parent, part in ground[code].items() if parent])
        result.then[code] = dict(today.get(code, {})) if code in codes_now else {}
    gone = sorted(set(codes_now) - set(ground))
    heirs = heirs_of(descent, gone)
    for code in gone:
        for heir in heirs[code]:
            people = result.then[heir]
            for worker, role in today.get(code, {}).items():
                if worker in people:
                    continue
                led = LEADER in people.values()
                people[worker] = MEMBER if role == LEADER and led else role
                result.moves.append((worker, code, heir))
    return result
