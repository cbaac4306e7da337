"""The working calendar: data, per county."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CalendarDay(models.Model):
    """A day that differs from its weekday: a holiday, or a make-up working day.

    ``area_code`` is empty for the whole country; a county's own row goes before it.
    """

    area_code = models.CharField(_("area"), max_length=6, blank=True)
    date = models.DateField(_("date"))
    is_working = models.BooleanField(_("working day"))
    name = models.CharField(_("name"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["area_code", "date"], name="geo_calendar_day_once")]

    def __str__(self):
        return f"{self.date} {self.name}"


class OfficeHours(models.Model):
    """One stretch of the official day (Asia/Shanghai wall clock), between two dates of the year."""

    area_code = models.CharField(_("area"), max_length=6, blank=True)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("office hours")
        verbose_name_plural = _("office hours")
        ordering = ["valid_from", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes__gt=models.F("opens")), name="geo_office_hours_order"
            )
        ]

    def __str__(self):
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"
