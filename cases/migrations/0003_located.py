"""Rows with a place find their grid."""

from django.db import migrations

from grids.operations import AttachLocated


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_initial"), ("grids", "0002_located")]

    operations = [
        AttachLocated("cases_case"),
    ]
