"""Tasks: the list, making one, its page with states and assessors, and the sample."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assets.models import Component, ItemType
from cases import jobs
from cases.evaluation import exports, sampling, tasks
from cases.evaluation.pages.common import ENTRIES, back, crumbs, find, frame, manages, need
from cases.evaluation.pages.models import managed_areas
from cases.models import EvaluationModel, EvaluationTask, ModelItem, SamplePoint
from cases.models.evaluation import MANAGE
from geo import outputs
from geo.models import Area, Organisation
from geo.pages.common import office, page_of
from geo.problems import Problem

State = EvaluationTask.State
MOST_CHOICES = 1500


@office(*ENTRIES)
@never_cache
@require_GET
def tasks_page(request):
    """Tasks that the caller manages, assesses, or may read the results of."""
    rows = EvaluationTask.objects.for_user(request.user)
    counted = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    state = request.GET.get("state", "")
    if state in State.values:
        rows = rows.filter(state=state)
    rows = rows.select_related("model").annotate(
        n_subjects=Count("subjects", distinct=True),
    )
    page, pager = page_of(request, rows)
    context = {
        "rows": [(row, exports.period_words(row)) for row in page],
        "pager": pager,
        "state": state,
        "tabs": [("", _("All"), sum(counted.values()))]
        + [(value, label, counted.get(value, 0)) for value, label in State.choices],
        "manages": request.user.can(MANAGE),
    }
    return render(request, "cases/evaluation/tasks.html", context)


# --- A new one ----------------------------------------------------------------------------------------


@office(MANAGE)
@never_cache
@require_http_methods(["GET", "POST"])
def new_task(request):
    """First the model and the peer group, then who, when, and by which day."""
    data = request.POST or request.GET
    models = EvaluationModel.objects.for_user(request.user).filter(state=EvaluationModel.State.PUBLISHED)
    pk = data.get("model", "")
    model = models.filter(pk=int(pk)).first() if pk.isdecimal() else None
    problem, errors = None, {}
    if request.method == "POST":
        try:
            task = _create(request, model)
        except Problem as refused:
            problem = refused
            errors = {error.get("pointer", "").strip("/"): error["detail"] for error in refused.errors}
        else:
            return redirect("evaluation-task", pk=task.pk)
    area_code = data.get("area_code") or (model.area_code if model else "")
    month = timezone.localdate().replace(day=1)
    context = {
        "models": models,
        "model": model,
        "areas": managed_areas(request.user),
        "area_code": area_code,
        "peers": data.get("peers", ""),
        "peer_groups": _peer_groups(model),
        "choices": _choices(model, area_code, data.get("peers", "")) if model else [],
        "most": MOST_CHOICES,
        "chosen": set(request.POST.getlist("subjects")),
        "first": (month - timedelta(days=1)).replace(day=1),
        "last": month - timedelta(days=1),
        "data": data,
        "client_key": request.POST.get("client_key") or uuid.uuid4(),
        "problem": problem,
        "errors": errors,
        "crumbs": crumbs({"label": _("New task"), "url": ""}),
    }
    return render(request, "cases/evaluation/task_form.html", context, status=422 if problem else 200)


def _peer_groups(model) -> list[tuple[str, str]]:
    if model is None or model.subject == EvaluationModel.Subject.POST:
        return []
    if model.subject == EvaluationModel.Subject.UNIT:
        return Organisation.Kind.choices
    return [(key, label) for key, label in tasks.PEERS.items() if key != "city"]


def _choices(model: EvaluationModel, area_code: str, peers: str) -> list[tuple[str, str, str]]:
    """(key, name, where) of what may be evaluated, of one peer group."""
    if model.subject == EvaluationModel.Subject.UNIT:
        rows = Organisation.objects.filter(active=True, area_code__startswith=area_code)
        rows = rows.filter(kind=peers) if peers else rows.exclude(kind="community")
        return [
            (str(row.pk), row.name, row.get_kind_display()) for row in rows.order_by("path")[:MOST_CHOICES]
        ]
    if model.subject == EvaluationModel.Subject.POST:
        grants = (
            tasks.post_grants()
            .filter(
                user__is_active=True,
                user__organisation__area_code__startswith=area_code,
            )
            .select_related("user__organisation", "role")
            .order_by("role__code", "user__name")
        )
        found = {
            str(row.user_id): (str(row.user_id), str(row.user), f"{row.role} · {row.user.organisation}")
            for row in grants[:MOST_CHOICES]
        }
        return list(found.values())
    level = {"district": 6, "county": 6, "subdistrict": 9, "town": 9, "community": 12, "village": 12}
    length = level.get(peers, 6)
    rows = Area.objects.filter(
        code__startswith=area_code, valid_to=None, level=Area.CODE_LENGTHS[length]
    ).order_by("code")
    above = dict(
        Area.objects.filter(valid_to=None, level__in=["city", "district", "street"]).values_list(
            "code", "name"
        )
    )
    parent = {6: 4, 9: 6, 12: 9}[length]
    wanted = peers or None
    found = []
    for code, name in rows.values_list("code", "name"):
        group = tasks.peer_group(code)
        wanted = wanted or group
        if group == wanted and len(found) < MOST_CHOICES:
            found.append((code, name, above.get(code[:parent], "")))
    return found


def _day(post, name: str, needed: bool = False) -> date | None:
    text = post.get(name, "")
    if not text and not needed:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(
            _("This is no day."), errors=[{"pointer": f"/{name}", "detail": _("This is no day.")}]
        ) from None


def _create(request, model) -> EvaluationTask:
    if model is None:
        detail = _("Choose a model that is in force.")
        raise Problem(detail, errors=[{"pointer": "/model", "detail": detail}])
    post = request.POST
    try:
        client_key = uuid.UUID(post["client_key"]) if post.get("client_key") else None
    except ValueError:
        raise Problem(_("The form was damaged on its way; open it again.")) from None
    keys = [key for key in post.getlist("subjects") if key.isdecimal()]
    if model.subject != EvaluationModel.Subject.AREA:
        keys = [int(key) for key in keys]
    return tasks.create_task(
        request.user,
        name=post.get("name", ""),
        model=model,
        area_code=post.get("area_code", ""),
        period_from=_day(post, "period_from", needed=True),
        period_to=_day(post, "period_last", needed=True) + timedelta(days=1),
        collect_due=_day(post, "collect_due"),
        review_due=_day(post, "review_due"),
        subjects=keys,
        client_key=client_key,
    )


# --- One task -----------------------------------------------------------------------------------------


@login_required
@never_cache
@require_GET
def task_page(request, pk: int):
    """The state of a task: what is done, what is missing, who does it, what happened."""
    task = find(request, pk)
    context = frame(request, task, "task")
    if not context["manages"] and not context["assesses"]:
        # Whoever may only read has one thing to read.
        return redirect("evaluation-results", pk=pk)
    subjects = exports.subjects_for(request.user, task)
    assessors = list(
        task.assessors.select_related("user__organisation", "item", "subject").order_by("user__name", "id")
    )
    context |= {
        "subjects": subjects,
        "peers": sorted({tasks.peers_label(task.model.subject, one.peers) for one in subjects}),
        "progress": _progress(task, subjects, context["kinds"]),
        "log": list(task.log.select_related("actor").order_by("-id")) if context["manages"] else [],
        "labels": {move.action: move.label for move in tasks.MOVES.values()},
    }
    if context["manages"]:
        context |= {
            "assessors": assessors,
            "people": tasks.assessors_for(task.area_code),
            "items": ModelItem.objects.filter(model=task.model).order_by("position", "id"),
            "open": task.state in (State.DRAFT, State.COLLECTING),
        }
    return render(request, "cases/evaluation/task.html", context)


def _progress(task: EvaluationTask, subjects, kinds: set[str]) -> list[dict]:
    """How much of the data is there, in three statements at most."""
    told = []
    inside = Q(subject__in=[one.pk for one in subjects])
    if "reported" in kinds:
        leaves = task.model.items.filter(definition__kind="reported").count() * len(subjects)
        rows = dict(task.values.filter(inside).order_by().values_list("state").annotate(n=Count("pk")))
        entered = rows.get("pending", 0) + rows.get("accepted", 0)
        told.append(
            {
                "label": _("Values filled in"),
                "done": entered,
                "all": leaves,
                "note": _("%d reviewed") % rows.get("accepted", 0),
            }
        )
    if "field" in kinds:
        points = SamplePoint.objects.filter(inside, task=task).aggregate(
            n=Count("pk"), seen=Count("inspection")
        )
        if points["n"]:
            told.append({"label": _("Points visited"), "done": points["seen"], "all": points["n"]})
        else:
            told.append({"label": _("Inspections"), "done": task.inspections.filter(inside).count()})
    for row in told:
        row["percent"] = min(100, round(100 * row["done"] / row["all"])) if row.get("all") else None
    return told


@require_POST
@back
def move_task(request, pk: int, action: str):
    """One step on or back."""
    if action not in tasks.MOVES:
        raise Http404
    task = tasks.move(request.user, pk, action, request.POST.get("reason", ""))
    messages.success(request, _("Now: %s.") % task.get_state_display())
    return redirect("evaluation-task", pk=pk)


@require_POST
@back
def recompute_task(request, pk: int):
    """Count and score anew while in review."""
    tasks.recompute(request.user, pk)
    messages.success(request, _("Counted anew."))
    return redirect("evaluation-results", pk=pk)


@require_POST
@back
def delete_task(request, pk: int):
    """Throw a draft away."""
    tasks.delete_draft(request.user, pk)
    return redirect("evaluation")


@require_POST
@back
def assessors(request, pk: int):
    """Add an assessor with a part (``user``, ``item``, ``subject``), or take a line out (``remove``)."""
    task = find(request, pk)
    need(request.user, task)
    post = request.POST
    rows = [
        {"user": row.user_id, "item": row.item_id, "subject": row.subject_id}
        for row in task.assessors.all()
        if str(row.pk) != post.get("remove")
    ]
    if not post.get("remove"):
        given = {name: post.get(name, "") for name in ("user", "item", "subject")}
        rows.append({name: int(text) if text.isdecimal() else None for name, text in given.items()})
    tasks.set_assessors(request.user, pk, rows)
    return redirect(reverse("evaluation-task", args=[pk]) + "#assessors")


# --- The sample ---------------------------------------------------------------------------------------


@office(*ENTRIES)
@never_cache
@require_http_methods(["GET", "POST"])
def sample_page(request, pk: int):
    """The rules of the draw, the draw on the map."""
    task = find(request, pk)
    problem = None
    if request.method == "POST":
        need(request.user, task)
        given = _rules(request.POST)
        try:
            sampling.set_rules(request.user, pk, given)
        except Problem as refused:
            problem = refused
        else:
            return redirect("evaluation-sampling", pk=pk)
        rules = given
    else:
        rules = task.sampling
    context = frame(request, task, "sampling")
    lines = list(rules.get("points") or [])
    editing = context["manages"] and task.state == State.DRAFT
    names = dict(task.model.items.values_list("pk", "name"))
    context |= {
        "rules": rules,
        "lines": lines + ([{}] * 2 if editing and lines else [{}] * 3 if editing else []),
        "problem": problem,
        "editing": editing,
        "items": task.model.items.filter(definition__kind="field"),
        "names": names,
        "of": SamplePoint.Of.choices,
        "states": Component.State.choices,
        "types": _type_choices(),
        "drawn": _drawn(task, exports.subjects_for(request.user, task)),
        "source": reverse("evaluation-draw-json", args=[pk]),
    }
    return render(request, "cases/evaluation/sample.html", context, status=422 if problem else 200)


def _type_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, [(value, words)]) of the types in use: a kind, its classes, its types."""
    groups: dict[str, list[tuple[str, str]]] = {}
    seen = set()
    for row in ItemType.objects.filter(active=True, standard=settings.CASE_STANDARD).order_by(
        "kind", "class_code", "type_code"
    ):
        lines = groups.setdefault(str(row.get_kind_display()), [])
        if (row.kind, row.class_code) not in seen:
            seen.add((row.kind, row.class_code))
            lines.append((f"{row.kind}:{row.class_code}", _("All of %s") % row.class_name))
        lines.append((f"{row.kind}:{row.full_code}", f"{row.full_code} {row}"))
    return list(groups.items())


