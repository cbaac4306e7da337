"""The roles that come with the product (``fixtures/roles.csv``)."""

import csv

from django.conf import settings

from geo.models import Role


def load() -> int:
    """Write the shipped roles. A role that is there keeps its name but gets its permissions anew."""
    with open(settings.BASE_DIR / "fixtures" / "roles.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["permissions"] = row["permissions"].split()
    Role.objects.bulk_create(
        (Role(**row) for row in rows),
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["permissions", "administrator"],
    )
    return len(rows)
