"""Check-ins whose grid changes are written without a new entry in every index; see ``Located``."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("grids", "0008_plan_files"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="checkin",
            name="grids_checkin_anchor",
        ),
        migrations.AlterField(
            model_name="checkin",
            name="grid",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="grids.grid",
                verbose_name="grid",
            ),
        ),
        # What is written from now on leaves room on its page.
        migrations.RunSQL(
            "alter table grids_checkin set (fillfactor = 90)", "alter table grids_checkin reset (fillfactor)"
        ),
    ]
