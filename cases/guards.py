"""Conditions of a move that the state alone does not tell: names that a flow's data may use.

A guard looks at the case as it is and says yes or no; why not is told by its words (``why``).
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import desks, flow
from cases.models import Case, CaseRequest, OwnerQuestion, Supervision, Transition
from geo.calendar import add_working_time

# Lines of the log that tell whether an explanation waits for its review.
EXPLAINING = ("explain", "refuse_explanation", "call_back")
GUARDS: dict[str, tuple[Callable[[Case], bool], object]] = {}


def guard(name: str, why):
    """Register a guard with what to say when it does not hold."""

    def register(function):
        GUARDS[name] = (function, why)
        return function

    return register


def holds(name: str, case: Case) -> bool:
    return GUARDS[name][0](case)


def why(name: str) -> str:
    """What stands against the move, in words."""
    return str(GUARDS[name][1])


def know(cases: list[Case]) -> list[Case]:
    """Read what guards and actors ask about for many cases at once, so that a list asks no more."""
    if cases:
        _know(cases)
        _know_questions(cases)
        _know_explanations(cases)
    return cases


def _know(cases: list[Case]) -> None:
    """What waits to be decided, replied to or done before; also of one case, when it is first asked about."""
    waiting: dict[int, dict[str, CaseRequest]] = {case.pk: {} for case in cases}
    for row in CaseRequest.objects.filter(case__in=waiting, state=CaseRequest.State.PENDING):
        waiting[row.case_id][row.kind] = row
    done = [case.pk for case in cases if case.self_handled and case.phase == Case.Phase.CHECK]
    lines = Transition.objects.filter(case__in=done, action="self_handle").order_by("id")
    doers = dict(lines.values_list("case_id", "actor_id")) if done else {}
    supervised = [case.pk for case in cases if case.supervised]
    unanswered = Supervision.objects.filter(case__in=supervised, replied_at=None)
    to_reply = set(unanswered.values_list("case_id", flat=True)) if supervised else set()
    parts = Case.objects.filter(parent__in=waiting).exclude(state__in=Case.ENDED).order_by()
    in_parts = set(parts.values_list("parent_id", flat=True))
    for case in cases:
        case.known_parts = case.pk in in_parts
        case.known_requests = waiting[case.pk]
        case.known_supervision = case.pk in to_reply
        case.known_doer = doers.get(case.pk)


def _know_questions(cases: list[Case]) -> None:
    questions: dict[int, dict[int, str]] = {case.pk: {} for case in cases}
    rows = OwnerQuestion.objects.filter(case__in=questions).order_by()
    for case_id, unit_id, answer in rows.values_list("case_id", "unit_id", "answer"):
        questions[case_id][unit_id] = answer
    for case in cases:
        case.known_questions = questions[case.pk]


def _know_explanations(cases: list[Case]) -> None:
    last = dict.fromkeys(case.pk for case in cases if _asks(case, "explained", "not_explained"))
    if last:
        for line in Transition.objects.filter(case__in=last, action__in=EXPLAINING).order_by("id"):
            last[line.case_id] = line
    for case in cases:
        if case.pk in last:
            case.known_explaining = last[case.pk]


def _asks(case: Case, *names: str) -> bool:
    """Whether a move from the state the case is in has one of these guards."""
    moves = flow.flow_of(case).start(case.state)
    return any(name in move.guards for move in moves for name in names)


def questions(case: Case) -> dict[int, str]:
    """The units that were asked whose it is, by id, each with its answer ("" while it owes one)."""
    if hasattr(case, "known_questions"):
        return case.known_questions
    return dict(case.owner_questions.order_by().values_list("unit_id", "answer"))


def pending(case: Case, kind: str) -> CaseRequest | None:
    """The request of this kind that waits for a decision."""
    if not hasattr(case, "known_requests"):
        _know([case])
    return case.known_requests.get(kind)


def self_handler(case: Case) -> int | None:
    """The id of whoever solved it in the grid, while that is being checked."""
    if not hasattr(case, "known_doer"):
        _know([case])
    return case.known_doer


@guard("self_handled", _("It was not handled by the reporter."))
def _self_handled(case):
    return case.self_handled


@guard("not_self_handled", _("The reporter handled it; confirm that instead."))
def _not_self_handled(case):
    return not case.self_handled


@guard("not_extended", _("It was extended once; more is not possible."))
def _not_extended(case):
    return case.extended_count == 0


@guard("before_due", _("It is past its deadline; more time is asked for before that."))
def _before_due(case):
    return case.handle_due_at is not None and timezone.now() < case.handle_due_at


@guard("no_extension_asked", _("An extension was asked for and is not decided yet."))
def _no_extension_asked(case):
    return pending(case, CaseRequest.Kind.EXTEND) is None


@guard("extension_asked", _("No extension was asked for."))
def _extension_asked(case):
    return pending(case, CaseRequest.Kind.EXTEND) is not None


@guard("no_suspension_asked", _("A suspension was asked for and is not decided yet."))
def _no_suspension_asked(case):
    return pending(case, CaseRequest.Kind.SUSPEND) is None


@guard("suspension_asked", _("No suspension was asked for."))
def _suspension_asked(case):
    return pending(case, CaseRequest.Kind.SUSPEND) is not None


@guard("difficult", _("It is not marked as difficult."))
def _difficult(case):
    return case.difficult


@guard("not_difficult", _("It is marked as difficult already."))
def _not_difficult(case):
    return not case.difficult


@guard("owners_answered", _("No unit has answered yet whose it is."))
def _owners_answered(case):
    return any(questions(case).values())


@guard("supervision_open", _("There is no supervision to reply to."))
def _supervision_open(case):
    if case.supervised and not hasattr(case, "known_supervision"):
        _know([case])
    return case.supervised and case.known_supervision


@guard("supervised", _("It is not supervised."))
def _supervised(case):
    return case.supervised


@guard("reopenable", _("The time to reopen it is over."))
def _reopenable(case):
    if case.closed_at is None or case.reopened_as.exists():
        return False
    return timezone.now() <= add_working_time(case.closed_at, *settings.CASE_REOPEN, case.area_code)


@guard("merged", _("It was not merged with another case."))
def _merged(case):
    return case.duplicate_of_id is not None


@guard("not_rated", _("It was rated already."))
def _not_rated(case):
    return not case.ratings.filter(kind="outer").exists()


@guard("legacy", _("It is not marked as a legacy problem."))
def _legacy(case):
    return case.mark == Case.Mark.LEGACY


@guard("marked", _("It has no mark."))
def _marked(case):
    return bool(case.mark)


@guard("not_redone", _("It was redone once; explain why it is closed all the same."))
def _not_redone(case):
    return case.rework_count == 0


@guard("parts_done", _("Parts of it are still open; they end first."))
def _parts_done(case):
    if not hasattr(case, "known_parts"):
        _know([case])
    return not case.known_parts


@guard("from_resident", _("It came from the grid's own staff; there is no resident to rate it."))
def _from_resident(case):
    return case.source not in (Case.Source.SUPERVISOR, Case.Source.WORKER)


@guard("handled_again", _("It was not handled again since it became a legacy problem."))
def _handled_again(case):
    return case.transitions.filter(action="second_handle").exists()


@guard("not_at_the_top", _("The city's desk has it; there is none above."))
def _not_at_the_top(case):
    return desks.above(case) != ""


def explanation(case: Case) -> Transition | None:
    """The explanation that waits for its review: the last one since the case was found unsatisfactory."""
    if hasattr(case, "known_explaining"):
        line = case.known_explaining
    else:
        line = case.transitions.filter(action__in=EXPLAINING).order_by("id").last()
    return line if line is not None and line.action == "explain" else None


@guard("explained", _("Nobody has explained it yet."))
def _explained(case):
    return explanation(case) is not None


@guard("not_explained", _("It was explained and waits for its review."))
def _not_explained(case):
    return explanation(case) is None
