"""What the cockpit and statistics count of cases (domain reference, section 5)."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases import queries
from cases.models import Case
from geo.registry import Measure, measures


def _today() -> Q:
    """Reported since midnight, Asia/Shanghai."""
    start, end = queries.today()
    return Q(reported_at__gte=start, reported_at__lt=end)


def _closed_this_month() -> Q:
    return queries.closed_since(queries.month_start())


measures.register(
    Measure(
        id="cases_reported",
        label=_("Cases reported"),
        definition=_("Cases by the day they were reported, whatever became of them, by their present state."),
        model="cases.Case",
        time="reported_at",
        classes="state",
        class_labels=lambda: dict(Case.State.choices),
        group="cases",
        rows_url="console",
        order=10,
    ),
    Measure(
        id="cases_today",
        label=_("Reported today"),
        definition=_("Cases reported since midnight, accepted or not."),
        model="cases.Case",
        filters=_today,
        tallied=False,
        group="cases",
        rows_url="console",
        rows_query="reported=today",
        order=11,
    ),
    Measure(
        id="cases_open",
        label=_("Open"),
        definition=_("Cases that are neither closed, void nor rejected."),
        model="cases.Case",
        filters=queries.open_cases,
        tallied=False,
        group="cases",
        rows_url="console",
        rows_query="state=open",
        order=12,
    ),
    Measure(
        id="cases_overdue",
        label=_("Overdue"),
        definition=_("Open cases past their handling deadline (extensions included) and not yet handled."),
        model="cases.Case",
        filters=queries.overdue,
        tallied=False,
        group="cases",
        rows_url="console",
        rows_query="due=overdue",
        tone="overdue",
        order=13,
    ),
    Measure(
        id="cases_closed_month",
        label=_("Closed this month"),
        definition=_(
            "Cases closed or archived since the first of this month, whatever their life cycle, counted "
            "where they lie."
        ),
        model="cases.Case",
        grid="grid__code",  # of no use to planners: it begins anew each month
        filters=_closed_this_month,
        tallied=False,
        group="cases",
        rows_url="console",
        rows_query="closed=month",
        tone="closed",
        order=14,
    ),
)
