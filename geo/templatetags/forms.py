"""Filters for lists and forms of the administrators' pages."""

from django import template
from django.forms import Select, SelectMultiple
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def beside(row, columns) -> list[tuple]:
    """Each cell with the name of its column: ``{% for cell, label in row|beside:columns %}``."""
    return list(zip(row, columns, strict=True))


@register.simple_tag
def control(field, words: str = "") -> str:
    """A field's control; a drop-down says in words what choosing nothing means, not in a row of dashes."""
    widget = field.field.widget
    if isinstance(widget, Select) and not isinstance(widget, SelectMultiple):
        words = words or (_("Please choose") if field.field.required else _("Not set"))
        # Through iter(): list() alone asks rows for their number first, one query more.
        choices = list(iter(widget.choices))
        if choices and choices[0][0] in ("", None) and set(str(choices[0][1])) == {"-"}:
            widget.choices = [("", words), *choices[1:]]
    return str(field)
