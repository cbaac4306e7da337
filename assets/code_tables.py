"""Types of components and events of both national standards, with the crosswalk between them."""

from pypinyin import Style, lazy_pinyin

from assets.models import ItemType
from geo.code_tables import rows


def load() -> dict[str, int]:
    """Write the shipped types. Names, flags and crosswalk come anew; what an operator switched off stays off.

    The 2013 types point to their successors of 2026: the same number with a zero before it, by name where
    the numbers moved. Types of class 05 (bursts, floods) have none: they left the standard.
    """
    lines = list(rows("item_types.csv"))
    types = [
        ItemType(
            standard=line["standard"],
            kind=line["kind"],
            class_code=line["class_code"],
            class_name=line["class_name"],
            class_name_en=line["class_name_en"],
            type_code=line["type_code"],
            name=line["name"],
            name_en=line["name_en"],
            initials="".join(lazy_pinyin(line["name"], style=Style.FIRST_LETTER, errors=_plain)),
            confidence=line["confidence"],
            names_a_home="names_a_home" in line["flags"],
            no_photo="no_photo" in line["flags"],
        )
        for line in lines
    ]
    key = ["standard", "kind", "class_code", "type_code"]
    names = ["class_name", "class_name_en", "name", "name_en", "initials"]
    written = [*names, "confidence", "names_a_home", "no_photo"]
    ItemType.objects.bulk_create(types, update_conflicts=True, unique_fields=key, update_fields=written)
    stored = {
        (row.standard, row.kind, row.full_code): row
        for row in ItemType.objects.exclude(standard=ItemType.Standard.LOCAL)
    }
    linked = []
    for line in lines:
        row = stored[line["standard"], line["kind"], line["class_code"] + line["type_code"]]
        row.successor = stored.get((ItemType.Standard.GBT47678_5_2026, line["kind"], line["successor"]))
        linked.append(row)
    ItemType.objects.bulk_update(linked, ["successor"], batch_size=500)
    return {"types": len(types)}


def _plain(text: str) -> str:
    """Latin letters and digits in a name stay; punctuation goes."""
    return "".join(letter.lower() for letter in text if letter.isalnum() and letter.isascii())
