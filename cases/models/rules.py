"""Rules as data: who is responsible for what where, and within what time."""

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class DispatchRule(models.Model):
    """A unit is responsible for a kind of problem in a place, for a time.

    The narrower wins (``cases.dispatch``): first by type (a type, a class, a kind, anything), then by place
    (a drawn ``polygon``, a grid, a community, a street, a district, the city), then the latest
    ``valid_from``. Two that are equal in all of that are a fault that is shown, never a coin toss.
    """

    name = models.CharField(_("name"), max_length=100)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, related_name="+", verbose_name=_("unit"))
    type = models.ForeignKey(
        "assets.ItemType", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("type")
    )
    kind = models.CharField(_("kind"), max_length=10, blank=True)
    class_code = models.CharField(_("class"), max_length=2, blank=True)
    standard = models.CharField(_("standard"), max_length=20, blank=True)
    polygon = models.MultiPolygonField(_("drawn area"), srid=4326, null=True, blank=True, spatial_index=False)
    grid = models.ForeignKey(
        "grids.Grid", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("grid")
    )
    area_code = models.CharField(_("area"), max_length=12, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    basis = models.CharField(_("basis"), max_length=200, blank=True)
    # What makes it a line of the duty list (权责清单) and of the command manual (指挥手册): which of the five
    # duty holders (dictionary five_party), which post and person of the unit, and what they are to do.
    party = models.CharField(_("duty holder"), max_length=20, blank=True)
    post = models.CharField(_("post"), max_length=60, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    manual = models.TextField(_("manual"), max_length=2000, blank=True)
    # The decision of a joint meeting that added it.
    source_item = models.OneToOneField(
        "cases.MeetingItem",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rule",
        verbose_name=_("decided by"),
    )

    scope = ScopeSpec(permission="cases.view_rules", area="area_code", units=("unit",))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("dispatch rule")
        verbose_name_plural = _("dispatch rules")
        ordering = ["name"]
        indexes = [
            GistIndex(fields=["polygon"], name="cases_dispatchrule_polygon"),
            models.Index(fields=["type", "area_code"], name="cases_dispatchrule_type"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="cases_dispatchrule_dates"
            ),
            # A class code means nothing without its standard and kind.
            models.CheckConstraint(
                condition=Q(class_code="") | (~Q(standard="") & ~Q(kind="")), name="cases_dispatchrule_class"
            ),
        ]

    def __str__(self):
        return self.name


class RuleAlarm(models.Model):
    """Something that keeps rules from working (``cases.faults``), for as long as it lasts; told once."""

    class Kind(models.TextChoices):
        TYPE = "type", _("No such type in use")
        GRID = "grid", _("Grid retired")
        AREA = "area", _("Area not in force")
        UNIT = "unit", _("Unit not active")
        OUTSIDE = "outside", _("Drawn outside its area")
        PEOPLE = "people", _("Unit without people")

    kind = models.CharField(max_length=7, choices=Kind.choices)
    rule = models.ForeignKey(DispatchRule, models.CASCADE, null=True, related_name="alarms")
    unit = models.ForeignKey("geo.Organisation", models.CASCADE, null=True, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("alarm of the rules")
        verbose_name_plural = _("alarms of the rules")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "rule", "unit"], nulls_distinct=False, name="cases_rulealarm_once"
            ),
            models.CheckConstraint(
                condition=Q(rule=None, unit__isnull=False) | Q(rule__isnull=False, unit=None),
                name="cases_rulealarm_about",
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.rule_id or self.unit_id}"


class FilingStandard(models.Model):
    """When a problem of a type is filed, how long its handling may take, and when it may be closed."""

    class Unit(models.TextChoices):
        URGENT_HOUR = "urgent_hour", _("urgent hours")
        WORK_HOUR = "work_hour", _("work hours")
        WORK_DAY = "work_day", _("work days")

    type = models.ForeignKey(
        "assets.ItemType", models.CASCADE, related_name="filing_standards", verbose_name=_("type")
    )
    condition = models.CharField(_("condition"), max_length=200)
    limit = models.PositiveSmallIntegerField(_("limit"))
    limit_unit = models.CharField(_("unit of the limit"), max_length=12, choices=Unit.choices)
    closing = models.CharField(_("closing condition"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("filing standard")
        verbose_name_plural = _("filing standards")
        ordering = ["type", "position", "id"]
        constraints = [models.CheckConstraint(condition=Q(limit__gt=0), name="cases_filingstandard_limit")]

    def __str__(self):
        return f"{self.type}: {self.condition}"
