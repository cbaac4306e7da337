"""Receivers of events outside the house, and what was sent to them."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Webhook(models.Model):
    """An address that wants events. It hears of what its ``owner``, a service account, may see.

    Its secret is derived from the installation's key, ``uuid`` and ``generation``
    (``geo.webhooks.secret``), so that no copy of this table can sign; until ``former_until`` the secret
    of the generation before signs as well. While the receiver fails (``failing_since``), nothing is tried
    before ``retry_at``.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    url = models.CharField(_("address"), max_length=500)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="webhooks", verbose_name=_("service account")
    )
    types = ArrayField(models.CharField(max_length=80), verbose_name=_("events"), default=list, blank=True)
    area_code = models.CharField(_("only in area"), max_length=12, blank=True)
    active = models.BooleanField(_("active"), default=True)
    off_reason = models.CharField(max_length=300, blank=True)
    generation = models.PositiveSmallIntegerField(default=1)
    former_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name"]

    def __str__(self):
        return self.name


class WebhookDelivery(models.Model):
    """One event for one webhook, with how its last attempt went and ``tries``, one entry an attempt.

    ``body`` is what is sent, byte for byte with every attempt, as is the event's id.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Delivered")
        FAILED = "failed", _("Failed")

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.UUIDField(_("event"))
    type = models.CharField(_("type"), max_length=80)
    subject = models.CharField(pgettext_lazy("event", "subject"), max_length=60, blank=True)
    body = models.TextField()
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    tries = models.JSONField(default=list, blank=True)
    status = models.PositiveSmallIntegerField(_("response code"), null=True)
    answer = models.CharField(max_length=500, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    next_try = models.DateTimeField(_("next attempt"), null=True)
    # From here the time runs in which it is tried; a replay begins anew.
    since = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-id"]
        constraints = [
            # However often a job tells of it, an event goes to a webhook once.
            models.UniqueConstraint(fields=["webhook", "event"], name="geo_webhookdelivery_once")
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="geo_webhookdelivery_latest"),
            models.Index(fields=["webhook", "state"], name="geo_webhookdelivery_state"),
        ]

    def __str__(self):
        return f"{self.type} {self.event}"
