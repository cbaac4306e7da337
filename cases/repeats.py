"""Somebody saw the same problem again. One rule, whichever way it is said.

Adding to a case (``cases.supplements``), a report that names the case it repeats, and merging at the desk all
lead here: the first case is the one that lives on. Its log gets a line with the words, and it shows the
photos of all who saw it; whoever repeated it hears what becomes of it, and is hidden, as its reporter is.
"""

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, CaseAttachment, Transition
from geo import events
from geo.problems import Problem
from geo.texts import shortened

# A line of the log that is no move.
SUPPLEMENT = "supplement"


def original(user, number: str, *, pointer: str = "", ended: bool = False) -> Case:
    """The case that was seen again, locked until the end of the transaction.

    Refused where the user does not see it, where it is itself a duplicate, and, unless ``ended`` (a person at
    the desk judges that), where it has ended: what is seen after that is a new problem. ``pointer`` names the
    field that holds the number; without one the number was the address.
    """
    wrong = {"status": 422, "errors": [{"pointer": pointer}]} if pointer else {}
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("type", "duplicate_of")
        .filter(number=number)
        .first()
    )
    # What the public repeats was found among what is public.
    if case is None or (user and not Case.objects.for_user(user).filter(pk=case.pk).exists()):
        detail = _("There is no such case, or not within your scope.")
        raise Problem(detail, **(wrong or {"status": 404, "kind": "not-found"}))
    if case.duplicate_of_id:
        detail = _("Case %(number)s is itself a duplicate; name the original, %(original)s.") % {
            "number": number,
            "original": case.duplicate_of.number,
        }
        known = {"duplicate_of": case.duplicate_of.number}
        raise Problem(detail, **(wrong or {"status": 409, "kind": "duplicate"}), **known)
    if not ended and not case.is_open:
        raise Problem(
            _("The case is “%s” by now. Report the problem anew if it is still there.")
            % case.get_state_display(),
            status=409,
            kind="state",
            state=case.state,
        )
    return case


def note(case: Case, user, *, words: str = "", repeating: Case | None = None, **line) -> Transition:
    """Write into the log of ``case`` that it was seen again, and tell who is concerned; the line.

    ``repeating`` is the report that says so, where there is one: its photos are shown with the case.
    """
    detail = line.pop("detail", {})
    if user is not None:
        line.setdefault("role", user.scope.role_for("cases.report"))
    if repeating is not None:
        detail |= {"case": repeating.number}
    made = Transition.objects.create(
        case=case,
        action=SUPPLEMENT,
        from_state=case.state,
        to_state=case.state,
        actor=user,
        unit=user.organisation if user is not None else None,
        at=timezone.now(),
        reason=shortened(words.strip(), 500),
        detail=detail,
        **line,
    )
    events.emit("cases", case.pk, area_code=case.area_code, unit_id=case.holder_unit_id, verb="supplemented")
    return made


def photos_of(case: Case) -> QuerySet[CaseAttachment]:
    """The photos and recordings of a case and of those that repeat it, in their order."""
    told = Case.objects.filter(Q(pk=case.pk) | Q(duplicate_of=case.pk)).order_by().values("pk")
    return CaseAttachment.objects.filter(case__in=told).select_related("attachment", "case").order_by("id")


def seen_again_by(user) -> QuerySet:
    """Ids of the cases that a user repeated, by adding to one or by a report of his that was merged."""
    added = Transition.objects.filter(actor=user, action=SUPPLEMENT).order_by().values_list("case_id")
    merged = Case.objects.filter(reporter=user, duplicate_of__isnull=False).order_by()
    return added.union(merged.values_list("duplicate_of_id"))
