"""Open cases of an area are found without reading the area's archive."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cases", "0092_marked")]

    operations = [
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(
                condition=models.Q(("state__in", ["rejected", "closed", "void", "archived"]), _negated=True),
                fields=["area_code"],
                name="cases_case_open_area",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
    ]
