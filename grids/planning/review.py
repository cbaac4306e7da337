"""A plan on its way to publication: handed in, looked at, returned or approved; each step is kept."""

from collections.abc import Iterable

from django.contrib.gis.geos import Point
from django.db import transaction
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override, pgettext_lazy

from geo import audit, events, outputs
from geo.models import Grant, User
from geo.problems import Problem
from grids.models import Grid, Plan, PlanGrid, PlanRemark, PlanStep
from grids.planning import codes, faults, ground
from grids.planning.borders import borders
from grids.planning.state import Draft

S = Plan.State
EDIT, REVIEW, PUBLISH = "grids.plan", "grids.review_plans", "grids.publish_plans"
ACTIONS = {
    "submit": pgettext_lazy("plan step", "Handed in for review"),
    "return": pgettext_lazy("plan step", "Returned"),
    "approve": pgettext_lazy("plan step", "Approved"),
    "take_back": pgettext_lazy("plan step", "Taken back"),
    "rebase": pgettext_lazy("plan step", "Checked against the new borders"),
    "schedule": pgettext_lazy("plan step", "To be published on a day"),
    "publish": pgettext_lazy("plan step", "Published"),
    "fail": pgettext_lazy("plan step", "Could not be published"),
    "undo": pgettext_lazy("plan step", "Publication undone"),
}
audit.ACTIONS |= {f"plan.{action}": words for action, words in ACTIONS.items()}
audit.ACTIONS |= {
    "plan.remark": gettext_lazy("Remarked on a boundary plan"),
    "plan.resolve": gettext_lazy("Settled a remark on a boundary plan"),
    "grids.publish": gettext_lazy("Published grids"),
    "unit_grids.publish": gettext_lazy("Published unit grids"),
}
# From which states a step may be taken, and who may.
ALLOWED = {
    "submit": ((S.DRAFT, S.RETURNED), EDIT),
    "return": ((S.SUBMITTED, S.APPROVED), REVIEW),
    "approve": ((S.SUBMITTED,), REVIEW),
    "withdraw": ((S.SUBMITTED, S.APPROVED), EDIT),
    "rebase": ((S.DRAFT, S.RETURNED, S.SUBMITTED, S.APPROVED), EDIT),
    "publish": ((S.APPROVED,), PUBLISH),
    "undo": ((S.PUBLISHED,), PUBLISH),
}


def locked(user, pk: int, action: str) -> Plan:
    """The plan, locked, if the user may take this step from its state; else a ``Problem``."""
    states, permission = ALLOWED[action]
    plan = Plan.objects.for_user(user).select_for_update(of=("self",)).filter(pk=pk).first()
    if plan is None:
        raise Problem(_("There is no such plan, or not within your scope."), status=404, kind="not-found")
    if not user.scope.covers(permission, plan.area_code):
        raise Problem(_("Your roles do not allow this step."), status=403, kind="forbidden")
    if plan.state not in states:
        raise Problem(
            _("This is not possible: the plan is “%s”.") % plan.get_state_display(),
            status=409,
            kind="state",
            state=plan.state,
        )
    return plan


def can(user, plan: Plan) -> dict[str, bool]:
    """Which steps are open to the user now, by name; ``edit`` too."""
    open_to = {
        action: plan.state in states and user.scope.covers(permission, plan.area_code)
        for action, (states, permission) in ALLOWED.items()
    }
    open_to["undo_publication"] = open_to.pop("undo")
    if open_to["approve"] and submitter_of(plan) == user.pk:
        open_to["approve"] = False
    edit = user.scope.covers(EDIT, plan.area_code)
    return open_to | {
        "edit": edit and plan.state in Plan.OPEN,
        "remark": plan.state in ALLOWED["rebase"][0] and _takes_part(user, plan),
    }


def note_step(plan: Plan, action: str, user=None, note: str = "", permission: str = "") -> PlanStep:
    """Write a step, the audit log and the event by which open pages see it. In the caller's transaction."""
    step = PlanStep.objects.create(
        plan=plan,
        action=action,
        user=user,
        role=user.scope.role_for(permission) if user is not None and permission else "",
        note=note.strip(),
        revision=plan.revision,
    )
    audit.log(user, f"plan.{action}", plan, reason=step.note, area_code=plan.area_code, name=plan.name)
    changed(plan)
    return step


def changed(plan: Plan) -> None:
    events.emit("plans", plan.pk, area_code=plan.area_code)


