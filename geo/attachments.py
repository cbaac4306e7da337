"""Photos and recordings: taking them in, handing them out, looking them over."""

import hashlib
import uuid as uuids
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import audit, media
from geo.models import Attachment, User
from geo.problems import Problem

REVIEW_PERMISSION = "cases.review_photos"
# Apps above say whether a user may see what an attachment hangs on: (user, attachment) -> bool.
holders: list[Callable[[User, Attachment], bool]] = []
# And whether a user who sees it may know whose it is.
knowing: list[Callable[[User, Attachment], bool]] = []
# And which photos hang on what a user may see, for looking them over: (user) -> queryset of attachments.
reviewable: list[Callable[[User], QuerySet]] = []
KINDS = ("original", "shown", "thumbnail", "public")
_ORPHAN_DAYS = 30
# Where nginx finds the files that Django allowed (an internal location).
_ACCEL = "/_media/"


def store(owner, file, uuid: uuids.UUID | str | None = None) -> tuple[Attachment, bool]:
    """Keep an uploaded file and say whether it is new.

    ``uuid`` is the client's own: a second send with the same content gets the row of the first, another
    content or another owner under it is refused. Raises ``Problem`` for what is no photo or recording.
    """
    try:
        key = uuids.UUID(str(uuid)) if uuid else uuids.uuid4()
    except ValueError:
        raise Problem(_("“%(uuid)s” is no UUID.") % {"uuid": uuid}, status=400) from None
    owner = owner if owner is not None and owner.is_authenticated else None
    try:
        media.check_size(file.size)
        data = file.read()
        digest = hashlib.sha256(data).hexdigest()
        if kept := Attachment.objects.filter(uuid=key).first():
            return _same(kept, owner, digest), False
        found = media.understand(data)
    except media.MediaError as error:
        raise Problem(
            str(error), kind="attachment", errors=[{"field": "file", "detail": str(error)}]
        ) from None
    attachment = Attachment(
        uuid=key,
        owner=owner,
        media_type=found.media_type,
        sha256=digest,
        size=found.size,
        width=found.width,
        height=found.height,
        exif_position=Point(*found.position, srid=4326) if found.position else None,
        taken_at=found.taken_at,
    )
    # A name of its own for each try: whoever cleans up after himself must not meet another's file.
    name, written = uuids.uuid4(), []
    try:
        with transaction.atomic():
            for field, content, extension in (
                (attachment.original, data, media.EXTENSIONS[found.media_type]),
                (attachment.shown, found.shown, media.EXTENSIONS[found.shown_type]),
                (attachment.thumbnail, found.thumbnail, ".jpg"),
            ):
                if content:
                    path = field.field.generate_filename(attachment, f"{name}{extension}")
                    written.append(path)
                    field.name = default_storage.save(path, ContentFile(content))
            attachment.save(force_insert=True)
    except BaseException as error:
        for path in written:
            default_storage.delete(path)
        if isinstance(error, IntegrityError) and (kept := Attachment.objects.filter(uuid=key).first()):
            return _same(kept, owner, digest), False  # the same send, a moment faster
        raise
    return attachment, True


def _same(kept: Attachment, owner, digest: str) -> Attachment:
    if kept.sha256 != digest or kept.owner_id != (owner.pk if owner else None):
        raise Problem(
            _("Another file was sent under this UUID; a new file needs a new one."),
            status=422,
            kind="attachment-uuid-reused",
        )
    return kept


def may_see(user, attachment: Attachment) -> bool:
    """Whether a user may see an attachment at all: its owner, and who may see what it hangs on."""
    if not user.is_authenticated or not user.is_active:
        return False
    return attachment.owner_id == user.pk or any(holder(user, attachment) for holder in holders)


def may_know(user, attachment: Attachment) -> bool:
    """Whether a user may learn who took a photo: its owner's name, and the original, whose EXIF tells it."""
    return attachment.owner_id == user.pk or any(knows(user, attachment) for knows in knowing)


def visible(user, uuid) -> Attachment:
    """The attachment of this UUID if the user may see it, else a ``Problem`` that does not tell which."""
    attachment = Attachment.objects.filter(uuid=uuid).first()
    if attachment is None or not may_see(user, attachment):
        raise Problem(_("Not found, or not within your scope."), status=404, kind="not-found")
    return attachment


