"""What the states of cases mean, for those that are there already."""

from django.db import migrations, models

PHASES = """
update cases_case set phase = case
    when state in ('rejected', 'closed', 'void') then 'ended'
    when state in ('dispatched', 'handling', 'rework') then 'unit'
    when state in ('verifying_before', 'verifying_after') then 'check'
    when state = 'suspended' then 'paused'
    else 'desk' end
"""


class Migration(migrations.Migration):
    # Rows that were changed in a transaction cannot have their table altered in the same one.
    atomic = False

    dependencies = [("cases", "0009_whole_life")]

    operations = [
        migrations.RunSQL(PHASES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("phase", "unit"), _negated=True),
                    ("holder_unit__isnull", False),
                    _connector="OR",
                ),
                name="cases_case_held_by_someone",
            ),
        ),
    ]
