"""Reads: requests as anybody may see them, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from cases import public_view
from cases.models import Case, CaseAttachment, Open311Key, Open311Post, Transition
from cases.open311 import asking, services
from cases.public_view import Shown
from geo.models import Attachment
from geo.problems import Problem


def requests(query):
    """The cases a list asks for, newest first."""
    rows = public_view.public_rows()
    if numbers := asking.words(query, "service_request_id"):
        if len(numbers) > asking.MOST:
            raise asking.wrong(_("At most %d ids at a time.") % asking.MOST)
        return rows.filter(number__in=numbers).order_by("-reported_at", "-id")
    changed = asking.window(query, "updated_after", "updated_before", default=False)
    # Whoever asks what changed wants it however old it is.
    reported = asking.window(query, "start_date", "end_date", default=changed is None)
    if reported:
        rows = rows.filter(reported_at__range=reported)
    if changed:
        rows = rows.filter(updated_at__range=changed)
    if codes := asking.words(query, "service_code"):
        rows = rows.filter(type__in=services.types_of(codes))
    states = {one.lower() for one in asking.words(query, "status")}
    if unknown := states - {public_view.OPEN, public_view.CLOSED}:
        raise asking.wrong(_("status is open, closed or both, not “%s”.") % ", ".join(sorted(unknown)))
    if len(states) == 1:
        rows = public_view.with_status(rows, is_open=public_view.OPEN in states)
    if box := asking.box(query):
        rows = public_view.inside(rows, box)
    rows = _around(rows, query)
    return (
        rows.order_by("-updated_at", "-id")
        if changed and not reported
        else rows.order_by("-reported_at", "-id")
    )


def _around(rows, query):
    point, radius = asking.point(query), asking.number(query, "radius", 0, asking.MOST_METRES)
    if point is None and radius is None:
        return rows
    if point is None or radius is None:
        raise asking.wrong(_("lat, long and radius (metres) are needed together."))
    return public_view.near(rows, point, radius)


def request(number: str) -> Case:
    """The case with this number, if anybody may know of it; else 404."""
    case = public_view.public_rows().filter(number=number).first()
    if case is None:
        raise Problem(_("There is no request “%s” that is public.") % number, status=404)
    return case


def when(moment: datetime | None) -> str | None:
    """A time as the specification wants it, to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def told(case: Shown, site: str, *, extended: bool = False) -> dict:
    """A request as it is listed. ``site`` goes before the addresses of photos."""
    photos = [_address(site, photo.uuid) for photo in case.photos]
    notes = case.reply or (
        _("Reported before as %s.") % case.duplicate_of if case.duplicate_of else case.stage_label
    )
    answer = {
        "service_request_id": case.number,
        "status": case.status,
        "status_notes": notes,
        "service_name": str(case.type),
        "service_code": services.code_of(case.type),
        "description": case.description or None,
        "agency_responsible": None,
        "service_notice": None
        if case.exact
        else _("Shown at the middle of its neighbourhood, not where it is."),
        "requested_datetime": when(case.reported_at),
        "updated_datetime": when((case.closed_at if case.status == "closed" else None) or case.updated_at),
        "expected_datetime": None,
        "address": case.address or None,
        "address_id": None,
        "zipcode": None,
        "lat": round(case.place.y, 7) if case.place else None,
        "long": round(case.place.x, 7) if case.place else None,
        "media_url": photos[0] if photos else None,
    }
    if extended:
        answer["extended_attributes"] = {
            "stage": case.stage.value,
            "exact": case.exact,
            "photos": [{"media_url": photo} for photo in photos],
        }
    return answer


def _address(site: str, uuid) -> str:
    return site + reverse("attachment-file", args=[uuid, "public"])


def number_of(token: str, key: Open311Key | None) -> str:
    """The number behind a token: that of an answer, or under its key the sender's own id; else 404."""
    posts = Open311Post.objects.filter(kind=Open311Post.Kind.REQUEST, case__type__no_photo=False)
    post = None
    if key is not None:
        post = posts.filter(key=key, client_id=token).exclude(client_id="").select_related("case").first()
    if post is None and (uuid := as_uuid(token)):
        post = posts.filter(token=uuid).select_related("case").first()
    if post is None:
        raise Problem(
            _("There is no token “%s”. It is what the answer had as Open311-Token, or your Idempotency-Key.")
            % token[:80],
            status=404,
        )
    return post.case.number


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# --- Updates ----------------------------------------------------------------------------------------


def updates(query):
    """The lines of logs at which something public changed, newest first."""
    rows = public_view.public_lines().select_related("case").order_by("-at", "-id")
    numbers = asking.words(query, "service_request_id")
    if len(numbers) > asking.MOST:
        raise asking.wrong(_("At most %d ids at a time.") % asking.MOST)
    reach = asking.window(query, "start_date", "end_date", default=not numbers)
    if numbers:
        rows = rows.filter(case__number__in=numbers)
    return rows.filter(at__range=reach) if reach else rows


def told_updates(lines: list[Transition], site: str) -> list[dict]:
    """Updates as they are listed; one query more for their photos."""
    minimal = public_view.STATES[public_view.Stage.DECLINED]
    links = (
        CaseAttachment.objects.filter(
            transition__in=[line.pk for line in lines], attachment__review=Attachment.Review.PASSED
        )
        .exclude(attachment__public="")
        .exclude(case__state__in=minimal)
        .order_by("-id")
        .values_list("transition_id", "attachment__uuid")
    )
    photos = dict(links)
    return [
        {
            "update_id": str(line.pk),
            "service_request_id": line.case.number,
            "status": public_view.CLOSED if line.to_state in Case.ENDED else public_view.OPEN,
            "updated_datetime": when(line.at),
            "description": str(public_view.stage_of(line.to_state, line.case.duplicate_of_id).label),
            "media_url": _address(site, photos[line.pk]) if line.pk in photos else None,
        }
        for line in lines
    ]
