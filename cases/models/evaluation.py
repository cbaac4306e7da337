"""Evaluation (综合评价): indicators, models as trees of weights, and what they are made of.

A task and its data are in ``cases.models.evaluation_tasks``.
"""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec

VIEW = "cases.view_evaluation"
MANAGE = "cases.evaluate"
ASSESS = "cases.assess"
FULL = Decimal(100)


class Indicator(models.Model):
    """What is measured (评价指标), and how a value becomes a score of 0 to 100.

    Between ``zero_value`` and ``full_value`` (in ``unit``) the score is linear, outside clipped; ``steps``
    replaces both: [["95", "100"], ["90", "80"]], thresholds from the best down. A ``field`` indicator has
    ``problems`` instead: [{"code", "name", "points", "cap"}], deducted from 100. Numbers in JSON are text, so
    that they stay exact. Models in use keep a copy of their own (``ModelItem.definition``).
    """

    class Kind(models.TextChoices):
        COMPUTED = "computed", _("Computed")
        REPORTED = "reported", _("Filled in")
        FIELD = "field", _("Seen on the spot")

    class Direction(models.TextChoices):
        HIGHER = "higher", _("Higher is better")
        LOWER = "lower", _("Lower is better")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    unit = models.CharField(_("unit of measure"), max_length=12, blank=True)
    direction = models.CharField(
        _("direction"), max_length=6, choices=Direction.choices, default=Direction.HIGHER
    )
    full_value = models.DecimalField(
        _("full-score value"), max_digits=14, decimal_places=4, null=True, blank=True
    )
    zero_value = models.DecimalField(
        _("zero-score value"), max_digits=14, decimal_places=4, null=True, blank=True
    )
    steps = models.JSONField(_("step table"), default=list, blank=True)
    problems = models.JSONField(_("deductions"), default=list, blank=True)
    source = models.CharField(_("statistic"), max_length=60, blank=True)
    note = models.CharField(_("explanation"), max_length=300, blank=True)
    active = models.BooleanField(_("in use"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        ordering = ["kind", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="computed") | ~Q(source=""), name="cases_indicator_computed_from"
            ),
            models.CheckConstraint(
                condition=Q(kind="field")
                | ~Q(steps=[])
                | Q(full_value__isnull=False, zero_value__isnull=False),
                name="cases_indicator_scored_somehow",
            ),
        ]

    def __str__(self):
        return self.name

    def definition(self) -> dict:
        """Everything a score needs, as JSON; what a frozen model keeps."""
        return {
            "code": self.code,
            "name": self.name,
            "kind": self.kind,
            "unit": self.unit,
            "direction": self.direction,
            "full_value": None if self.full_value is None else f"{self.full_value.normalize():f}",
            "zero_value": None if self.zero_value is None else f"{self.zero_value.normalize():f}",
            "steps": self.steps,
            "problems": self.problems,
            "source": self.source,
            "note": self.note,
        }


class EvaluationModel(models.Model):
    """One version of a model (评价模型): a tree of weighted items. Drafts are edited, published ones never.

    Versions of one model share ``code``; at most one of them is a draft. ``revision`` grows with every saved
    tree, so that two editors do not overwrite each other.
    """

    class Subject(models.TextChoices):
        AREA = "area", _("Areas")
        UNIT = "unit", _("Units")
        POST = "post", _("Posts")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("In force")
        RETIRED = "retired", _("Out of use")

    code = models.SlugField(_("code"), max_length=40)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=80)
    subject = models.CharField(_("evaluated"), max_length=4, choices=Subject.choices)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    area_code = models.CharField(_("area"), max_length=12)
    note = models.CharField(_("explanation"), max_length=300, blank=True)
    revision = models.PositiveIntegerField(default=0)
    copied_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, blank=True)

    scope = ScopeSpec(permission=VIEW, area="area_code")
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("evaluation model")
        verbose_name_plural = _("evaluation models")
        ordering = ["name", "-version", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="cases_evaluationmodel_version"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(state="draft"), name="cases_evaluationmodel_one_draft"
            ),
        ]

    def __str__(self):
        return f"{self.name} v{self.version}"


_FROZEN = """
if exists (
    select 1 from cases_evaluationmodel m
    where m.id = case when tg_op = 'INSERT' then new.model_id else old.model_id end and m.state <> 'draft'
) then
    raise exception 'The items of a published evaluation model are frozen.';
end if;
return case when tg_op = 'DELETE' then old else new end;
"""


class ModelItem(models.Model):
    """A node of a model's tree: a group of others, or a leaf that is an indicator.

    ``weight`` is its share of the parent's 100 (two decimals). ``definition`` is the indicator as it was when
    the model was published; the database refuses to change items of a published model.
    """

    model = models.ForeignKey(EvaluationModel, models.CASCADE, related_name="items")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=80)
    weight = models.DecimalField(
        _("weight"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(FULL)],
    )
    indicator = models.ForeignKey(Indicator, models.PROTECT, null=True, blank=True, related_name="items")
    definition = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(weight__gt=0) & Q(weight__lte=100), name="cases_modelitem_weight"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_FROZEN,
            )
        ]

    def __str__(self):
        return self.name
