"""Joint meetings (联席会) on cases that nobody clearly owns: agenda, decisions, minutes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class JointMeeting(models.Model):
    """A joint meeting of an area; its agenda is filled until it was held, and fixed afterwards."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        HELD = "held", _("Held")

    area_code = models.CharField(_("area"), max_length=12)
    held_on = models.DateField(_("day"))
    title = models.CharField(_("title"), max_length=100)
    minutes = models.TextField(_("minutes"), max_length=4000, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.PLANNED)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    scope = ScopeSpec(permission="cases.view_meetings", area="area_code")
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("joint meeting")
        verbose_name_plural = _("joint meetings")
        ordering = ["-held_on", "-id"]
        indexes = [
            models.Index(
                fields=["area_code", "-held_on"],
                name="cases_jointmeeting_area",
                opclasses=["varchar_pattern_ops", "date_ops"],
            )
        ]

    def __str__(self):
        return f"{self.title} {self.held_on:%Y-%m-%d}"


class MeetingItem(models.Model):
    """A case on the agenda of a joint meeting, and what was decided: by which action, for which unit.

    ``action`` is what the case's own flow did; empty where the decision was only noted. A duty that the
    meeting added to the list names the item (``DispatchRule.source_item``).
    """

    meeting = models.ForeignKey(JointMeeting, models.CASCADE, related_name="items")
    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="meeting_items")
    question = models.CharField(_("question"), max_length=300, blank=True)
    decision = models.CharField(_("decision"), max_length=500, blank=True)
    action = models.CharField(max_length=30, blank=True)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    listed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("item of an agenda")
        verbose_name_plural = _("items of agendas")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "case"], name="cases_meetingitem_once"),
            models.CheckConstraint(
                condition=Q(decided_at=None) | ~Q(decision=""), name="cases_meetingitem_decided"
            ),
        ]

    def __str__(self):
        return f"{self.meeting_id} {self.case_id}"
