"""Cases that come as a workbook, as work in the background."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class CaseImport(models.Model):
    """A workbook of cases: its rows as they were read, what was found of each, how far it is.

    ``rows``: [{"row": number in the sheet, column: text}]; they may hold contacts, so that only refused rows
    are kept once it has ended. ``fates``: [{"row", "reference", "fate": ok | there | new | bad, "number",
    "problems": [{"column", "detail"}]}], without anybody's contact. Gone after a week.
    """

    class State(models.TextChoices):
        CHECKED = "checked", _("Checked, nothing written yet")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    BUSY = (State.WAITING, State.RUNNING)

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.CHECKED)
    rows = models.JSONField(default=list)
    fates = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    good = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    there = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    message = models.CharField(_("message"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("taken at"), auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    scope = ScopeSpec(permission="cases.report", own=("owner_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of cases")
        verbose_name_plural = _("imports of cases")
        ordering = ["-id"]

    def __str__(self):
        return self.file_name

    @property
    def busy(self) -> bool:
        return self.state in self.BUSY

    @property
    def ended(self) -> bool:
        return self.state in (self.State.DONE, self.State.CANCELLED)
