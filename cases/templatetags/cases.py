"""How a case's state looks: colour, shape and word."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext as _

from cases import flow, flow_data
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


# A state that only a flow of the operator's own has looks like its phase.
_OF_PHASE = {
    Case.Phase.DESK: ("open", "inbox"),
    Case.Phase.UNIT: ("ontime", "play"),
    Case.Phase.CHECK: ("open", "eye"),
    Case.Phase.PAUSED: ("waiting", "pause"),
    Case.Phase.RATING: ("ontime", "check"),
    Case.Phase.ENDED: ("closed", "tick"),
}


@register.simple_tag
def state(case: Case) -> str:
    """``{% state case %}``: the badge of the state a case is in, in the words of its flow."""
    tone, shape = LOOKS.get(case.state) or _OF_PHASE.get(case.phase, ("waiting", "ring"))
    label = case.get_state_display()
    return format_html(
        '<span class="badge is-{}"><svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>{}</span>',
        tone,
        static("geo/icons.svg"),
        shape,
        label,
    )


@register.simple_tag
def flow_words(case: Case) -> str:
    """``{% flow_words case %}``: what a case is when it is not one of city management, which most are."""
    if case.flow == flow.CITY:
        return ""
    table = flow_data.find(case.flow, case.flow_version)
    return str(table.label if table else case.flow)


@register.simple_tag
def flow_badge(case: Case) -> str:
    """``{% flow_badge case %}``: the same as a badge."""
    words = flow_words(case)
    return format_html('<span class="badge is-kind">{}</span>', words) if words else ""


@register.simple_tag
def said(case: Case) -> str:
    """``{% said case as words %}``: the description where the headline above it is not the same words."""
    return "" if case.description == headline(case) else case.description


@register.simple_tag
def headline(case: Case) -> str:
    """``{% headline case %}``: the type; of a letter or complaint without one, its first words."""
    if case.type:
        return str(case.type)
    if case.flow != flow.CITY and case.description:
        return case.description if len(case.description) <= 40 else case.description[:39] + "…"
    return _("Type not yet chosen")


@register.simple_tag
def stars(count: int) -> str:
    """``{% stars 4 %}``: filled and empty stars; the words for those who do not see them stand beside."""
    return "★" * count + "☆" * (5 - count)


@register.filter
def get(values: dict, name: str):
    """``{{ errors|get:name }}``: a value by a name that is itself a variable."""
    return values.get(name, "")
