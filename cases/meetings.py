"""Joint meetings (联席会): an agenda of cases without a clear owner, and what was decided about each.

A decision carries out the case's own action (``cases.actions``) under the checks that it always has, and may
add a line to the duty list, in one transaction: either both are there or neither.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases import actions, flow, queries, rules, spots
from cases.models import Case, DispatchRule, JointMeeting, MeetingItem
from cases.steps import Given
from geo import audit
from geo.models import Area, Organisation
from geo.problems import Problem
from geo.texts import fitting, shortened

PERMISSION = "cases.meetings"
VIEW = "cases.view_meetings"
# Of what a case's flow offers, these decide whose it is.
DECIDING = ("decide", "confirm_owner", "dispatch")
MOST_ITEMS = 60


@dataclass
class Duty:
    """A line that a decision adds to the duty list, for the decision's unit.

    Its type is the case's where none is given; letters often have none.
    """

    name: str
    party: str
    area_code: str
    post: str = ""
    manual: str = ""
    type: ItemType | None = None


# --- What may be on an agenda -------------------------------------------------------------------------


def fits() -> Q:
    """Cases for a joint meeting: letters at the district, difficult ones, blocked spots."""
    return (queries.open_cases() & (Q(state=Case.State.AT_DISTRICT) | Q(difficult=True))) | (
        spots.without_owner()
    )


def candidates(user, meeting: JointMeeting | None = None) -> QuerySet:
    """The cases of the user's scope that a meeting could have on its agenda, oldest first."""
    rows = Case.objects.for_user(user).filter(fits())
    if meeting is not None:
        rows = rows.filter(_of_area(meeting.area_code)).exclude(
            pk__in=MeetingItem.objects.filter(meeting=meeting).values("case")
        )
    return rows.select_related("type").defer("decision").order_by("reported_at")


def _of_area(code: str) -> Q:
    return Q(area_code__startswith=code) | Q(desk_code__startswith=code)


def planned_for(user, case: Case) -> QuerySet:
    """The planned meetings that the user may put a case on."""
    codes = {code[:digits] for code in (case.area_code, case.desk_code) if code for digits in (4, 6, 9, 12)}
    return JointMeeting.objects.for_user(user, PERMISSION).filter(
        state=JointMeeting.State.PLANNED, area_code__in=codes
    )


def may_list(user, case: Case) -> bool:
    """Whether the user could put this case on an agenda."""
    return user.can(PERMISSION) and Case.objects.filter(fits(), pk=case.pk).exists()


def items_of(user, meeting: JointMeeting) -> tuple[list[MeetingItem], int]:
    """The items whose cases the user may see, and how many are beyond the user's scope."""
    rows = MeetingItem.objects.filter(meeting=meeting)
    seen = rows.filter(case__in=Case.objects.for_user(user)).select_related(
        *("case", "case__type", "case__holder_unit", "unit", "decided_by", "rule", "rule__unit")
    )
    found = list(seen.defer("case__decision").order_by("pk"))
    return found, rows.count() - len(found)


# --- Planning -----------------------------------------------------------------------------------------


def plan(user, *, area_code: str, held_on: date | None, title: str) -> JointMeeting:
    """A new meeting of an area on a day from today on; planned by the same person again, it stays one."""
    errors = []

    def wrong(field: str, detail: str):
        errors.append({"pointer": f"/{field}", "detail": detail})

    title = fitting(title, 100, "title")
    if not title:
        wrong("title", _("Give the meeting a title."))
    if held_on is None or held_on < timezone.localdate():
        wrong("held_on", _("Choose a day from today on."))
    if not Area.objects.filter(code=area_code, valid_to=None).exists():
        wrong("area_code", _("There is no area %s in force.") % area_code)
    if not user.can(PERMISSION) or not (errors or user.scope.covers(PERMISSION, area_code)):
        raise Problem(_("Your role holds no meetings for this area."), status=403, kind="forbidden")
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    with transaction.atomic():
        # One after the other in an area, so that a form sent twice plans one meeting.
        Area.objects.select_for_update().get(code=area_code, valid_to=None)
        told = {"area_code": area_code, "held_on": held_on, "title": title, "created_by": user}
        if known := JointMeeting.objects.filter(**told, state=JointMeeting.State.PLANNED).first():
            return known
        meeting = JointMeeting.objects.create(**told)
        audit.log(user, "joint_meeting.plan", meeting, area_code=area_code, title=title)
    return meeting


