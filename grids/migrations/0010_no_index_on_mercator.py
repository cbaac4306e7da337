"""The Web Mercator copy is found by the index on degrees; see ``geo.models.Mapped``."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("grids", "0009_cheap_to_move"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="checkin",
            name="grids_checkin_3857",
        ),
        migrations.RemoveIndex(
            model_name="dutygrid",
            name="grids_dutygrid_3857",
        ),
        migrations.RemoveIndex(
            model_name="grid",
            name="grids_grid_3857",
        ),
        migrations.RemoveIndex(
            model_name="unitgrid",
            name="grids_unitgrid_3857",
        ),
    ]
