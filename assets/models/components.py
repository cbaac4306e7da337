"""Coded components, facilities, service centres, risk points and reference lines."""

import pghistory
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec
from grids.models import ANCHOR, Located


class Component(Located):
    """A coded city component (部件).

    ``code`` has 16 digits by GB/T 30428.2-2013 (county 6 + class 2 + type 2 + sequence 6) or 17 by
    GB/T 47678.5-2026 (6 + 2 + 3 + 6), by the standard of its type.
    """

    class State(models.TextChoices):
        INTACT = "intact", _("Intact")
        DAMAGED = "damaged", _("Damaged")
        LOST = "lost", _("Lost")
        ABANDONED = "abandoned", _("Abandoned")
        REMOVED = "removed", _("Removed")

    code = models.CharField(_("code"), max_length=17, unique=True)
    type = models.ForeignKey("assets.ItemType", models.PROTECT, related_name="+", verbose_name=_("type"))
    name = models.CharField(_("name"), max_length=60)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.INTACT)
    managing_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("managing unit"),
    )
    owner_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner unit"),
    )
    maintenance_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("maintenance unit"),
    )
    surveyed_on = models.DateField(_("first surveyed on"), null=True, blank=True)
    changed_on = models.DateField(_("changed on"), null=True, blank=True)
    data_source = models.CharField(_("data source"), max_length=60, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    scope = ScopeSpec(
        permission="assets.view",
        area="area_code",
        grid="grid_id",
        ground="geom",
        units=("owner_unit", "maintenance_unit", "managing_unit"),
    )
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("component")
        verbose_name_plural = _("components")
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^\d{16,17}$"), name="assets_component_code_digits"
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.code}"


class ComponentSequence(models.Model):
    """The last number given out per county and type; taken under the row's lock, never reused."""

    # County 6 + class 2 + type 2 or 3.
    prefix = models.CharField(max_length=11, unique=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("component sequence")
        verbose_name_plural = _("component sequences")

    def __str__(self):
        return f"{self.prefix}{self.last:06d}"


class PublicFacility(Located):
    """A public facility (公共设施): toilet, park, market, car park."""

    class Kind(models.TextChoices):
        TOILET = "toilet", _("Public toilet")
        PARK = "park", _("Park")
        PARKING = "parking", _("Car park")
        MARKET = "market", _("Market")
        SPORTS = "sports", _("Sports ground")
        OTHER = "other", _("Other")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    opening_hours = models.CharField(_("opening hours"), max_length=100, blank=True)
    component = models.ForeignKey(Component, models.SET_NULL, null=True, blank=True, related_name="+")

    scope = ScopeSpec(permission="assets.view", area="area_code", grid="grid_id", ground="geom", public=Q())
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("public facility")
        verbose_name_plural = _("public facilities")

    def __str__(self):
        return self.name


class ServiceCenter(Located):
    """A service centre or station (服务中心、站点), in a tree of its own."""

    class Level(models.TextChoices):
        CITY = "city", _("City centre")
        DISTRICT = "district", _("District centre")
        STREET = "street", _("Street centre")
        COMMUNITY = "community", _("Community station")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    address = models.CharField(_("address"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    opening_hours = models.CharField(_("opening hours"), max_length=100, blank=True)
    services = models.CharField(_("services"), max_length=200, blank=True)

    scope = ScopeSpec(permission="assets.view", area="area_code", grid="grid_id", ground="geom", public=Q())
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("service centre")
        verbose_name_plural = _("service centres")
        indexes = [*Located.Meta.indexes, ANCHOR]

    def __str__(self):
        return self.name


@pghistory.track(exclude=["anchor", "grid", "unit_grid", "area_code", "geom_3857"])
class RiskPoint(Located):
    """A risk point (风险点), graded by LEC: D = likelihood x exposure x consequence.

    Levels by D: red above 320, orange above 160, yellow above 70, blue to 70 (thresholds are settings of
    the city; a level raised by hand names its reason).
    """

    class Level(models.TextChoices):
        RED = "red", _("Red: major")
        ORANGE = "orange", _("Orange: serious")
        YELLOW = "yellow", _("Yellow: ordinary")
        BLUE = "blue", _("Blue: low")

    LIKELIHOOD = (10, 6, 3, 1, 0.5, 0.2, 0.1)
    EXPOSURE = (10, 6, 3, 2, 1, 0.5)
    CONSEQUENCE = (100, 40, 15, 7, 3, 1)
    THRESHOLDS = ((320, Level.RED), (160, Level.ORANGE), (70, Level.YELLOW))

    code = models.CharField(_("number"), max_length=24, unique=True)
    name = models.CharField(_("name"), max_length=100)
    category = models.CharField(_("category"), max_length=40)
    supervising_unit = models.ForeignKey(
        "geo.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("supervising unit"),
    )
    likelihood = models.FloatField(_("likelihood"))
    exposure = models.FloatField(_("exposure"))
    consequence = models.FloatField(_("consequence"))
    level = models.CharField(_("level"), max_length=10, choices=Level.choices, editable=False)
    raised_reason = models.CharField(_("reason for a raised level"), max_length=200, blank=True)
    component = models.ForeignKey(
        Component, models.SET_NULL, null=True, blank=True, related_name="risk_points"
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    scope = ScopeSpec(
        permission="assets.view_risks",
        area="area_code",
        grid="grid_id",
        ground="geom",
        units=("supervising_unit",),
    )
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("risk point")
        verbose_name_plural = _("risk points")

    def __str__(self):
        return self.name

    @property
    def danger(self) -> float:
        """D of the LEC method."""
        return self.likelihood * self.exposure * self.consequence

    def save(self, *args, **kwargs):
        if not self.raised_reason or not self.level:
            self.level = next(
                (level for bound, level in self.THRESHOLDS if self.danger > bound), self.Level.BLUE
            )
        super().save(*args, **kwargs)


class ReferenceLine(Located):
    """A road, a watercourse, a railway or another barrier: what borders follow."""

    class Kind(models.TextChoices):
        ROAD = "road", _("Road")
        WATER = "water", _("Water")
        RAIL = "rail", _("Railway")
        BARRIER = "barrier", _("Barrier")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # 1 main road or river, 2 secondary, 3 local, 4 lane or path
    rank = models.PositiveSmallIntegerField(_("rank"), default=3)
    width_m = models.FloatField(_("width in metres"), default=8)

    scope = ScopeSpec(permission="assets.view", area="area_code", public=Q())
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("reference line")
        verbose_name_plural = _("reference lines")

    def __str__(self):
        return self.name or self.code
