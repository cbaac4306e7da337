"""Verbs on cases: each is one transaction, one line in the log, and a row locked while it happens.

``report`` begins a case, ``act`` carries out any move of ``cases.flow``. Rights, state and holder are
checked under the row's lock, so that of two people who act at once one wins and the other is told by whom
and what the case is now. A client key makes a retry harmless: it gets the case as it is, and nothing
happens twice. The world is told through ``geo.events``, whose rows are seen when the transaction commits.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import Component, ItemType
from cases import deadlines, desks, flow, guards, outcomes, repeats
from cases.evidence import Evidence, check_photos, check_position
from cases.models import Case, OwnerQuestion, ReporterContact, Transition
from cases.queries import hides_actor, sees_reporter
from cases.steps import Given, Run
from geo.calendar import add_working_time
from geo.models import DictionaryItem
from geo.numbers import mint
from geo.problems import Problem
from grids.models import RawPosition
from grids.queries import Located, on_shift, require_inside

S = Case.State
STAFF_SOURCES = (Case.Source.SUPERVISOR, Case.Source.WORKER)
# A line of the log that is no move: borders changed and the case came to another grid (cases.places).
REGRID = "regrid"
# How hard a letter is; decides its limit (domain reference, 4.2).
COMPLEXITIES = ("general", "complex")


@dataclass
class Place:
    """Where a report is: the point in EPSG:4326 and what arrived before it was converted."""

    point: Point
    raw_lon: float | None = None
    raw_lat: float | None = None
    crs: str = "wgs84"
    source: str = RawPosition.Source.MAP
    accuracy_m: float | None = None
    fix_at: datetime | None = None


@dataclass
class Contact:
    """How a resident wants to be answered. Kept apart from the case, read through a logged reveal."""

    name: str = ""
    phone: str = ""


def report(
    user,
    place: Place,
    *,
    client_key: uuid.UUID,
    flow_name: str = flow.CITY,
    contact: Contact | None = None,
    source: str = "",
    type: ItemType | None = None,
    component: Component | None = None,
    description: str = "",
    address: str = "",
    photos: list[Evidence] | None = None,
    self_handled: bool = False,
    urgent: bool = False,
    duplicate_of: str = "",
    complaint_kind: str = "",
    device_at: datetime | None = None,
) -> tuple[Case, bool]:
    """Report a problem; the case, and whether it is new (a retry under ``client_key`` gets the first one).

    ``user`` is None for the public, whose photos bring their attachment with them; who calls has seen to
    limits and captchas. ``flow_name`` is the life cycle it begins (``cases.flow``); ``complaint_kind`` is for
    complaints. Staff reports with a type are accepted, filed and dispatched at once where one rule decides;
    where none or several do, the case waits for the dispatcher with the reason. What comes from the public
    waits for an acceptor. One that names the case it repeats (``duplicate_of``) is linked to it and ends.
    Refused (422) outside the city, with how far away it is.
    """
    if known := Case.objects.filter(client_key=client_key).first():
        return _own_retry(known, user), False
    table = flow.current(flow_name)
    begin = next(move for move in table.start("") if move.by != flow.SYSTEM)
    if user is None:
        source = Case.Source.PUBLIC
    elif not user.can(begin.permission):
        raise Problem(_("Your role does not report cases."), status=403, kind="forbidden")
    else:
        source = _source(user, source)
    type = _check_type(type, component)
    try:
        photos = check_photos(photos or [], user, type)
    except Problem:
        # An earlier send of this report may have taken its photos this moment.
        if known := Case.objects.filter(client_key=client_key).first():
            return _own_retry(known, user), False
        raise
    if self_handled and not ({"report", "handle"} <= {photo.phase for photo in photos}):
        detail = _("A problem you handled yourself needs a photo from before and one from after.")
        raise Problem(detail, errors=[{"pointer": "/attachments", "detail": detail}])
    _check_beginning(table, self_handled, duplicate_of, complaint_kind)
    located = require_inside(place.point)
    try:
        with transaction.atomic():
            case = _new_case(table, user, place, located, client_key, source, type, component)
            case.description, case.address = description.strip(), address.strip()
            case.self_handled, case.urgent, case.device_at = self_handled, urgent, device_at
            case.complaint_kind = complaint_kind
            given = Given(photos=photos, device_at=device_at, client_key=client_key)
            if duplicate_of:
                given.original = repeats.original(user, duplicate_of, pointer="/duplicate_of")
            run = Run(case, user, given)
            run.step(begin)
            if duplicate_of:
                run.system("merge")
            elif source in STAFF_SOURCES and type is not None and not self_handled:
                for action in begin.then:
                    run.system(action)
            run.settle()
            case.number = mint(table.prefix, located.area_code, timezone.localdate())
            case.save(force_insert=True)
            if contact is not None and (contact.name or contact.phone):
                ReporterContact.objects.create(case=case, name=contact.name, phone=contact.phone)
            run.finish(created=True)
    except IntegrityError:
        # Two sends of one report at once: the other one is there now.
        known = Case.objects.filter(client_key=client_key).first()
        if known is None:
            raise
        return _own_retry(known, user), False
    case.refresh_from_db()
    return case, True


def _check_beginning(table: flow.Flow, self_handled: bool, duplicate_of: str, complaint_kind: str) -> None:
    """What a flow has no move for is told, rather than kept and never looked at."""
    if self_handled and not table.of("confirm_self_handled"):
        detail = _("Report it first; that it is solved is the next step.")
        raise Problem(detail, errors=[{"pointer": "/self_handled", "detail": detail}])
    if duplicate_of and not table.of("merge"):
        detail = _("Cases of this kind are not merged.")
        raise Problem(detail, errors=[{"pointer": "/duplicate_of", "detail": detail}])
    if complaint_kind and complaint_kind not in complaint_kinds():
        detail = _("There is no kind of complaint “%s”.") % complaint_kind
        raise Problem(detail, errors=[{"pointer": "/complaint_kind", "detail": detail}])


def act(number: str, action: str, user, given: Given | None = None) -> Case:
    """Carry out ``action`` on the case with this number; the case as it is afterwards.

    Problems: 404 not there or not in scope, 403 not yours, 409 somebody was faster (with who, what, when and
    the state now), 422 something is missing or wrong. A retry under the same client key changes nothing.
    """
    given = given or Given()
    visible = Case.objects.for_user(user).filter(number=number)
    with transaction.atomic():
        if given.duplicate_of:
            # Two cases in a fixed order, or two people who merge them into each other wait for ever.
            both = Case.objects.select_for_update(of=("self",)).filter(
                number__in=(number, given.duplicate_of)
            )
            list(both.order_by("pk").values_list("pk"))
        case = _locked(number=number)
        if given.client_key and done_before(given.client_key, number, action, user):
            return case
        if case is None or not visible.exists():
            raise Problem(_("There is no such case, or not within your scope."), status=404, kind="not-found")
        move = _choose(case, action, user, given)
        _check(case, move, user, given)
        if given.position is not None and not on_shift(user):
            # It was needed to check the distance; a position off shift is not kept.
            given.position = None
        return _carry_out(case, user, move, given)


def act_public(case: Case, action: str, given: Given) -> Case:
    """Carry out what is the reporter's to do (rate, withdraw); the caller has checked number and secret.

    Problems: 404 no such action, 409 not possible now, 422 something is missing.
    """
    with transaction.atomic():
        case = _locked(pk=case.pk)
        if given.client_key and done_before(given.client_key, case.number, action, None):
            return case
        moves = [move for move in flow.flow_of(case).of(action) if move.by == flow.REPORTER]
        if not moves:
            raise Problem(_("This is not for the reporter to do."), status=404, kind="unknown-action")
        fitting = [move for move in moves if case.state in move.start]
        if not fitting:
            raise _too_late(case, moves[0], None)
        _check_guards(case, fitting[0])
        _check(case, fitting[0], None, given)
        return _carry_out(case, None, fitting[0], given)


def act_system(pk: int, action: str, detail: dict | None = None) -> bool:
    """A move of the house by a clock or a rule, if it is possible by now; whether it was made."""
    with transaction.atomic():
        case = _locked(pk=pk)
        if case is None:
            return False
        run = Run(case, None, Given())
        if not run.system(action, detail):
            return False
        run.settle()
        case.save()
        run.finish()
    return True


def _locked(**lookup) -> Case | None:
    """A case under its row's lock, with what its moves look at."""
    rows = Case.objects.select_for_update(of=("self",)).select_related(
        "type", "component", "holder_unit", "filing_standard", "grid", "unit_grid", "duplicate_of"
    )
    return rows.filter(**lookup).first()