def submit(user, pk: int, note: str = "") -> Plan:
    """Hand a draft in. Refused with the list while faults stand that may not be published."""
    with transaction.atomic():
        plan = locked(user, pk, "submit")
        refuse_stale(plan)
        refuse_faults(plan)
        plan.state = S.SUBMITTED
        plan.save(update_fields=["state", "changed_at"])
        note_step(plan, "submit", user, note, EDIT)
        tell(plan, with_permission(REVIEW, plan.area_code), gettext_lazy("To review: “%s”"), note, user)
    return plan


def refuse_stale(plan: Plan) -> None:
    """A ``Problem`` (409) when other borders came into force under the plan."""
    found = ground.changed(plan)
    if found.changed:
        raise Problem(
            found.text,
            status=409,
            kind="stale",
            communities=found.communities,
            publications=[one.pk for one in found.publications],
        )


def refuse_faults(plan: Plan) -> None:
    """A ``Problem`` (422) with every fault that may not be published."""
    borders(plan)
    errors = [fault for fault in faults_of(plan) if fault.get("severity") == "error"]
    if errors:
        raise Problem(
            _("%d faults stand against it.") % len(errors) if len(errors) > 1 else errors[0]["text"],
            kind="faults",
            errors=[{"detail": fault["text"]} for fault in errors],
            faults=errors,
        )


def faults_of(plan: Plan) -> list[dict]:
    """What the editor lists as faults."""
    return faults.of(Draft.load(plan))


def approve(user, pk: int, note: str = "") -> Plan:
    """Approve a plan as it stands; never by who handed it in."""
    with transaction.atomic():
        plan = locked(user, pk, "approve")
        if submitter_of(plan) == user.pk:
            raise Problem(
                _("You handed this plan in yourself; somebody else has to approve it."),
                status=403,
                kind="forbidden",
            )
        refuse_stale(plan)
        refuse_faults(plan)
        waiting = plan.remarks.filter(resolved_at=None).count()
        if waiting:
            raise Problem(
                _("%d remarks are not settled; settle them or return the plan.") % waiting,
                status=409,
                kind="remarks",
            )
        plan.state = S.APPROVED
        plan.save(update_fields=["state", "changed_at"])
        note_step(plan, "approve", user, note, REVIEW)
        people = {*makers(plan), *with_permission(PUBLISH, plan.area_code)}
        tell(plan, people, gettext_lazy("Approved: “%s”"), note, user)
    return plan


def send_back(user, pk: int, note: str = "") -> Plan:
    """Return a plan to its planners, with a reason; a date it was to be published on is dropped."""
    with transaction.atomic():
        plan = locked(user, pk, "return")
        if not note.strip():
            detail = _("Say what is to be changed.")
            raise Problem(detail, errors=[{"pointer": "/note", "detail": detail}])
        _open(plan, S.RETURNED)
        note_step(plan, "return", user, note, REVIEW)
        tell(plan, makers(plan), gettext_lazy("Returned: “%s”"), note, user)
    return plan


def withdraw(user, pk: int, note: str = "") -> Plan:
    """Take a plan back before it is published: it is a draft again."""
    with transaction.atomic():
        plan = locked(user, pk, "withdraw")
        _open(plan, S.DRAFT)
        note_step(plan, "take_back", user, note, EDIT)
        people = {*makers(plan), *with_permission(REVIEW, plan.area_code)}
        tell(plan, people, gettext_lazy("Taken back: “%s”"), note, user)
    return plan


def rebase(user, pk: int, note: str = "") -> Plan:
    """Take a plan as checked against the borders now in force. What was approved has to be so again.

    A grid of the plan goes on from the grid in force with its code; where that is gone, or was given to
    another meanwhile, it gets a code that was never used.
    """
    with transaction.atomic():
        plan = locked(user, pk, "rebase")
        if not ground.changed(plan).changed:
            raise Problem(_("Nothing changed under this plan."), status=409, kind="state")
        plan.revision += 1
        _renew_codes(plan)
        plan.basis = ground.generations(plan.communities)
        handed_in = plan.state in (S.SUBMITTED, S.APPROVED)
        _open(plan, S.DRAFT if plan.state != S.RETURNED else S.RETURNED)
        borders(plan)
        note_step(plan, "rebase", user, note, EDIT)
        if handed_in:
            held = [person for each in (REVIEW, PUBLISH) for person in with_permission(each, plan.area_code)]
            people = {*makers(plan), *held}
            title = gettext_lazy("A draft again, checked against the new borders: “%s”")
            tell(plan, people, title, note, user)
    return plan


def _open(plan: Plan, state: str) -> None:
    plan.state, plan.effective_on, plan.problem = state, None, ""
    plan.save()


