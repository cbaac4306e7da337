"""Which step of a case is told to whom, and in which words of ``fixtures/notification_templates.csv``.

Inside Wangge most steps are read straight from the log (``cases.phone_queries.messages``); a notice is left
only for those that are not. By SMS and mail a step goes to people who asked for its kind, and to units that
take it at an address of theirs. Messages name number, type, community, deadline and the reason an office
gave, never an address, a description or a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import phone_queries, verifiers
from cases.models import Case, Transition
from geo import accounts
from geo.models import Area, Channel, Organisation, UnitSubscription, User
from geo.notifications import Kind, Placeholder, Wanted, notify_all, register, send_all

# A unit with more people than this has the rest look into its list.
MOST_PEOPLE = 200
# The line of the reminder that a supervised complaint gets each working day (``cases.timers``).
DAILY = "remind_daily"

_PLACEHOLDERS = {
    "number": Placeholder(gettext_lazy("number of the case"), "A9901012026112700018"),
    "type": Placeholder(gettext_lazy("type of the case"), "上水井盖"),
    "place": Placeholder(gettext_lazy("community"), "滨河社区"),
    "due": Placeholder(gettext_lazy("the deadline that runs"), "11-28 15:30"),
    "unit": Placeholder(gettext_lazy("unit"), "排水公司"),
    "reason": Placeholder(gettext_lazy("reason given"), "不属于本单位职责"),
}


# --- Who --------------------------------------------------------------------------------------------


def _unit_of(case: Case, line: Transition) -> int | None:
    if line.action == DAILY:
        return line.to_unit_id
    return line.to_unit_id or case.holder_unit_id


def _people_of_unit(case: Case, line: Transition) -> Iterable[User]:
    unit = _unit_of(case, line)
    return accounts.holders("cases.handle").filter(organisation=unit)[:MOST_PEOPLE] if unit else ()


def _who_has_it(case: Case, line: Transition) -> Iterable[User]:
    """The people of the unit that has the complaint, else those of its desk."""
    if line.to_unit_id:
        return _people_of_unit(case, line)
    desk = case.desk_code or case.area_code
    found = accounts.holders("cases.complaints")
    return [user for user in found if user.scope.covers("cases.complaints", desk)][:MOST_PEOPLE]


def _verifiers(case: Case, line: Transition) -> Iterable[User]:
    ids = {line.detail.get("verifier"), *verifiers.on_duty(case)} - {None}
    return User.objects.filter(pk__in=ids, is_active=True)


def _reporter(case: Case, line: Transition) -> Iterable[User]:
    return [case.reporter] if case.reporter_id else []


def _who_sent_it(case: Case, line: Transition) -> Iterable[User]:
    """The person who had dispatched it, if it was a person."""
    earlier = case.transitions.filter(pk__lt=line.pk, action__in=("dispatch", "whistle", "assign"))
    sent = earlier.select_related("actor").order_by("-id").first()
    return [sent.actor] if sent and sent.actor else []


@dataclass(frozen=True)
class Telling:
    """A kind of message, who gets it, and the steps of it that these people read in the log anyway."""

    kind: Kind
    whom: Callable[[Case, Transition], Iterable[User]]
    in_log: frozenset[str]


TELLINGS: dict[str, Telling] = {}
_PERMISSIONS = {
    _people_of_unit: "cases.handle",
    _verifiers: "cases.verify",
    _reporter: "cases.report",
    _who_sent_it: "cases.dispatch",
}


def _on(actions: str, code: str, label: str, whom, in_log: tuple[str, ...] = ()) -> Kind:
    """These actions are told to these people."""
    steps = actions.split()
    read = frozenset(steps) & frozenset(in_log)
    kind = Kind(
        f"case.{code}",
        label,
        _PLACEHOLDERS,
        units=whom is _people_of_unit,
        in_log=bool(read),
        permission=_PERMISSIONS[whom],
    )
    register(kind)
    TELLINGS.update(dict.fromkeys(steps, Telling(kind, whom, read)))
    return kind


_UNIT, _REPORTER = phone_queries.TO_UNIT, phone_queries.TO_REPORTER
_on(
    "dispatch auto_dispatch sub_assign whistle redispatch second_dispatch assign",
    "dispatched",
    gettext_lazy("A case comes to the unit"),
    _people_of_unit,
    _UNIT,
)
_on(
    "verify_fail fail redo",
    "rework",
    gettext_lazy("A case has to be done again"),
    _people_of_unit,
    _UNIT,
)
_on(
    "ask_verify_before ask_verify_after",
    "verify",
    gettext_lazy("A case is to be checked on the spot"),
    _verifiers,
    phone_queries.TO_VERIFIER,
)
_on(
    "close self_close confirm_self_handled archive_unrated explain_close",
    "closed",
    gettext_lazy("A case I reported is closed"),
    _reporter,
    _REPORTER,
)
_on("reject", "rejected", gettext_lazy("A case I reported is not accepted"), _reporter, _REPORTER)
_on("approve_extend", "extension_granted", gettext_lazy("More time was granted"), _people_of_unit, _UNIT)
_on("refuse_extend", "extension_refused", gettext_lazy("More time was refused"), _people_of_unit, _UNIT)
_on("supervise", "supervised", gettext_lazy("A case of the unit is supervised"), _people_of_unit, _UNIT)
_REMINDED = _on(
    "remind", "reminded", gettext_lazy("A reminder about a case of the unit"), _people_of_unit, _UNIT
)
TELLINGS[DAILY] = Telling(_REMINDED, _who_has_it, frozenset())
RETURNED = _on(
    "return_back return_order",
    "returned",
    gettext_lazy("A case I dispatched was sent back"),
    _who_sent_it,
)


def concern(lines: Iterable[Transition]) -> bool:
    """Whether anybody is told of any of these steps."""
    return any(line.action in TELLINGS for line in lines)


# --- What -------------------------------------------------------------------------------------------


def tell(case: Case, lines: Iterable[Transition]) -> int:
    """Write the messages about these steps; how many. Told again, nothing is written twice."""
    count = 0
    for line in lines:
        if telling := TELLINGS.get(line.action):
            count += _tell(case, line, telling)
    return count


def _tell(case: Case, line: Transition, telling: Telling) -> int:
    code, key = telling.kind.code, f"case:{line.pk}"
    url = reverse("case-page", args=[case.number])
    unit_id = line.detail.get("returned_by") if telling.kind == RETURNED else _unit_of(case, line)
    unit = Organisation.objects.filter(pk=unit_id).first() if unit_id else None
    area = Area.objects.filter(code=case.area_code, valid_to=None).values_list("name", flat=True).first()

    def context() -> dict:
        due = timezone.localtime(case.due_at) if case.due_at else None
        return {
            "number": case.number,
            "type": str(case.type) if case.type_id else _("Without a type"),
            "place": area or "",
            "due": date_format(due, "m-d H:i") if due else _("no deadline"),
            "unit": unit.name if unit else "",
            "reason": line.reason or _("none given"),
        }

    people = [user for user in telling.whom(case, line) if user.pk != line.actor_id]
    sent = notify_all(
        people,
        code,
        context,
        url=url,
        about=case.number,
        key=key,
        without=[Channel.IN_APP] if line.action in telling.in_log else [],
        icon="case",
    )
    if telling.kind.units and unit:
        sent += _to_unit(unit, code, context, url, case.number, key)
    return len(sent)


def _to_unit(unit: Organisation, code: str, context, url: str, number: str, key: str):
    """To the addresses at which a unit takes this kind: the one it named, or its duty phone."""
    return send_all(
        [
            Wanted(
                one.channel,
                one.address or (unit.phone if one.channel == Channel.SMS else ""),
                code,
                context,
                about=number,
                url=url,
                key=f"{key}:unit{unit.pk}:{one.channel}",
                unit=unit,
            )
            for one in UnitSubscription.objects.filter(unit=unit, kind=code)
        ]
    )