def _carry_out(case: Case, user, move: flow.Move, given: Given) -> Case:
    run = Run(case, user, given)
    run.step(move)
    for action in move.then:
        run.system(action)
    run.settle()
    case.save()
    run.finish()
    return case


# --- Checks -----------------------------------------------------------------------------------------


def _own_retry(case: Case, user) -> Case:
    if case.reporter_id != (user.pk if user is not None else None):
        raise Problem(
            _("This client key belongs to another report; use a new one."), status=422, kind="client-key"
        )
    return case


def done_before(key: uuid.UUID, number: str, action: str, user) -> bool:
    """Whether this user did this to this case under this key; a problem when it was something else."""
    line = Transition.objects.filter(client_key=key).select_related("case").first()
    if line is None:
        return False
    actor = user.pk if user is not None else None
    if (line.case.number, line.action, line.actor_id) != (number, action, actor):
        raise Problem(
            _("This client key was used for something else; use a new one."), status=422, kind="client-key"
        )
    return True


def _source(user, source: str) -> str:
    on_the_ground = user.can("grids.check_in")
    if not source:
        if not on_the_ground:
            return Case.Source.HOTLINE
        return Case.Source.SUPERVISOR if "supervisor" in user.scope.roles else Case.Source.WORKER
    if source not in Case.Source.values:
        detail = _("Unknown source “%(source)s”. Known: %(known)s.") % {
            "source": source,
            "known": ", ".join(Case.Source.values),
        }
        raise Problem(detail, errors=[{"pointer": "/source", "detail": detail}])
    if (source in STAFF_SOURCES) != on_the_ground:
        detail = _("Your role does not report as “%s”.") % Case.Source(source).label
        raise Problem(detail, errors=[{"pointer": "/source", "detail": detail}])
    return source


