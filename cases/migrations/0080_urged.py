"""Supervised cases stand on top of lists; supervised complaints are called to mind each working day."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cases", "0070_desk")]

    operations = [
        AddIndexConcurrently(
            model_name="case",
            index=models.Index(
                fields=["due_at", "id"],
                name="cases_case_urged",
                condition=models.Q(supervised=True)
                & ~models.Q(state__in=["rejected", "closed", "void", "archived"]),
            ),
        ),
        # The clock looks at them anew and finds the day's reminder.
        migrations.RunSQL(
            "update cases_case set timer_at = least(timer_at, now()) where supervised and flow = 'complaint'"
            " and state not in ('rejected', 'closed', 'void', 'archived')",
            migrations.RunSQL.noop,
        ),
    ]
