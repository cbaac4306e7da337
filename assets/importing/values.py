"""Cells of a file as values of a field, or the reason why not."""

import re
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _

from assets.models import Building, Component, Estate, House, ItemType, RiskPoint, ServiceCenter
from geo.models import Organisation


class CellError(ValueError):
    """A cell that cannot be taken; the text says what would be right."""


def text_of(value) -> str:
    """A cell as text: a whole number loses its point, nothing and NaN become empty."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\x00", "").strip()


def _choices(field: models.Field) -> dict[str, str]:
    """Stored values by what people write: the value, and its words in every language."""
    words = {}
    for value, label in field.choices:
        words[str(value).lower()] = value
        for language in ("zh-hans", "en"):
            with translation.override(language):
                words[str(label).lower()] = value
    return words


def _day(text: str) -> date:
    match = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T ].*)?", text)
    if not match:
        raise ValueError
    return date(*(int(part) for part in match.groups()))


class Plain:
    """A value that stands in the cell itself."""

    def __init__(self, field: models.Field):
        self.field, self.name = field, field.name
        self.choices = _choices(field) if field.choices else None

    def __call__(self, cell):
        field = self.field
        if isinstance(cell, datetime | date) and isinstance(field, models.DateField):
            return cell.date() if isinstance(cell, datetime) else cell
        text = text_of(cell)
        if not text:
            if field.null:
                return None
            if isinstance(field, models.CharField) and field.blank:
                return ""
            raise CellError(_("is empty"))
        if self.choices is not None:
            try:
                return self.choices[text.lower()]
            except KeyError:
                raise CellError(
                    _("“%(value)s” is not one of: %(choices)s")
                    % {"value": text, "choices": ", ".join(dict.fromkeys(map(str, self.choices)))}
                ) from None
        return self._typed(text)

    def _typed(self, text: str):
        field = self.field
        try:
            if isinstance(field, models.DateField):
                return _day(text)
            if isinstance(field, models.DecimalField):
                value = round(Decimal(text), field.decimal_places)
                if value.adjusted() >= field.max_digits - field.decimal_places:
                    raise ValueError
                return value
            if isinstance(field, models.FloatField):
                value = float(text)
                if value != value or value in (float("inf"), float("-inf")):
                    raise ValueError
                return value
            if isinstance(field, models.IntegerField):
                value = int(text)
                low = 0 if isinstance(field, models.PositiveSmallIntegerField) else -32768
                if not low <= value <= 32767:
                    raise CellError(
                        _("%(value)s is not between %(low)d and %(high)d")
                        % {"value": text, "low": low, "high": 32767}
                    )
                return value
        except CellError:
            raise
        except (ValueError, InvalidOperation):
            wanted = _("a day as YYYY-MM-DD") if isinstance(field, models.DateField) else _("a number")
            raise CellError(
                _("“%(value)s” is not %(wanted)s") % {"value": text[:40], "wanted": wanted}
            ) from None
        if field.max_length and len(text) > field.max_length:
            raise CellError(
                _("has %(got)d characters, at most %(most)d fit: “%(value)s…”")
                % {"got": len(text), "most": field.max_length, "value": text[:20]}
            )
        return text


class Grade(Plain):
    """A number of the LEC scale."""

    SCALES = {
        "likelihood": RiskPoint.LIKELIHOOD,
        "exposure": RiskPoint.EXPOSURE,
        "consequence": RiskPoint.CONSEQUENCE,
    }

    def __call__(self, cell):
        value = super().__call__(cell)
        scale = self.SCALES[self.name]
        if value not in scale:
            raise CellError(
                _("%(value)g is not on the scale: %(scale)s")
                % {"value": value, "scale": ", ".join(f"{step:g}" for step in scale)}
            )
        return value


class Lookup:
    """A foreign key by code, or by a name that only one row has. ``by`` maps text to an id, or to None."""

    def __init__(self, name: str, by: dict[str, int | None], hint: str, required: bool):
        self.name, self.by, self.hint, self.required = name, by, hint, required

    def __call__(self, cell):
        text = text_of(cell)
        if not text:
            if self.required:
                raise CellError(_("is empty"))
            return None
        if text not in self.by:
            raise CellError(_("“%(value)s” is not there: %(hint)s") % {"value": text[:60], "hint": self.hint})
        if self.by[text] is None:
            raise CellError(
                _("“%(value)s” is the name of several: give the code instead") % {"value": text[:60]}
            )
        return self.by[text]


def _by_code_and_name(queryset, *names: str) -> dict[str, int | None]:
    by: dict[str, int | None] = {}
    for pk, code, *words in queryset.values_list("pk", "code", *names):
        for word in filter(None, words):
            by[word] = None if word in by else pk
        by[code] = pk
    # A code wins over a name that looks the same.
    by.update(queryset.values_list("code", "pk"))
    return by


class TypeLookup:
    """A component's type by class and type code or by name, within a standard where one is said."""

    def __init__(self):
        self.by: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.types: dict[int, ItemType] = {}
        for kind in ItemType.objects.filter(kind=ItemType.Kind.COMPONENT):
            self.types[kind.pk] = kind
            for word in (kind.full_code, kind.name, kind.name_en):
                if word:
                    self.by["", word].add(kind.pk)
                    self.by[kind.standard, word].add(kind.pk)

    def __call__(self, cell, standard: str, code: str = ""):
        text = text_of(cell)
        if text.isdigit() and len(text) in (3, 4) and len(code) == 17:
            text = text.zfill(5)
        elif text.isdigit() and len(text) == 3:
            text = text.zfill(4)  # a spreadsheet ate the leading zero
        if not text:
            raise CellError(_("is empty"))
        found = self.by.get((standard, text), set())
        if len(found) > 1 and code:
            # The digits of the component's own code tell which edition it was coded by.
            width = {16: 4, 17: 5}.get(len(code))
            found = {pk for pk in found if len(self.types[pk].full_code) == width}
        if len(found) > 1:
            raise CellError(_("“%s” is a type of several standards: map “standard” too") % text)
        if not found:
            raise CellError(_("“%s” is no type: give class and type code like 0101, or its name") % text[:40])
        return self.types[next(iter(found))]


def converters(target, names) -> dict[str, object]:
    """For each mapped field what turns a cell into a value."""
    made: dict[str, object] = {}
    hints = {
        "unit": _("give the unit's code or name"),
        "building": _("give the code of a building that is here"),
        "estate": _("give the code or name of an estate that is here"),
        "parent": _("give the code of a centre that is here"),
    }
    units = None
    for name in names:
        required = name in target.required
        if name.endswith("_unit"):
            units = units or _by_code_and_name(Organisation.objects.filter(active=True), "name")
            made[name] = Lookup(name, units, hints["unit"], required)
        elif name == "building":
            made[name] = Lookup(name, dict(Building.objects.values_list("code", "pk")), hints[name], True)
        elif name == "estate":
            made[name] = Lookup(name, _by_code_and_name(Estate.objects.all(), "name"), hints[name], required)
        elif name == "parent":
            by = dict(ServiceCenter.objects.values_list("code", "pk"))
            made[name] = Lookup(name, by, hints[name], required)
        elif name == "type" and target.model_class is Component:
            made[name] = TypeLookup()
        elif name == "standard":
            made[name] = Plain(ItemType._meta.get_field("standard"))
        elif name in Grade.SCALES:
            made[name] = Grade(target.column_field(name))
        elif name in ("lon", "lat"):
            continue
        else:
            made[name] = Plain((target.column_field(name)) or House._meta.get_field(name))
    return made
