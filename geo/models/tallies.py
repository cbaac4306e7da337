"""Sums per measure and area, kept by triggers."""

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

NO_DAY = date(1, 1, 1)  # the day of a measure that has none


class TallyColumns(models.Model):
    """A value of a measure: under an area (any level), on a day, of a class."""

    measure = models.CharField(max_length=40)
    area_code = models.CharField(max_length=12)
    day = models.DateField(default=NO_DAY)
    klass = models.CharField(max_length=40, blank=True)
    value = models.BigIntegerField()

    class Meta:
        abstract = True


class Tally(TallyColumns):
    """Folded sums. A reader adds the deltas that are not folded in yet."""

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            # With the value: a year of sums is read from the index alone.
            models.UniqueConstraint(
                fields=["measure", "area_code", "day", "klass"], include=["value"], name="geo_tally_once"
            )
        ]

    def __str__(self):
        return f"{self.measure} {self.area_code}"


class TallyDelta(TallyColumns):
    """A change that a statement made, signed; a job folds it into ``Tally``."""

    class Meta:
        verbose_name = _("tally delta")
        verbose_name_plural = _("tally deltas")
        indexes = [models.Index(fields=["measure", "area_code"], name="geo_tallydelta_measure")]

    def __str__(self):
        return f"{self.measure} {self.area_code} {self.value:+}"
