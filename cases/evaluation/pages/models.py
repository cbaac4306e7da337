"""Indicators and models: lists, forms, and the editor of a model's tree."""

from __future__ import annotations

import json

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.evaluation import authoring, sources
from cases.evaluation.pages.common import back, crumbs
from cases.models import EvaluationModel, Indicator
from cases.models.evaluation import MANAGE, VIEW
from geo.models import Area
from geo.pages.common import office
from geo.problems import Problem

STEP_ROWS, PROBLEM_ROWS = 8, 10


# --- Models -------------------------------------------------------------------------------------------


@office(VIEW, MANAGE)
@never_cache
@require_GET
def models_page(request):
    """Models of the caller's area; old versions when asked for."""
    rows = EvaluationModel.objects.for_user(request.user)
    every = request.GET.get("all") == "1"
    if not every:
        rows = rows.exclude(state=EvaluationModel.State.RETIRED)
    rows = rows.annotate(
        leaves=Count("items", filter=Q(items__indicator__isnull=False)),
        used=Count("tasks", distinct=True),
    )
    names = dict(
        Area.objects.filter(valid_to=None, level__in=["city", "district", "street"]).values_list(
            "code", "name"
        )
    )
    context = {
        "rows": [(row, names.get(row.area_code, row.area_code)) for row in rows],
        "every": every,
        "manages": request.user.can(MANAGE),
        "subjects": EvaluationModel.Subject.choices,
        "areas": managed_areas(request.user),
        "crumbs": crumbs({"label": _("Models"), "url": ""}),
    }
    return render(request, "cases/evaluation/models.html", context)


def managed_areas(user):
    """Areas down to streets where the caller manages evaluations."""
    inside = Q(pk__in=[])
    for code in user.scope.areas(MANAGE):
        inside |= Q(code__startswith=code)
    return Area.objects.filter(inside, valid_to=None, level__in=["city", "district", "street"]).order_by(
        "code"
    )


@require_POST
@back
def new_model(request):
    """An empty draft, and its editor."""
    given = {name: request.POST.get(name, "") for name in ("name", "subject", "area_code", "note")}
    model = authoring.create_model(request.user, **given)
    return redirect("evaluation-model", pk=model.pk)


@office(VIEW, MANAGE)
@never_cache
@require_GET
def model_page(request, pk: int):
    """The editor of a draft; the tree of a frozen version."""
    model = EvaluationModel.objects.for_user(request.user).filter(pk=pk).first()
    if model is None:
        raise Http404
    items = list(model.items.select_related("indicator"))
    may = request.user.scope.covers(MANAGE, model.area_code)
    editing = may and model.state == EvaluationModel.State.DRAFT
    indicators = Indicator.objects.filter(active=True) if editing else Indicator.objects.none()
    versions = EvaluationModel.objects.for_user(request.user).filter(code=model.code).order_by("-version")
    context = {
        "model": model,
        "tree": _nested(items),
        "rows": _flat(items),
        "indicators": [_choice(one) for one in indicators if _fits(one, model)],
        "editing": editing,
        "manages": may,
        "faults": authoring.faults(model) if editing else [],
        "versions": versions,
        "crumbs": crumbs(
            {"label": _("Models"), "url": reverse("evaluation-models")}, {"label": str(model), "url": ""}
        ),
    }
    return render(request, "cases/evaluation/model.html", context)


def _fits(indicator: Indicator, model: EvaluationModel) -> bool:
    if indicator.kind == Indicator.Kind.FIELD:
        return model.subject != EvaluationModel.Subject.POST
    if indicator.kind == Indicator.Kind.COMPUTED:
        statistic = sources.known().get(indicator.source)
        return statistic is not None and model.subject in statistic[0].by
    return True


def _choice(indicator: Indicator) -> dict:
    return {"id": indicator.pk, "name": indicator.name, "kind": str(indicator.get_kind_display())}


def _nested(items: list) -> list[dict]:
    made = {
        item.pk: {
            "name": item.name,
            "weight": f"{item.weight.normalize():f}",
            "indicator": item.indicator_id,
            "children": [],
        }
        for item in items
    }
    for item in items:
        if item.parent_id:
            made[item.parent_id]["children"].append(made[item.pk])
    return [made[item.pk] for item in items if item.parent_id is None]


def _flat(items: list) -> list[dict]:
    """The tree as lines with their level, for reading."""
    below: dict = {}
    for item in items:
        below.setdefault(item.parent_id, []).append(item)
    found = []

    def walk(parent, level: int) -> None:
        for item in below.get(parent, ()):
            told = item.definition or (item.indicator.definition() if item.indicator else None)
            found.append({"item": item, "level": level, "definition": told, "scale": scale_words(told)})
            walk(item.pk, level + 1)

    walk(None, 0)
    return found


