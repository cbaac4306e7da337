"""Lists in the order of deadlines and of changes read an index; built without stopping those who write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cases", "0006_words")]

    operations = [
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(fields=["due_at", "id"], name="cases_case_by_due"),
        ),
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(fields=["-updated_at", "-id"], name="cases_case_by_change"),
        ),
    ]
