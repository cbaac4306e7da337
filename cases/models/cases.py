"""A problem at a place, and everything that was done about it."""

import pgtrigger
from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GinIndex
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from geo.pairs import Pairs
from geo.scopes import ScopedQuerySet, ScopeSpec
from grids.models import Located, RawPosition


class Case(Located, RawPosition):
    """A case (案件). Its live grid follows its geometry; ``filed_*`` keep where it was filed.

    ``state`` changes only through ``cases.actions``; the allowed moves are the table in ``cases.flow``.
    First times of each step are kept for statistics (domain reference, section 5).
    """

    class State(models.TextChoices):
        REPORTED = "reported", _("To be accepted")
        REJECTED = "rejected", _("Not accepted")
        ACCEPTED = "accepted", _("Accepted")
        VERIFYING_BEFORE = "verifying_before", _("To be verified")
        FILED = "filed", _("To be dispatched")
        DISPATCHED = "dispatched", _("To be handled")
        HANDLING = "handling", _("Being handled")
        SUSPENDED = "suspended", _("Suspended")
        HANDLED = "handled", _("Handled")
        VERIFYING_AFTER = "verifying_after", _("Being checked")
        REWORK = "rework", _("Rework")
        VERIFIED = "verified", _("To be closed")
        CLOSED = "closed", _("Closed")
        VOID = "void", _("Void")
        # Letters (domain reference, 4.2).
        FOUND = "found", _("Found")
        AT_COMMUNITY = "at_community", _("At the community")
        AT_STREET = "at_street", _("At the street")
        WHISTLED = "whistled", _("Whistled for")
        RETURNED = "returned", _("Sent back")
        AT_DISTRICT = "at_district", _("At the district")
        REPORTING_IN = "reporting_in", _("Departments at work")
        CHECKING = "checking", _("To be checked")
        RATING = "rating", _("To be rated")
        ARCHIVED = "archived", _("Archived")
        # Complaints (4.3).
        RECEIVED = "received", _("Received")
        ASSIGNED = "assigned", _("To be taken")
        IN_HAND = "in_hand", _("In hand")
        REPLIED = "replied", _("Replied")
        DISSATISFIED = "dissatisfied", _("Not satisfied")

    class Phase(models.TextChoices):
        """What a state means in every flow; lists, indexes and clocks go by it."""

        DESK = "desk", _("With a desk")
        UNIT = "unit", _("With a unit")
        CHECK = "check", _("Being checked")
        PAUSED = "paused", _("Paused")
        RATING = "rating", _("Being rated")
        ENDED = "ended", _("Ended")

    class Mark(models.TextChoices):
        HOT = "hot", _("Hot spot")
        HARD = "hard", _("Hard spot")
        BLOCKED = "blocked", _("Blocked spot")
        LEGACY = "legacy", _("Legacy problem")

    class Source(models.TextChoices):
        SUPERVISOR = "supervisor", _("Inspector")
        WORKER = "worker", _("Grid worker")
        PUBLIC = "public", pgettext_lazy("source", "Public")
        HOTLINE = "hotline", _("Hotline")
        LEADER = "leader", _("Leader")
        MEDIA = "media", _("Media")
        SENSOR = "sensor", _("Sensor")
        IMPORT = "import", _("Import")

    # The states in which a case of any flow may end.
    ENDED = (State.REJECTED, State.CLOSED, State.VOID, State.ARCHIVED)

    number = models.CharField(_("number"), max_length=24, unique=True)
    flow = models.CharField(_("flow"), max_length=30, default="city_management")
    flow_version = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.REPORTED)
    phase = models.CharField(_("phase"), max_length=6, choices=Phase.choices, default=Phase.DESK)
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    type = models.ForeignKey(
        "assets.ItemType", models.PROTECT, null=True, related_name="+", verbose_name=_("type")
    )
    component = models.ForeignKey(
        "assets.Component",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("component"),
    )
    geom = models.PointField(_("place"), srid=4326, spatial_index=False)
    description = models.TextField(_("description"), max_length=1000, blank=True)
    address = models.CharField(_("place in words"), max_length=200, blank=True)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reporter"),
    )
    client_key = models.UUIDField(unique=True)
    device_at = models.DateTimeField(_("time on the device"), null=True, blank=True)
    duplicate_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="duplicates",
        db_index=False,  # this and others below: an index of several columns or of fewer rows does it
        verbose_name=_("duplicate of"),
    )
    # A part of a larger case (子案件), or a closed case begun anew after a complaint.
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        db_index=False,
        verbose_name=_("part of"),
    )
    reopened_from = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reopened_as",
        db_index=False,
        verbose_name=_("reopened from"),
    )
    self_handled = models.BooleanField(_("handled by the reporter"), default=False)
    urgent = models.BooleanField(_("urgent"), default=False)
    # What a complaint is (dictionary complaint_kind) and how hard a letter is: both decide the deadline.
    complaint_kind = models.CharField(_("kind of complaint"), max_length=20, blank=True)
    complexity = models.CharField(_("complexity"), max_length=10, blank=True)
    # Flags beside the state.
    difficult = models.BooleanField(_("difficult"), default=False)
    supervised = models.BooleanField(_("supervised"), default=False)
    supervision_level = models.PositiveSmallIntegerField(_("level of supervision"), default=0)
    mark = models.CharField(_("mark"), max_length=8, choices=Mark.choices, blank=True)

    # Who holds it now, and why.
    holder_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("responsible unit"),
    )
    # Who answers for it while a unit below or beside it handles it (二次调度); none when that is the holder.
    lead_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("accountable unit"),
    )
    # The area whose desk has it, where that is not the place's own (转办); see ScopeSpec.desk.
    desk_code = models.CharField(_("desk"), max_length=12, blank=True)
    verifier = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("verifier"),
    )
    # The decision that sent it there, or why nobody could be found; see cases.dispatch.Decision.
    decision = models.JSONField(_("decision"), null=True, blank=True)
    auto_dispatched = models.BooleanField(default=False)
    filing_standard = models.ForeignKey(
        "cases.FilingStandard",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("filing standard"),
    )
    # The deadline that runs now, whatever the step; none once the case has ended.
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    # The deadline of handling, kept for statistics when later steps have clocks of their own.
    handle_due_at = models.DateTimeField(_("handling due"), null=True, blank=True)
    close_due_at = models.DateTimeField(_("closing due"), null=True, blank=True)
    # When the next of its clocks rings (a warning, an overdue step, a review); see cases.timers.
    timer_at = models.DateTimeField(null=True, blank=True)
    # A paused clock: since when, what was left of the limit (in the limit's unit), and the day of review.
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_left = models.FloatField(null=True, blank=True)
    review_at = models.DateTimeField(_("to be reviewed"), null=True, blank=True)

    # Where it was when it was filed; statistics use these when borders change later.
    filed_community_code = models.CharField(max_length=12, blank=True)
    filed_grid_code = models.CharField(max_length=15, blank=True)
    filed_unit_grid_code = models.CharField(max_length=15, blank=True)
    filed_duty_grid_code = models.CharField(max_length=20, blank=True)

    reported_at = models.DateTimeField(_("reported at"))
    accepted_at = models.DateTimeField(null=True, blank=True)
    filed_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, db_index=True)
    return_count = models.PositiveSmallIntegerField(default=0)
    rework_count = models.PositiveSmallIntegerField(default=0)
    extended_count = models.PositiveSmallIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    scope = ScopeSpec(
        permission="cases.view",
        area="area_code",
        grid="grid_id",
        ground="geom",
        units=("holds__unit",),
        own=("reporter_id", "verifier_id"),
        desk="desk_code",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["-reported_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(phase="unit") | Q(holder_unit__isnull=False),
                name="cases_case_held_by_someone",
            ),
        ]
        indexes = [
            *Located.Meta.indexes,
            models.Index(fields=["state", "-reported_at"], name="cases_case_state"),
            models.Index(fields=["holder_unit", "state", "due_at"], name="cases_case_holder"),
            # Ended cases are counted from the index alone, within an area or among those a unit held.
            models.Index(
                fields=["state", "area_code"],
                include=["id"],
                name="cases_case_counted",
                opclasses=["varchar_ops", "varchar_pattern_ops"],
            ),
            models.Index(
                fields=["duplicate_of"], name="cases_case_duplicate", condition=Q(duplicate_of__isnull=False)
            ),
            models.Index(
                fields=["verifier"], name="cases_case_verifier", condition=Q(verifier__isnull=False)
            ),
            models.Index(
                fields=["due_at"],
                name="cases_case_open_due",
                condition=~Q(state__in=["rejected", "closed", "void", "archived"]),
            ),
            # Open cases of an area, without reading the area's archive.
            models.Index(
                fields=["area_code"],
                name="cases_case_open_area",
                condition=~Q(state__in=["rejected", "closed", "void", "archived"]),
                opclasses=["varchar_pattern_ops"],
            ),
            # What is about to ring is found by the clock, however many cases there are.
            models.Index(fields=["timer_at"], name="cases_case_timer", condition=Q(timer_at__isnull=False)),
            models.Index(fields=["desk_code"], name="cases_case_desk", condition=~Q(desk_code="")),
            models.Index(fields=["parent"], name="cases_case_parent", condition=Q(parent__isnull=False)),
            models.Index(
                fields=["reopened_from"],
                name="cases_case_reopened",
                condition=Q(reopened_from__isnull=False),
            ),
            models.Index(fields=["lead_unit"], name="cases_case_lead", condition=Q(lead_unit__isnull=False)),
            # Open cases with a flag are few.
            models.Index(
                fields=["area_code"],
                name="cases_case_flagged",
                condition=(Q(supervised=True) | Q(difficult=True) | ~Q(mark=""))
                & ~Q(state__in=["rejected", "closed", "void", "archived"]),
                opclasses=["varchar_pattern_ops"],
            ),
            # So are marked ones, which keep their mark in the archive until somebody takes it off.
            models.Index(fields=["mark"], name="cases_case_marked", condition=~Q(mark="")),
            models.Index(fields=["-reported_at", "-id"], name="cases_case_latest"),
            # Supervised and not done: few, and on top of the lists.
            models.Index(
                fields=["due_at", "id"],
                name="cases_case_urged",
                condition=Q(supervised=True) & ~Q(state__in=["rejected", "closed", "void", "archived"]),
            ),
            # How many of the last weeks a rule gave out is counted from the index alone.
            models.Index(
                fields=["dispatched_at"],
                include=["area_code", "auto_dispatched"],
                name="cases_case_given_out",
                condition=Q(dispatched_at__isnull=False, flow="city_management"),
            ),
            # Lists in the other two orders; without, half a million rows are sorted for a page of fifty.
            models.Index(fields=["due_at", "id"], name="cases_case_by_due"),
            models.Index(fields=["-updated_at", "-id"], name="cases_case_by_change"),
            GinIndex(Pairs("description", "address"), name="cases_case_pairs"),
        ]

    def __str__(self):
        return self.number

    def get_state_display(self) -> str:
        """The state in the words of the case's own flow."""
        from cases import flow_data

        table = flow_data.find(self.flow, self.flow_version)
        label = table.state_label(self.state) if table else ""
        return label or str(dict(self.State.choices).get(self.state, self.state))

    @property
    def is_open(self) -> bool:
        return self.state not in self.ENDED


