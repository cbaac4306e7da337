"""What is written down: audit, events, client keys, numbers, dictionaries."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec
from geo.words import in_language


class AuditEntry(models.Model):
    """Who did what to what, when, why. The database refuses to change or delete a row."""

    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("actor")
    )
    action = models.CharField(_("action"), max_length=60, db_index=True)
    object_type = models.CharField(_("object type"), max_length=40, blank=True)
    object_id = models.CharField(_("object"), max_length=64, blank=True)
    area_code = models.CharField(_("area"), max_length=15, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    ip = models.GenericIPAddressField(_("address"), null=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"], name="geo_audit_object")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class Event(models.Model):
    """Something a map or a list may want to refresh for. Written in the transaction that caused it.

    Tells that a row changed, never its content: readers fetch that through the API, by their own scope.
    ``row`` is a hash, so that an id tells nothing by itself.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    layer = models.CharField(max_length=40)
    row = models.CharField(max_length=32)
    verb = models.CharField(max_length=20, default="changed")
    area_code = models.CharField(max_length=15, blank=True)
    unit = models.ForeignKey("geo.Organisation", models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self):
        return f"{self.layer} {self.verb}"


class IdempotencyKey(models.Model):
    """The answer a client's key was given, so that a retry gets it again. Kept 90 days."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    endpoint = models.CharField(max_length=120)
    key = models.CharField(max_length=80)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("client key")
        verbose_name_plural = _("client keys")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "endpoint", "key"], nulls_distinct=False, name="geo_idempotency_once"
            )
        ]

    def __str__(self):
        return self.key


class NumberSequence(models.Model):
    """The last number given out per prefix, county and day; taken under the row's lock, never reused."""

    prefix = models.CharField(max_length=4)
    county = models.CharField(max_length=6)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("number sequence")
        verbose_name_plural = _("number sequences")
        constraints = [
            models.UniqueConstraint(fields=["prefix", "county", "day"], name="geo_number_sequence_once")
        ]

    def __str__(self):
        return f"{self.prefix}{self.county}{self.day:%Y%m%d}"


class Dictionary(models.Model):
    """A list of words that users may edit."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("dictionary")
        verbose_name_plural = _("dictionaries")
        ordering = ["code"]

    def __str__(self):
        return in_language(self.name, self.name_en)


class DictionaryItem(models.Model):
    """One word of a dictionary. Retired words stay for the rows that use them."""

    dictionary = models.ForeignKey(Dictionary, models.CASCADE, related_name="items")
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True)

    scope = ScopeSpec(permission="geo.view")
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("dictionary item")
        verbose_name_plural = _("dictionary items")
        ordering = ["dictionary", "position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["dictionary", "code"], name="geo_dictionary_item_once")
        ]

    def __str__(self):
        return in_language(self.name, self.name_en)
