"""Adding to a case: somebody saw the same problem and has words or photos for it."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.actions import SUPPLEMENT, done_before
from cases.evidence import check_photos
from cases.models import Case, Transition
from cases.steps import Given, link_photos
from geo import events
from geo.problems import Problem
from grids.queries import on_shift


def supplement(number: str, user, given: Given) -> Case:
    """Add words and photos to an open case, without moving it; the case.

    Whoever may report and sees the case may add to it. A retry under its client key adds nothing. Problems:
    403 no right to report, 404 not there or not in scope, 409 already ended.
    """
    if not user.can("cases.report"):
        raise Problem(_("Your role does not report cases."), status=403, kind="forbidden")
    with transaction.atomic():
        case = (
            Case.objects.select_for_update(of=("self",)).select_related("type").filter(number=number).first()
        )
        if given.client_key and done_before(given.client_key, number, SUPPLEMENT, user):
            return case
        if case is None or not Case.objects.for_user(user).filter(pk=case.pk).exists():
            raise Problem(_("There is no such case, or not within your scope."), status=404, kind="not-found")
        if not case.is_open:
            raise Problem(
                _("The case is “%s” by now. Report the problem anew if it is still there.")
                % case.get_state_display(),
                status=409,
                kind="state",
                state=case.state,
            )
        photos = check_photos(given.photos, user, case.type)
        line = Transition.objects.create(
            case=case,
            action=SUPPLEMENT,
            from_state=case.state,
            to_state=case.state,
            actor=user,
            role=user.scope.role_for("cases.report"),
            unit=user.organisation,
            at=timezone.now(),
            device_at=given.device_at,
            reason=given.reason.strip(),
            position=given.position if on_shift(user) else None,
            detail={"accuracy_m": given.accuracy_m} if given.accuracy_m is not None else {},
            client_key=given.client_key,
        )
        if photos:
            link_photos(case, line, photos)
        events.emit(
            "cases", case.pk, area_code=case.area_code, unit_id=case.holder_unit_id, verb="supplemented"
        )
    return case
