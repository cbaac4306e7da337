"""Estates, buildings, housing units, households, and who is in a building."""

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GinIndex
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec
from grids.models import ANCHOR, Located


class Estate(Located):
    """A residential estate (小区) or a business or industrial park (园区)."""

    class Kind(models.TextChoices):
        ESTATE = "estate", _("Residential estate")
        CAMPUS = "campus", _("Park or campus")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.ESTATE)

    scope = ScopeSpec(permission="assets.view", area="area_code", grid="grid_id", ground="geom")
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("estate")
        verbose_name_plural = _("estates")
        indexes = [*Located.Meta.indexes, ANCHOR]

    def __str__(self):
        return self.name


class Building(Located):
    """A building (楼栋), a polygon or at least a point."""

    class Use(models.TextChoices):
        HOME = "home", _("Residential")
        SHOP = "shop", _("Commercial")
        MIXED = "mixed", _("Mixed")
        VILLA = "villa", _("Detached house")
        GARAGE = "garage", _("Garage")
        DORMITORY = "dormitory", _("Dormitory")
        OFFICE = "office", _("Office")
        PUBLIC = "public", _("Public")
        INDUSTRY = "industry", _("Industrial")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    address = models.CharField(_("address"), max_length=200, blank=True)
    use = models.CharField(_("use"), max_length=10, choices=Use.choices, default=Use.HOME)
    floors = models.PositiveSmallIntegerField(_("floors"), default=1)
    stairwells = models.PositiveSmallIntegerField(_("stairwells"), default=1)
    estate = models.ForeignKey(
        Estate, models.SET_NULL, null=True, blank=True, related_name="buildings", verbose_name=_("estate")
    )

    scope = ScopeSpec(permission="assets.view", area="area_code", grid="grid_id", ground="geom")
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("building")
        verbose_name_plural = _("buildings")
        # Search finds the middle of a name or address through its trigrams.
        indexes = [
            *Located.Meta.indexes,
            ANCHOR,
            GinIndex(
                fields=["name", "address"],
                name="assets_building_words",
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
            ),
        ]

    def __str__(self):
        return self.name


class House(models.Model):
    """A housing unit (房屋). It has no geometry of its own: it takes the building's place."""

    building = models.ForeignKey(Building, models.PROTECT, related_name="houses", verbose_name=_("building"))
    stairwell = models.CharField(_("stairwell"), max_length=10, default="1")
    floor = models.SmallIntegerField(_("floor"))
    door = models.CharField(_("door"), max_length=10)
    use = models.CharField(_("use"), max_length=10, choices=Building.Use.choices, default=Building.Use.HOME)
    area_m2 = models.DecimalField(
        _("floor area in m²"), max_digits=8, decimal_places=2, null=True, blank=True
    )

    scope = ScopeSpec(
        permission="assets.view",
        area="building__area_code",
        grid="building__grid_id",
        ground="building__geom",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("housing unit")
        verbose_name_plural = _("housing units")
        ordering = ["building", "stairwell", "-floor", "door"]
        constraints = [
            models.UniqueConstraint(
                fields=["building", "stairwell", "floor", "door"], name="assets_house_once"
            )
        ]

    def __str__(self):
        return f"{self.stairwell}-{self.door}"


class Household(models.Model):
    """A household: a door and its number of people, nothing more."""

    house = models.OneToOneField(
        House, models.CASCADE, related_name="household", verbose_name=_("housing unit")
    )
    people = models.PositiveSmallIntegerField(_("people"), default=1)

    scope = ScopeSpec(
        permission="assets.view_households",
        area="house__building__area_code",
        grid="house__building__grid_id",
        ground="house__building__geom",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")

    def __str__(self):
        return str(self.house_id)


class Occupant(models.Model):
    """A shop, enterprise or institution. Inside a building it takes the building's place."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    credit_code = models.CharField(_("unified social credit code"), max_length=18, blank=True)
    industry = models.CharField(_("industry"), max_length=60, blank=True)
    building = models.ForeignKey(
        Building, models.PROTECT, related_name="%(class)ss", verbose_name=_("building")
    )
    house = models.ForeignKey(House, models.SET_NULL, null=True, blank=True, related_name="%(class)ss")
    phone = models.CharField(_("public phone"), max_length=30, blank=True)

    scope = ScopeSpec(
        permission="assets.view",
        area="building__area_code",
        grid="building__grid_id",
        ground="building__geom",
    )
    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self):
        return self.name


class Shop(Occupant):
    """A shop (商户)."""

    class Meta(Occupant.Meta):
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        indexes = [GinIndex(fields=["name"], name="assets_shop_words", opclasses=["gin_trgm_ops"])]


class Enterprise(Occupant):
    """An enterprise (企业)."""

    class Meta(Occupant.Meta):
        verbose_name = _("enterprise")
        verbose_name_plural = _("enterprises")
        indexes = [GinIndex(fields=["name"], name="assets_enterprise_words", opclasses=["gin_trgm_ops"])]


class ResidentUnit(Located):
    """An institution in the area (驻区单位): school, hospital, office. Often a compound of its own."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=40, blank=True)
    credit_code = models.CharField(_("unified social credit code"), max_length=18, blank=True)
    phone = models.CharField(_("public phone"), max_length=30, blank=True)

    scope = ScopeSpec(permission="assets.view", area="area_code", grid="grid_id", ground="geom")
    objects = ScopedQuerySet.as_manager()

    class Meta(Located.Meta):
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")
        indexes = [*Located.Meta.indexes, ANCHOR]

    def __str__(self):
        return self.name
