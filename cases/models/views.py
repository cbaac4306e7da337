"""What people keep for themselves."""

from urllib.parse import parse_qs

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A set of the console's filters under a name of the user's own.

    ``query`` is the query string; with ``columns`` in it, it is a view of the table (``cases.columns``).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=2000)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="cases_savedview_once")]

    def __str__(self):
        return self.name

    @property
    def url(self) -> str:
        """The page that it opens: the table where its columns were chosen, else the list beside the map."""
        columns = parse_qs(self.query.removeprefix("?")).get("columns")
        return reverse("case-table" if columns else "console") + self.query


class ColumnChoice(models.Model):
    """The columns that a user chose last for the table of cases: their names with commas, in order."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="case_columns"
    )
    columns = models.CharField(max_length=500)

    class Meta:
        verbose_name = _("columns of a table")
        verbose_name_plural = _("columns of tables")

    def __str__(self):
        return self.columns
