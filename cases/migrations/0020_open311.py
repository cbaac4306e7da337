"""Keys of outside systems and what they sent; words released for the public."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0011_flow_drafts"),
        ("geo", "0007_former_passwords"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Open311Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fingerprint", models.CharField(max_length=32)),
                ("since", models.DateTimeField()),
            ],
            options={
                "verbose_name": "change of services",
                "verbose_name_plural": "changes of services",
            },
        ),
        migrations.CreateModel(
            name="Open311Key",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("prefix", models.CharField(max_length=10, unique=True, verbose_name="begins with")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("label", models.CharField(max_length=100, verbose_name="system")),
                ("contact", models.CharField(blank=True, max_length=200, verbose_name="contact")),
                ("may_post", models.BooleanField(default=True, verbose_name="may send reports")),
                ("active", models.BooleanField(default=True, verbose_name="in use")),
                ("per_hour", models.PositiveIntegerField(default=60, verbose_name="reports per hour")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "Open311 key",
                "verbose_name_plural": "Open311 keys",
                "ordering": ["label", "id"],
            },
        ),
        migrations.CreateModel(
            name="Open311Post",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("request", "Sent report"), ("update", "Update")], max_length=8
                    ),
                ),
                ("token", models.UUIDField(unique=True)),
                ("client_id", models.CharField(blank=True, max_length=80)),
                ("body_sha256", models.CharField(max_length=64)),
                ("media_url", models.JSONField(blank=True, default=list)),
                ("attributes", models.JSONField(blank=True, default=dict)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "sent through Open311",
                "verbose_name_plural": "sent through Open311",
            },
        ),
        migrations.CreateModel(
            name="PublicWords",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="public_words",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                ("description", models.TextField(blank=True, max_length=1000, verbose_name="description")),
                ("address", models.CharField(blank=True, max_length=200, verbose_name="place in words")),
                ("reply", models.TextField(blank=True, max_length=500, verbose_name="reply")),
                ("released_at", models.DateTimeField(verbose_name="released at")),
            ],
            options={
                "verbose_name": "released words",
                "verbose_name_plural": "released words",
            },
        ),
        migrations.AddField(
            model_name="reportercontact",
            name="email",
            field=models.EmailField(blank=True, max_length=254, verbose_name="e-mail"),
        ),
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(fields=["-at", "-id"], name="cases_transition_latest"),
        ),
        migrations.AddField(
            model_name="open311key",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="open311post",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="open311_posts", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="open311post",
            name="key",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="posts", to="cases.open311key"
            ),
        ),
        migrations.AddField(
            model_name="open311post",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cases.transition",
            ),
        ),
        migrations.AddField(
            model_name="publicwords",
            name="released_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="open311post",
            index=models.Index(fields=["key", "at"], name="cases_open311post_hour"),
        ),
        migrations.AddConstraint(
            model_name="open311post",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_id", ""), _negated=True),
                fields=("key", "kind", "client_id"),
                name="cases_open311post_once",
            ),
        ),
    ]