def _check_type(type: ItemType | None, component: Component | None) -> ItemType | None:
    """The type given, else the component's; of a component no other component type can be meant."""
    if component is None:
        return type
    if type is None:
        return component.type
    if type.kind == ItemType.Kind.COMPONENT and type.pk != component.type_id:
        detail = _("Component %(code)s is of type “%(is)s”, not “%(given)s”.") % {
            "code": component.code,
            "is": component.type,
            "given": type,
        }
        raise Problem(detail, errors=[{"pointer": "/type", "detail": detail}])
    return type


def _choose(case: Case, action: str, user, given: Given) -> flow.Move:
    """The row of the table that an action means here: open to the user, and the outcome that was given."""
    table = flow.flow_of(case)
    moves = [move for move in table.of(action) if move.by != flow.SYSTEM and move.start != ("",)]
    if not moves:
        raise Problem(
            _("There is no action “%(action)s”. Known: %(known)s.")
            % {"action": action, "known": ", ".join(table.actions)},
            status=404,
            kind="unknown-action",
        )
    moves = [move for move in moves if move.by == flow.REPORTER or user.can(move.permission)]
    if not moves:
        raise Problem(_("Your role does not do this."), status=403, kind="forbidden")
    fitting = [move for move in moves if case.state in move.start]
    if not fitting:
        raise _too_late(case, moves[0], user)
    own = [move for move in fitting if flow.may(user, case, move)]
    open_to = [move for move in own if flow.fits(case, move)]
    for move in open_to:
        if outcomes.holds(move.when, case, given):
            return move
    if open_to:
        # What decides between the outcomes was not given: the check tells what is missing.
        return open_to[0]
    if own:
        _check_guards(case, own[0])
    raise Problem(_not_yours(case, fitting[0]), status=403, kind="not-yours")


def _check_guards(case: Case, move: flow.Move) -> None:
    """What the state allows may still not fit this case: say what stands against it."""
    for name in move.guards:
        if not guards.holds(name, case):
            raise Problem(guards.why(name), status=409, kind="state", state=case.state)


def _not_yours(case: Case, move: flow.Move) -> str:
    if move.by == flow.HOLDER:
        return _("Only the unit that holds the case, %s, can do this.") % case.holder_unit
    if move.by == flow.VERIFIER:
        return _(
            "Only an inspector asked to verify it can do this, and never one of the unit that handled it."
        )
    if move.by == flow.ASKED:
        return _("Only a unit that was asked whose it is can answer.")
    if move.by == flow.REPORTER:
        return _("Only whoever reported it can do this.")
    return _("Your role does not reach this place.")


