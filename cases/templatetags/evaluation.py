"""How states of evaluation look: colour, shape and word."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html

register = template.Library()

LOOKS = {
    "draft": ("waiting", "edit"),
    "collecting": ("ontime", "play"),
    "review": ("soon", "eye"),
    "published": ("open", "tick"),
    "archived": ("closed", "lock"),
    "retired": ("closed", "stop"),
    "pending": ("soon", "clock"),
    "accepted": ("ontime", "tick"),
    "returned": ("overdue", "return"),
}


@register.simple_tag
def standing(row) -> str:
    """``{% standing task %}``: the badge of a task's, model's or value's state."""
    tone, shape = LOOKS.get(row.state, ("waiting", "ring"))
    return format_html(
        '<span class="badge is-{}"><svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>{}</span>',
        tone,
        static("geo/icons.svg"),
        shape,
        row.get_state_display(),
    )


@register.filter
def plain(value) -> str:
    """A decimal without trailing zeros."""
    return f"{value.normalize():f}" if hasattr(value, "normalize") else ""


@register.filter
def get(mapping, key):
    """A value of a dictionary by a key that is a variable."""
    return mapping.get(key, "")
