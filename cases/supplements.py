"""Adding to a case: somebody saw the same problem and has words or photos for it."""

from django.db import transaction
from django.utils.translation import gettext as _

from cases import repeats
from cases.actions import done_before
from cases.evidence import check_photos
from cases.models import Case
from cases.steps import Given, link_photos
from geo.problems import Problem
from grids.queries import on_shift


def supplement(number: str, user, given: Given) -> Case:
    """Add words and photos to an open case, without moving it; the case.

    Whoever may report and sees the case may add to it. A retry under its client key adds nothing. Problems:
    403 no right to report, 404 not there or not in scope, 409 ended or itself a duplicate.
    """
    if not user.can("cases.report"):
        raise Problem(_("Your role does not report cases."), status=403, kind="forbidden")
    with transaction.atomic():
        if given.client_key and done_before(given.client_key, number, repeats.SUPPLEMENT, user):
            return Case.objects.get(number=number)
        case = repeats.original(user, number)
        # Two sends at once: the second waited for the lock, and finds the line of the first.
        if given.client_key and done_before(given.client_key, number, repeats.SUPPLEMENT, user):
            return case
        photos = check_photos(given.photos, user, case.type)
        line = repeats.note(
            case,
            user,
            words=given.reason,
            device_at=given.device_at,
            position=given.position if on_shift(user) else None,
            detail={"accuracy_m": given.accuracy_m} if given.accuracy_m is not None else {},
            client_key=given.client_key,
        )
        if photos:
            link_photos(case, line, None, photos)
    return case
