"""A noted change is removed when its tiles are dropped; nobody asks about it afterwards."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tiles", "0003_basemaps_checked"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="dirtytile",
            name="tiles_dirty_waiting",
        ),
        migrations.RemoveIndex(
            model_name="dirtytile",
            name="tiles_dirty_box",
        ),
        migrations.RemoveField(
            model_name="dirtytile",
            name="dropped_at",
        ),
    ]
