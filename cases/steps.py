"""The steps of one transaction on one case: what each action changes beside the state, and what is written.

``cases.actions`` decides whether a move may be made; here it is made.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases import deadlines, dispatch, flow, repeats, told, verifiers
from cases.evidence import Evidence
from cases.models import Case, CaseAttachment, CaseHold, Transition
from geo import events
from geo.models import Attachment, Organisation, User
from geo.problems import Problem

S = Case.State


@dataclass
class Given:
    """What an actor hands over with an action; ``position`` in EPSG:4326, photos as evidence."""

    reason: str = ""
    unit: Organisation | None = None
    type: ItemType | None = None
    standard: int | None = None
    duplicate_of: str = ""
    original: Case | None = None  # what ``duplicate_of`` names, once it was looked at
    verifier: User | None = None
    photos: list[Evidence] = field(default_factory=list)
    position: Point | None = None
    accuracy_m: float | None = None
    device_at: datetime | None = None
    client_key: uuid.UUID | None = None


class Run:
    """The steps of one transaction on one case, written together at its end."""

    def __init__(self, case: Case, user, given: Given):
        self.case, self.user, self.given = case, user, given
        self.now = timezone.now()
        self.lines: list[Transition] = []
        self.holders_before = {case.holder_unit_id} - {None}
        self.asked_before = case.verifier_id

    def step(self, move: flow.Move, by_system: bool = False) -> None:
        """Apply one move to the case in memory and note its line."""
        case, given = self.case, self.given
        line = Transition(action=move.action, from_state=case.state, at=self.now)
        if not by_system:
            line.actor, line.unit = self.user, self.user.organisation
            line.role = self.user.scope.role_for(move.permission)
            line.reason, line.position = given.reason.strip(), given.position
            line.device_at, line.client_key = given.device_at, given.client_key
            if given.accuracy_m is not None:
                line.detail["accuracy_m"] = given.accuracy_m
        case.state = move.end
        if change := _CHANGES.get(move.action):
            change(self, line)
        self._clock(move)
        line.to_state = case.state
        self.lines.append(line)

    def system(self, action: str) -> None:
        """A move of the house, if it is possible now."""
        case = self.case
        for move in flow.flow_of(case).of(action):
            if move.by == flow.SYSTEM and case.state in move.start and flow.fits(case, move):
                # What a unit returned goes to a person, not round the same rule again.
                if action == "auto_dispatch" and (case.return_count or not self._decide()):
                    return
                self.step(move, by_system=True)
                return

    def _decide(self) -> bool:
        case = self.case
        decision = dispatch.decide(
            case.geom,
            type=case.type,
            area_code=case.area_code,
            grid_id=case.grid_id,
            component=case.component,
            day=timezone.localdate(self.now),
        )
        case.decision = decision.as_json()
        self.decided = decision
        return decision.unit_id is not None

    def _clock(self, move: flow.Move) -> None:
        case = self.case
        if case.state in case.ENDED:
            case.due_at = None
        elif case.state in (S.DISPATCHED, S.REWORK, S.HANDLING):
            case.due_at = case.handle_due_at
        else:
            case.due_at = flow.flow_of(case).due(case.state, self.now, case.area_code)

    def finish(self, created: bool = False) -> None:
        """Write lines, photos and holdings, and tell who is concerned."""
        case = self.case
        for line in self.lines:
            line.case = case
        Transition.objects.bulk_create(self.lines)
        if self.given.photos:
            link_photos(case, self.lines[0], self.given.photos)
        if case.holder_unit_id:
            CaseHold.objects.bulk_create(
                [CaseHold(case=case, unit_id=case.holder_unit_id)], ignore_conflicts=True
            )
        verb = "created" if created else case.state
        concerned = {case.holder_unit_id, *self.holders_before} - {None}
        for unit_id in concerned or {None}:
            events.emit("cases", case.pk, area_code=case.area_code, unit_id=unit_id, verb=verb)
        done = [line.action for line in self.lines]
        if "merge" in done:
            repeats.note(self.given.original, self.user, words=case.description, repeating=case)
        asked = any(action.startswith("ask_verify") for action in done)
        if asked or any(action.startswith("verify_") for action in done):
            # All who could do it: the task appears in their lists, or leaves them.
            everybody = dict.fromkeys((case.verifier_id, self.asked_before, *verifiers.on_duty(case)))
            for person in everybody:
                if person is not None and (asked or person != self.user.pk):
                    events.emit("tasks", case.pk, user_id=person, verb="asked" if asked else "done")
        told.tell(case, self.lines, created)


def link_photos(case: Case, line: Transition, photos: list[Evidence]) -> None:
    """Attach photos to a case and to the line of the log they came with."""
    usual = {"report": "report", "report_handled": "handle"}.get(
        line.action, "verify" if line.action.startswith("verify") else "other"
    )
    # Of two cases that take one photo at the same moment, the later one is told.
    given = [photo.attachment.pk for photo in photos]
    list(Attachment.objects.select_for_update(no_key=True).filter(pk__in=given).order_by("pk"))
    if taken := CaseAttachment.objects.filter(attachment__in=given).exclude(case=case).first():
        detail = _("Photo %s already belongs to a case.") % taken.attachment.uuid
        raise Problem(detail, kind="photo", errors=[{"pointer": "/attachments", "detail": detail}])
    try:
        with transaction.atomic():
            CaseAttachment.objects.bulk_create(
                [
                    CaseAttachment(
                        case=case,
                        attachment=photo.attachment,
                        transition=line,
                        phase=photo.phase or usual,
                    )
                    for photo in photos
                ]
            )
    except IntegrityError:
        detail = _("A photo of this list is already part of the case.")
        raise Problem(detail, errors=[{"pointer": "/attachments", "detail": detail}]) from None


# --- What an action changes beside the state --------------------------------------------------------


def _accepted(run: Run, line):
    run.case.accepted_at = run.case.accepted_at or run.now


def _filed(run: Run, line):
    """Type, filing rule, and the snapshot of where it is that statistics keep."""
    case, given = run.case, run.given
    case.type = given.type or case.type
    case.filing_standard = deadlines.standard_for(case.type_id, given.standard)
    case.filed_at = case.filed_at or run.now
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(g.code, ''), coalesce(u.code, ''), coalesce(d.code, '')"
            " from (select %s::bigint as grid, ST_SetSRID(ST_MakePoint(%s, %s), 4326) as point) as here"
            " left join grids_grid g on g.id = here.grid"
            " left join lateral (select code, duty_grid_id from grids_unitgrid"
            "   where community_code = %s and retired_on is null and ST_Intersects(geom, here.point)"
            "   order by code limit 1) as u on true"
            " left join grids_dutygrid d on d.id = u.duty_grid_id",
            [case.grid_id, case.geom.x, case.geom.y, case.area_code],
        )
        codes = cursor.fetchone()
    case.filed_community_code = case.area_code
    case.filed_grid_code, case.filed_unit_grid_code, case.filed_duty_grid_code = codes


def _given_out(run: Run, unit_id: int, line):
    case = run.case
    case.holder_unit_id = unit_id
    case.dispatched_at = case.dispatched_at or run.now
    case.handle_due_at = deadlines.handling_due(case, run.now)
    case.close_due_at = deadlines.close_due(case)
    line.to_unit_id = unit_id


def _dispatched(run: Run, line):
    case, unit = run.case, run.given.unit
    earlier = case.decision
    case.decision = {"reason": "hand", "unit": unit.pk, "unit_name": unit.name, "by": str(run.user)}
    if earlier and earlier.get("reason") in ("tie", "none"):
        case.decision["instead_of"] = earlier
    case.auto_dispatched = False
    line.detail["decision"] = case.decision
    _given_out(run, unit.pk, line)


def _auto_dispatched(run: Run, line):
    run.case.auto_dispatched = True
    line.detail["decision"] = run.case.decision
    _given_out(run, run.decided.unit_id, line)


def _returned(run: Run, line):
    """A unit's return counts and frees the case; a dispatcher's return to the acceptor only moves it."""
    case = run.case
    if line.from_state == S.FILED:
        return
    if case.holder_unit_id in run.user.scope.units("cases.handle"):
        case.return_count += 1
    line.detail["returned_by"] = case.holder_unit_id
    case.holder_unit = None
    case.handle_due_at = case.close_due_at = None


def _ask_before(run: Run, line):
    if run.given.verifier is not None:
        run.case.verifier = run.given.verifier
    else:
        run.case.verifier_id = next(iter(verifiers.on_duty(run.case)), None)
    line.detail["verifier"] = run.case.verifier_id


def _verified_before(run: Run, line):
    run.case.verifier = None


def _handled(run: Run, line):
    run.case.handled_at = run.now


def _verified(run: Run, line):
    run.case.verifier = run.user  # who did it, whoever was asked
    run.case.verified_at = run.now


def _failed(run: Run, line):
    case = run.case
    case.verifier = run.user
    case.rework_count += 1
    case.handle_due_at = deadlines.rework_due(case, run.now)
    case.close_due_at = deadlines.close_due(case)
    case.handled_at = None


def _closed(run: Run, line):
    run.case.closed_at = run.now


def _merged(run: Run, line):
    run.case.duplicate_of = run.given.original
    line.detail["duplicate_of"] = run.given.original.number


_CHANGES = {
    "accept": _accepted,
    "auto_accept": _accepted,
    "file_case": _filed,
    "auto_file": _filed,
    "dispatch": _dispatched,
    "auto_dispatch": _auto_dispatched,
    "return_back": _returned,
    "ask_verify_before": _ask_before,
    "ask_verify_after": _ask_before,
    "verify_true": _verified_before,
    "report_handled": _handled,
    "verify_pass": _verified,
    "verify_fail": _failed,
    "close": _closed,
    "confirm_self_handled": _closed,
    "merge": _merged,
}
