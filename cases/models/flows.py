"""Flows as data, and what a case carries beside its state: requests, supervision, ratings, alarms."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec
from geo.words import in_language


class FlowVersion(models.Model):
    """A life cycle (流程) as data, in one version; ``definition`` is what ``cases.flow_data`` reads.

    One version of a flow is active at a time: new cases begin in it. A case ends in the version it began
    in, so the database refuses to change the definition of a version that is no draft any more.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("In force")
        RETIRED = "retired", _("No longer in force")

    name = models.CharField(_("flow"), max_length=30)
    version = models.PositiveSmallIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    label = models.CharField(_("name"), max_length=60)
    label_en = models.CharField(_("English name"), max_length=60, blank=True)
    definition = models.JSONField(_("definition"))
    note = models.CharField(_("what changed"), max_length=300, blank=True)
    # Of a draft: counts its changes, and keeps what it was before the last of them.
    revision = models.PositiveIntegerField(default=0)
    earlier = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="cases_flowversion_once"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(state="active"), name="cases_flowversion_one_active"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="kept_as_it_was",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["active", "retired"])
                & pgtrigger.Q(old__definition__df=pgtrigger.F("new__definition")),
            ),
            pgtrigger.Protect(
                name="kept", operation=pgtrigger.Delete, condition=~pgtrigger.Q(old__state="draft")
            ),
        ]

    def __str__(self):
        return f"{self.title} {self.version}"

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        return in_language(self.label, self.label_en)


class CaseRequest(models.Model):
    """A unit asks for more time (延期) or for a pause (挂账); somebody else decides. One open per kind.

    ``amount`` in ``unit`` of working time is what an extension asks for and, once granted, got;
    ``review_on`` is the day by which a suspended case is looked at again.
    """

    class Kind(models.TextChoices):
        EXTEND = "extend", _("Extension")
        SUSPEND = "suspend", _("Suspension")

    class State(models.TextChoices):
        PENDING = "pending", _("To be decided")
        APPROVED = "approved", _("Granted")
        REFUSED = "refused", _("Refused")
        LAPSED = "lapsed", _("Lapsed")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    amount = models.FloatField(null=True)
    unit = models.CharField(max_length=12, blank=True)
    review_on = models.DateField(null=True)
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    due_before = models.DateTimeField(null=True)
    due_after = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("request of a unit")
        verbose_name_plural = _("requests of units")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(state="pending"), name="cases_caserequest_one_open"
            )
        ]
        indexes = [models.Index(fields=["case", "kind"], name="cases_caserequest_case")]

    def __str__(self):
        return f"{self.case_id} {self.kind} {self.state}"


class Supervision(models.Model):
    """A supervision (督办): by a leader's hand (level 0) or by an overdue deadline (levels 1 to 3).

    The unit replies by ``reply_due_at``. Levels of one overdue clock come in order and none is left out.
    """

    class Level(models.IntegerChoices):
        BY_HAND = 0, _("By a leader")
        DEPARTMENT = 1, _("Managing department")
        LEADER = 2, _("Leader in charge")
        DISCIPLINE = 3, _("Discipline commission")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="supervisions")
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    number = models.CharField(_("number"), max_length=30, unique=True)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, related_name="+")
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    # The deadline that was missed; none when ordered by hand.
    clock = models.DateTimeField(null=True)
    at = models.DateTimeField()
    reply_due_at = models.DateTimeField(null=True)
    reply = models.CharField(max_length=1000, blank=True)
    replied_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)
    area_code = models.CharField(max_length=12)

    scope = ScopeSpec(permission="cases.view", area="area_code", units=("unit",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("supervision")
        verbose_name_plural = _("supervisions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "clock", "level"],
                condition=Q(clock__isnull=False),
                name="cases_supervision_level_once",
            )
        ]
        indexes = [
            models.Index(fields=["case", "id"], name="cases_supervision_case"),
            models.Index(fields=["unit", "-id"], name="cases_supervision_unit"),
            models.Index(
                fields=["reply_due_at"],
                name="cases_supervision_reply",
                condition=Q(replied_at__isnull=True),
            ),
        ]

    def __str__(self):
        return self.number


class Alarm(models.Model):
    """A clock of a case that rang: each kind once for each deadline, whatever crashes in between.

    A supervised complaint is called to mind ``DAILY``: there the deadline is the day's beginning.
    """

    DAILY = "daily"

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=20)
    clock = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [
            models.UniqueConstraint(fields=["case", "kind", "clock"], name="cases_alarm_once"),
        ]

    def __str__(self):
        return f"{self.case_id} {self.kind}"


# Residents who were not content: two stars or fewer, or not solved or not satisfied when called back.
_DISCONTENT = Q(kind="outer", stars__lte=2) | (Q(kind="call_back") & (Q(solved=False) | Q(satisfied=False)))


class Rating(models.Model):
    """What somebody thought of the result: inner (grid staff), outer (the resident) or a call back (desk).

    Stars 1 to 5; silence is no rating. ``contacted``, ``solved`` and ``satisfied`` are a call back's answers.
    ``case`` is the one that lives on; ``said_of`` the report the rating was given for, where it was merged.
    """

    class Kind(models.TextChoices):
        INNER = "inner", _("Grid staff")
        OUTER = "outer", _("Resident")
        CALL_BACK = "call_back", _("Call back")

    BAD = _DISCONTENT

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="ratings")
    said_of = models.ForeignKey("cases.Case", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    stars = models.PositiveSmallIntegerField(null=True)
    contacted = models.BooleanField(null=True)
    solved = models.BooleanField(null=True)
    satisfied = models.BooleanField(null=True)
    words = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("rating")
        verbose_name_plural = _("ratings")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stars=None) | Q(stars__gte=1, stars__lte=5), name="cases_rating_stars"
            )
        ]
        indexes = [
            models.Index(fields=["case", "kind"], name="cases_rating_case"),
            models.Index(
                fields=["case"],
                name="cases_rating_bad",
                condition=_DISCONTENT,
            ),
        ]

    def __str__(self):
        return f"{self.case_id} {self.kind}"


class OwnerQuestion(models.Model):
    """Whose is it? (确权) A unit is asked about a difficult case and answers by a day."""

    class Answer(models.TextChoices):
        OPEN = "", _("Not answered")
        OURS = "ours", _("Ours")
        NOT_OURS = "not_ours", _("Not ours")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="owner_questions")
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True, default="")
    words = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("question of ownership")
        verbose_name_plural = _("questions of ownership")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["case", "unit"], name="cases_ownerquestion_once"),
            models.CheckConstraint(condition=Q(due_at__gte=F("asked_at")), name="cases_ownerquestion_due"),
        ]

    def __str__(self):
        return f"{self.case_id} {self.unit_id}"
