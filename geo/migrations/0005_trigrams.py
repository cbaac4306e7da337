"""Trigrams, for search in the middle of names and addresses."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("geo", "0004_label_points")]

    operations = [TrigramExtension()]
