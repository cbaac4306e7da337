"""One case: its story in the drawer, and what can be done with it."""

from __future__ import annotations

import json
import uuid

from django.contrib.auth.decorators import login_required
from django.contrib.gis.geos import Point
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from assets.models import ItemType
from cases import (
    actions,
    children,
    deadlines,
    desk_queries,
    dispatch,
    flow,
    inputs,
    meetings,
    public_view,
    queries,
    repeats,
)
from cases.actions import Given
from cases.api.serializers import actions_for
from cases.evidence import Evidence
from cases.filters import Filters
from cases.models import Case, CaseAttachment, FilingStandard, JointMeeting, ReporterContact
from cases.pages import act_inputs
from cases.pages.console import list_context, page_context, visible, wants
from geo import attachments
from geo.events import row_hash
from geo.models import Area, DictionaryItem, Organisation, User
from geo.problems import Problem
from geo.texts import fitting
from geo.words import in_language
from grids.models import GridVersion

# What a photo shows, in the reader's words rather than the step's name.
PHASES = {
    "report": gettext_lazy("Before handling"),
    "handle": gettext_lazy("After handling"),
    "verify": gettext_lazy("At the check"),
    "other": gettext_lazy("Added"),
}
BACK = (Case.State.REWORK, Case.State.SUSPENDED, Case.State.RETURNED, Case.State.DISSATISFIED)
GOING_BACK = ("return_back", "verify_fail", "return_order", "fail", "send_back", "redo")


def find(request, number: str) -> Case:
    case = queries.told().for_user(request.user).filter(number=number).first()
    if case is None:
        raise Http404
    return case


@login_required
@never_cache
@require_GET
def case_page(request, number: str):
    """A deep link: the console with this case open; for htmx the drawer alone, or the case's row."""
    visible(request)
    case = find(request, number)
    filters = Filters.read(request.GET, request.user)
    if wants(request, "drawer"):
        return render(request, "cases/drawer.html", case_context(request, case) | {"filters": filters})
    if request.headers.get("HX-Target", "").startswith("row-"):
        desk_queries.with_pictures([case])
        case.row = row_hash("cases", case.pk)
        return render(request, "cases/row.html", {"case": case, "filters": filters})
    if "view" not in filters.params:
        # Whoever comes by a link sees the case among all, not in an empty tab of their own.
        filters = Filters(filters.params | {"view": "all"})
    context = list_context(request, filters) | page_context(request, filters)
    return render(
        request, "cases/console.html", context | case_context(request, case) | {"open_number": number}
    )


def case_context(request, case: Case) -> dict:
    """Everything the drawer tells."""
    user = request.user
    photos = list(repeats.photos_of(case))
    for photo in photos:
        photo.caption = PHASES.get(photo.phase, "")
    pair = before_and_after(photos)
    code = case.area_code
    areas = Area.objects.filter(code__in={code[:6], code[:9], code}, valid_to=None).order_by("code")
    return {
        "case": case,
        # Where other cases are opened: in the drawer, or each on a page of its own.
        "way": "case-page",
        "story": story(case, user, photos),
        "photos": [photo for photo in photos if photo not in pair],
        "pair": pair,
        "areas": list(areas.values_list("name", flat=True)),
        "actions": actions_for(user, case),
        "facts": facts(case),
        "ratings": list(case.ratings.all()),
        "why": dispatch.explain(case.decision),
        "why_json": json.dumps((case.decision or {}).get("polygon")),
        "sees_reporter": queries.sees_reporter(user, case),
        "may_reveal": queries.may_reveal(user, case) and ReporterContact.objects.filter(case=case).exists(),
        "near": queries.nearby_open(user, case),
        "people": desk_queries.people_of(case, user),
        "filed_grid": filed_grid(case),
        "given": case.dispatched_at or case.reported_at,
        "row": row_hash("cases", case.pk),
        "is_open": case.is_open,
        "parts": list(case.children.select_related("holder_unit").order_by("pk")),
        "may_split": case.is_open
        and case.parent_id is None
        and user.scope.covers(children.PERMISSION, case.area_code),
        "meeting_items": _meetings(user, case),
        "may_meet": meetings.may_list(user, case),
        "may_release": case.flow == public_view.FLOW and user.can(attachments.REVIEW_PERMISSION),
    }


