"""What is mine to do: one rule for the desk's tab, the phone's list and the API.

It follows from the tables of the flows: whoever gets a right gets the rows with it.
"""

from __future__ import annotations

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from cases import flow, flow_data, queries
from cases.models import Case, OwnerQuestion, Transition
from geo.scopes import in_grids


def tasks(user) -> QuerySet:
    """The cases that wait for this person, supervised ones first, then by deadline."""
    rows = queries.listed().for_user(user).filter(mine(user))
    return rows.order_by(queries.urged_first(), "due_at", "pk")


def mine(user) -> Q:
    """Cases whose next main step is the user's: by right at the place or its desk, by holding unit, as a unit
    that was asked, by checking.

    The states alone decide: what stands against the step (``flow.hindrance``) is told, and hides no row.
    """
    wanted = Q(pk__in=[])
    steps = _steps()
    for (permission, by), states in steps.items():
        if not user.can(permission):
            continue
        here = Q(pk__in=[])
        for (name, codes), versions in states.items():
            here |= Q(flow=name, flow_version__in=versions, state__in=sorted(codes))
        if by == flow.SCOPE:
            wanted |= Q(pk__in=Case.objects.filter(_open_to(user, permission) & here).values("pk"))
        elif by == flow.HOLDER:
            wanted |= here & held_by(user, permission)
        elif by == flow.ASKED:
            units = user.scope.units(permission)
            asked = OwnerQuestion.objects.filter(answer="", unit_id__in=units)
            wanted |= here & Q(pk__in=asked.values("case_id"))
    if any(by == flow.VERIFIER and user.can(permission) for permission, by in steps):
        wanted |= to_verify(user)
    if not any({*Case.ENDED} & codes for states in steps.values() for _name, codes in states):
        # Said twice: the indexes of open cases are by state.
        wanted &= queries.open_cases()
    return wanted


def _open_to(user, permission: str) -> Q:
    """Where a step is open to whoever has the permission, as ``flow.may`` has it for one case: in the areas,
    at the desks, with the units and in the grids on duty; having reported it gives no right.
    """
    scope = user.scope
    condition = Q(pk__in=[])
    # What was handed to another desk is not this one's any more.
    elsewhere = Q(phase=Case.Phase.DESK) & ~Q(desk_code="")
    for code in scope.areas(permission):
        condition |= Q(area_code__startswith=code)
        if len(code) > 4:  # whoever has a whole city has its desks as well
            condition |= Q(desk_code__startswith=code)
        elsewhere &= ~Q(desk_code__startswith=code)
    if units := scope.units(permission):
        condition |= Q(holder_unit_id__in=units)
    if grids := scope.grids(permission):
        condition |= in_grids(grids)
    return condition & ~elsewhere


def to_verify(user) -> Q:
    """Cases this person may look at on the spot: asked by name, or on duty in the grid, whoever was asked.

    One of them does it. Nobody checks the own work or that of the own unit (as ``flow.may`` has it).
    """
    theirs = Q(pk__in=[])
    for condition, permission in (
        (Q(flow__in=list(flow.CHECKS)), flow.CHECKS[flow.LETTER]),
        (~Q(flow__in=[*flow.CHECKS, flow.COMPLAINT]), "cases.verify"),
    ):
        if user.can(permission):
            theirs |= condition & (Q(verifier_id=user.pk) | in_grids(user.scope.grids(permission)))
    handled = Transition.objects.filter(case=OuterRef("pk"), action="self_handle").order_by("-id")
    last = Coalesce(Subquery(handled.values("actor")[:1]), 0, output_field=BigIntegerField())
    wanted = Q(phase=Case.Phase.CHECK) & theirs & ~(Q(self_handled=True) & Q(Exact(last, user.pk)))
    if user.organisation_id is not None:
        own = [int(pk) for pk in user.organisation.path.split("/") if pk]
        wanted &= Q(holder_unit=None) | ~Q(holder_unit_id__in=own)
    return wanted


def held_by(user, permission: str) -> Q:
    """Cases that the user's units hold or answer for: by grant, or as a member of the unit itself."""
    units = set(user.scope.units(permission))
    if user.organisation_id and user.can(permission):
        units.add(user.organisation_id)
    return Q(holder_unit_id__in=units) | Q(lead_unit_id__in=units) if units else Q(pk__in=[])


def _steps() -> dict[tuple[str, str], dict[tuple[str, frozenset[str]], list[int]]]:
    """By permission and actor: the flow and states of their main steps, with the versions that have them so.

    Of all versions, because a case ends in the one it began in.
    """
    steps: dict[tuple[str, str], dict[tuple[str, frozenset[str]], list[int]]] = {}
    for table in flow_data.every():
        states: dict[tuple[str, str], set[str]] = {}
        for move in table.moves:
            if move.main and move.permission:
                states.setdefault((move.permission, move.by), set()).update(move.start)
        for who, codes in states.items():
            steps.setdefault(who, {}).setdefault((table.name, frozenset(codes)), []).append(table.version)
    return steps