def _renew_codes(plan: Plan) -> None:
    """Tie the plan's grids to the grids in force by code; a code that is taken or retired is renewed."""
    standing = {
        grid.code: grid for grid in Grid.objects.filter(community_code__in=plan.communities).defer("geom")
    }
    used = set(standing) | set(plan.grids.values_list("code", flat=True))
    changed = []
    for grid in plan.grids.filter(active=True).order_by("number"):
        now = standing.get(grid.code)
        if now is None and grid.grid_id is None:
            continue
        if now is not None and now.retired_on is None and grid.grid_id == now.pk:
            continue
        grid.grid, grid.code, grid.revision = (
            None,
            codes.free(grid.community_code, grid.kind, used),
            plan.revision,
        )
        used.add(grid.code)
        changed.append(grid)
    PlanGrid.objects.bulk_update(changed, ["grid", "code", "revision"])


# --- Remarks ----------------------------------------------------------------------------------------


def remark(user, pk: int, point: Point, text: str) -> PlanRemark:
    """Pin a remark to a place (EPSG:4326) of a plan in review; reviewers and planners both may."""
    with transaction.atomic():
        plan = _seen(user, pk)
        if not _takes_part(user, plan):
            raise Problem(_("Your roles do not allow this step."), status=403, kind="forbidden")
        if plan.state not in ALLOWED["rebase"][0]:
            raise Problem(
                _("This is not possible: the plan is “%s”.") % plan.get_state_display(),
                status=409,
                kind="state",
                state=plan.state,
            )
        if not text.strip():
            detail = _("Say what is to be changed.")
            raise Problem(detail, errors=[{"pointer": "/text", "detail": detail}])
        made = PlanRemark.objects.create(
            plan=plan, point=point, text=text.strip(), user=user, revision=plan.revision
        )
        audit.log(user, "plan.remark", plan, area_code=plan.area_code, remark=made.pk)
        changed(plan)
    return made


def resolve(user, pk: int, remark: int) -> PlanRemark:
    """Settle a remark; once."""
    with transaction.atomic():
        plan = _seen(user, pk)
        if not _takes_part(user, plan):
            raise Problem(_("Your roles do not allow this step."), status=403, kind="forbidden")
        found = plan.remarks.select_for_update().filter(pk=remark).first()
        if found is None:
            raise Problem(_("There is no such remark."), status=404, kind="not-found")
        if found.resolved_at is None:
            found.resolved_by, found.resolved_at = user, timezone.now()
            found.save(update_fields=["resolved_by", "resolved_at"])
            audit.log(user, "plan.resolve", plan, area_code=plan.area_code, remark=found.pk)
            changed(plan)
            if found.user_id != user.pk:
                tell(plan, [found.user], gettext_lazy("Your remark on “%s” was settled"), found.text, user)
    return found


def _seen(user, pk: int) -> Plan:
    plan = Plan.objects.for_user(user).filter(pk=pk).first()
    if plan is None:
        raise Problem(_("There is no such plan, or not within your scope."), status=404, kind="not-found")
    return plan


def _takes_part(user, plan: Plan) -> bool:
    return any(user.scope.covers(permission, plan.area_code) for permission in (REVIEW, EDIT))


# --- People -----------------------------------------------------------------------------------------


def submitter_of(plan: Plan) -> int | None:
    """Who handed the plan in last."""
    steps = plan.steps.filter(action="submit").order_by("-id")
    return steps.values_list("user_id", flat=True).first()


def makers(plan: Plan) -> list[User]:
    """Who began the plan and who handed it in."""
    ids = {plan.created_by_id, submitter_of(plan)} - {None}
    return list(User.objects.filter(pk__in=ids, is_active=True))


def with_permission(permission: str, area_code: str) -> list[User]:
    """Active users with a permission for a whole area."""
    above = [area_code[:length] for length in (2, 4, 6, 9, 12) if length <= len(area_code)]
    grants = Grant.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=timezone.localdate()),
        role__permissions__contains=[permission],
        area_code__in=above,
    )
    return list(User.objects.filter(is_active=True, pk__in=grants.values("user_id")))


def tell(plan: Plan, people: Iterable[User], title, note: str = "", but=None) -> None:
    """A notice about a plan to people, each in the own language, and not to who did it."""
    notices = []
    for person in sorted({one.pk: one for one in people}.values(), key=lambda one: one.pk):
        if but is not None and person.pk == but.pk:
            continue
        with override(person.language or "zh-hans"):
            who = f"{but}: " if but is not None and note.strip() else ""
            notices.append(
                outputs.notice(
                    person,
                    str(title) % plan.name,
                    detail=f"{who}{note}".strip(),
                    url=page_of(plan),
                    icon="planner",
                )
            )
    outputs.tell_all(notices)


def page_of(plan: Plan) -> str:
    """Where the plan is shown."""
    try:
        return reverse("planner-plan", args=[plan.pk])
    except NoReverseMatch:
        return ""