def _too_late(case: Case, move: flow.Move, user) -> Problem:
    """Who was faster, when, and what the case is now."""
    moves = case.transitions.exclude(from_state=F("to_state"))
    last = moves.select_related("actor", "unit").order_by("-id").first()
    words = {
        "action": move.label,
        "state": case.get_state_display(),
    }
    offered = flow.allowed(user, case) if user is not None else []
    extra = {"state": case.state, "allowed": [other.action for other in offered]}
    if last is None:
        return Problem(
            _("“%(action)s” is not possible while the case is “%(state)s”.") % words,
            status=409,
            kind="state",
            **extra,
        )
    # The unit complained about never learns from here who reported.
    witness = user is None or hides_actor(user, last, case, sees_reporter(user, case))
    who = last.unit or last.actor
    if witness:
        who = _("the reporter") if user is not None else last.unit
    words |= {
        "done": label_of(case, last.action),
        "who": str(who) if who else _("the system"),
        "when": timezone.localtime(last.at).strftime("%Y-%m-%d %H:%M"),
    }
    return Problem(
        _(
            "“%(action)s” is not possible any more: at %(when)s %(who)s did “%(done)s”; "
            "the case is now “%(state)s”."
        )
        % words,
        status=409,
        kind="state",
        last={"action": last.action, "by": str(who) if who else None, "at": last.at.isoformat()},
        **extra,
    )


# No flow of ours has these moves; cases that came from elsewhere have them in their log.
_OTHERS = {
    "suspend": gettext_lazy("Suspended"),
    "resume": gettext_lazy("Resumed"),
    "split": gettext_lazy("Parts were given out"),
    "unmerged": gettext_lazy("A report was separated from it again"),
    "warned": gettext_lazy("Warned: due soon"),
    "remind_daily": gettext_lazy("Supervised and not done: the day's reminder"),
    "overdue": gettext_lazy("Overdue"),
    "review_due": gettext_lazy("A legacy problem is to be looked at again"),
    "supervise": gettext_lazy("Supervised"),
}


def label_of(case: Case, action: str) -> str:
    """An action's name in words."""
    if action == repeats.SUPPLEMENT:
        return _("Added to the case")
    if action == REGRID:
        return _("Came to another grid when borders changed")
    moves = flow.flow_of(case).of(action)
    return str(moves[0].label if moves else _OTHERS.get(action, action))


def _check(case: Case, move: flow.Move, user, given: Given) -> None:
    """What the move needs; everything that is missing is told at once."""
    errors = []

    def wrong(name: str, detail: str):
        errors.append({"pointer": f"/{name}", "detail": detail})

    given.photos = check_photos(given.photos, user, given.type or case.type)
    if flow.REASON in move.needs and not given.reason.strip():
        wrong("reason", _("Say why."))
    no_photo = case.type_id is not None and case.type.no_photo
    if flow.PHOTO in move.needs and not given.photos and not no_photo:
        wrong("attachments", _("A photo is needed."))
    if flow.POSITION in move.needs and (detail := check_position(case, given.position, given.accuracy_m)):
        wrong("position", detail)
    if flow.UNIT in move.needs:
        if given.unit is None:
            wrong("unit", _("Choose the unit that shall handle it."))
        elif not given.unit.active:
            wrong("unit", _("“%s” is not active any more.") % given.unit)
    if flow.TYPE in move.needs and given.type is None and case.type_id is None:
        wrong("type", _("Choose a type before filing."))
    if given.standard and deadlines.standard_for((given.type or case.type).pk, given.standard) is None:
        wrong("standard", _("This filing rule is not one of the type's."))
    if flow.CASE in move.needs:
        if given.duplicate_of == case.number:
            wrong("duplicate_of", _("A case is not its own duplicate."))
        else:
            given.original = repeats.original(user, given.duplicate_of, pointer="/duplicate_of", ended=True)
    if flow.PERSON in move.takes and given.verifier and not given.verifier.can("cases.verify"):
        wrong("verifier", _("%s does not verify cases.") % given.verifier)
    for name, detail in _wrong_inputs(case, move, given):
        wrong(name, detail)
    if "returned" in move.effects and move.by == flow.HOLDER:
        until = deadlines.return_until(case, _sent_at(case))
        if timezone.now() > until:
            raise Problem(
                _("The time to return this case was over at %s; ask the dispatcher to take it back.")
                % timezone.localtime(until).strftime("%Y-%m-%d %H:%M"),
                kind="too-late",
            )
    if "sent_back" in move.effects:
        until = add_working_time(_sent_at(case), *settings.CASE_ORDER_RETURN, case.area_code)
        if timezone.now() > until:
            raise Problem(
                _("The time to send this order back was over at %s; take it, or ask the street's centre.")
                % timezone.localtime(until).strftime("%Y-%m-%d %H:%M"),
                kind="too-late",
            )
    if not errors and not outcomes.holds(move.when, case, given):
        wrong("answer", _("Nothing of what was given decides what comes next."))
    if errors:
        raise Problem(errors[0]["detail"], errors=errors, title=_("Something is missing"))


