"""Assets that change grid are written without a new entry in every index; see ``grids.models.Located``."""

import django.db.models.deletion
from django.db import migrations, models

# What is written from now on leaves room on its page.
TABLES = (
    "assets_building",
    "assets_component",
    "assets_estate",
    "assets_publicfacility",
    "assets_referenceline",
    "assets_residentunit",
    "assets_riskpoint",
    "assets_servicecenter",
)


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0007_unit_grid_unindexed"),
        ("grids", "0009_cheap_to_move"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="component",
            name="assets_component_anchor",
        ),
        migrations.RemoveIndex(
            model_name="publicfacility",
            name="assets_publicfacility_anchor",
        ),
        migrations.RemoveIndex(
            model_name="referenceline",
            name="assets_referenceline_anchor",
        ),
        migrations.RemoveIndex(
            model_name="riskpoint",
            name="assets_riskpoint_anchor",
        ),
        migrations.AlterField(
            model_name="building",
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
        migrations.AlterField(
            model_name="component",
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
        migrations.AlterField(
            model_name="estate",
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
        migrations.AlterField(
            model_name="publicfacility",
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
        migrations.AlterField(
            model_name="referenceline",
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
        migrations.AlterField(
            model_name="residentunit",
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
        migrations.AlterField(
            model_name="riskpoint",
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
        migrations.AlterField(
            model_name="servicecenter",
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
        *(
            migrations.RunSQL(
                f"alter table {table} set (fillfactor = 90)", f"alter table {table} reset (fillfactor)"
            )
            for table in TABLES
        ),
    ]