class CaseHold(models.Model):
    """A unit that holds a case or held it, or helps with it (协办): such a unit keeps seeing it."""

    class Part(models.TextChoices):
        HOLDER = "holder", _("Responsible")
        HELPER = "helper", _("Helping")

    case = models.ForeignKey(Case, models.CASCADE, related_name="holds")
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, related_name="+")
    part = models.CharField(max_length=6, choices=Part.choices, default=Part.HOLDER)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("holding")
        verbose_name_plural = _("holdings")
        constraints = [models.UniqueConstraint(fields=["case", "unit"], name="cases_casehold_once")]
        indexes = [models.Index(fields=["unit", "case"], name="cases_casehold_unit")]

    def __str__(self):
        return f"{self.case_id} {self.unit_id}"


class Transition(models.Model):
    """One line of a case's log. The database refuses to change or delete it.

    ``position`` is where the actor stood (EPSG:4326), where the action asks for it.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="transitions")
    action = models.CharField(_("action"), max_length=30)
    from_state = models.CharField(_("from"), max_length=20, blank=True)
    to_state = models.CharField(_("to"), max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    role = models.CharField(_("role"), max_length=40, blank=True)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, related_name="+")
    to_unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("at"))
    device_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    position = models.PointField(srid=4326, null=True, spatial_index=False)
    client_key = models.UUIDField(unique=True, null=True)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["case", "id"], name="cases_transition_case"),
            models.Index(fields=["action", "at"], name="cases_transition_action"),
            models.Index(fields=["-at", "-id"], name="cases_transition_latest"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self):
        return f"{self.case_id} {self.action}"


class CaseAttachment(models.Model):
    """A photo or recording of a case, and the step it belongs to."""

    class Phase(models.TextChoices):
        REPORT = "report", _("Reported")
        HANDLE = "handle", _("Handled")
        VERIFY = "verify", _("Checked")
        OTHER = "other", _("Other")

    case = models.ForeignKey(Case, models.PROTECT, related_name="case_attachments")
    attachment = models.ForeignKey("geo.Attachment", models.PROTECT, related_name="case_attachments")
    transition = models.ForeignKey(Transition, models.PROTECT, null=True, related_name="case_attachments")
    phase = models.CharField(_("step"), max_length=8, choices=Phase.choices, default=Phase.REPORT)

    class Meta:
        verbose_name = _("photo of a case")
        verbose_name_plural = _("photos of cases")
        constraints = [
            models.UniqueConstraint(fields=["case", "attachment"], name="cases_caseattachment_once")
        ]

    def __str__(self):
        return f"{self.case_id} {self.attachment_id}"


class ReporterContact(models.Model):
    """How to answer a resident who reported. Read one at a time, through a logged reveal."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="reporter_contact")
    name = models.CharField(_("name"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)

    class Meta:
        verbose_name = _("reporter's contact")
        verbose_name_plural = _("reporters' contacts")

    def __str__(self):
        return str(self.case_id)