@transaction.atomic
def add_item(user, meeting_pk: int, number: str, question: str = "") -> MeetingItem:
    """Put a case on the agenda; it stays there once, however often it is put."""
    meeting = _planned(user, meeting_pk)
    case = Case.objects.for_user(user).filter(number=number.strip()).first()
    if case is None:
        raise Problem(_("There is no such case, or not within your scope."), status=404, kind="not-found")
    if known := MeetingItem.objects.filter(meeting=meeting, case=case).first():
        return known
    if not Case.objects.filter(fits() & _of_area(meeting.area_code), pk=case.pk).exists():
        raise _refused(
            "number",
            _(
                "Case %s is not for this meeting: neither difficult, nor at the district, nor a blocked spot "
                "in its area."
            )
            % case.number,
        )
    if meeting.items.count() >= MOST_ITEMS:
        raise _refused("number", _("An agenda takes %d cases at most.") % MOST_ITEMS)
    item = MeetingItem.objects.create(
        meeting=meeting, case=case, question=fitting(question, 300, "question"), listed_by=user
    )
    audit.log(user, "joint_meeting.add", meeting, area_code=meeting.area_code, case=case.number)
    return item


@transaction.atomic
def remove_item(user, pk: int) -> JointMeeting:
    """Take a case off the agenda, as long as nothing was decided about it."""
    item = _open_item(user, pk)
    number, meeting = item.case.number, item.meeting
    item.delete()
    audit.log(user, "joint_meeting.remove", meeting, area_code=meeting.area_code, case=number)
    return meeting


# --- Deciding -----------------------------------------------------------------------------------------


def offered(user, case: Case) -> list[flow.Move]:
    """What the case's flow lets this user decide now."""
    return [move for move in flow.allowed(user, case) if move.action in DECIDING]


def units_of(meeting: JointMeeting) -> QuerySet:
    """The units a meeting may choose from: those of its area, and those that work for all around it."""
    code = meeting.area_code
    around = [code[:digits] for digits in (4, 6, 9) if digits < len(code)]
    rows = Organisation.objects.filter(Q(area_code__startswith=code) | Q(area_code__in=around), active=True)
    return rows.exclude(kind=Organisation.Kind.CENTRE)


@transaction.atomic
def decide(
    user,
    pk: int,
    *,
    decision: str,
    action: str = "",
    unit: Organisation | None = None,
    units: list[Organisation] = (),
    complexity: str = "",
    duty: Duty | None = None,
    client_key: uuid.UUID | None = None,
) -> MeetingItem:
    """Decide an item: the case's own ``action`` with the decision as its reason, and a duty row if given.

    Without an action the decision is only noted. Problems: 404 not there or not in scope, 409 decided or
    held already or not possible for the case now, 403 not yours, 422 something is missing. A retry under the
    same key gets the item as it was decided.
    """
    item = _item(user, pk)
    decision = fitting(decision, 500, "decision")
    done = client_key and item.decided_at and item.decided_by_id == user.pk
    # What was only noted went into no case's log, where a key is kept: the same words are the same send.
    same = (item.action, item.decision, item.unit) == ("", decision, unit)
    if done and (actions.done_before(client_key, item.case.number, action, user) if action else same):
        return item
    _check_open(item)
    if not decision:
        raise _refused("decision", _("Write down what was decided."))
    if action and action not in DECIDING:
        raise _refused("action", _("A meeting decides by one of: %s.") % ", ".join(DECIDING))
    if duty is not None and unit is None:
        raise _refused("unit", _("A line of the duty list needs the unit that it is for."))
    if action:
        given = Given(
            reason=decision, unit=unit, units=list(units), complexity=complexity, client_key=client_key
        )
        actions.act(item.case.number, action, user, given)
    item.decision, item.action, item.unit = decision, action, unit
    item.decided_by, item.decided_at = user, timezone.now()
    item.save()
    if duty is not None:
        _add_duty(user, item, unit, duty)
    audit.log(
        user,
        "joint_meeting.decide",
        item.meeting,
        area_code=item.meeting.area_code,
        case=item.case.number,
        did=action,
    )
    return item