def _meetings(user, case: Case) -> list:
    """The joint meetings the user may see that had the case on their agenda."""
    if not user.can(meetings.VIEW):
        return []
    rows = case.meeting_items.filter(meeting__in=JointMeeting.objects.for_user(user))
    return list(rows.select_related("meeting").order_by("meeting__held_on", "pk"))


def before_and_after(photos: list[CaseAttachment]) -> list[CaseAttachment]:
    """The first photo of the problem and the last of the work done; empty unless there are both."""
    shown = [photo for photo in photos if photo.attachment.thumbnail]
    before = [photo for photo in shown if photo.phase == CaseAttachment.Phase.REPORT]
    after = [photo for photo in shown if photo.phase == CaseAttachment.Phase.HANDLE]
    return [before[0], after[-1]] if before and after else []


def facts(case: Case) -> list[tuple[str, str]]:
    """What letters and complaints have beside other cases, and what is asked for at present; in words."""
    told = []
    if case.complaint_kind:
        kind = DictionaryItem.objects.filter(
            dictionary__code="complaint_kind", code=case.complaint_kind
        ).first()
        told.append(
            (_("Kind of complaint"), in_language(kind.name, kind.name_en) if kind else case.complaint_kind)
        )
    if case.complexity:
        told.append(
            (_("How hard"), dict(inputs.choices(flow.COMPLEXITY)).get(case.complexity, case.complexity))
        )
    if case.flow != flow.CITY and case.dispatched_at:
        amount, unit = deadlines.limit_of(case)
        told.append((_("Limit"), f"{amount:g} {deadlines.unit_words(unit)}"))
    if case.desk_code:
        told.append(
            (
                _("Handed to"),
                str(Area.objects.filter(code=case.desk_code, valid_to=None).first() or case.desk_code),
            )
        )
    helpers = case.holds.filter(part="helper").select_related("unit")
    if names := [hold.unit.name for hold in helpers]:
        told.append((_("Helping"), "、".join(names)))
    if case.review_at:
        told.append((_("To be reviewed"), timezone.localtime(case.review_at).strftime("%Y-%m-%d")))
    for row in case.requests.filter(state="pending"):
        what = (
            f"{row.amount:g} {deadlines.unit_words(row.unit)}" if row.amount else f"{row.review_on:%Y-%m-%d}"
        )
        told.append((f"{row.get_kind_display()} · {row.get_state_display()}", f"{what} · {row.reason}"))
    return told


def story(case: Case, user, photos: list[CaseAttachment]) -> list[dict]:
    """The log, newest first; each line with how long the step before it took and its photos."""
    sees_reporter = queries.sees_reporter(user, case)
    lines = list(case.transitions.select_related("actor", "unit", "to_unit").order_by("id"))
    told = []
    before = None
    for line in lines:
        hidden = queries.hides_actor(user, line, case, sees_reporter)
        repeating = line.detail.get("case", "") if line.action == repeats.SUPPLEMENT else ""
        who = "" if hidden else (str(line.actor) if line.actor else _("By rule"))
        told.append(
            {
                "line": line,
                "label": _label(case, line),
                "who": who,
                "unit": None if hidden else line.unit,
                "to_unit": line.to_unit,
                "took": line.at - before if before else None,
                "why": _why(line),
                "repeating": repeating,
                "photos": [
                    photo
                    for photo in photos
                    if photo.transition_id == line.pk or (repeating and photo.case.number == repeating)
                ],
                "kind": "end" if line.to_state in Case.ENDED else "back" if _goes_back(line) else "",
            }
        )
        before = line.at
    return told[::-1]


