"""A task of evaluation: who is evaluated over which days by which model, and the data that come in."""

import pgtrigger
from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models.evaluation import ASSESS, MANAGE, VIEW, EvaluationModel, ModelItem
from geo.scopes import ScopedQuerySet, ScopeSpec

USER = settings.AUTH_USER_MODEL


class TaskQuerySet(ScopedQuerySet):
    """Tasks by what one may do with them."""

    def for_user(self, user, permission: str | None = None):
        """Managers see their area's, assessors their own, others published ones about their subjects."""
        if permission is not None:
            return super().for_user(user, permission)
        told = self.model.TOLD
        subjects = TaskSubject.objects.for_user(user).values("task_id")
        managed = super().for_user(user, MANAGE).values("pk")
        mine = Q(pk__in=[])
        if user is not None and user.is_authenticated and user.can(ASSESS):
            mine = Q(pk__in=TaskAssessor.objects.filter(user=user).values("task_id")) & ~Q(state="draft")
        return self.filter(Q(pk__in=managed) | mine | Q(state__in=told, pk__in=subjects))


class EvaluationTask(models.Model):
    """A model applied to subjects over the days ``period_from`` <= day < ``period_to`` (Asia/Shanghai).

    ``sampling`` holds the rules of the draw, ``seed`` makes it repeatable (``cases.evaluation.sampling``).
    ``as_of`` is when the figures were counted.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        COLLECTING = "collecting", _("Collecting data")
        REVIEW = "review", _("In review")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    TOLD = (State.PUBLISHED, State.ARCHIVED)

    name = models.CharField(_("name"), max_length=100)
    model = models.ForeignKey(EvaluationModel, models.PROTECT, related_name="tasks", verbose_name=_("model"))
    area_code = models.CharField(_("area"), max_length=12)
    period_from = models.DateField(_("first day"))
    period_to = models.DateField(_("day after the last"))
    collect_due = models.DateField(_("data due"), null=True, blank=True)
    review_due = models.DateField(_("review due"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    seed = models.CharField(_("seed"), max_length=32)
    sampling = models.JSONField(default=dict, blank=True)
    drawn_at = models.DateTimeField(null=True, blank=True)
    # What was drawn from: {"cells": {"count", "hash"}, "rules": [...]}, to tell whether it changed.
    drawn_from = models.JSONField(null=True, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # Of the form that made it.
    client_key = models.UUIDField(unique=True, null=True, editable=False)

    scope = ScopeSpec(permission=VIEW, area="area_code")
    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("evaluation task")
        verbose_name_plural = _("evaluation tasks")
        ordering = ["-period_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(period_to__gt=F("period_from")), name="cases_evaluationtask_period"
            )
        ]

    def __str__(self):
        return self.name


class SubjectQuerySet(ScopedQuerySet):
    """Subjects by scope; whoever is evaluated may see what was published about oneself."""

    def for_user(self, user, permission: str | None = None):
        if permission is not None or user is None or not user.is_authenticated:
            return super().for_user(user, permission)
        own = Q(user_id=user.pk, task__state__in=EvaluationTask.TOLD)
        told = Q(pk__in=super().for_user(user).values("pk"), task__state__in=EvaluationTask.TOLD)
        managed = Q(pk__in=super().for_user(user, MANAGE).values("pk"))
        return self.filter(own | told | managed)


class TaskSubject(models.Model):
    """Who is evaluated: an area (``code``), a unit, or a member of staff at a post.

    ``area_code`` ties it to scopes: the area itself, or where the unit or the person's unit is. ``peers``
    names the group that it is compared with. A post's rank is never made.
    """

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="subjects")
    code = models.CharField(_("code"), max_length=18, blank=True)
    area_code = models.CharField(_("area"), max_length=12, blank=True)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    peers = models.CharField(_("peer group"), max_length=40)
    score = models.TextField(blank=True)
    rank = models.PositiveSmallIntegerField(null=True, blank=True)

    scope = ScopeSpec(permission=VIEW, area="area_code", units=("unit", "user__organisation"))
    objects = SubjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("subject")
        verbose_name_plural = _("subjects")
        ordering = ["peers", "code", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "code"], condition=~Q(code=""), name="cases_tasksubject_area"
            ),
            models.UniqueConstraint(fields=["task", "unit"], name="cases_tasksubject_unit"),
            models.UniqueConstraint(fields=["task", "user", "peers"], name="cases_tasksubject_post"),
        ]
        indexes = [
            models.Index(
                fields=["area_code"], name="cases_tasksubject_scope", opclasses=["varchar_pattern_ops"]
            )
        ]

    def __str__(self):
        return self.name


class TaskAssessor(models.Model):
    """Somebody who gathers data, and the part: an item with all below it, a subject; none is everything."""

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="assessors")
    user = models.ForeignKey(USER, models.PROTECT, related_name="+", verbose_name=_("assessor"))
    item = models.ForeignKey(ModelItem, models.PROTECT, null=True, blank=True, related_name="+")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("assessor")
        verbose_name_plural = _("assessors")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "user", "item", "subject"],
                nulls_distinct=False,
                name="cases_taskassessor_once",
            )
        ]

    def __str__(self):
        return f"{self.task_id} {self.user_id}"


class TaskStep(models.Model):
    """One line of a task's log; the database refuses to change or delete it."""

    task = models.ForeignKey(EvaluationTask, models.PROTECT, related_name="log")
    action = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    actor = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("step of an evaluation")
        verbose_name_plural = _("steps of an evaluation")
        ordering = ["id"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self):
        return f"{self.task_id} {self.action}"


