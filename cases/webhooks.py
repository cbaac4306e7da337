"""What programs outside hear of cases: types of events, and what an event says.

Nothing about people, no words that somebody wrote, no photo: a receiver asks the API for the rest, with its
service account's rights.
"""

import uuid

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models import Case, Transition
from geo import webhooks

PREFIX = "cn.wangge.case."
# What an action in the log is called outside. Others (of flows that a city made for itself) are "changed".
ACTIONS = {
    "report": "reported",
    "found": "reported",
    "accept": "accepted",
    "auto_accept": "accepted",
    "reject": "rejected",
    "file_case": "filed",
    "auto_file": "filed",
    "dispatch": "dispatched",
    "auto_dispatch": "dispatched",
    "sub_assign": "dispatched",
    "whistle": "dispatched",
    "redispatch": "dispatched",
    "second_dispatch": "dispatched",
    "assign": "dispatched",
    "return_back": "returned",
    "return_order": "returned",
    "start": "started",
    "take": "started",
    "report_handled": "handled",
    "feed_back": "handled",
    "reply": "handled",
    "verify_true": "verified",
    "verify_pass": "verified",
    "pass": "verified",
    "verify_false": "refuted",
    "verify_fail": "rework",
    "fail": "rework",
    "redo": "rework",
    "approve_extend": "extended",
    "extend": "extended",
    "approve_suspend": "suspended",
    "resume": "resumed",
    "supervise": "supervised",
    "close": "closed",
    "self_close": "closed",
    "confirm_self_handled": "closed",
    "explain_close": "closed",
    "archive_unrated": "closed",
    "void": "voided",
    "merge": "merged",
    "rate": "rated",
    "reopen": "reopened",
    "withdraw": "withdrawn",
}
OTHER = "changed"
WORDS = {
    "reported": _("Reported"),
    "accepted": _("Accepted"),
    "rejected": _("Not accepted"),
    "filed": pgettext_lazy("event", "Filed"),
    "dispatched": _("Dispatched"),
    "returned": _("Sent back by the unit"),
    "started": _("Handling began"),
    "handled": _("Handling done"),
    "verified": _("Confirmed by a check"),
    "refuted": _("Not found by a check"),
    "rework": _("Has to be done again"),
    "extended": _("Got more time"),
    "suspended": _("Suspended"),
    "resumed": _("Resumed"),
    "supervised": _("Supervised"),
    "closed": _("Closed"),
    "voided": _("Void"),
    "merged": _("Merged into another case"),
    "rated": _("Rated"),
    "reopened": _("Reopened"),
    "withdrawn": _("Withdrawn"),
    OTHER: _("Changed in another way"),
}
webhooks.types |= {PREFIX + word: label for word, label in WORDS.items()}
# A line of the log has one id outside, however often it is told of.
_NAMES = uuid.UUID("5b1f0c5e-6a43-4d3c-9d0c-3a1d7b1f8a10")


def events_of(case: Case, lines: list[Transition]) -> list[webhooks.Event]:
    """The lines of a case's log as events, in their order."""
    return [
        webhooks.Event(
            id=uuid.uuid5(_NAMES, f"{settings.CITY_CODE}:{line.pk}"),
            type=PREFIX + ACTIONS.get(line.action, OTHER),
            subject=case.number,
            at=line.at,
            area_code=case.area_code or "",
            data=_data(case, line),
        )
        for line in lines
    ]


def _data(case: Case, line: Transition) -> dict:
    def said(moment):
        return moment.isoformat() if moment else None

    return {
        "number": case.number,
        "flow": case.flow,
        "action": line.action,
        "from_state": line.from_state,
        "state": line.to_state,
        "area_code": case.area_code or "",
        "type_code": case.type.full_code if case.type_id else None,
        "reported_at": said(case.reported_at),
        "due_at": said(case.due_at),
        "closed_at": said(case.closed_at),
    }


def emit(case: Case, lines: list[Transition]) -> int:
    """Tell the webhooks whose service account sees the case, as of now."""
    return webhooks.emit(
        events_of(case, lines), lambda owner: Case.objects.for_user(owner).filter(pk=case.pk).exists()
    )
