"""What is told to people outside a page: templates, who wants what, and the messages themselves."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]


class Channel(models.TextChoices):
    IN_APP = "in_app", _("In Wangge")
    SMS = "sms", _("SMS")
    MAIL = "mail", _("Mail")


class NotificationTemplate(models.Model):
    """The words of one kind of message on one channel in one language, with ``{placeholders}``.

    Shipped ones come from ``fixtures/notification_templates.csv``; what an operator changed (``changed_at``)
    stays as it is when they are loaded again.
    """

    code = models.CharField(_("kind"), max_length=60)
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES)
    subject = models.CharField(pgettext_lazy("message", "subject"), max_length=120, blank=True)
    body = models.TextField(_("words"), max_length=1000)
    active = models.BooleanField(_("in use"), default=True)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("notification template")
        verbose_name_plural = _("notification templates")
        ordering = ["code", "channel", "-language"]
        constraints = [
            models.UniqueConstraint(fields=["code", "channel", "language"], name="geo_template_once")
        ]

    def __str__(self):
        return f"{self.code} {self.channel} {self.language}"


class NotificationPreference(models.Model):
    """A person wants a kind of message on a channel, or does not; without a row the default counts."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_preferences"
    )
    kind = models.CharField(max_length=60)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    wanted = models.BooleanField()

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="geo_preference_once")
        ]

    def __str__(self):
        return f"{self.user_id} {self.kind} {self.channel}"


class UnitSubscription(models.Model):
    """A unit wants a kind of message at an address of its own: the duty phone, or a mailbox it names."""

    unit = models.ForeignKey("geo.Organisation", models.CASCADE, related_name="subscriptions")
    kind = models.CharField(_("kind"), max_length=60)
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices)
    address = models.CharField(_("address"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("subscription of a unit")
        verbose_name_plural = _("subscriptions of units")
        ordering = ["unit__path", "kind", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "kind", "channel"], name="geo_subscription_once")
        ]

    def __str__(self):
        return f"{self.unit_id} {self.kind} {self.channel}"


class Message(models.Model):
    """One message to one address: the outbox until it is delivered, the log from then on.

    The address itself is kept only until the message has been sent; ``shown`` is it with its middle hidden.
    Words and ``context`` are dropped after a while (``settings.MESSAGE_TEXT_DAYS``), the row later.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Not sent")

    # What gateways get as the id of the delivery: the same with every attempt.
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # What must be told once however often it is asked for; see ``notifications.send``.
    key = models.CharField(max_length=120, null=True, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    unit = models.ForeignKey("geo.Organisation", models.SET_NULL, null=True, related_name="+")
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254, blank=True)
    shown = models.CharField(_("address"), max_length=254, blank=True)
    template = models.CharField(_("kind"), max_length=60)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    context = models.JSONField(default=dict, blank=True)
    url = models.CharField(max_length=300, blank=True)
    about = models.CharField(_("about"), max_length=60, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    gateway = models.CharField(max_length=60, blank=True)
    gateway_id = models.CharField(max_length=120, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("time"), auto_now_add=True)
    tried_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["created_at"], name="geo_message_time"),
            models.Index(fields=["about"], name="geo_message_about", condition=~Q(about="")),
            # What waits or failed is little among what was sent.
            models.Index(fields=["state", "-id"], name="geo_message_open", condition=~Q(state="sent")),
            models.Index(fields=["-id"], name="geo_message_outbox", condition=Q(gateway="outbox")),
        ]

    def __str__(self):
        return f"{self.channel} {self.template} {self.shown}"