class TaskReminder(models.Model):
    """That a day of a task was called to mind: each kind once for each day, whatever crashes in between."""

    class Kind(models.TextChoices):
        SOON = "soon", _("Due soon")
        LATE = "late", _("Overdue")

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="reminders")
    state = models.CharField(max_length=10)  # what was due: to collect, or to review
    kind = models.CharField(max_length=4, choices=Kind.choices)
    due = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("reminder of an evaluation")
        verbose_name_plural = _("reminders of an evaluation")
        constraints = [
            models.UniqueConstraint(fields=["task", "state", "kind", "due"], name="cases_taskreminder_once")
        ]

    def __str__(self):
        return f"{self.task_id} {self.kind}"


class EvaluationGrid(models.Model):
    """A cell that was drawn (评价网格): a unit grid or a duty grid, as it was on that day."""

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="grids")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, related_name="grids")
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=100, blank=True)
    place = models.PositiveSmallIntegerField()  # in the order of the draw
    geom = models.MultiPolygonField(srid=4326, spatial_index=False)

    class Meta:
        verbose_name = _("evaluation grid")
        verbose_name_plural = _("evaluation grids")
        ordering = ["subject_id", "place"]
        constraints = [
            models.UniqueConstraint(fields=["task", "subject", "code"], name="cases_evaluationgrid_once")
        ]

    def __str__(self):
        return self.code


class SamplePoint(models.Model):
    """A component or case that was drawn, to be looked at for one field item. WGS-84."""

    class Of(models.TextChoices):
        COMPONENT = "component", _("Component")
        CASE = "case", _("Case")

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="points")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, related_name="points")
    grid = models.ForeignKey(EvaluationGrid, models.CASCADE, related_name="points")
    item = models.ForeignKey(ModelItem, models.PROTECT, related_name="+")
    rule = models.PositiveSmallIntegerField()  # which of the sampling rules
    place = models.PositiveSmallIntegerField()
    of = models.CharField(_("kind"), max_length=9, choices=Of.choices)
    code = models.CharField(_("code"), max_length=24)
    type_name = models.CharField(_("type"), max_length=80, blank=True)
    address = models.CharField(_("place in words"), max_length=200, blank=True)
    geom = models.PointField(srid=4326, spatial_index=False)

    class Meta:
        verbose_name = _("sample point")
        verbose_name_plural = _("sample points")
        ordering = ["subject_id", "item_id", "rule", "place"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "subject", "item", "of", "code"], name="cases_samplepoint_once"
            )
        ]

    def __str__(self):
        return self.code


