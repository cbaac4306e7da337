"""Photos and recordings."""

import uuid

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _


class Attachment(models.Model):
    """A photo or a recording, stored by what it is, not by what it was called.

    ``original`` keeps every byte for evidence; ``shown`` has no EXIF and is what others get; ``public`` is
    set once somebody has looked at it (``review``), with what identifies people blurred.
    ``exif_position`` (EPSG:4326) and ``taken_at`` were read from the original.
    """

    class Review(models.TextChoices):
        PENDING = "pending", _("Not looked at")
        PASSED = "passed", _("May be public")
        REFUSED = "refused", _("Not public")

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        "geo.User", models.PROTECT, null=True, related_name="+", verbose_name=_("owner")
    )
    media_type = models.CharField(_("type"), max_length=40)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveIntegerField(_("size in bytes"))
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    original = models.FileField(upload_to="original/%Y/%m/")
    shown = models.FileField(upload_to="shown/%Y/%m/", blank=True)
    thumbnail = models.FileField(upload_to="thumbnail/%Y/%m/", blank=True)
    public = models.FileField(upload_to="public/%Y/%m/", blank=True)
    exif_position = models.PointField(srid=4326, null=True, spatial_index=False)
    taken_at = models.DateTimeField(_("taken at"), null=True)
    review = models.CharField(_("review"), max_length=8, choices=Review.choices, default=Review.PENDING)
    reviewed_by = models.ForeignKey("geo.User", models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self):
        return str(self.uuid)

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")
