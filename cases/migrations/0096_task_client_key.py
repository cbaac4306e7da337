"""A task's form sent twice makes one task."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0095_cheap_to_move")]

    operations = [
        migrations.AddField(
            model_name="evaluationtask",
            name="client_key",
            field=models.UUIDField(editable=False, null=True, unique=True),
        ),
    ]
