"""What becomes of a report, in words for whoever reported: where it stands, what comes next, by when.

Only what concerns the resident: no names of staff, no reasons that the office notes for itself. The unit that
handles it is named, because a public office answers for what it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.public_view import Stage, stage_of

# Actions of the log that a resident is told of. What is missing here is the office's own affair.
LINES = {
    "report": _("Your report arrived"),
    "accept": _("Accepted"),
    "auto_accept": _("Accepted"),
    "reject": _("Not taken up"),
    "ask_verify_before": _("Somebody is asked to look at the place"),
    "verify_true": _("Confirmed on the spot"),
    "verify_false": _("Not found on the spot"),
    "dispatch": _("Sent to %(unit)s"),
    "auto_dispatch": _("Sent to %(unit)s"),
    "return_back": _("The responsible unit is being looked for anew"),
    "start": _("Work has begun"),
    "report_handled": _("The unit says it is done"),
    "confirm_self_handled": _("Done"),
    "verify_pass": _("Checked on the spot: it is done"),
    "verify_fail": _("Checked on the spot: not yet done, work goes on"),
    "approve_extend": _("More time was granted"),
    "approve_suspend": _("Put off: it cannot be done now"),
    "resume": _("Work goes on"),
    "merge": _("Joined with an earlier report of the same problem"),
    "unmerge": _("Treated as a problem of its own"),
    "close": _("Closed"),
    "void": _("Ended without work"),
    "withdraw": _("Withdrawn"),
    "reopen": _("Opened again"),
    "rate": _("Rated"),
    "supplement": _("Somebody reported it too"),
}
_ADDED = _("You reported it too")
# Whose reason is meant for the reporter: why it was not taken up, and the reporter's own.
_TOLD_REASONS = ("reject", "withdraw")

NEXT = {
    Stage.RECEIVED: _("Next: the service centre looks at it and accepts it, or says why not."),
    Stage.ACCEPTED: _("Next: the unit responsible is found and gets the job."),
    Stage.IN_HAND: _("Next: the unit handles it; then somebody checks on the spot."),
    Stage.PAUSED: _("Next: it is looked at again on the day named here."),
    Stage.CHECKING: _("Next: what was done is checked on the spot, then the case is closed."),
    Stage.SOLVED: _("The case is closed. If it is not solved, say so in your rating."),
    Stage.DECLINED: _("Nothing more will be done about this report."),
    Stage.MERGED: _("What becomes of it is told with the earlier report, here on this page."),
}
# Five steps that every report can pass, for the picture of how far it is.
STEPS = (
    (Stage.RECEIVED, _("Received")),
    (Stage.ACCEPTED, _("Accepted")),
    (Stage.IN_HAND, _("Being handled")),
    (Stage.CHECKING, _("On-site check")),
    (Stage.SOLVED, _("Solved")),
)
_ICONS = {
    Stage.RECEIVED: ("open", "inbox"),
    Stage.ACCEPTED: ("open", "tick"),
    Stage.IN_HAND: ("ontime", "play"),
    Stage.PAUSED: ("waiting", "pause"),
    Stage.CHECKING: ("ontime", "eye"),
    Stage.SOLVED: ("closed", "check"),
    Stage.DECLINED: ("waiting", "stop"),
    Stage.MERGED: ("waiting", "link"),
}


@dataclass
class Line:
    """One line of the story."""

    label: str
    at: datetime
    words: str = ""
    photos: list = field(default_factory=list)


def badge(stage: Stage) -> tuple[str, str]:
    """Tone and picture of a stage, as the kit has them."""
    return _ICONS[stage]


def steps(stage: Stage) -> list[dict]:
    """The five steps with which of them are done, and which is now; none for what was not taken up."""
    order = [one for one, _label in STEPS]
    here = Stage.IN_HAND if stage == Stage.PAUSED else stage
    if here not in order:
        return []
    at = order.index(here)
    over = here == Stage.SOLVED
    return [
        {"label": label, "done": number < at or over, "now": number == at and not over}
        for number, (_stage, label) in enumerate(STEPS)
    ]


def by_when(case: Case, stage: Stage) -> datetime | None:
    """By when the next thing should have happened, where a deadline runs."""
    if stage == Stage.PAUSED:
        return case.review_at
    if stage == Stage.IN_HAND:
        return case.handle_due_at or case.due_at
    if stage in (Stage.RECEIVED, Stage.ACCEPTED, Stage.CHECKING):
        return case.due_at or case.close_due_at
    return None


def story(case: Case, lines, photos: dict[int | None, list], own_line: int | None) -> list[Line]:
    """The log in a resident's words, newest first; ``photos`` by the id of the line they belong to."""
    told: list[Line] = []
    for line in lines:
        label = LINES.get(line.action)
        if label is None:
            continue
        if line.action == "supplement" and line.pk == own_line:
            label = _ADDED
        unit = str(line.to_unit) if line.to_unit_id else str(_("the unit responsible"))
        words = line.reason if line.action in _TOLD_REASONS else ""
        # The office's two steps at once (accepted, accepted by itself) are one for the reader.
        text = str(label) % {"unit": unit} if "%(unit)s" in str(label) else str(label)
        found = photos.get(line.pk, [])
        if told and told[-1].label == text and told[-1].at == line.at and not found:
            continue
        told.append(Line(text, line.at, words, found))
    return told[::-1]


def stage(case: Case) -> Stage:
    return stage_of(case.state, case.duplicate_of_id)
