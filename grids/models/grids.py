"""Governance grids, unit grids, duty grids; every border change is a publication."""

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.models import Labelled
from geo.scopes import ScopedQuerySet, ScopeSpec


class Publication(models.Model):
    """The act that put borders in force: an import, a plan, or the undoing of one.

    What undoing it needs is kept with it: ``basis``, the generations in force before ({code: generation};
    null for unit grids), ``nodes`` that outlines got ({area code: [[lon, lat]]}) and what was
    ``handed_over`` ({kind: ...}; each kind reads its own).
    """

    class Kind(models.TextChoices):
        IMPORT = "import", _("Import")
        PLAN = "plan", _("Boundary plan")
        UNDO = "undo", _("Undo")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    effective_on = models.DateField(_("effective on"))
    published_at = models.DateTimeField(_("published at"), auto_now_add=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    communities = models.JSONField(_("communities"), default=list)
    note = models.CharField(_("note"), max_length=200, blank=True)
    basis = models.JSONField(null=True, editable=False)
    nodes = models.JSONField(default=dict, editable=False)
    handed_over = models.JSONField(default=dict, editable=False)
    undoes = models.OneToOneField("self", models.PROTECT, null=True, editable=False, related_name="undone_by")

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")

    def __str__(self):
        return f"{self.get_kind_display()} {self.effective_on}"


class GridBase(Labelled):
    """A grid's identity and the border now in force. ``geom`` changes only by a publication.

    ``code`` starts with the community's 12 digits. ``retired_on`` is the first day without it.
    """

    code = models.CharField(_("code"), max_length=15, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    community_code = models.CharField(_("community"), max_length=12, db_index=True)
    geom = models.PolygonField(_("border"), srid=4326, spatial_index=False)
    generation = models.PositiveIntegerField(_("generation"), default=1)
    valid_from = models.DateField(_("valid from"))
    retired_on = models.DateField(_("retired on"), null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta(Labelled.Meta):
        abstract = True
        ordering = ["code"]

    def __str__(self):
        return self.name or self.code


class VersionBase(models.Model):
    """A border as it was from ``valid_from`` until ``valid_to`` (exclusive; null: in force)."""

    class Lineage(models.TextChoices):
        NEW = "new", _("New")
        KEPT = "kept", _("Kept")
        MOVED = "moved", _("Border moved")
        SPLIT = "split", _("Split off")
        MERGED = "merged", _("Merged")
        RESTORED = "restored", _("Restored")

    generation = models.PositiveIntegerField(_("generation"))
    geom = models.PolygonField(_("border"), srid=4326)
    valid_from = models.DateField(_("valid from"), db_index=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    lineage = models.CharField(_("lineage"), max_length=10, choices=Lineage.choices, default=Lineage.NEW)
    publication = models.ForeignKey(Publication, models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Grid(GridBase):
    """The governance grid (网格), the one planners redraw: a community's grids are exactly a coverage.

    Code: community 12 + sequence 3; 001-799 basic, 801-999 exclusive (our convention).
    """

    class Kind(models.TextChoices):
        BASIC = "basic", _("Basic grid")
        EXCLUSIVE = "exclusive", _("Exclusive grid")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.BASIC)
    external_code = models.CharField(_("external code"), max_length=40, blank=True)
    colour = models.CharField(_("colour"), max_length=7, blank=True)

    scope = ScopeSpec(permission="grids.view", area="community_code", grid="id", public=Q())

    class Meta(GridBase.Meta):
        verbose_name = _("grid")
        verbose_name_plural = _("grids")
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^\d{15}$"), name="grids_grid_code_15_digits"),
            models.CheckConstraint(
                condition=Q(code__startswith=models.F("community_code")), name="grids_grid_code_in_community"
            ),
        ]


class GridVersion(VersionBase):
    """A governance grid's border in time."""

    grid = models.ForeignKey(Grid, models.PROTECT, related_name="versions")
    name = models.CharField(_("name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Grid.Kind.choices)
    colour = models.CharField(_("colour"), max_length=7, blank=True)
    predecessors = models.ManyToManyField(Grid, related_name="+", blank=True)

    class Meta:
        verbose_name = _("grid version")
        verbose_name_plural = _("grid versions")
        constraints = [
            models.UniqueConstraint(fields=["grid", "generation"], name="grids_gridversion_generation"),
            models.UniqueConstraint(
                fields=["grid"], condition=Q(valid_to=None), name="grids_gridversion_one_in_force"
            ),
        ]

    def __str__(self):
        return f"{self.grid_id} / {self.generation}"


class DutyGrid(Labelled):
    """A supervisor's beat (责任网格): a set of whole unit grids; its geometry is their union."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=100)
    area_code = models.CharField(_("area"), max_length=12, db_index=True)
    geom = models.MultiPolygonField(_("border"), srid=4326, spatial_index=False)
    valid_from = models.DateField(_("valid from"))
    retired_on = models.DateField(_("retired on"), null=True, blank=True)

    scope = ScopeSpec(permission="grids.view", area="area_code")
    objects = ScopedQuerySet.as_manager()

    class Meta(Labelled.Meta):
        verbose_name = _("duty grid")
        verbose_name_plural = _("duty grids")

    def __str__(self):
        return self.name


class UnitGrid(GridBase):
    """The smallest supervision cell (单元网格, GB/T 30428.1), about one hectare.

    Code: county 6 + street 3 + community 3 + sequence 3, west to east and north to south.
    """

    duty_grid = models.ForeignKey(
        DutyGrid,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="unit_grids",
        verbose_name=_("duty grid"),
    )

    scope = ScopeSpec(permission="grids.view", area="community_code")

    class Meta(GridBase.Meta):
        verbose_name = _("unit grid")
        verbose_name_plural = _("unit grids")
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^\d{15}$"), name="grids_unitgrid_code_15_digits"
            ),
        ]


class UnitGridVersion(VersionBase):
    """A unit grid's border in time."""

    unit_grid = models.ForeignKey(UnitGrid, models.PROTECT, related_name="versions")

    class Meta:
        verbose_name = _("unit grid version")
        verbose_name_plural = _("unit grid versions")
        constraints = [
            models.UniqueConstraint(fields=["unit_grid", "generation"], name="grids_unitgridversion_gen"),
            models.UniqueConstraint(
                fields=["unit_grid"], condition=Q(valid_to=None), name="grids_unitgridversion_in_force"
            ),
        ]

    def __str__(self):
        return f"{self.unit_grid_id} / {self.generation}"
