"""The Web Mercator copy is found by the index on degrees; see ``geo.models.Mapped``."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0008_cheap_to_move"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="building",
            name="assets_building_3857",
        ),
        migrations.RemoveIndex(
            model_name="component",
            name="assets_component_3857",
        ),
        migrations.RemoveIndex(
            model_name="estate",
            name="assets_estate_3857",
        ),
        migrations.RemoveIndex(
            model_name="publicfacility",
            name="assets_publicfacility_3857",
        ),
        migrations.RemoveIndex(
            model_name="referenceline",
            name="assets_referenceline_3857",
        ),
        migrations.RemoveIndex(
            model_name="residentunit",
            name="assets_residentunit_3857",
        ),
        migrations.RemoveIndex(
            model_name="riskpoint",
            name="assets_riskpoint_3857",
        ),
        migrations.RemoveIndex(
            model_name="servicecenter",
            name="assets_servicecenter_3857",
        ),
    ]
