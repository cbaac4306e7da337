"""Cases that change grid are written without a new entry in every index; see ``grids.models.Located``."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0094_follow_place_when_it_tells"),
        ("grids", "0009_cheap_to_move"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="case",
            name="cases_case_anchor",
        ),
        migrations.AlterField(
            model_name="case",
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
            "alter table cases_case set (fillfactor = 90)", "alter table cases_case reset (fillfactor)"
        ),
    ]
