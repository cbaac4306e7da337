"""The kinds of problems that every installation begins with (``fixtures/public_topics.csv``)."""

from assets.models import ItemType
from cases.models import PublicTopic
from geo.code_tables import rows


def load() -> int:
    """Write the shipped kinds where there are none; how many there are. What an operator changed is kept."""
    if PublicTopic.objects.exists():
        return PublicTopic.objects.count()
    types = {
        (row.standard, row.kind, row.full_code): row
        for row in ItemType.objects.exclude(standard=ItemType.Standard.LOCAL)
    }
    made = [
        PublicTopic(
            name=row["name"],
            name_en=row["name_en"],
            hint=row["hint"],
            hint_en=row["hint_en"],
            icon=row["icon"],
            type=types.get((row["standard"], row["kind"], row["code"])),
            position=number,
        )
        for number, row in enumerate(rows("public_topics.csv"))
    ]
    return len(PublicTopic.objects.bulk_create(made))
