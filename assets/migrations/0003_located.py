"""Rows with a place find their grid."""

from django.db import migrations

from grids.operations import AttachLocated


class Migration(migrations.Migration):
    dependencies = [("assets", "0002_initial"), ("grids", "0002_located")]

    operations = [
        AttachLocated("assets_estate"),
        AttachLocated("assets_building"),
        AttachLocated("assets_residentunit"),
        AttachLocated("assets_component"),
        AttachLocated("assets_publicfacility"),
        AttachLocated("assets_servicecenter"),
        AttachLocated("assets_riskpoint"),
        AttachLocated("assets_referenceline"),
    ]
