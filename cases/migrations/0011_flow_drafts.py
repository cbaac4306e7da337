"""Drafts of flows count their changes and can be undone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0010_phases")]

    operations = [
        migrations.AddField(
            model_name="flowversion",
            name="earlier",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="flowversion",
            name="revision",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
