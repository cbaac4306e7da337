"""The columns of the workbook: their names in both languages, and the words that stand for choices."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from cases import flow
from cases.actions import STAFF_SOURCES
from cases.models import Case
from geo import coordinates
from geo.models import DictionaryItem

# Key > (name, width in the workbook, at most so many letters).
COLUMNS = {
    "reference": (_("Own reference number"), 18, 60),
    "flow": (_("Kind of case"), 16, 40),
    "type": (_("Type (code or name)"), 24, 100),
    "lon": (_("Longitude or easting"), 16, 30),
    "lat": (_("Latitude or northing"), 16, 30),
    "crs": (_("Coordinate system"), 14, 20),
    "component": (_("Component code"), 20, 20),
    "address": (_("Place in words"), 30, 200),
    "description": (_("Description"), 44, 1000),
    "source": (_("Source"), 12, 40),
    "kind": (_("Kind of complaint"), 14, 40),
    "name": (_("Contact's name"), 14, 60),
    "phone": (_("Contact's phone"), 16, 30),
    "urgent": (_("Urgent (yes or no)"), 10, 10),
}
LANGUAGES = ("zh-hans", "en")
YES = ("是", "yes", "y", "true", "1")
NO = ("", "否", "no", "n", "false", "0")
SOURCES = [source for source in Case.Source if source not in STAFF_SOURCES]
CRS = coordinates.GEOGRAPHIC


def label(key: str) -> str:
    """A column's name in the language in hand."""
    return str(COLUMNS[key][0])


def headings() -> dict[str, str]:
    """Every heading a column may have, in small letters > its key."""
    found = {}
    for language in LANGUAGES:
        with override(language):
            found |= {label(key).lower(): key for key in COLUMNS}
    return found | {key: key for key in COLUMNS}


def _in_both(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Words in both languages and the value itself, in small letters > the value."""
    found = {}
    for value, words in pairs:
        found[value.lower()] = value
        for language in LANGUAGES:
            with override(language):
                found[str(words).lower()] = value
    return found


def flows() -> list[tuple[str, object]]:
    """(name, words) of the life cycles that a row may begin."""
    return [(name, flow.current(name).label) for name in (flow.CITY, flow.LETTER, flow.COMPLAINT)]


def kinds() -> list[DictionaryItem]:
    return list(DictionaryItem.objects.filter(dictionary__code="complaint_kind", active=True))


def known_words() -> dict[str, dict[str, str]]:
    """For each column that takes one of a few words: the word in small letters > the value."""
    of_kinds = {}
    for row in kinds():
        of_kinds |= {word.lower(): row.code for word in (row.code, row.name, row.name_en) if word}
    return {
        "flow": _in_both(flows()),
        "source": _in_both((source.value, source.label) for source in SOURCES),
        "kind": of_kinds,
        "urgent": dict.fromkeys(NO, "") | dict.fromkeys(YES, "1"),
    }


def standard_first(types: list) -> list:
    """Of types with the same name or code, those of the standard in force, else all."""
    return [one for one in types if one.standard == settings.CASE_STANDARD] or types
