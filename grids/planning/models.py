"""A boundary plan: its grids, the blocks they are made of, its edit log, its proposals and its review."""

import secrets

import pgtrigger
from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from geo.scopes import ScopedQuerySet, ScopeSpec
from grids.models.grids import Grid, Publication


def _low() -> int:
    return settings.GRID_STANDARD[0]


def _high() -> int:
    return settings.GRID_STANDARD[1]


def _seed() -> int:
    return secrets.randbelow(2**31)


class Plan(models.Model):
    """A draft of the grids of one or more whole communities, from its first stroke to its publication.

    ``revision`` grows with every change of the draft (undo and redo too). ``area_code`` is the smallest area
    that holds all communities: who works on the plan has the permission there.
    """

    class Start(models.TextChoices):
        IN_FORCE = "in_force", _("Grids in force")
        PLAN = "plan", _("Another plan")
        FILE = "file", _("A file")
        OUTLINE = "outline", _("The community's outline")

    class State(models.TextChoices):
        PREPARING = "preparing", pgettext_lazy("plan", "Being prepared")
        FAILED = "failed", pgettext_lazy("plan", "Could not be prepared")
        DRAFT = "draft", pgettext_lazy("plan", "Draft")
        SUBMITTED = "submitted", pgettext_lazy("plan", "In review")
        RETURNED = "returned", pgettext_lazy("plan", "Returned")
        APPROVED = "approved", pgettext_lazy("plan", "Approved")
        PUBLISHED = "published", pgettext_lazy("plan", "Published")
        UNDONE = "undone", pgettext_lazy("plan", "Undone")
        WITHDRAWN = "withdrawn", pgettext_lazy("plan", "Withdrawn")

    # States in which strokes are taken.
    OPEN = (State.DRAFT, State.RETURNED)

    name = models.CharField(_("name"), max_length=100)
    note = models.TextField(_("note"), blank=True)
    communities = ArrayField(models.CharField(max_length=12), verbose_name=_("communities"))
    area_code = models.CharField(_("area"), max_length=12)
    start = models.CharField(_("started from"), max_length=10, choices=Start.choices)
    started_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    # The file it starts from, and how that is to be read: {crs, layer, code_field, name_field, grids}.
    file = models.FileField(upload_to="plans/%Y/%m/", blank=True)
    options = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PREPARING)
    # What stood against it, or what was repaired, when it was prepared: [{kind, text, geometry, ...}].
    problem = models.TextField(_("problem"), blank=True)
    findings = models.JSONField(_("findings"), default=list)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    standard_low = models.PositiveIntegerField(_("fewest households"), default=_low)
    standard_high = models.PositiveIntegerField(_("most households"), default=_high)
    client_key = models.UUIDField(unique=True, null=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)
    # Review and publication. ``basis``: generations of the grids that were in force when it was started, or
    # when somebody last checked it against newer borders: {code: generation}.
    basis = models.JSONField(null=True, editable=False)
    effective_on = models.DateField(_("effective on"), null=True, blank=True)
    publication = models.OneToOneField(
        Publication, models.PROTECT, null=True, blank=True, related_name="plan"
    )
    undoing = models.OneToOneField(Publication, models.PROTECT, null=True, blank=True, related_name="+")

    scope = ScopeSpec(permission="grids.view_plans", area="area_code")
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("boundary plan")
        verbose_name_plural = _("boundary plans")
        ordering = ["-changed_at"]
        indexes = [
            models.Index(fields=["area_code"], name="grids_plan_area", opclasses=["varchar_pattern_ops"])
        ]

    def __str__(self):
        return self.name


