"""Search by the middle of names and addresses."""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("geo", "0005_trigrams"),
        ("assets", "0005_words"),
        ("cases", "0005_saved_views"),
        ("geo", "0005_trigrams"),
        ("grids", "0003_label_points"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["address", "description"],
                name="cases_case_words",
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
            ),
        ),
    ]