def _why(line) -> str:
    """The rule that sent it to a unit; of a change of borders, from which grid it came to which."""
    if line.action == actions.REGRID:
        grids = {
            end: " ".join(filter(None, (line.detail.get(f"{end}_name"), line.detail.get(end))))
            for end in ("from", "to")
        }
        return _("From %(from)s to %(to)s.") % {end: name or _("no grid") for end, name in grids.items()}
    return dispatch.explain(line.detail.get("decision")) if line.to_unit_id else ""


def filed_grid(case: Case) -> dict | None:
    """The grid of the day the case was filed on (reported on, before that), when it is not today's.

    Filing keeps the code; for a case not filed yet, or from before codes were kept, the borders of that day
    are asked.
    """
    now = case.grid.code if case.grid_id else ""
    day = timezone.localdate(case.filed_at or case.reported_at)
    versions = GridVersion.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day, grid__community_code=case.area_code
    )
    if case.filed_grid_code:
        if case.filed_grid_code == now:
            return None
        versions = versions.filter(grid__code=case.filed_grid_code)
    else:
        versions = versions.filter(geom__intersects=case.geom)
    found = versions.order_by("grid__code").values("grid__code", "name").first()
    if found is None:
        return {"code": case.filed_grid_code, "name": "", "day": day} if case.filed_grid_code else None
    if found["grid__code"] == now:
        return None
    return {"code": found["grid__code"], "name": found["name"], "day": day}


def _label(case: Case, line) -> str:
    """The words of the row of the table that was taken: the same action reads differently for a unit."""
    moves = [move for move in flow.flow_of(case).of(line.action) if line.from_state in move.start]
    by_unit = line.detail.get("returned_by") and line.unit_id == line.detail["returned_by"]
    # Of several outcomes the log keeps which it was.
    moves = [move for move in moves if move.when == line.detail.get("when", "")] or moves
    for move in moves:
        if (move.by == flow.HOLDER) == bool(by_unit) and (move.by == flow.SYSTEM) == (line.actor_id is None):
            return str(move.label)
    return str(moves[0].label) if moves else actions.label_of(case, line.action)


def _goes_back(line) -> bool:
    return line.to_state in BACK or line.action in GOING_BACK


# --- Doing ------------------------------------------------------------------------------------------


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def act(request, number: str, action: str):
    """The dialog of an action, and carrying it out. What is wrong comes back in the dialog."""
    visible(request)
    case = find(request, number)
    offered = next((one for one in actions_for(request.user, case) if one["action"] == action), None)
    if request.method == "POST":
        try:
            case = actions.act(number, action, request.user, _given(request))
        except Problem as problem:
            if offered is None or problem.status in (404, 409):
                # Somebody was faster: the dialog closes, the case is shown as it is now.
                return _answer(problem.detail, number, bad=True)
            return render(request, "cases/act.html", _form(request, case, offered, problem), status=422)
        label = offered["label"] if offered else actions.label_of(case, action)
        return _answer(
            _("%(action)s: done. Now “%(state)s”.") % {"action": label, "state": case.get_state_display()},
            number,
        )
    if offered is None:
        return _answer(
            _("This is not possible any more; the case is now “%s”.") % case.get_state_display(),
            number,
            bad=True,
        )
    return render(request, "cases/act.html", _form(request, case, offered))


def _answer(words: str, number: str, bad: bool = False) -> HttpResponse:
    """No content, but an event by which the page closes the dialog, refreshes row and drawer, and says so."""
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"case-acted": {"words": words, "number": number, "bad": bad}})
    return response


