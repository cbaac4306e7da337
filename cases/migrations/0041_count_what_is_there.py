"""Cases that are there already come into statistics, from their logs."""

from django.db import migrations


def count(apps, schema_editor):
    from cases.statistics import facts

    if apps.get_model("cases", "Case").objects.exists():
        facts.rebuild()


class Migration(migrations.Migration):
    dependencies = [("cases", "0040_statistics")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop, elidable=True)]
