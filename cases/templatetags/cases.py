"""How a case's state looks: colour, shape and word."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html

from cases.models import Case

register = template.Library()
S = Case.State

LOOKS = {
    S.REPORTED: ("open", "inbox"),
    S.ACCEPTED: ("open", "check"),
    S.VERIFYING_BEFORE: ("open", "eye"),
    S.FILED: ("open", "dispatch"),
    S.DISPATCHED: ("open", "unit"),
    S.HANDLING: ("ontime", "play"),
    S.SUSPENDED: ("waiting", "pause"),
    S.HANDLED: ("ontime", "check"),
    S.VERIFYING_AFTER: ("open", "eye"),
    S.REWORK: ("soon", "rework"),
    S.VERIFIED: ("ontime", "tick"),
    S.CLOSED: ("closed", "tick"),
    S.REJECTED: ("waiting", "stop"),
    S.VOID: ("waiting", "stop"),
    S.FOUND: ("open", "eye"),
    S.AT_COMMUNITY: ("open", "inbox"),
    S.AT_STREET: ("open", "inbox"),
    S.WHISTLED: ("open", "dispatch"),
    S.RETURNED: ("soon", "return"),
    S.AT_DISTRICT: ("soon", "inbox"),
    S.REPORTING_IN: ("ontime", "play"),
    S.CHECKING: ("open", "eye"),
    S.RATING: ("ontime", "check"),
    S.ARCHIVED: ("closed", "tick"),
    S.RECEIVED: ("open", "inbox"),
    S.ASSIGNED: ("open", "unit"),
    S.IN_HAND: ("ontime", "play"),
    S.REPLIED: ("ontime", "check"),
    S.DISSATISFIED: ("soon", "rework"),
}


@register.simple_tag
def state(value: str) -> str:
    """``{% state case.state %}``: the state's badge."""
    tone, shape = LOOKS.get(value, ("waiting", "ring"))
    label = S(value).label if value in S.values else value
    return format_html(
        '<span class="badge is-{}"><svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>{}</span>',
        tone,
        static("geo/icons.svg"),
        shape,
        label,
    )


@register.filter
def get(values: dict, name: str):
    """``{{ errors|get:name }}``: a value by a name that is itself a variable."""
    return values.get(name, "")
