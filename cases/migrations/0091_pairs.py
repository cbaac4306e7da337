"""Words of cases by pairs of characters in place of trigrams, which begin at three."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations

import geo.pairs


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cases", "0090_columns"), ("geo", "0011_pairs")]

    operations = [
        AddIndexConcurrently(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(
                geo.pairs.Pairs("description", "address"), name="cases_case_pairs"
            ),
        ),
        RemoveIndexConcurrently(model_name="case", name="cases_case_words"),
        # How often each pair occurs decides between this index and the list's order.
        migrations.RunSQL("analyze cases_case", migrations.RunSQL.noop),
    ]
