"""Marked cases, open or archived, are found without reading the archive."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cases", "0091_pairs")]

    operations = [
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(
                condition=models.Q(("mark", ""), _negated=True), fields=["mark"], name="cases_case_marked"
            ),
        ),
    ]
