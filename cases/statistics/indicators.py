"""Indicators (domain reference, section 5): every figure of the tables, as data.

An indicator is a base count, or an exact fraction of two of them. Where cities divide differently the
denominator is a setting (``STATISTICS_DENOMINATORS``) out of the choices named here. A fraction over nothing
is no figure: it is shown as "—", never as 0 or 100.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from cases.statistics.counts import CITY, COMPLAINT, COUNTS, LETTER, Count

NOTHING = "—"
UP, DOWN, NEITHER = "up", "down", ""


@dataclass(frozen=True)
class Indicator:
    """A figure: ``top`` alone is a count; with ``bottom`` it is top / bottom.

    ``direction`` says whether more is better (up), worse (down), or neither. ``choices`` are the bottoms that
    the setting of this code may name; ``unit`` is "", "%" or "stars".
    """

    code: str
    top: str
    bottom: str = ""
    label: str | Promise = ""
    definition: str | Promise = ""
    unit: str = ""
    direction: str = NEITHER
    choices: tuple[str, ...] = ()
    tone: str = ""
    flows: tuple[str, ...] = field(default=(CITY,))

    @property
    def is_rate(self) -> bool:
        return bool(self.bottom)

    @property
    def over(self) -> str:
        """The denominator in force."""
        chosen = settings.STATISTICS_DENOMINATORS.get(self.code, "")
        return chosen if chosen in self.choices else self.bottom

    @property
    def counts(self) -> tuple[str, ...]:
        """The base counts it needs."""
        return (self.top, self.over) if self.is_rate else (self.top,)

    def of(self, figures: dict[str, int]) -> Fraction | None:
        """The exact value; None where there is nothing to divide by."""
        top = figures.get(self.top, 0)
        if not self.is_rate:
            return Fraction(top)
        bottom = figures.get(self.over, 0)
        return Fraction(top, bottom) if bottom else None

    def text(self, value: Fraction | None) -> str:
        return text(value, self.unit)

    @property
    def formula(self) -> str:
        """In words: what is divided by what."""
        if not self.is_rate:
            return ""
        return _now("%(top)s ÷ %(bottom)s") % {
            "top": COUNTS[self.top].label,
            "bottom": COUNTS[self.over].label,
        }

    @property
    def explained(self) -> str:
        """The definition, and for a rate those of its parts."""
        if not self.is_rate:
            return str(self.definition)
        parts = [f"{COUNTS[one].label}: {COUNTS[one].definition}" for one in (self.top, self.over)]
        words = [str(self.definition)] if self.definition else []
        return "\n".join([*words, *parts])


def text(value: Fraction | None, unit: str = "") -> str:
    """A figure in words: rates as two decimals of a percent, stars as two decimals."""
    if value is None:
        return NOTHING
    if unit == "%":
        return f"{rounded(value * 100)} %"
    if unit == "stars":
        return str(rounded(value))
    return f"{int(value):,}"


def rounded(value: Fraction) -> Decimal:
    """Two decimals, halves away from zero, from the exact fraction."""
    sign = -1 if value < 0 else 1
    hundredths = (abs(value) * 200 + 1) // 2
    return Decimal(sign * hundredths).scaleb(-2)


INDICATORS: dict[str, Indicator] = {}


def _count(one: Count) -> None:
    direction = {"ontime": UP, "overdue": DOWN}.get(one.tone, NEITHER)
    INDICATORS[one.code] = Indicator(
        one.code,
        one.code,
        label=one.label,
        definition=one.definition,
        direction=direction,
        tone=one.tone,
        flows=one.flows,
    )


def _rate(code, label, top, bottom, direction=UP, choices=(), unit="%", definition="", tone=""):
    flows = tuple(flow for flow in COUNTS[top].flows if flow in COUNTS[bottom].flows)
    INDICATORS[code] = Indicator(code, top, bottom, label, definition, unit, direction, choices, tone, flows)


for _one in COUNTS.values():
    _count(_one)
_rate("filing_rate", _("Filing rate"), "filed", "reported", NEITHER, ("reported", "valid"))
_rate("auto_rate", _("Rate of dispatch by rule"), "auto_dispatched", "dispatched")
_rate("handled_rate", _("Handling rate"), "handled", "due_handle")
_rate("handled_on_time_rate", _("On-time handling rate"), "handled_on_time", "due_handle")
_rate("pending_overdue_rate", _("Overdue handling rate"), "pending_overdue", "due_handle", DOWN)
_rate("closed_rate", _("Closing rate"), "closed", "due_close")
_rate("closed_on_time_rate", _("On-time closing rate"), "closed_on_time", "due_close")
_rate("close_overdue_rate", _("Overdue closing rate"), "close_overdue", "due_close", DOWN)
_rate("extended_rate", _("Extension rate"), "extended", "due_handle", DOWN)
_rate("rework_rate", _("Rework rate"), "reworked", "handled", DOWN, ("handled", "due_handle"))
_rate("supervised_rate", _("Supervision rate"), "supervised", "due_handle", DOWN)
_rate(
    "public_rate",
    _("Public report rate"),
    "by_public",
    "reported",
    NEITHER,
    definition=_(
        "Reports of the public among all reports. Some cities mean the share of valid ones; see beside it."
    ),
)
_rate("public_valid_rate", _("Share of valid public reports"), "valid_by_public", "by_public")
_rate("before_on_time_rate", _("On-time verification rate"), "before_on_time", "before_due")
_rate("after_rate", _("Check rate"), "after_done", "after_due")
_rate("after_on_time_rate", _("On-time check rate"), "after_on_time", "after_due")
_rate("self_solved_rate", _("Rate solved by the grid"), "letters_by_grid", "reported")
_rate("letters_rate", _("Completion rate"), "letters_done", "letters_due")
_rate("letters_on_time_rate", _("On-time completion rate"), "letters_on_time", "letters_due")
_rate(
    "whistle_rate",
    _("Whistle rate"),
    "whistled",
    "reported",
    NEITHER,
    definition=_("Whistles are for the important and hard: both extremes are a warning."),
)
_rate("report_in_rate", _("On-time report-in rate"), "taken_in_time", "whistled")
_rate("send_back_rate", _("Send-back rate"), "whistled_returned", "whistled", DOWN)
_rate("letter_extended_rate", _("Extension rate"), "whistled_extended", "whistled", DOWN)
_rate(
    "satisfaction",
    _("Residents' rating"),
    "stars",
    "rated",
    unit="stars",
    definition=_("Mean of residents' stars, 1 to 5; the score is 20 times that. Silence is no rating."),
)
_rate(
    "inner_rating",
    _("The grid's rating"),
    "inner_stars",
    "inner_rated",
    unit="stars",
    definition=_("Mean of the grid's stars on process and result, 1 to 5."),
)
_rate("response_rate", _("Response rate"), "responded", "complaints")
_rate("solved_rate", _("Solved rate"), "solved", "reached")
_rate("satisfied_rate", _("Satisfied rate"), "satisfied", "reached")


@dataclass(frozen=True)
class Table:
    """A set of columns that belongs together, of one flow, and the dimensions it is usually seen by."""

    code: str
    label: str | Promise
    flow: str
    columns: tuple[str, ...]
    lead: str = ""  # what the chart and the map show at first


TABLES: dict[str, Table] = {}


def _table(code, label, flow, columns, lead):
    TABLES[code] = Table(code, label, flow, tuple(columns.split()), lead)


_table(
    "overview",
    _("Overview"),
    CITY,
    "reported filed filing_rate dispatched due_handle handled handled_on_time handled_on_time_rate"
    " pending_overdue due_close closed closed_rate closed_on_time closed_on_time_rate not_closed",
    "closed_rate",
)
_table(
    "reporting",
    _("Reporting and filing"),
    CITY,
    "reported valid invalid to_accept accepted rejected filed filing_rate voided merged dispatched"
    " auto_dispatched auto_rate by_public valid_by_public public_rate public_valid_rate",
    "reported",
)
_table(
    "handling",
    _("Handling"),
    CITY,
    "dispatched due_handle handled handled_rate handled_on_time handled_on_time_rate pending_handle"
    " pending_on_time pending_overdue pending_overdue_rate suspended extended extended_rate returned"
    " reworked rework_rate supervised supervised_rate",
    "handled_on_time_rate",
)
_table(
    "closing",
    _("Closing"),
    CITY,
    "filed due_close closed closed_rate closed_on_time closed_on_time_rate not_closed pending_close"
    " close_overdue close_overdue_rate checked",
    "closed_rate",
)
_table(
    "workload",
    _("Workload"),
    CITY,
    "by_supervisor self_by_supervisor valid invalid filed before_due before_done before_on_time"
    " before_on_time_rate after_due after_done after_rate after_on_time after_on_time_rate after_late"
    " self_reported self_closed self_void",
    "by_supervisor",
)
_table(
    "letters",
    _("Letters"),
    LETTER,
    "reported letters_by_grid self_solved_rate letters_due letters_done letters_rate letters_on_time"
    " letters_on_time_rate whistled whistle_rate taken_in_time report_in_rate whistled_returned"
    " send_back_rate whistled_extended letter_extended_rate satisfaction rated inner_rating inner_rated"
    " unrated",
    "letters_rate",
)
_table(
    "complaints",
    _("Complaints"),
    COMPLAINT,
    "reported complaints called unanswered responded response_rate reached solved solved_rate satisfied"
    " satisfied_rate dissatisfied",
    "response_rate",
)
