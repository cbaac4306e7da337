"""The Web Mercator copy is found by the index on degrees; see ``geo.models.Mapped``."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0097_follow_place_together"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="case",
            name="cases_case_3857",
        ),
    ]