def _form(request, case: Case, offered: dict, problem: Problem | None = None) -> dict:
    asked = {*offered["needs"], *offered["takes"]}
    user = request.user
    errors = {}
    for error in problem.errors if problem else ():
        errors.setdefault(
            error.get("pointer", error.get("field", "")).strip("/").split("/")[0], error["detail"]
        )
    context = {
        "case": case,
        "action": offered,
        "asked": asked,
        "needed": set(offered["needs"]),
        "data": request.POST,
        "problem": problem,
        "errors": errors,
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
    }
    if asked & {"unit", "units"}:
        context["units"] = _units(user, case)
    if "type" in asked:
        context["types"] = ItemType.objects.filter(active=True).order_by(
            "-kind", "standard", "class_code", "type_code"
        )
        context["standards"] = FilingStandard.objects.filter(type_id=case.type_id) if case.type_id else ()
    if "duplicate_of" in asked:
        context["near"] = queries.nearby_open(user, case, metres=500, limit=20)
    if "verifier" in asked:
        context["verifiers"] = _verifiers(case, user)
    return context | act_inputs.context(request, case, offered, asked)


def _units(user, case: Case) -> list[dict]:
    """Units to choose from: first those that the rules name, then the rest by kind."""
    decision = case.decision or {}
    named = {rule["unit"]: rule["name"] for rule in decision.get("rules", ())}
    if decision.get("unit") and decision["reason"] != "hand":
        named.setdefault(decision["unit"], decision.get("name", ""))
    units = queries.units_for(case, user).exclude(kind=Organisation.Kind.CENTRE)
    rows = [
        {
            "unit": unit,
            "rule": named.get(unit.pk),
            "first": unit.pk in named,
            "here": case.area_code.startswith(unit.area_code or "x"),
        }
        for unit in units.order_by("path")
    ]
    return sorted(
        rows, key=lambda row: (not row["first"], not row["here"], row["unit"].kind, row["unit"].path)
    )


def _verifiers(case: Case, user) -> list[User]:
    """People on duty in the grid who may verify, without those of the unit that handled it."""
    people = [duty.worker.user_id for duty in desk_queries.people_of(case, user) if duty.worker.user_id]
    found = User.objects.filter(pk__in=people, is_active=True).select_related("organisation")
    return [one for one in found if not (case.holder_unit_id and one.organisation_id == case.holder_unit_id)]


def _given(request) -> Given:
    data = request.POST

    def number(name: str) -> int | None:
        return int(data[name]) if data.get(name, "").isdecimal() else None

    photos = []
    for file in request.FILES.getlist("photos"):
        stored, _new = attachments.store(request.user, file)
        photos.append(Evidence(uuid=stored.uuid))
    position = accuracy = None
    try:
        if data.get("lon") and data.get("lat"):
            position = Point(float(data["lon"]), float(data["lat"]), srid=4326)
            accuracy = float(data["accuracy"]) if data.get("accuracy") else None
        key = uuid.UUID(data["client_key"]) if data.get("client_key") else None
    except ValueError:
        raise Problem(_("The form was damaged on its way; open it again."), status=400) from None
    return Given(
        reason=fitting(data.get("reason", ""), 500, "reason"),
        # Which units may be chosen is what the dialog offers; a case may go to a department of the city.
        unit=Organisation.objects.filter(pk=number("unit"), active=True).first() if number("unit") else None,
        type=ItemType.objects.filter(pk=number("type")).first() if number("type") else None,
        standard=number("standard"),
        duplicate_of=data.get("duplicate_of", "").strip(),
        verifier=User.objects.filter(pk=number("verifier")).first() if number("verifier") else None,
        photos=photos,
        position=position,
        accuracy_m=accuracy,
        client_key=key,
        **act_inputs.given(request),
    )


@login_required
@require_GET
def standards(request):
    """The filing rules of a type, for the dialog in which a type is chosen."""
    visible(request)
    pk = request.GET.get("type", "")
    rows = FilingStandard.objects.filter(type_id=pk) if pk.isdecimal() else FilingStandard.objects.none()
    return HttpResponse(render_to_string("cases/standards.html", {"standards": rows}, request))


@login_required
@require_GET
def component_cases(request, code: str):
    """The last cases at a component, as a part of its page."""
    rows = visible(request).filter(component__code=code).select_related("type").defer("decision")
    return render(
        request, "cases/component.html", {"cases": rows.order_by("-reported_at")[:10], "code": code}
    )