def _rules(post) -> dict:
    columns = zip(
        *(post.getlist(name) for name in ("item", "of", "type", "component_state", "number")), strict=False
    )
    points = [
        {
            "item": int(item) if item.isdecimal() else None,
            "of": of,
            "type": kind,
            "state": state if of == "component" else "",
            "number": number,
        }
        for item, of, kind, state, number in columns
        if number.strip()
    ]
    return {"cells": post.get("cells", ""), "per_subject": post.get("per_subject", ""), "points": points}


def _drawn(task: EvaluationTask, subjects) -> list[dict]:
    """What was drawn, by subject."""
    if task.drawn_at is None:
        return []
    ids = [one.pk for one in subjects]
    cells = dict(task.grids.filter(subject__in=ids).order_by().values_list("subject").annotate(n=Count("pk")))
    points = {
        row["subject"]: row
        for row in task.points.filter(subject__in=ids)
        .order_by()
        .values("subject")
        .annotate(n=Count("pk"), seen=Count("inspection"))
    }
    return [
        {
            "subject": one,
            "cells": cells.get(one.pk, 0),
            "points": points.get(one.pk, {}).get("n", 0),
            "seen": points.get(one.pk, {}).get("seen", 0),
        }
        for one in subjects
    ]


@require_POST
@back
def draw(request, pk: int):
    """Draw, or draw again with another seed."""
    task = sampling.draw(request.user, pk, request.POST.get("seed", "").strip())
    told = task.drawn_from
    words = _("Drawn: %(cells)d evaluation grids and %(points)d points.")
    numbers = {
        "cells": told["cells"]["drawn"],
        "points": sum(rule["drawn"] for rule in told["rules"]),
    }
    messages.success(request, words % numbers)
    return redirect("evaluation-sampling", pk=pk)


