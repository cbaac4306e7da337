"""Parts of a case (子案件): what several units have to do at one place, each part a case of its own.

The whole is done when its parts are: it cannot be closed before. A part keeps the place, the photos stay with
the whole.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import flow, timers
from cases.models import Case, Transition
from cases.steps import Given, Run
from geo import events
from geo.models import Organisation
from geo.numbers import mint
from geo.problems import Problem
from geo.texts import fitting

MOST = 10
PERMISSION = "cases.dispatch"


def split(
    number: str, user, parts: list[tuple[Organisation, str]], *, client_key: uuid.UUID | None = None
) -> list[Case]:
    """Make a part for each unit with its words and dispatch it; the parts. A retry gets the same ones.

    Problems: 403 not yours to dispatch, 404 not in scope, 409 ended or itself a part, 422 nothing to split.
    """
    if not parts or len(parts) > MOST:
        detail = _("Name between one and %d parts.") % MOST
        raise Problem(detail, errors=[{"pointer": "/parts", "detail": detail}])
    for place, (unit, words) in enumerate(parts):
        if unit is None or not unit.active or not words.strip():
            detail = _("Each part needs a unit that is active and what it has to do.")
            raise Problem(detail, errors=[{"pointer": f"/parts/{place}", "detail": detail}])
        fitting(words, 500, f"parts/{place}")
    client_key = client_key or uuid.uuid4()
    keys = [uuid.uuid5(client_key, f"part {place}") for place in range(len(parts))]
    with transaction.atomic():
        whole = Case.objects.select_for_update(of=("self",)).filter(number=number).first()
        if whole is None or not Case.objects.for_user(user).filter(pk=whole.pk).exists():
            raise Problem(_("There is no such case, or not within your scope."), status=404, kind="not-found")
        if not user.scope.covers(PERMISSION, whole.area_code):
            raise Problem(_("Your role does not dispatch cases here."), status=403, kind="forbidden")
        if known := list(Case.objects.filter(client_key__in=keys).order_by("pk")):
            return known
        if not whole.is_open or whole.parent_id:
            raise Problem(
                _("Only an open case that is not itself a part can have parts."), status=409, kind="state"
            )
        made = [_part(whole, user, unit, words, key) for (unit, words), key in zip(parts, keys, strict=True)]
        Transition.objects.create(
            case=whole,
            action="split",
            from_state=whole.state,
            to_state=whole.state,
            actor=user,
            unit=user.organisation,
            role=user.scope.role_for(PERMISSION),
            at=timezone.now(),
            detail={"parts": [part.number for part in made]},
        )
        events.emit("cases", whole.pk, area_code=whole.area_code, unit_id=whole.holder_unit_id, verb="split")
    return made


def _part(whole: Case, user, unit: Organisation, words: str, key: uuid.UUID) -> Case:
    now = timezone.now()
    table = flow.current(flow.CITY)
    part = Case(
        flow=table.name,
        flow_version=table.version,
        state=Case.State.FILED,
        phase=table.phase(Case.State.FILED),
        number=mint(table.prefix, whole.area_code, timezone.localdate(now)),
        parent=whole,
        source=whole.source,
        type=whole.type,
        component=whole.component,
        geom=whole.geom,
        raw_crs=whole.raw_crs,
        position_source=whole.position_source,
        description=fitting(words, 500, "description"),
        address=whole.address,
        reporter=None,
        client_key=key,
        urgent=whole.urgent,
        filing_standard=whole.filing_standard,
        reported_at=now,
        accepted_at=now,
        filed_at=now,
        filed_community_code=whole.filed_community_code or whole.area_code,
        filed_grid_code=whole.filed_grid_code,
        filed_unit_grid_code=whole.filed_unit_grid_code,
        filed_duty_grid_code=whole.filed_duty_grid_code,
        area_code=whole.area_code,
        grid_id=whole.grid_id,
    )
    run = Run(part, user, Given(reason=words.strip(), unit=unit), now)
    begun = Transition(
        action="report",
        to_state=part.state,
        actor=user,
        unit=user.organisation,
        role=user.scope.role_for(PERMISSION),
        at=now,
        detail={"part_of": whole.number},
    )
    run.lines.append(begun)
    dispatch = next(
        move for move in table.start(part.state) if "dispatched" in move.effects and move.by == flow.SCOPE
    )
    run.step(dispatch)
    timers.settle(part, table)
    part.save(force_insert=True)
    run.finish(created=True)
    return part


def open_parts(case: Case) -> int:
    """How many parts of a case are not done yet."""
    return case.children.exclude(state__in=Case.ENDED).count()