def scale_words(definition: dict | None) -> str:
    """How a value becomes a score, in a line."""
    if not definition:
        return ""
    if definition["kind"] == "field":
        parts = []
        for one in definition["problems"]:
            cap = f" (≤ {one['cap']})" if one.get("cap") else ""
            parts.append(f"{one['name']} −{one['points']}{cap}")
        return _(", ").join(parts)
    unit = definition["unit"]
    if definition["steps"]:
        sign = "≤" if definition["direction"] == "lower" else "≥"
        return _(", ").join(f"{sign} {edge} {unit}: {score}" for edge, score in definition["steps"])
    words = _("%(full)s %(unit)s is 100, %(zero)s %(unit)s is 0")
    return words % {"full": definition["full_value"], "zero": definition["zero_value"], "unit": unit}


@require_POST
@office(MANAGE)
def save_tree(request, pk: int):
    """The editor's tree as JSON; answers the new revision and what is still wrong."""
    try:
        body = json.loads(request.body)
        revision, tree = int(body["revision"]), body["tree"]
    except (ValueError, KeyError, TypeError):
        raise Problem(_("The tree could not be read."), status=400, kind="parse_error") from None
    model = authoring.save_tree(
        request.user,
        pk,
        revision=revision,
        tree=tree,
        name=str(body.get("name") or ""),
        note=body["note"] if isinstance(body.get("note"), str) else None,
    )
    return JsonResponse({"revision": model.revision, "faults": authoring.faults(model)})


ACTIONS = {
    "publish": authoring.publish_model,
    "version": authoring.new_version,
    "copy": authoring.copy_model,
    "retire": authoring.retire_model,
    "delete": authoring.delete_draft,
}


@require_POST
@back
def act_on_model(request, pk: int, action: str):
    """Publish, copy and the like; what fails comes back as a message."""
    if action not in ACTIONS:
        raise Http404
    try:
        model = ACTIONS[action](request.user, pk)
    except Problem as problem:
        for error in problem.errors or [{"detail": problem.detail}]:
            messages.error(request, error["detail"])
        return redirect("evaluation-model", pk=pk)
    if model is None:
        return redirect("evaluation-models")
    if action == "publish":
        messages.success(request, _("Version %d is in force.") % model.version)
    return redirect("evaluation-model", pk=model.pk)


# --- Indicators ---------------------------------------------------------------------------------------


@office(VIEW, MANAGE)
@never_cache
@require_GET
def indicators_page(request):
    """All indicators, with how each is scored."""
    known = sources.known()
    rows = Indicator.objects.annotate(used=Count("items__model", distinct=True))
    if text := request.GET.get("q", "").strip()[:80]:
        rows = rows.filter(Q(name__icontains=text) | Q(note__icontains=text))
    told = [
        {
            "row": row,
            "scale": scale_words(row.definition()),
            "source": known[row.source][0].label if row.source in known else row.source,
        }
        for row in rows
    ]
    context = {
        "rows": told,
        "text": text,
        "manages": request.user.can(MANAGE),
        "crumbs": crumbs({"label": _("Indicators"), "url": ""}),
    }
    return render(request, "cases/evaluation/indicators.html", context)


@office(MANAGE)
@never_cache
@require_http_methods(["GET", "POST"])
def indicator_form(request, pk: int | None = None):
    """Make or change an indicator."""
    row = Indicator.objects.filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise Http404
    data, errors, problem = row.definition() if row else {"direction": "higher"}, {}, None
    if request.method == "POST":
        data = read_indicator(request.POST)
        try:
            authoring.save_indicator(request.user, pk, data)
        except Problem as refused:
            problem = refused
            errors = {error.get("pointer", "").strip("/"): error["detail"] for error in refused.errors}
        else:
            return redirect("evaluation-indicators")
    steps, problems = list(data.get("steps") or []), list(data.get("problems") or [])
    context = {
        "row": row,
        "data": data,
        "active": row.active if row and request.method == "GET" else data.get("active", True),
        "errors": errors,
        "problem": problem,
        "steps": steps + [["", ""]] * (STEP_ROWS - len(steps)),
        "problems": problems + [{}] * (PROBLEM_ROWS - len(problems)),
        "kinds": Indicator.Kind.choices,
        "directions": Indicator.Direction.choices,
        "statistics": sources.statistics(),
        "crumbs": crumbs(
            {"label": _("Indicators"), "url": reverse("evaluation-indicators")},
            {"label": row.name if row else _("New indicator"), "url": ""},
        ),
    }
    return render(request, "cases/evaluation/indicator.html", context, status=422 if problem else 200)


def read_indicator(post) -> dict:
    """A posted form as ``authoring.save_indicator`` takes it."""
    names = ("code", "name", "kind", "unit", "direction", "full_value", "zero_value", "source", "note")
    data = {name: post.get(name, "") for name in names}
    data["active"] = post.get("active") == "1"
    data["steps"] = list(zip(post.getlist("step_value"), post.getlist("step_score"), strict=False))
    columns = (post.getlist(name) for name in ("problem_name", "problem_points", "problem_cap"))
    data["problems"] = [
        {"name": name, "points": points, "cap": cap}
        for name, points, cap in zip(*columns, strict=False)
        if name.strip()
    ]
    return data