@require_POST
@back
def repeat(request, pk: int):
    """Prove the draw: the same seed must give the same rows."""
    task = find(request, pk)
    need(request.user, task)
    again = sampling.repeat(task)
    if again["same"]:
        words = _("Drawn again from the seed %(seed)s: the same %(cells)d grids and %(points)d points.")
        messages.success(request, words % (again | {"seed": task.seed}))
    elif again["population_changed"]:
        messages.warning(
            request,
            _("There is other to draw from since, so another draw comes out. The stored one stays."),
        )
    else:
        messages.error(request, _("The draw comes out differently from the same population: it was altered."))
    return redirect("evaluation-sampling", pk=pk)


@office(*ENTRIES)
@never_cache
@require_GET
def draw_json(request, pk: int):
    """Cells and points of the draw as GeoJSON, those of the caller's subjects."""
    task = find(request, pk)
    frame_ok = manages(request.user, task) or task.assessors.filter(user=request.user).exists()
    subjects = exports.subjects_for(request.user, task) if frame_ok else []
    return HttpResponse(sampling.as_geojson(task, subjects), content_type="application/geo+json")


@require_POST
@back
def export(request, pk: int, kind: str):
    """A file in the background: results as a workbook or a report, the points of the sample."""
    if kind not in exports.KINDS:
        raise Http404
    task = find(request, pk)
    results = kind in ("workbook", "report")
    if not results and not (manages(request.user, task) or task.assessors.filter(user=request.user).exists()):
        raise Http404
    if results and task.as_of is None:
        raise Problem(_("There are no results yet."), status=409, kind="not-ready")
    titles = {
        "workbook": _("Results: %s"),
        "report": _("Report: %s"),
        "points-csv": _("Sample points: %s"),
        "points-gpkg": _("Sample points: %s"),
    }
    outputs.begin(
        request.user,
        titles[kind] % task.name,
        lambda output: jobs.export_evaluation.defer(output_id=output, task_id=pk, kind=kind),
    )
    messages.success(request, _("The file is being made; a message tells when it is ready."))
    return redirect("evaluation-results" if results else "evaluation-sampling", pk=pk)
