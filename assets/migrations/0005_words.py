"""Search by the middle of names and addresses."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("geo", "0005_trigrams"),
        ("assets", "0004_component_sequence"),
        ("grids", "0003_label_points"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="building",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["name", "address"],
                name="assets_building_words",
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="enterprise",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["name"], name="assets_enterprise_words", opclasses=["gin_trgm_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="shop",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["name"], name="assets_shop_words", opclasses=["gin_trgm_ops"]
            ),
        ),
    ]