def basis_of(meeting: JointMeeting) -> str:
    """What a row that a meeting added names as its basis."""
    return f"{meeting.title}（{meeting.held_on:%Y-%m-%d}）"


def _add_duty(user, item: MeetingItem, unit: Organisation, duty: Duty) -> DispatchRule:
    if not duty.party:
        raise _refused("party", _("Choose which of the five duty holders it is."))
    kind = duty.type or item.case.type
    if kind is None:
        raise _refused("type", _("Choose the type of problem; the case has none, and a line is not for all."))
    if not duty.area_code.startswith(item.meeting.area_code):
        raise _refused("area_code", _("The meeting decides for its own area only."))
    return rules.create_rule(
        user,
        name=fitting(duty.name, 100, "name") or shortened(f"{kind}·{unit.name}", 100),
        unit=unit,
        type=kind,
        area_code=duty.area_code,
        basis=basis_of(item.meeting),
        party=duty.party,
        post=fitting(duty.post, 60, "post"),
        manual=fitting(duty.manual, 2000, "manual"),
        source_item=item,
    )


@transaction.atomic
def hold(user, pk: int, minutes: str) -> JointMeeting:
    """The meeting was held: its minutes are kept, and agenda and decisions stay as they are."""
    minutes = fitting(minutes, 4000, "minutes")
    known = JointMeeting.objects.for_user(user, PERMISSION).select_for_update().filter(pk=pk).first()
    if known is not None and known.state == JointMeeting.State.HELD and known.minutes == minutes:
        return known  # the same send, once more
    meeting = _planned(user, pk)
    if meeting.held_on > timezone.localdate():
        raise Problem(
            _("The meeting is on %s; it is not held before that day.") % meeting.held_on.isoformat(),
            status=409,
            kind="state",
        )
    if not minutes:
        raise _refused("minutes", _("Write the minutes."))
    meeting.minutes, meeting.state = minutes, JointMeeting.State.HELD
    meeting.save(update_fields=["minutes", "state"])
    audit.log(user, "joint_meeting.hold", meeting, area_code=meeting.area_code)
    return meeting


def _planned(user, pk: int) -> JointMeeting:
    """A planned meeting under its row's lock."""
    meeting = JointMeeting.objects.for_user(user, PERMISSION).select_for_update().filter(pk=pk).first()
    if meeting is None:
        raise Problem(_("There is no such meeting, or not within your scope."), status=404, kind="not-found")
    if meeting.state != JointMeeting.State.PLANNED:
        raise Problem(_("This meeting was held; its agenda is closed."), status=409, kind="state")
    return meeting


def _item(user, pk: int) -> MeetingItem:
    """An item under the lock of its meeting, with a case the user may see."""
    meetings = JointMeeting.objects.for_user(user, PERMISSION)
    found = MeetingItem.objects.filter(
        pk=pk, meeting__in=meetings, case__in=Case.objects.for_user(user)
    ).select_related("meeting", "case", "case__type")
    item = found.select_for_update(of=("self", "meeting")).first()
    if item is None:
        raise Problem(
            _("There is no such item of an agenda, or not within your scope."), status=404, kind="not-found"
        )
    return item


def _check_open(item: MeetingItem) -> None:
    if item.decided_at is not None:
        raise Problem(
            _("This was decided already: %s") % item.decision, status=409, kind="state", decided=item.decision
        )
    if item.meeting.state != JointMeeting.State.PLANNED:
        raise Problem(_("This meeting was held; its agenda is closed."), status=409, kind="state")


def _open_item(user, pk: int) -> MeetingItem:
    item = _item(user, pk)
    _check_open(item)
    return item


def _refused(name: str, detail: str) -> Problem:
    return Problem(detail, errors=[{"pointer": f"/{name}", "detail": detail}])
