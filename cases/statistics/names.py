"""Keys of a table's rows in words: areas, units, types, sources, people of the staff, companies."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import ItemType
from cases.models import Case
from geo.models import Area, Organisation, User
from geo.words import in_language as in_words
from grids.models import Grid, GridVersion

DIMENSIONS = {
    "area": gettext_lazy("Area"),
    "source": gettext_lazy("Source"),
    "source_kind": gettext_lazy("Source and kind"),
    "kind": gettext_lazy("Component or event"),
    "class": gettext_lazy("Class"),
    "type": gettext_lazy("Type"),
    "unit": gettext_lazy("Unit"),
    "person": gettext_lazy("Inspector"),
    "company": gettext_lazy("Collection company"),
}


def none(by: str) -> str:
    """What a row is called that belongs to nothing."""
    return {
        "area": _("In no area"),
        "unit": _("With no unit"),
        "person": _("Not reported by staff"),
        "company": _("No company"),
    }.get(by, _("Not told"))


def of(by: str, keys, question=None) -> dict[str, str]:
    """{key: words} in one question to the database, or none."""
    wanted = [key for key in keys if key]
    found = _FINDERS[by](wanted, question) if wanted and by in _FINDERS else {}
    return {key: found.get(key, key) if key else none(by) for key in keys}


def _areas(keys, question):
    found = {}
    if areas := [key for key in keys if len(key) < 15]:
        # Former names of codes that are no more, then those in force.
        rows = Area.objects.filter(code__in=areas).order_by("valid_from").values_list("code", "name")
        found |= dict(rows)
    if grids := [key for key in keys if len(key) == 15]:
        found |= dict(Grid.objects.filter(code__in=grids).values_list("code", "name"))
        if question is not None and question.borders:
            then = GridVersion.objects.filter(grid__code__in=grids, valid_from__lte=question.borders)
            found |= {
                code: name
                for code, name in then.order_by("valid_from").values_list("grid__code", "name")
                if name
            }
    return found


def _sources(keys, _question):
    words = dict(Case.Source.choices)
    return {key: str(words.get(key, key)) for key in keys}


def _kinds(keys, _question):
    words = dict(ItemType.Kind.choices)
    return {key: str(words.get(key, key)) for key in keys}


def _source_kinds(keys, _question):
    sources, kinds = dict(Case.Source.choices), dict(ItemType.Kind.choices)
    found = {}
    for key in keys:
        source, _bar, kind = key.partition("|")
        found[key] = f"{sources.get(source, source)} · {kinds.get(kind, none('kind'))}"
    return found


def _classes(keys, _question):
    rows = ItemType.objects.values_list("standard", "kind", "class_code", "class_name", "class_name_en")
    found = {}
    for standard, kind, code, name, english in rows.distinct().order_by():
        key = f"{standard}:{kind}:{code}"
        if key in keys:
            found[key] = f"{ItemType.Kind(kind).label} · {in_words(name, english)}"
    return found


def _types(keys, _question):
    return {str(row.pk): str(row) for row in ItemType.objects.filter(pk__in=_numbers(keys))}


def _units(keys, _question):
    return {
        str(pk): name
        for pk, name in Organisation.objects.filter(pk__in=_numbers(keys)).values_list("pk", "name")
    }


def _people(keys, _question):
    return {
        str(pk): name or username
        for pk, name, username in User.objects.filter(pk__in=_numbers(keys)).values_list(
            "pk", "name", "username"
        )
    }


def _numbers(keys) -> list[int]:
    return [int(key) for key in keys if key.isdecimal()]


_FINDERS = {
    "area": _areas,
    "source": _sources,
    "source_kind": _source_kinds,
    "kind": _kinds,
    "class": _classes,
    "type": _types,
    "unit": _units,
    "person": _people,
    "company": _units,
}
