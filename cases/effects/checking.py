"""Checking, rating, closing, reopening."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from cases import deadlines, guards, verifiers
from cases.effects.flags import difficult_by_rule
from cases.effects.registry import effect
from cases.models import Case, Rating
from geo.numbers import mint
from geo.problems import Problem

S = Case.State


@effect("verifier_asked")
def _verifier_asked(run, line):
    """Somebody is asked to check: the one named, else the nearest on duty."""
    if run.given.verifier is not None:
        run.case.verifier = run.given.verifier
    else:
        run.case.verifier_id = next(iter(verifiers.on_duty(run.case)), None)
    line.detail["verifier"] = run.case.verifier_id


@effect("verified_before")
def _verified_before(run, line):
    """Looked at before filing; nobody is asked any more."""
    run.case.verifier = None


@effect("verified")
def _verified(run, line):
    """Checked and found good, by whoever did it."""
    run.case.verifier = run.user  # who did it, whoever was asked
    run.case.verified_at = run.now


@effect("failed")
def _failed(run, line):
    """It goes back with what was left of the limit, and at least half of it."""
    run.case.verifier = run.user
    _again(run)
    difficult_by_rule(run, line)


@effect("back_again")
def _back_again(run, line):
    """The feedback is poor; clock and count as after a failed check, the checker stays."""
    _again(run)


def _again(run) -> None:
    case = run.case
    case.rework_count += 1
    if case.holder_unit_id:
        case.handle_due_at = deadlines.rework_due(case, run.now)
        case.close_due_at = deadlines.close_due(case)
    case.handled_at = None
    case.self_handled = False


@effect("redone")
def _redone(run, line):
    """A complaint is handled once more, within half of its limit."""
    case = run.case
    case.rework_count += 1
    case.handle_due_at = deadlines.half_due(case, run.now)
    case.close_due_at = deadlines.close_due(case)
    case.handled_at = None


@effect("rated_inner")
def _rated_inner(run, line):
    """Grid staff's stars."""
    _rate(run, line, Rating.Kind.INNER, stars=run.given.stars)


@effect("rated_outer")
def _rated_outer(run, line):
    """The resident's stars."""
    _rate(run, line, Rating.Kind.OUTER, stars=run.given.stars, solved=run.given.solved)


@effect("called_back")
def _called_back(run, line):
    """What a call back found; of somebody not reached, nothing else is kept."""
    given = run.given
    answers = {"contacted": given.contacted, "solved": given.solved, "satisfied": given.satisfied}
    if not given.contacted:
        answers |= {"solved": None, "satisfied": None}
    line.detail["call_back"] = answers
    _rate(run, line, Rating.Kind.CALL_BACK, **answers)


def _rate(run, line, kind: str, **values) -> None:
    if values.get("stars"):
        line.detail["stars"] = values["stars"]
    run.later(
        lambda: Rating.objects.create(
            case=run.case, kind=kind, words=line.reason, by=run.user, at=run.now, **values
        )
    )


@effect("explained")
def _explained(run, line):
    """Why it is closed although the person is not satisfied; somebody else reviews that."""


@effect("reviewed_close")
def _reviewed_close(run, line):
    """Four eyes: whoever explained does not review the explanation."""
    explained = guards.explanation(run.case)
    if explained.actor_id == run.user.pk:
        raise Problem(_("Somebody else has to review your explanation."), status=403, kind="not-yours")
    line.detail["explained_by"] = explained.actor_id


@effect("explanation_refused")
def _explanation_refused(run, line):
    """It is explained anew or done once more; nothing else changes."""


@effect("closed")
def _closed(run, line):
    """Notes when it ended."""
    run.case.closed_at = run.now


@effect("reopened")
def _reopened(run, line):
    """A new case begins where the closed one was, linked to it and filed at once."""
    old = run.case
    line.detail["reopened"] = True
    new = Case(
        flow=old.flow,
        flow_version=run.table.version,
        state=S.FILED,
        phase=Case.Phase.DESK,
        source=old.source,
        type=old.type,
        component=old.component,
        geom=old.geom,
        raw_lon=old.raw_lon,
        raw_lat=old.raw_lat,
        raw_crs=old.raw_crs,
        position_source=old.position_source,
        accuracy_m=old.accuracy_m,
        description=old.description,
        address=old.address,
        reporter=old.reporter,
        client_key=run.key_for("reopened"),
        reopened_from=old,
        filing_standard=old.filing_standard,
        reported_at=run.now,
        accepted_at=run.now,
        filed_at=run.now,
        filed_community_code=old.area_code,
        filed_grid_code=old.filed_grid_code,
        filed_unit_grid_code=old.filed_unit_grid_code,
        filed_duty_grid_code=old.filed_duty_grid_code,
        due_at=run.table.due(S.FILED, run.now, old.area_code),
        number=mint(run.table.prefix, old.area_code, timezone.localdate()),
        area_code=old.area_code,
        grid_id=old.grid_id,
    )
    run.begins(new, line)
    line.detail["case"] = new.number
