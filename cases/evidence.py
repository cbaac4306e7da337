"""Photos and positions that go with an action."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import gettext as _

from cases.models import Case, CaseAttachment
from geo.models import Attachment
from geo.problems import Problem

MOST_PHOTOS = 9


@dataclass
class Evidence:
    """A photo or recording by its uuid; ``phase`` empty means the one that belongs to the action."""

    uuid: object
    phase: str = ""
    attachment: Attachment | None = None


def check_photos(photos: list[Evidence], user, type) -> list[Evidence]:
    """Find the photos: the user's own uploads that no case has yet; problems name each that is not.

    The public has no account (``user`` is None): its photos bring their attachment with them.
    """
    if not photos:
        return []
    if type is not None and type.no_photo:
        detail = _("For “%s” no photo is kept: it is about a person who needs help.") % type
        raise Problem(detail, errors=[{"pointer": "/attachments", "detail": detail}])
    if len(photos) > MOST_PHOTOS:
        detail = _("At most %d photos and recordings.") % MOST_PHOTOS
        raise Problem(detail, errors=[{"pointer": "/attachments", "detail": detail}])
    wanted = {str(photo.uuid) for photo in photos}
    if user is None:
        found = {str(photo.uuid): photo.attachment for photo in photos if photo.attachment}
    else:
        found = {str(row.uuid): row for row in Attachment.objects.filter(uuid__in=wanted, owner_id=user.pk)}
    taken = set(
        CaseAttachment.objects.filter(attachment__uuid__in=wanted).values_list("attachment__uuid", flat=True)
    )
    errors = []
    for index, photo in enumerate(photos):
        photo.attachment = found.get(str(photo.uuid))
        if photo.attachment is None:
            detail = _("Photo %s has not arrived here under your name; send it again.") % photo.uuid
        elif photo.attachment.uuid in taken:
            detail = _("Photo %s already belongs to a case.") % photo.uuid
        elif photo.phase and photo.phase not in CaseAttachment.Phase.values:
            detail = _("Unknown step “%s” of a photo.") % photo.phase
        else:
            continue
        errors.append({"pointer": f"/attachments/{index}", "detail": detail})
    if errors:
        raise Problem(errors[0]["detail"], kind="photo", errors=errors)
    return photos


def check_position(case: Case, position: Point | None, accuracy_m: float | None) -> str:
    """What is wrong with where the actor stands, in words; empty when it is near enough.

    The accuracy counts for the actor, up to the allowed distance itself.
    """
    if position is None:
        return _("Your position is needed.")
    limit = settings.CASE_VERIFY_METRES
    with connection.cursor() as cursor:
        cursor.execute(
            "select ST_Distance(ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography,"
            " ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography)",
            [position.x, position.y, case.geom.x, case.geom.y],
        )
        (distance,) = cursor.fetchone()
    if distance - min(accuracy_m or 0, limit) > limit:
        return _("You are %(far)d m away; to verify it stand within %(limit)d m.") % {
            "far": round(distance),
            "limit": limit,
        }
    return ""
