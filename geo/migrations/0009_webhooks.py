"""Webhooks and what was sent to them."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("geo", "0008_notifications")]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("url", models.CharField(max_length=500, verbose_name="address")),
                (
                    "types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="events",
                    ),
                ),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="only in area")),
                ("active", models.BooleanField(default=True, verbose_name="active")),
                ("off_reason", models.CharField(blank=True, max_length=300)),
                ("generation", models.PositiveSmallIntegerField(default=1)),
                ("former_until", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("reached_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhooks",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="service account",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.UUIDField(verbose_name="event")),
                ("type", models.CharField(max_length=80, verbose_name="type")),
                ("subject", models.CharField(blank=True, max_length=60, verbose_name="subject")),
                ("body", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("sent", "Delivered"), ("failed", "Failed")],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("tries", models.JSONField(blank=True, default=list)),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="response code")),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("problem", models.CharField(blank=True, max_length=300, verbose_name="problem")),
                ("next_try", models.DateTimeField(null=True, verbose_name="next attempt")),
                ("since", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="time")),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="geo.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["webhook", "-id"], name="geo_webhookdelivery_latest"),
                    models.Index(fields=["webhook", "state"], name="geo_webhookdelivery_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("webhook", "event"), name="geo_webhookdelivery_once")
                ],
            },
        ),
    ]