def _wrong_inputs(case: Case, move: flow.Move, given: Given) -> Iterator[tuple[str, str]]:
    """What is wrong with the rest of what a move needs or takes, as (input, words)."""

    def missing(name: str, value) -> bool:
        return name in move.needs and value in (None, "", [])

    if missing(flow.AMOUNT, given.amount):
        yield "amount", _("Say how much more time is needed.")
    if missing(flow.DAY, given.day):
        yield "day", _("Choose a day.")
    if missing(flow.UNITS, given.units):
        yield "units", _("Choose at least one unit.")
    for unit in given.units:
        if not unit.active:
            yield "units", _("“%s” is not active any more.") % unit
    if flow.DESK in move.needs and not desks.others(case).filter(code=given.desk).exists():
        yield "desk", _("Choose the desk of another area of the same level.")
    choices = {
        flow.COMPLEXITY: COMPLEXITIES,
        flow.KIND: complaint_kinds() if flow.KIND in (*move.needs, *move.takes) else (),
        flow.MARK: Case.Mark.values,
        flow.ANSWER: [value for value in OwnerQuestion.Answer.values if value],
    }
    for name, known in choices.items():
        value = getattr(given, name) or said_before(case, name)
        if missing(name, value) or (value and name in (*move.needs, *move.takes) and value not in known):
            yield name, _("Choose one of: %s.") % ", ".join(known)
    if missing(flow.STARS, given.stars) or not (given.stars is None or 1 <= given.stars <= 5):
        yield "stars", _("Give one to five stars.")
    if flow.CALL_BACK in move.needs:
        if given.contacted is None:
            yield "contacted", _("Say whether you reached the person.")
        elif given.contacted and (given.solved is None or given.satisfied is None):
            yield "solved", _("Say whether it is solved, and whether the person is satisfied.")


def complaint_kinds() -> list[str]:
    """What a complaint may be: the codes of the dictionary, which operators keep."""
    rows = DictionaryItem.objects.filter(dictionary__code="complaint_kind", active=True)
    return list(rows.values_list("code", flat=True))


def said_before(case: Case, name: str) -> str:
    """What the case knows already of an input, so that it need not be given again."""
    return {flow.COMPLEXITY: case.complexity, flow.KIND: case.complaint_kind}.get(name, "")


def _sent_at(case: Case) -> datetime:
    """When the unit got the case that it holds."""
    gives = {"dispatched", "auto_dispatched"}
    names = {move.action for move in flow.flow_of(case).moves if gives & {*move.effects}}
    sent = case.transitions.filter(action__in=names).order_by("-id").first()
    return sent.at if sent else case.dispatched_at or case.reported_at


# --- A new case -------------------------------------------------------------------------------------


def _new_case(
    table: flow.Flow, user, place: Place, located: Located, client_key, source, type, component
) -> Case:
    return Case(
        flow=table.name,
        flow_version=table.version,
        state="",
        source=source,
        type=type,
        component=component,
        geom=place.point,
        raw_lon=place.raw_lon,
        raw_lat=place.raw_lat,
        raw_crs=place.crs,
        position_source=place.source,
        accuracy_m=place.accuracy_m,
        fix_at=place.fix_at,
        reporter=user,
        client_key=client_key,
        reported_at=timezone.now(),
        # The database derives these again from the geometry; the steps before the insert need them.
        area_code=located.area_code,
        grid_id=located.grid_id,
    )
