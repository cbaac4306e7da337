"""Files that come in and go out, as work in the background."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class Exchange(models.Model):
    """An import or an export: what was asked, how far it is, and what came of it.

    Its files lie in ``folder`` and go with it after a week. ``options`` of an import: target, mapping, crs,
    layer, encoding, dry_run; of an export: layer, format, crs, area.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", _("Import")
        EXPORT = "export", _("Export")

    class State(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    BUSY = (State.WAITING, State.RUNNING)

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    options = models.JSONField(default=dict)
    stage = models.CharField(max_length=40, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)
    message = models.TextField(_("message"), blank=True)
    created_at = models.DateTimeField(_("asked at"), auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    scope = ScopeSpec(permission="geo.view", own=("owner_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("import or export")
        verbose_name_plural = _("imports and exports")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.get_kind_display()} {self.file_name}"

    @property
    def folder(self):
        return settings.DATA_DIR / "exchange" / str(self.uuid)

    @property
    def file(self):
        """The uploaded file, or the one to download."""
        return self.folder / self.file_name

    @property
    def report(self):
        """Refused rows as CSV."""
        return self.folder / "refused.csv"

    @property
    def busy(self) -> bool:
        return self.state in self.BUSY

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0
