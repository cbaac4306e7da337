"""Grid workers, their duties and shifts, and check-ins."""

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec
from grids.models.located import Located, RawPosition


class Worker(models.Model):
    """A helper on the ground: with an account or without one."""

    class StaffKind(models.TextChoices):
        FULL_TIME = "full_time", _("Full-time")
        PART_TIME = "part_time", _("Part-time")
        EXCLUSIVE = "exclusive", _("Exclusive grid")

    class Origin(models.TextChoices):
        INSIDE = "inside", _("Posted cadre")
        OUTSIDE = "outside", _("Outside")

    name = models.CharField(_("name"), max_length=60)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="worker"
    )
    organisation = models.ForeignKey(
        "geo.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    staff_kind = models.CharField(_("kind"), max_length=10, choices=StaffKind.choices)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices, blank=True)
    area_code = models.CharField(_("area"), max_length=12, db_index=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    active = models.BooleanField(_("active"), default=True)

    scope = ScopeSpec(permission="grids.view_workers", area="area_code", own=("user_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("grid worker")
        verbose_name_plural = _("grid workers")
        ordering = ["area_code", "id"]

    def __str__(self):
        return self.name


class DateRange(Func):
    function = "DATERANGE"
    output_field = DateRangeField()


class GridDuty(models.Model):
    """A worker's duty in a grid, as leader or member, from a day until another (exclusive)."""

    class Role(models.TextChoices):
        LEADER = "leader", _("Grid leader")
        MEMBER = "member", _("Grid member")

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="duties", verbose_name=_("worker"))
    grid = models.ForeignKey("grids.Grid", models.PROTECT, related_name="duties", verbose_name=_("grid"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    scope = ScopeSpec(permission="grids.view_workers", area="grid__community_code", own=("worker__user_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("grid duty")
        verbose_name_plural = _("grid duties")
        ordering = ["grid", "role", "id"]
        constraints = [
            ExclusionConstraint(
                name="grids_gridduty_one_leader",
                expressions=[
                    ("grid", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(role="leader"),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
                name="grids_gridduty_dates_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.worker} {self.get_role_display()} {self.grid_id}"


class Shift(models.Model):
    """A planned stretch of work. Positions are only taken between punch-in and punch-out."""

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="shifts", verbose_name=_("worker"))
    area_code = models.CharField(_("area"), max_length=15, db_index=True)
    planned_start = models.DateTimeField(_("planned start"))
    planned_end = models.DateTimeField(_("planned end"))
    punched_in_at = models.DateTimeField(_("punched in at"), null=True, blank=True)
    punched_out_at = models.DateTimeField(_("punched out at"), null=True, blank=True)

    scope = ScopeSpec(permission="grids.view_workers", area="area_code", own=("worker__user_id",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["-planned_start"]
        constraints = [
            models.CheckConstraint(
                condition=Q(planned_end__gt=F("planned_start")), name="grids_shift_times_in_order"
            ),
            models.UniqueConstraint(
                fields=["worker"],
                condition=Q(punched_in_at__isnull=False, punched_out_at=None),
                name="grids_shift_one_running",
            ),
        ]

    def __str__(self):
        return f"{self.worker} {self.planned_start:%Y-%m-%d}"


class CheckIn(Located, RawPosition):
    """A mark that a worker was somewhere (打卡): kept whatever the result, never silently refused.

    With distance d to the geofence, its radius r and the accuracy a, all in metres: inside if d + a <= r,
    outside if d - a > r, else uncertain; accuracy missing or over 200 m, or a fix older than 2 minutes,
    is uncertain. ``reasons`` are codes with words (``CheckIn.REASONS``).
    """

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in", _("Sign in")
        SIGN_OUT = "sign_out", _("Sign out")
        ARRIVE = "arrive", _("Arrived")
        PATROL = "patrol", _("On patrol")

    class Result(models.TextChoices):
        INSIDE = "inside", _("Inside")
        OUTSIDE = "outside", _("Outside the place")
        UNCERTAIN = "uncertain", _("Uncertain")

    REASONS = {
        "no_accuracy": _("The device gave no accuracy."),
        "low_accuracy": _("The position is less exact than 200 m."),
        "old_fix": _("The position is older than two minutes."),
        "near_border": _("The accuracy circle crosses the border."),
        "too_fast": _("Faster than 150 km/h since the last check-in."),
        "no_target": _("No place to compare with."),
        "sent_later": _("Sent more than two minutes after it was made."),
    }

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="check_ins", verbose_name=_("worker"))
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, related_name="check_ins")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.ARRIVE)
    geom = models.PointField(_("position"), srid=4326, spatial_index=False)
    target_kind = models.CharField(_("target"), max_length=20, blank=True)
    target_code = models.CharField(_("target code"), max_length=40, blank=True)
    target_name = models.CharField(_("target name"), max_length=100, blank=True)
    radius_m = models.FloatField(_("radius in metres"), default=0)
    distance_m = models.FloatField(_("distance in metres"), null=True)
    result = models.CharField(_("result"), max_length=10, choices=Result.choices)
    reasons = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    flagged = models.BooleanField(_("flagged for review"), default=False)
    note = models.CharField(_("note"), max_length=200, blank=True)
    device_at = models.DateTimeField(_("time on the device"), null=True)
    created_at = models.DateTimeField(_("received at"), auto_now_add=True, db_index=True)
    client_key = models.UUIDField(unique=True)

    scope = ScopeSpec(
        permission="grids.view_check_ins",
        area="area_code",
        grid="grid_id",
        ground="geom",
        own=("worker__user_id",),
    )
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.worker} {self.get_result_display()}"
