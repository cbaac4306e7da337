"""Cases on the map. Tiles show what is open; what is closed is a layer of its own."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from geo.registry import Layer, Style, TileField, layers

# Deadlines travel as seconds since 1970 and the client colours them: time passing changes no tile.
WAITING, UNDER_WAY, CLOSED, DONE = "#7a7f87", "#2f7d6d", "#5b7fa6", "#4d857c"
COLOURS = {
    Case.State.REPORTED: WAITING,
    Case.State.ACCEPTED: UNDER_WAY,
    Case.State.VERIFYING_BEFORE: UNDER_WAY,
    Case.State.FILED: UNDER_WAY,
    Case.State.DISPATCHED: UNDER_WAY,
    Case.State.HANDLING: UNDER_WAY,
    Case.State.SUSPENDED: WAITING,
    Case.State.HANDLED: DONE,
    Case.State.VERIFYING_AFTER: DONE,
    Case.State.REWORK: UNDER_WAY,
    Case.State.VERIFIED: DONE,
    Case.State.CLOSED: CLOSED,
    Case.State.REJECTED: WAITING,
    Case.State.VOID: WAITING,
    Case.State.FOUND: UNDER_WAY,
    Case.State.AT_COMMUNITY: UNDER_WAY,
    Case.State.AT_STREET: UNDER_WAY,
    Case.State.WHISTLED: UNDER_WAY,
    Case.State.RETURNED: UNDER_WAY,
    Case.State.AT_DISTRICT: UNDER_WAY,
    Case.State.REPORTING_IN: UNDER_WAY,
    Case.State.CHECKING: DONE,
    Case.State.RATING: DONE,
    Case.State.ARCHIVED: CLOSED,
    Case.State.RECEIVED: WAITING,
    Case.State.ASSIGNED: UNDER_WAY,
    Case.State.IN_HAND: UNDER_WAY,
    Case.State.REPLIED: DONE,
    Case.State.DISSATISFIED: UNDER_WAY,
}
ENDED = Q(state__in=Case.ENDED)
FIELDS = (
    TileField("state", _("state")),
    TileField("due_at", _("due")),
    TileField("urgent", _("urgent")),
    TileField("number", _("number"), max_scale=5),
    TileField("type", _("type"), source="type__name", max_scale=2.4),
    TileField("reported_at", _("reported at"), max_scale=2.4),
    TileField("address", _("place in words"), max_scale=1.2),
    TileField("area_code", _("area"), max_scale=1.2),
)


def _legend(states) -> dict:
    return {state.value: (state.label, COLOURS[state]) for state in states}


layers.register(
    Layer(
        id="cases",
        label=_("Cases"),
        model="cases.Case",
        fields=FIELDS,
        shape="point",
        group="cases",
        style=Style(
            colour=UNDER_WAY,
            icon="case",
            by="due_at",
            classes=_legend(state for state in COLOURS if state not in Case.ENDED),
        ),
        drawn=~ENDED,
        max_scale=9.6,
        binned=True,
        bin_class="state",
        key="number",
        label_field="number",
        url_name="case-page",
        visible=True,
        order=10,
    ),
    Layer(
        id="closed_cases",
        label=_("Closed cases"),
        model="cases.Case",
        fields=FIELDS,
        shape="point",
        group="cases",
        style=Style(colour=CLOSED, icon="tick", by="state", classes=_legend(Case.ENDED)),
        filters=ENDED,
        max_scale=9.6,
        binned=True,
        bin_class="state",
        key="number",
        label_field="number",
        url_name="case-page",
        order=11,
    ),
)
