"""What is counted: base counts over P = [a, b), one condition over one kind of row each (domain, 5).

Rows are cases (``case``), looks on the spot (``check``) or actions of returning (``back``). Columns of a
case: the first times (``reported_at`` …), and its standing as of b: ``kind`` (``Standing.Kind``), ``unit``,
``hdue`` and ``cdue`` (deadlines then in force), ``handled`` (the last report of "handled" that nobody had
refused), ``done``. "Within P" of a first time is a flow count: a case reworked twice is filed once.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CITY, LETTER, COMPLAINT = "city_management", "letter", "complaint"
FLOWS = (CITY, LETTER, COMPLAINT)


@dataclass(frozen=True)
class Count:
    """A base count: ``sql`` selects the rows; ``value`` is summed over them (1: they are counted)."""

    code: str
    label: str
    definition: str
    sql: str
    flows: tuple[str, ...] = (CITY,)
    rows: str = "case"
    value: str = ""
    tone: str = ""


def within(column: str) -> str:
    return f"({column} >= a and {column} < b)"


_PUBLIC = "source in ({})".format(", ".join(f"'{one}'" for one in settings.STATISTICS_PUBLIC_SOURCES))
_VALID = "(coalesce(filed_at < b, false) or coalesce(self_closed_at < b, false))"
# Handled in P and not refused again before b; of those that a unit had.
_HANDLED = "(dispatched_at < b and kind in ('h', 'e') and handled >= a)"
_DUE = f"({_HANDLED} or (kind = 'u' and hdue < b))"
_CLOSED = "(filed_at < b and kind = 'e' and done >= a)"
_LATE_TO_CLOSE = "(filed_at < b and kind in ('d', 'u', 'h') and cdue < b)"
# Letters: passed or archived in P, or not yet although the limit is over.
_PASSED = "(kind in ('a', 'e') and done >= a)"
_LETTER_LATE = "(kind in ('r', 'd', 'u', 'h') and hdue < b)"

COUNTS: dict[str, Count] = {}


def _add(code, label, definition, sql, **more):
    COUNTS[code] = Count(code, label, definition, sql, **more)


ALL = FLOWS
# --- Reporting and filing -----------------------------------------------------------------------------
_add(
    "reported",
    pgettext_lazy("count", "Reported"),
    _("Cases reported in the period."),
    within("reported_at"),
    flows=ALL,
)
_add(
    "valid",
    pgettext_lazy("count", "Valid reports"),
    _("Of the cases reported in the period, those filed by its end, or self-handled and confirmed."),
    f"{within('reported_at')} and {_VALID}",
)
_add(
    "invalid",
    pgettext_lazy("count", "Invalid reports"),
    _("Of the cases reported in the period, those rejected, void or merged as duplicates at its end."),
    f"{within('reported_at')} and not {_VALID} and kind = 'x'",
)
_add(
    "to_accept",
    pgettext_lazy("count", "To be accepted"),
    _("Cases that waited to be accepted at the end of the period."),
    "kind = 'r'",
    flows=ALL,
)
_add(
    "accepted",
    pgettext_lazy("count", "Accepted"),
    _("Cases first accepted in the period."),
    within("accepted_at"),
)
_add(
    "rejected",
    pgettext_lazy("count", "Not accepted"),
    _("Cases rejected in the period."),
    within("rejected_at"),
)
_add("filed", pgettext_lazy("count", "Filed"), _("Cases first filed in the period."), within("filed_at"))
_add(
    "dispatched",
    pgettext_lazy("count", "Dispatched"),
    _("Cases first dispatched in the period."),
    within("dispatched_at"),
)
_add(
    "auto_dispatched",
    pgettext_lazy("count", "Dispatched by rule"),
    _("Of the cases first dispatched in the period, those a rule dispatched without a person."),
    f"{within('dispatched_at')} and auto_dispatched",
)
_add(
    "voided",
    pgettext_lazy("count", "Void"),
    _("Cases declared void in the period (found untrue included; merged duplicates are not)."),
    within("voided_at"),
)
_add(
    "merged",
    pgettext_lazy("count", "Duplicates"),
    _("Cases merged into another in the period."),
    within("merged_at"),
)
_add(
    "checked",
    pgettext_lazy("count", "Checked"),
    _("Cases whose handling was first checked on the spot in the period, whatever the result."),
    within("checked_at"),
)
# --- Handling -----------------------------------------------------------------------------------------
_add(
    "due_handle",
    pgettext_lazy("count", "Due to be handled"),
    _(
        "Dispatched before the period's end; at its end held by a unit or handled; not void, not "
        "suspended, not handled before the period; and due or handled before its end."
    ),
    _DUE,
)
_add(
    "handled",
    pgettext_lazy("count", "Handled"),
    _("Of those due to be handled, the ones whose last accepted report of handling came before the end."),
    _HANDLED,
)
_add(
    "handled_on_time",
    pgettext_lazy("count", "Handled on time"),
    _("Handled not later than the deadline, extensions included."),
    f"{_HANDLED} and handled <= hdue",
    tone="ontime",
)
_add(
    "pending_handle",
    pgettext_lazy("count", "Still to be handled"),
    _("Dispatched and not handled at the end of the period, whatever the deadline."),
    "kind = 'u'",
)
_add(
    "pending_on_time",
    pgettext_lazy("count", "Still to be handled, on time"),
    _("Not handled at the end of the period, the deadline not yet over."),
    "kind = 'u' and (hdue >= b or hdue is null)",
)
_add(
    "pending_overdue",
    pgettext_lazy("count", "Still to be handled, overdue"),
    _("Not handled at the end of the period although the deadline is over."),
    "kind = 'u' and hdue < b",
    tone="overdue",
)
_add(
    "suspended",
    pgettext_lazy("count", "Suspended"),
    _("Suspended at the end of the period; out of all that is due while it lasts."),
    "kind = 'p'",
)
# --- Closing ------------------------------------------------------------------------------------------
_add(
    "due_close",
    pgettext_lazy("count", "Due to be closed"),
    _(
        "Filed before the period's end; not void, not suspended, not closed before the period; and "
        "closed, or due to be closed, before its end. Handled by the reporter: not counted here."
    ),
    f"({_CLOSED} or {_LATE_TO_CLOSE})",
)
_add(
    "closed",
    pgettext_lazy("count", "Closed"),
    _("Of those due to be closed, the ones closed before the period's end."),
    _CLOSED,
)
_add(
    "closed_on_time",
    pgettext_lazy("count", "Closed on time"),
    _("Closed not later than the closing deadline: the handling deadline and the allowance for the check."),
    f"{_CLOSED} and done <= cdue",
    tone="ontime",
)
_add(
    "not_closed",
    pgettext_lazy("count", "Not closed"),
    _("Due to be closed less closed."),
    _LATE_TO_CLOSE,
    tone="overdue",
)
_add(
    "pending_close",
    pgettext_lazy("count", "Still to be closed"),
    _("Filed and open at the end of the period, whatever the deadline; not suspended."),
    "filed_at < b and kind in ('d', 'u', 'h')",
)
_add(
    "close_overdue",
    pgettext_lazy("count", "Still to be closed, overdue"),
    _("Open at the end of the period although the closing deadline is over."),
    _LATE_TO_CLOSE,
    tone="overdue",
)
# --- What went wrong ----------------------------------------------------------------------------------
_add(
    "extended",
    pgettext_lazy("count", "Extended"),
    _("Cases that first got an extension in the period. Requests that were refused do not count."),
    within("extended_at"),
)
_add(
    "returned",
    pgettext_lazy("count", "Returned"),
    _("Returns by units in the period, each counted for the unit that returned it."),
    "true",
    flows=(CITY, LETTER),
    rows="back",
)
_add(
    "reworked",
    pgettext_lazy("count", "Reworked"),
    _("Cases whose check first failed in the period."),
    within("reworked_at"),
)
_add(
    "supervised",
    pgettext_lazy("count", "Supervised"),
    _("Cases first put under supervision in the period."),
    within("supervised_at"),
)
# --- Who reported -------------------------------------------------------------------------------------
_add(
    "by_supervisor",
    pgettext_lazy("count", "Reported by inspectors"),
    _("Cases inspectors reported in the period."),
    f"{within('reported_at')} and source = 'supervisor'",
)
_add(
    "self_by_supervisor",
    pgettext_lazy("count", "Handled by inspectors themselves"),
    _("Of the cases inspectors reported in the period, those they handled themselves."),
    f"{within('reported_at')} and source = 'supervisor' and self_handled",
)
_add(
    "by_public",
    pgettext_lazy("count", "Reported by the public"),
    _("Cases the public reported in the period, online or by the hotline."),
    f"{within('reported_at')} and {_PUBLIC}",
)
_add(
    "valid_by_public",
    pgettext_lazy("count", "Valid reports of the public"),
    _("Of the public's reports in the period, those filed by its end."),
    f"{within('reported_at')} and {_PUBLIC} and {_VALID}",
)
_add(
    "self_reported",
    pgettext_lazy("count", "Self-handled: reported"),
    _("Cases reported in the period as handled by the reporter."),
    f"{within('reported_at')} and self_handled",
)
_add(
    "self_closed",
    pgettext_lazy("count", "Self-handled: closed"),
    _("Cases handled by the reporter and confirmed in the period."),
    within("self_closed_at"),
)
_add(
    "self_void",
    pgettext_lazy("count", "Self-handled: void"),
    _("Cases handled by the reporter and declared void in the period."),
    f"{within('voided_at')} and self_handled",
)
# --- Looks on the spot: due in P --------------------------------------------------------------------------
_DONE = "done_at < b"
for _kind, _due, _done, _on_time, _late in (
    (
        "before",
        (
            pgettext_lazy("count", "Verifications due"),
            _("Verifications before filing whose limit ends in the period; cancelled ones not."),
        ),
        (
            pgettext_lazy("count", "Verified"),
            _("Of the verifications due in the period, those done by its end."),
        ),
        (
            pgettext_lazy("count", "Verified on time"),
            _("Of the verifications due in the period, those done within their limit."),
        ),
        (
            pgettext_lazy("count", "Verified late"),
            _("Of the verifications due in the period, those done after their limit."),
        ),
    ),
    (
        "after",
        (
            pgettext_lazy("count", "Checks due"),
            _("Checks before closing whose limit ends in the period; cancelled ones are out."),
        ),
        (pgettext_lazy("count", "Checks done"), _("Of the checks due in the period, those done by its end.")),
        (
            pgettext_lazy("count", "Checks done on time"),
            _("Of the checks due in the period, those done within their limit."),
        ),
        (
            pgettext_lazy("count", "Checks done late"),
            _("Of the checks due in the period, those done after their limit."),
        ),
    ),
):
    _is = f"check_kind = '{_kind}'"
    _add(f"{_kind}_due", *_due, _is, rows="check")
    _add(f"{_kind}_done", *_done, f"{_is} and {_DONE}", rows="check")
    _add(
        f"{_kind}_on_time", *_on_time, f"{_is} and {_DONE} and done_at <= due_at", rows="check", tone="ontime"
    )
    _add(f"{_kind}_late", *_late, f"{_is} and {_DONE} and done_at > due_at", rows="check", tone="overdue")
# --- Letters ------------------------------------------------------------------------------------------
_letter = {"flows": (LETTER,)}
_add(
    "letters_by_grid",
    pgettext_lazy("count", "Solved by the grid"),
    _("Letters passed in the period that the grid solved itself: never passed on to the community."),
    f"{_PASSED} and self_handled_at < b and coalesce(escalated_at >= b, true)",
    **_letter,
)
_add(
    "letters_due",
    pgettext_lazy("count", "Letters due"),
    _("Letters passed or archived in the period, and those not passed although their limit is over."),
    f"({_PASSED} or {_LETTER_LATE})",
    **_letter,
)
_add(
    "letters_done",
    pgettext_lazy("count", "Letters done"),
    _("Letters passed or archived in the period."),
    _PASSED,
    **_letter,
)
_add(
    "letters_on_time",
    pgettext_lazy("count", "Letters done on time"),
    _("Of the letters done, those fed back within the limit; the grid's own have none."),
    f"{_PASSED} and (hdue is null or coalesce(handled, done) <= hdue)",
    tone="ontime",
    **_letter,
)
_add(
    "whistled",
    pgettext_lazy("count", "Whistled"),
    _("Letters a street first whistled for in the period."),
    within("whistled_at"),
    **_letter,
)
_add(
    "taken_in_time",
    pgettext_lazy("count", "Reported in on time"),
    _("Of the letters first whistled for in the period, those the unit took within the limit."),
    f"{within('whistled_at')} and taken_at < b and taken_at <= take_due_at",
    tone="ontime",
    **_letter,
)
_add(
    "whistled_returned",
    pgettext_lazy("count", "Whistled and sent back"),
    _("Of the letters first whistled for in the period, those a unit sent back by its end."),
    f"{within('whistled_at')} and sent_back_at < b",
    **_letter,
)
_add(
    "whistled_extended",
    pgettext_lazy("count", "Whistled and extended"),
    _("Of the letters first whistled for in the period, those that got an extension by its end."),
    f"{within('whistled_at')} and extended_at < b",
    **_letter,
)
_add(
    "stars",
    pgettext_lazy("count", "Stars of residents"),
    _("Sum of residents' stars given in the period."),
    "outer_n > 0",
    value="outer_stars",
    **_letter,
)
_add(
    "rated",
    pgettext_lazy("count", "Ratings of residents"),
    _("Residents' ratings given in the period."),
    "outer_n > 0",
    value="outer_n",
    **_letter,
)
_add(
    "inner_stars",
    pgettext_lazy("count", "Stars of the grid"),
    _("Sum of the grid's stars given in the period."),
    "inner_n > 0",
    value="inner_stars",
    **_letter,
)
_add(
    "inner_rated",
    pgettext_lazy("count", "Ratings of the grid"),
    _("The grid's ratings given in the period."),
    "inner_n > 0",
    value="inner_n",
    **_letter,
)
_add(
    "unrated",
    pgettext_lazy("count", "Archived unrated"),
    _("Letters archived in the period without a rating: silence is no rating."),
    within("unrated_at"),
    **_letter,
)
# --- Complaints ---------------------------------------------------------------------------------------
_complaint = {"flows": (COMPLAINT,)}
_add(
    "called",
    pgettext_lazy("count", "Called back"),
    _("Complaints last called back about in the period."),
    "called",
    **_complaint,
)
_add(
    "unanswered",
    pgettext_lazy("count", "Unanswered and overdue"),
    _("Complaints without a reply at the end of the period although the limit is over."),
    "not called and kind in ('r', 'd', 'u') and hdue < b",
    tone="overdue",
    **_complaint,
)
_add(
    "complaints",
    pgettext_lazy("count", "Complaints to answer"),
    _("Called back about in the period, and those unanswered although the limit is over."),
    "called or (kind in ('r', 'd', 'u') and hdue < b)",
    **_complaint,
)
_add(
    "responded",
    pgettext_lazy("count", "Answered within the limit"),
    _("Of those called back about, the ones whose resident was reached and that were replied to in time."),
    "called and contacted and handled <= hdue",
    **_complaint,
)
_add(
    "reached",
    pgettext_lazy("count", "Reached"),
    _("Of the complaints called back about, those whose resident was reached."),
    "called and contacted",
    **_complaint,
)
_add(
    "solved",
    pgettext_lazy("count", "Said solved"),
    _("Of those reached, the ones who said it is solved."),
    "called and contacted and solved",
    **_complaint,
)
_add(
    "satisfied",
    pgettext_lazy("count", "Said satisfied"),
    _("Of those reached, the ones who said they are satisfied."),
    "called and contacted and satisfied",
    **_complaint,
)
_add(
    "dissatisfied",
    pgettext_lazy("count", "Not satisfied"),
    _("Of those reached, the ones who said they are not."),
    "called and contacted and not satisfied",
    tone="overdue",
    **_complaint,
)
