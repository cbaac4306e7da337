"""Words released for the public."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0010_phases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                (
                    "released_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "released words", "verbose_name_plural": "released words"},
        ),
    ]
