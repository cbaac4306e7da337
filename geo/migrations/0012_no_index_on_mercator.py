"""The Web Mercator copy is found by the index on degrees; see ``geo.models.Mapped``."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("geo", "0011_pairs"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="area",
            name="geo_area_3857",
        ),
    ]
