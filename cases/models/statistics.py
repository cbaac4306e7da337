"""What statistics count: a row per case, what it was before, and its verifications. Kept by the database.

Triggers (migration 0040) write these tables whenever a line is added to a case's log;
``cases.statistics.facts`` makes them anew from the log. Nobody else writes them.
Foreign keys are not checked again: the case's were.
"""

from django.conf import settings
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class Standing(models.Model):
    """What a case is for statistics at a moment: where it stands, who holds it, and what is due when."""

    class Kind(models.TextChoices):
        DOOR = "r", _("To be accepted")
        DESK = "d", _("With a desk")
        UNIT = "u", _("With a unit")
        PAUSED = "p", _("Paused")
        HANDLED = "h", _("Handled")
        PASSED = "a", _("Passed, to be rated")
        ENDED = "e", _("Ended")
        REFUSED = "x", _("Refused or void")

    since = models.DateTimeField()
    kind = models.CharField(max_length=1, choices=Kind.choices)
    unit = models.ForeignKey(
        "geo.Organisation",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    handle_due_at = models.DateTimeField(null=True)
    close_due_at = models.DateTimeField(null=True)
    # The last report of "handled" that nobody has refused; the end that statistics count.
    handled_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class CaseFact(Standing):
    """A case as statistics see it: its dimensions, the first time of each counted action, and its standing.

    ``area_code`` and ``grid_code`` are those of filing (before it, of the present place), ``place`` the
    longer of them; ``here_code`` and ``desk_code`` are the present ones, which decide who may see it.
    ``person`` is the member of staff who reported, never a resident; ``company`` the collection company
    that employed the person then.
    """

    case = models.OneToOneField("cases.Case", models.CASCADE, primary_key=True, related_name="fact")
    flow = models.CharField(max_length=30)
    source = models.CharField(max_length=12)
    type = models.ForeignKey(
        "assets.ItemType", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    area_code = models.CharField(max_length=12, blank=True)
    grid_code = models.CharField(max_length=15, blank=True)
    place = models.CharField(max_length=15, blank=True)
    here_code = models.CharField(max_length=12, blank=True)
    desk_code = models.CharField(max_length=12, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    company = models.ForeignKey(
        "geo.Organisation",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    self_handled = models.BooleanField(default=False)
    auto_dispatched = models.BooleanField(default=False)

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    filed_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    merged_at = models.DateTimeField(null=True)
    self_closed_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    reworked_at = models.DateTimeField(null=True)
    extended_at = models.DateTimeField(null=True)
    supervised_at = models.DateTimeField(null=True)
    self_handled_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    whistled_at = models.DateTimeField(null=True)
    take_due_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)
    sent_back_at = models.DateTimeField(null=True)
    unrated_at = models.DateTimeField(null=True)

    scope = ScopeSpec(permission="cases.statistics", area="here_code", units=("unit_id",), desk="desk_code")
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("case in statistics")
        verbose_name_plural = _("cases in statistics")
        indexes = [
            # A period reads the cases that lived in it, however many there were before.
            GistIndex(
                Func(F("began_at"), F("ended_at"), Value("[]"), function="tstzrange"),
                name="cases_casefact_life",
            ),
        ]

    def __str__(self):
        return str(self.case_id)


class CaseSpell(Standing):
    """What a case was before: its standing from ``since`` until (inclusive of the instant) ``until``."""

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="spells", db_index=False)
    until = models.DateTimeField()

    class Meta:
        verbose_name = _("earlier standing of a case")
        verbose_name_plural = _("earlier standings of cases")
        indexes = [models.Index(fields=["case", "since"], name="cases_casespell_case")]

    def __str__(self):
        return f"{self.case_id} {self.since}"


class CaseCheck(models.Model):
    """A look on the spot that was asked for: 核实 before filing or 核查 before closing.

    ``person`` did it, or was asked to; ``unit`` held the case when it was asked. A look that nobody needs any
    more (void, merged) is cancelled.
    """

    class Kind(models.TextChoices):
        BEFORE = "before", _("Verify before filing")
        AFTER = "after", _("Check before closing")

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="checks", db_index=False)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    company = models.ForeignKey(
        "geo.Organisation",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    unit = models.ForeignKey(
        "geo.Organisation",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        verbose_name = _("look on the spot")
        verbose_name_plural = _("looks on the spot")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(done_at=None, cancelled_at=None),
                name="cases_casecheck_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "kind"], name="cases_casecheck_due"),
            models.Index(fields=["case", "asked_at"], name="cases_casecheck_case"),
        ]

    def __str__(self):
        return f"{self.case_id} {self.kind}"


class ReportTemplate(models.Model):
    """A Word template (docxtpl) of a bulletin or of a public-concern report, as the operator uploaded it.

    The latest active one of a kind and language is used; without any, the shipped one.
    """

    class Kind(models.TextChoices):
        BULLETIN = "bulletin", _("Work bulletin")
        CONCERN = "concern", _("Public-concern report")

    kind = models.CharField(_("report"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=80)
    file = models.FileField(_("Word file"), upload_to="report-templates/")
    active = models.BooleanField(_("active"), default=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("report template")
        verbose_name_plural = _("report templates")
        ordering = ["-id"]

    def __str__(self):
        return self.name


class Report(models.Model):
    """A bulletin or a public-concern report that was made, or is being made: of what, and the file."""

    kind = models.CharField(_("report"), max_length=10, choices=ReportTemplate.Kind.choices)
    title = models.CharField(_("title"), max_length=120)
    area_code = models.CharField(_("area"), max_length=15)
    start = models.DateField(_("from"))
    end = models.DateField(_("to"))
    # What it says, as it was counted: the preview, and the same words as the file's.
    content = models.JSONField(default=dict)
    output = models.OneToOneField("geo.Output", models.SET_NULL, null=True, related_name="report")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    scope = ScopeSpec(permission="cases.statistics", area="area_code", own=("made_by_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("report of statistics")
        verbose_name_plural = _("reports of statistics")
        ordering = ["-id"]
        indexes = [models.Index(fields=["made_by", "-id"], name="cases_report_mine")]

    def __str__(self):
        return self.title