class ReportedValue(models.Model):
    """A value that was filled in (填报), and what the review made of it: both stay.

    A returned value stays as it is; the next is a row of its own.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("To be reviewed")
        ACCEPTED = "accepted", _("Reviewed")
        RETURNED = "returned", pgettext_lazy("reported value", "Returned")

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="values")
    item = models.ForeignKey(ModelItem, models.PROTECT, related_name="+")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, related_name="values")
    value = models.DecimalField(_("value filled in"), max_digits=14, decimal_places=4)
    note = models.CharField(_("note"), max_length=300, blank=True)
    entered_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    reviewed_value = models.DecimalField(
        _("value after review"), max_digits=14, decimal_places=4, null=True, blank=True
    )
    review_note = models.CharField(_("remark"), max_length=300, blank=True)
    reviewed_by = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reported value")
        verbose_name_plural = _("reported values")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "item", "subject"],
                condition=~Q(state="returned"),
                name="cases_reportedvalue_one_current",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(reviewed_value__isnull=False),
                name="cases_reportedvalue_accepted",
            ),
        ]

    def __str__(self):
        return f"{self.value}"


class Inspection(models.Model):
    """What an assessor saw on the spot for one field item: at a drawn point, or anywhere in the subject.

    ``position`` (EPSG:4326) is where the assessor stood, ``distance_m`` how far from the point. ``found`` is
    [{"code", "count"}] of the item's problems. ``unreachable``: the point could not be looked at, and why.
    """

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="inspections")
    item = models.ForeignKey(ModelItem, models.PROTECT, related_name="+")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, related_name="inspections")
    point = models.OneToOneField(
        SamplePoint, models.PROTECT, null=True, blank=True, related_name="inspection"
    )
    assessor = models.ForeignKey(USER, models.PROTECT, related_name="+")
    client_key = models.UUIDField(unique=True)
    at = models.DateTimeField(auto_now_add=True)
    position = models.PointField(srid=4326, spatial_index=False)
    accuracy_m = models.FloatField(null=True)
    distance_m = models.FloatField(null=True)
    found = models.JSONField(default=list)
    unreachable = models.BooleanField(default=False)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("inspection on the spot")
        verbose_name_plural = _("inspections on the spot")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.task_id} {self.item_id}"


class InspectionPhoto(models.Model):
    """A photo taken at an inspection."""

    inspection = models.ForeignKey(Inspection, models.CASCADE, related_name="photos")
    attachment = models.ForeignKey("geo.Attachment", models.PROTECT, related_name="inspection_photos")

    class Meta:
        verbose_name = _("photo of an inspection")
        verbose_name_plural = _("photos of inspections")
        constraints = [
            models.UniqueConstraint(fields=["inspection", "attachment"], name="cases_inspectionphoto_once")
        ]

    def __str__(self):
        return str(self.attachment_id)


class TaskScore(models.Model):
    """The score of one item for one subject, with how it came about.

    ``value`` and ``score`` are exact fractions as text ("625/8"), empty where data are missing; ``how`` tells
    the reader what was counted (``cases.evaluation.results``).
    """

    task = models.ForeignKey(EvaluationTask, models.CASCADE, related_name="scores")
    subject = models.ForeignKey(TaskSubject, models.CASCADE, related_name="scores")
    item = models.ForeignKey(ModelItem, models.PROTECT, related_name="+")
    value = models.TextField(blank=True)
    score = models.TextField(blank=True)
    how = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["task", "subject", "item"], name="cases_taskscore_once")
        ]

    def __str__(self):
        return self.score or "—"
