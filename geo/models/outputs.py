"""What the house tells people, and the files it makes for them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A message to one person: something is ready, or something went wrong. ``url`` leads to it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    title = models.CharField(_("title"), max_length=120)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    url = models.CharField(max_length=300, blank=True)
    icon = models.CharField(max_length=30, default="bell")
    at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], name="geo_notice_latest")]

    def __str__(self):
        return self.title


class Output(models.Model):
    """A file that a job makes for one person, who alone may fetch it, for 30 days."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="outputs")
    title = models.CharField(_("title"), max_length=120)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    done_rows = models.PositiveIntegerField(_("rows so far"), default=0)
    all_rows = models.PositiveIntegerField(_("rows in all"), default=0)
    file = models.FileField(upload_to="outputs/%Y/%m/", blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("output")
        verbose_name_plural = _("outputs")
        ordering = ["-id"]

    def __str__(self):
        return self.title

    @property
    def share(self) -> int:
        """Percent done."""
        return min(100, round(100 * self.done_rows / self.all_rows)) if self.all_rows else 0
