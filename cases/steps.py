"""The steps of one transaction on one case: what each action changes beside the state, and what is written.

``cases.actions`` decides whether a move may be made; here it is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases import dispatch, effects, flow, repeats, told, verifiers
from cases.evidence import Evidence
from cases.models import Case, CaseAttachment, CaseHold, Transition
from geo import events
from geo.models import Attachment, Organisation, User
from geo.problems import Problem


@dataclass
class Given:
    """What an actor hands over with an action; ``position`` in EPSG:4326, photos as evidence.

    ``amount`` is working time in the limit's unit, ``day`` a day of review or promise, ``desk`` the code of
    an area; ``stars`` 1 to 5; ``contacted``, ``solved`` and ``satisfied`` are what a call back found.
    """

    reason: str = ""
    unit: Organisation | None = None
    units: list[Organisation] = field(default_factory=list)
    type: ItemType | None = None
    standard: int | None = None
    duplicate_of: str = ""
    original: Case | None = None  # what ``duplicate_of`` names, once it was looked at
    verifier: User | None = None
    amount: float | None = None
    day: date | None = None
    desk: str = ""
    complexity: str = ""
    kind: str = ""
    mark: str = ""
    answer: str = ""
    stars: int | None = None
    contacted: bool | None = None
    solved: bool | None = None
    satisfied: bool | None = None
    photos: list[Evidence] = field(default_factory=list)
    position: Point | None = None
    accuracy_m: float | None = None
    device_at: datetime | None = None
    client_key: uuid.UUID | None = None


class Run:
    """The steps of one transaction on one case, written together at its end.

    Effects may add what is written later (``later``), units that are told (``concerned``), and cases that
    begin because of this one (``begins``).
    """

    def __init__(self, case: Case, user, given: Given, now: datetime | None = None):
        self.case, self.user, self.given = case, user, given
        self.table = flow.flow_of(case)
        self.now = now or timezone.now()
        self.lines: list[Transition] = []
        self.move: flow.Move | None = None
        self.concerned: set[int] = set()
        self.holders_before = {case.holder_unit_id, case.lead_unit_id} - {None}
        self.asked_before = case.verifier_id
        self._moves: list[flow.Move] = []
        self._later: list[Callable[[], object]] = []
        self._begun: list[tuple[Case, Transition]] = []

    def step(self, move: flow.Move, by_system: bool = False, detail: dict | None = None) -> Transition:
        """Apply one move to the case in memory and note its line."""
        case, given = self.case, self.given
        line = Transition(action=move.action, from_state=case.state, at=self.now, detail=detail or {})
        if move.when:
            line.detail["when"] = move.when
        if not by_system:
            line.actor = self.user
            if self.user is not None:
                line.unit = self.user.organisation
                line.role = self.user.scope.role_for(move.permission)
            line.reason, line.position = given.reason.strip(), given.position
            line.device_at, line.client_key = given.device_at, given.client_key
            if given.accuracy_m is not None:
                line.detail["accuracy_m"] = given.accuracy_m
        case.state = self._end(move)
        case.phase = self.table.phase(case.state)
        self.move = move
        for name in sorted(move.effects, key=lambda name: name not in effects.FIRST):
            effects.EFFECTS[name](self, line)
        entered = move.end != flow.SAME
        if entered or move.effects:
            self._clock(entered)
        line.to_state = case.state
        self.lines.append(line)
        self._moves.append(move)
        return line

    def note(self, action: str, detail: dict) -> Transition:
        """A line of the log that is no move: a clock rang. The state stays."""
        state = self.case.state
        line = Transition(action=action, from_state=state, to_state=state, at=self.now, detail=detail)
        line.to_unit_id = self.case.holder_unit_id
        self.lines.append(line)
        return line

    def _end(self, move: flow.Move) -> str:
        """Where a move leads; back to where it was handled, the log tells: there the last check began."""
        if move.end == flow.SAME:
            return self.case.state
        if move.end != flow.BEFORE:
            return move.end
        checks = [code for code, state in self.table.states.items() if state.phase == Case.Phase.CHECK]
        came = (
            self.case.transitions.filter(to_state__in=checks)
            .exclude(from_state__in=checks)
            .order_by("-id")
            .values_list("from_state", flat=True)
            .first()
        )
        if not came:
            raise Problem(_("The log does not tell where it would go back to."), status=409, kind="flow")
        return came

    def system(self, action: str, detail: dict | None = None) -> bool:
        """A move of the house, if it is possible now; whether it was made."""
        case = self.case
        for move in self.table.of(action):
            if move.by == flow.SYSTEM and case.state in move.start and flow.fits(case, move):
                # What a unit returned goes to a person, not round the same rule again.
                if "auto_dispatched" in move.effects and (case.return_count or not self._decide()):
                    return False
                self.step(move, by_system=True, detail=detail)
                return True
        return False

    def _decide(self) -> bool:
        self.decided = dispatch.decide_for(self.case, timezone.localdate(self.now))
        self.case.decision = self.decided.as_json()
        return self.decided.unit_id is not None

    def _clock(self, entered: bool) -> None:
        """The deadline that runs now; a step's own begins when its state is entered."""
        case = self.case
        clock = self.table.clock(case.state)
        if clock == "none":
            case.due_at = None
        elif clock == "handle":
            case.due_at = case.handle_due_at
        elif entered:
            case.due_at = self.table.due(case.state, self.now, case.area_code)

    def settle(self) -> None:
        """Before the case is written: when the next of its clocks rings."""
        from cases import timers

        timers.settle(self.case, self.table, self.now)

    def later(self, write: Callable[[], object]) -> None:
        """Something to write once the case and its log are."""
        self._later.append(write)

    def key_for(self, what: str) -> uuid.UUID:
        """A client key for a row that this action makes; the same again for the same action's retry."""
        return uuid.uuid5(self.given.client_key, what) if self.given.client_key else uuid.uuid4()

    def begins(self, case: Case, line: Transition) -> None:
        """A new case begins because of this action; its log begins with the same action."""
        self._begun.append((case, line))

    def finish(self, created: bool = False) -> None:
        """Write lines, photos and holdings, and tell who is concerned."""
        case = self.case
        for line in self.lines:
            line.case = case
        Transition.objects.bulk_create(self.lines)
        if self.given.photos:
            link_photos(case, self.lines[0], self._moves[0], self.given.photos)
        held = {case.holder_unit_id, case.lead_unit_id} - {None}
        if held:
            CaseHold.objects.bulk_create(
                [CaseHold(case=case, unit_id=unit_id) for unit_id in sorted(held)], ignore_conflicts=True
            )
        for write in self._later:
            write()
        self._begin()
        verb = "created" if created else case.state
        concerned = held | self.holders_before | self.concerned
        for unit_id in sorted(concerned) or [None]:
            events.emit("cases", case.pk, area_code=case.area_code, unit_id=unit_id, verb=verb)
        if case.desk_code:
            events.emit("cases", case.pk, area_code=case.desk_code, verb=verb)
        done = [line.action for line in self.lines]
        if "merge" in done:
            repeats.note(self.given.original, self.user, words=case.description, repeating=case)
        asked = self._did("verifier_asked")
        if asked or self._did("verified", "verified_before", "failed"):
            # All who could do it: the task appears in their lists, or leaves them.
            everybody = dict.fromkeys((case.verifier_id, self.asked_before, *verifiers.on_duty(case)))
            doer = self.user.pk if self.user is not None else None
            for person in everybody:
                if person is not None and (asked or person != doer):
                    events.emit("tasks", case.pk, user_id=person, verb="asked" if asked else "done")
        if self.lines:
            # A clock may ring without a line: then there is nothing to tell beside the event.
            told.tell(case, self.lines, created)

    def _did(self, *names: str) -> bool:
        """Whether one of these effects was part of what was done."""
        return any(name in move.effects for move in self._moves for name in names)

    def _begin(self) -> None:
        from cases import timers

        for new, line in self._begun:
            timers.settle(new, self.table)
            new.save(force_insert=True)
            begun = Transition.objects.create(
                case=new,
                action=line.action,
                to_state=new.state,
                actor=line.actor,
                role=line.role,
                unit=line.unit,
                at=self.now,
                reason=line.reason,
                detail={"from": self.case.number},
            )
            events.emit("cases", new.pk, area_code=new.area_code, verb="created")
            told.tell(new, [begun], True)


# Which step of a case photos show, by what the move they came with does.
_SHOWN = {
    **dict.fromkeys(("handled", "self_done"), "handle"),
    **dict.fromkeys(("verified", "verified_before", "failed"), "verify"),
}


def link_photos(case: Case, line: Transition, move: flow.Move | None, photos: list[Evidence]) -> None:
    """Attach photos to a case and to the line of the log they came with; ``move`` is none beside the flow."""
    usual = "report" if line.action == "report" else "other"
    if move is not None:
        usual = next((_SHOWN[name] for name in move.effects if name in _SHOWN), usual)
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
