"""Who may send reports through Open311, and what was sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Open311Key(models.Model):
    """The key of an outside system. Only its SHA-256 is kept; the first letters tell keys apart in lists.

    ``per_hour`` limits what it may send within any hour; reading needs no key.
    """

    prefix = models.CharField(_("begins with"), max_length=10, unique=True)
    sha256 = models.CharField(max_length=64, unique=True)
    label = models.CharField(_("system"), max_length=100)
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    may_post = models.BooleanField(_("may send reports"), default=True)
    active = models.BooleanField(_("in use"), default=True)
    per_hour = models.PositiveIntegerField(_("reports per hour"), default=60)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Open311 key")
        verbose_name_plural = _("Open311 keys")
        ordering = ["label", "id"]

    def __str__(self):
        return f"{self.label} ({self.prefix}…)"


class Open311Post(models.Model):
    """A report, or an update to one, that arrived under a key.

    ``client_id`` is the sender's own id or idempotency key: under one key and kind it happens once. Links to
    photos are kept as text and never fetched by the server.
    """

    class Kind(models.TextChoices):
        REQUEST = "request", _("Sent report")
        UPDATE = "update", _("Update")

    key = models.ForeignKey(Open311Key, models.PROTECT, related_name="posts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="open311_posts")
    line = models.ForeignKey("cases.Transition", models.PROTECT, null=True, related_name="+", db_index=False)
    token = models.UUIDField(unique=True)
    client_id = models.CharField(max_length=80, blank=True)
    body_sha256 = models.CharField(max_length=64)
    media_url = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("sent through Open311")
        verbose_name_plural = _("sent through Open311")
        constraints = [
            models.UniqueConstraint(
                fields=["key", "kind", "client_id"], condition=~Q(client_id=""), name="cases_open311post_once"
            )
        ]
        indexes = [models.Index(fields=["key", "at"], name="cases_open311post_hour")]

    def __str__(self):
        return f"{self.kind} {self.case_id}"


class Open311Change(models.Model):
    """Since when the list of services has been as it is: the ``changeset`` of the discovery."""

    fingerprint = models.CharField(max_length=32)
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("change of services")
        verbose_name_plural = _("changes of services")

    def __str__(self):
        return self.since.isoformat()