def deliver(user, uuid, kind: str, *, ip: str | None = None) -> HttpResponse:
    """The bytes of one ``kind`` of an attachment, through nginx where it stands in front.

    ``public`` is for anybody once it was passed; ``original`` (with its EXIF) for the owner, and for who may
    know whose it is, with an entry in the audit log.
    """
    if kind not in KINDS:
        raise Problem(_("There is no such file."), status=404, kind="not-found")
    if kind == "public":
        attachment = Attachment.objects.filter(uuid=uuid, review=Attachment.Review.PASSED).first()
        if attachment is None:
            raise Problem(_("There is no public copy of this photo."), status=404, kind="not-found")
    else:
        attachment = visible(user, uuid)
    file = getattr(attachment, kind)
    if not file:
        raise Problem(_("There is no such file."), status=404, kind="not-found")
    if kind == "original" and not may_know(user, attachment):
        raise Problem(_("You may not do this."), status=403, kind="forbidden")
    if kind == "original" and attachment.owner_id != user.pk:
        audit.log(user, "attachment.original", attachment, ip=ip)
    is_picture = kind != "original" and attachment.is_image
    response = _send(file, "image/jpeg" if is_picture else attachment.media_type)
    # The bytes under an address never change, except that a public copy may be withdrawn.
    response["Cache-Control"] = (
        "public, max-age=300" if kind == "public" else "private, max-age=86400, immutable"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    disposition = "attachment" if kind == "original" else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{file.name.rsplit("/", 1)[-1]}"'
    return response


def _send(file, media_type: str) -> HttpResponse:
    if settings.X_ACCEL and isinstance(file.storage, FileSystemStorage):
        response = HttpResponse(content_type=media_type)
        response["X-Accel-Redirect"] = _ACCEL + file.name
        return response
    return FileResponse(file.open("rb"), content_type=media_type)


def reviewable_by(user) -> QuerySet:
    """The photos a user may review, in every state."""
    if not user.can(REVIEW_PERMISSION):
        return Attachment.objects.none()
    hanging = Q(pk__in=[])
    for source in reviewable:
        hanging |= Q(pk__in=source(user).values("pk"))
    return Attachment.objects.filter(hanging, media_type__startswith="image/")


def review(user, attachment: Attachment, passed: bool, rectangles=(), *, reason: str = "") -> Attachment:
    """Write down that somebody looked at a photo, and make or withdraw its public copy.

    ``rectangles`` are (x, y, width, height) as shares of the shown picture, drawn by hand over what
    identifies people; they are made unreadable in the public copy. Recordings are never public.
    """
    if not user.can(REVIEW_PERMISSION) or not may_see(user, attachment):
        raise Problem(_("You may not review this photo."), status=403, kind="forbidden")
    boxes = _rectangles(rectangles)
    if passed and not attachment.is_image:
        raise Problem(_("Recordings are never made public."))
    stale = ""
    with transaction.atomic():
        attachment = Attachment.objects.select_for_update().get(pk=attachment.pk)
        stale = attachment.public.name
        attachment.public = ""
        if passed:
            with attachment.shown.open("rb") as file:
                content = media.blurred(file.read(), boxes)
            # A new name each time: an address that was public must not turn into another picture.
            attachment.public.save(f"{uuids.uuid4()}.jpg", ContentFile(content), save=False)
        attachment.review = Attachment.Review.PASSED if passed else Attachment.Review.REFUSED
        attachment.reviewed_by, attachment.reviewed_at = user, timezone.now()
        attachment.save(update_fields=["public", "review", "reviewed_by", "reviewed_at"])
        audit.log(
            user,
            "attachment.pass" if passed else "attachment.refuse",
            attachment,
            reason=reason,
            rectangles=[list(box) for box in boxes],
        )
        if stale:
            transaction.on_commit(lambda: default_storage.delete(stale))
    return attachment


def _rectangles(rectangles) -> list[tuple[float, float, float, float]]:
    boxes = []
    for number, given in enumerate(rectangles):
        try:
            x, y, width, height = (float(value) for value in given)
        except (TypeError, ValueError):
            x = y = width = height = -1.0
        if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
            raise Problem(
                _("Rectangle %(n)d must be [x, y, width, height], each a share of the picture from 0 to 1.")
                % {"n": number + 1},
                errors=[{"field": f"rectangles/{number}", "detail": str(given)}],
            )
        boxes.append((x, y, width, height))
    return boxes


def delete_orphans(older_than_days: int = _ORPHAN_DAYS) -> int:
    """Delete what was uploaded and never attached to anything; returns how many."""
    rows = Attachment.objects.filter(created_at__lt=timezone.now() - timedelta(days=older_than_days))
    for relation in Attachment._meta.related_objects:
        using = {relation.field.name: OuterRef("pk")}
        rows = rows.exclude(Exists(relation.related_model._base_manager.filter(**using)))
    count = 0
    for attachment in rows.iterator(chunk_size=200):
        paths = [file.name for file in (getattr(attachment, kind) for kind in KINDS) if file]
        attachment.delete()
        for path in paths:
            default_storage.delete(path)
        count += 1
    return count