class PlanGrid(models.Model):
    """A grid of a plan. ``number`` is what requests call it; ``grid`` is the one in force that it continues.

    ``code`` is the code it will have: of the grid in force, or a new one, never used before. A grid that was
    merged away or emptied is not ``active``; undo wakes it.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="grids")
    number = models.PositiveIntegerField(_("number"))
    community_code = models.CharField(_("community"), max_length=12)
    grid = models.ForeignKey(Grid, models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(_("code"), max_length=15)
    name = models.CharField(_("name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Grid.Kind.choices, default=Grid.Kind.BASIC)
    colour = models.CharField(_("colour"), max_length=7, blank=True)
    locked = models.BooleanField(_("locked"), default=False)
    active = models.BooleanField(_("active"), default=True)
    # The plan's revision that last changed its ground or its attributes.
    revision = models.PositiveIntegerField(_("revision"), default=0)

    class Meta:
        verbose_name = _("grid of a plan")
        verbose_name_plural = _("grids of a plan")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="grids_plangrid_number"),
            models.UniqueConstraint(
                fields=["plan", "code"], condition=Q(active=True), name="grids_plangrid_code"
            ),
        ]

    def __str__(self):
        return self.name or self.code


class PlanBlock(models.Model):
    """A block: the smallest ground that is handed from grid to grid (WGS-84, on the lattice, noded).

    The active blocks of a community are a coverage of its outline at every revision. A block that was cut
    gives way to its pieces: it stays, inactive, so that undo can bring it back. ``figures`` holds what stands
    in it: {measure id: number}, with ``place:<id>`` for counts of places (``grids.planning.figures``).
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="blocks")
    grid = models.ForeignKey(PlanGrid, models.CASCADE, related_name="blocks")
    community_code = models.CharField(_("community"), max_length=12)
    geom = models.PolygonField(_("border"), srid=4326)
    # Blocks of the same estate are kept together by proposals; empty for the rest.
    estate = models.CharField(_("estate"), max_length=40, blank=True)
    figures = models.JSONField(_("figures"), default=dict)
    active = models.BooleanField(_("active"), default=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        indexes = [
            models.Index(fields=["plan", "grid"], condition=Q(active=True), name="grids_planblock_active"),
            models.Index(fields=["plan", "revision"], name="grids_planblock_revision"),
        ]


class PlanEdit(models.Model):
    """A stroke on a plan, as it was asked for and as it changed the draft.

    ``delta`` = {"blocks": {id: [grid number before, after]}, "removed": [block ids], "added": [block ids],
    "grids": {number: {field: [before, after]}}}; applied backwards it is undone. ``undone`` strokes at the
    end of the log can be done again until a new stroke drops them (``dropped``).
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField(_("number"))
    op = models.CharField(_("operation"), max_length=20)
    params = models.JSONField(_("parameters"), default=dict)
    delta = models.JSONField(_("changes"), default=dict)
    summary = models.CharField(_("summary"), max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("time"), auto_now_add=True)
    # Who last did or undid it, and the plan's revision after that.
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revision = models.PositiveIntegerField(_("revision"))
    undone = models.BooleanField(_("undone"), default=False)
    dropped = models.BooleanField(_("dropped"), default=False)

    class Meta:
        verbose_name = _("stroke")
        verbose_name_plural = _("strokes")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["plan", "number"], name="grids_planedit_number")]


class PlanProposal(models.Model):
    """Plans that the machine proposes for one community of a draft: asked for, under way, or ready.

    ``alternatives`` = [{"grids": {block id: 0..N-1}, "figures": [per part], "deviation": 0.08,
    "kept": share of homes that stay, "compactness": ..., "cut_length_m": ...}], best first.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("proposal", "Waiting")
        RUNNING = "running", pgettext_lazy("proposal", "Running")
        READY = "ready", pgettext_lazy("proposal", "Ready")
        STOPPED = "stopped", pgettext_lazy("proposal", "Stopped")
        FAILED = "failed", pgettext_lazy("proposal", "No plan found")

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="proposals")
    community_code = models.CharField(_("community"), max_length=12)
    # The draft's revision that it was computed from.
    revision = models.PositiveIntegerField(_("revision"))
    grids = models.PositiveIntegerField(_("number of grids"))
    measure = models.CharField(_("balanced on"), max_length=40, default="households")
    tolerance = models.FloatField(_("tolerance"), default=0.1)
    keep_weight = models.FloatField(_("weight of present borders"), default=0.5)
    wanted = models.PositiveIntegerField(_("alternatives"), default=3)
    seed = models.PositiveIntegerField(_("seed"), default=_seed)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    stop = models.BooleanField(_("stop asked for"), default=False)
    progress = models.FloatField(_("progress"), default=0)
    message = models.CharField(_("message"), max_length=300, blank=True)
    alternatives = models.JSONField(_("proposals"), default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ["-created_at"]


class PlanStep(models.Model):
    """What happened to a plan as a whole: submitted, returned, approved, published, undone.

    The database refuses to change or delete it.
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="steps")
    action = models.CharField(_("action"), max_length=20)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    role = models.CharField(_("role"), max_length=40, blank=True)
    at = models.DateTimeField(_("time"), auto_now_add=True)
    note = models.TextField(_("note"), blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)

    class Meta:
        verbose_name = _("step of a plan")
        verbose_name_plural = _("steps of a plan")
        ordering = ["at", "id"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


class PlanRemark(models.Model):
    """A reviewer's remark pinned to a place of the draft (EPSG:4326)."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="remarks")
    point = models.PointField(_("place"), srid=4326)
    text = models.TextField(_("text"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("time"), auto_now_add=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")
        ordering = ["at", "id"]
