"""Types of components and of events (GB/T 30428.2-2013, GB/T 47678.5-2026, local ones)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class ItemType(models.Model):
    """A type (小类) of component or event, under its class (大类).

    Class and type codes are unique only within a standard and a kind, and their widths differ by edition:
    2 + 2 digits in 2013, 2 + 3 in 2026. ``successor`` is the crosswalk to the newer edition.
    """

    class Standard(models.TextChoices):
        GBT30428_2_2013 = "gbt30428_2_2013", "GB/T 30428.2-2013"
        GBT47678_5_2026 = "gbt47678_5_2026", "GB/T 47678.5-2026"
        LOCAL = "local", _("Local")

    class Kind(models.TextChoices):
        COMPONENT = "component", _("Component")
        EVENT = "event", _("Event")

    standard = models.CharField(_("standard"), max_length=20, choices=Standard.choices)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    class_code = models.CharField(_("class code"), max_length=2)
    class_name = models.CharField(_("class"), max_length=60)
    class_name_en = models.CharField(max_length=80, blank=True)
    type_code = models.CharField(_("type code"), max_length=3)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    initials = models.CharField(_("pinyin initials"), max_length=40, blank=True, db_index=True)
    confidence = models.CharField(_("confidence"), max_length=10, default="confident")
    # A point of such a type could name a home or a shop: its public place is the community's label point.
    names_a_home = models.BooleanField(_("names a home or shop"), default=False)
    # A referral for a person's sake: no photo is kept.
    no_photo = models.BooleanField(_("no photo is kept"), default=False)
    active = models.BooleanField(_("active"), default=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="predecessors")

    scope = ScopeSpec(permission="geo.view", public=Q())
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("type")
        verbose_name_plural = _("types")
        ordering = ["standard", "kind", "class_code", "type_code"]
        constraints = [
            models.UniqueConstraint(
                fields=["standard", "kind", "class_code", "type_code"], name="assets_itemtype_once"
            )
        ]

    def __str__(self):
        return self.name_en if self.name_en and (get_language() or "").startswith("en") else self.name

    @property
    def full_code(self) -> str:
        """Class and type code together: 4 digits (2013) or 5 (2026)."""
        return self.class_code + self.type_code
