"""The planner: a list of boundary plans, the editor, comparing two, review and publication.

The pages carry frames and words; what is in them comes from the API under ``/api/plans/``.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from geo.events import row_hash
from geo.models import Area
from grids.models import Grid
from grids.planning.models import Plan

PAGE = 30
MOST_FOUND = 60
# How each state is marked: tone and shape.
MARKS = {
    Plan.State.PREPARING: ("waiting", "clock"),
    Plan.State.FAILED: ("overdue", "bang"),
    Plan.State.DRAFT: ("open", "edit"),
    Plan.State.SUBMITTED: ("soon", "eye"),
    Plan.State.RETURNED: ("soon", "return"),
    Plan.State.APPROVED: ("ontime", "tick"),
    Plan.State.PUBLISHED: ("closed", "tick"),
    Plan.State.UNDONE: ("waiting", "undo"),
    Plan.State.WITHDRAWN: ("waiting", "stop"),
}


def _visible(request) -> QuerySet[Plan]:
    """The caller's plans; refuses who may see none at all."""
    if not request.user.can("grids.view_plans"):
        raise PermissionDenied(_("Your roles do not show boundary plans."))
    return Plan.objects.for_user(request.user)


def _plan(request, pk: int) -> Plan:
    return get_object_or_404(_visible(request).select_related("created_by"), pk=pk)


@login_required
@never_cache
@require_GET
def plans(request):
    """Plans in scope, latest first. ``q`` finds names and areas; ``state`` is one of the states, or all."""
    rows = _visible(request)
    every = request.GET.get("state", "")
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if text:
        found = Area.objects.filter(valid_to=None, level="community").filter(
            Q(name__icontains=text) | Q(code__startswith=text) | Q(parent__name__icontains=text)
        )
        codes = list(found.values_list("code", flat=True)[:500])
        rows = rows.filter(Q(name__icontains=text) | Q(communities__overlap=codes))
    counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    if every in Plan.State.values:
        rows = rows.filter(state=every)
    elif every != "all":
        rows = rows.exclude(state=Plan.State.WITHDRAWN)
    page = Paginator(rows.select_related("created_by"), PAGE).get_page(request.GET.get("page"))
    names = _names({code for plan in page for code in plan.communities})
    return render(
        request,
        "grids/planner/list.html",
        {
            "page": page,
            "rows": [
                {
                    "plan": plan,
                    "tone": MARKS[plan.state][0],
                    "shape": MARKS[plan.state][1],
                    "communities": [names.get(code, code) for code in plan.communities[:4]],
                    "more": max(0, len(plan.communities) - 4),
                }
                for plan in page
            ],
            "states": [
                (state.value, state.label, counts.get(state.value, 0))
                for state in Plan.State
                if counts.get(state.value)
            ],
            "state": every,
            "text": text,
            "may_plan": request.user.can("grids.plan"),
        },
    )


def _names(codes) -> dict[str, str]:
    """Names of communities with their street: 望坪街道 宁台社区."""
    rows = Area.objects.filter(valid_to=None, code__in=codes).values_list("code", "name", "parent__name")
    return {code: f"{street or ''} {name}".strip() for code, name, street in rows}


@login_required
@never_cache
@require_GET
def areas(request):
    """Areas to plan in, within the caller's scope for ``grids.plan``.

    ``under`` gives the areas directly below one ("" the topmost), ``q`` communities by name or code.
    Answers {areas: [{code, name, level, where, grids, below}]}.
    """
    if not request.user.can("grids.plan"):
        raise PermissionDenied(_("Your roles do not let you draw boundary plans."))
    prefixes = request.user.scope.areas("grids.plan")
    within = Q(pk__in=[])
    for prefix in prefixes:
        within |= Q(code__startswith=prefix)
    rows = Area.objects.filter(within, valid_to=None, level__in=["city", "district", "street", "community"])
    text = request.GET.get("q", "").replace("\x00", "").strip()[:50]
    under = request.GET.get("under", "")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(code__startswith=text), level="community")
    elif under:
        rows = rows.filter(parent__code=under)
    else:
        above = Area.objects.filter(within, valid_to=None, pk=OuterRef("parent_id"))
        rows = rows.filter(~Exists(above))
    rows = list(
        rows.order_by("code").values("code", "name", "level", "parent__name", "parent__parent__name")[
            : MOST_FOUND if text else 500
        ]
    )
    communities = [row["code"] for row in rows if row["level"] == "community"]
    grids = dict(
        Grid.objects.filter(community_code__in=communities, retired_on=None)
        .order_by()
        .values_list("community_code")
        .annotate(n=Count("pk"))
    )
    return JsonResponse(
        {
            "areas": [
                {
                    "code": row["code"],
                    "name": row["name"],
                    "level": row["level"],
                    "where": " ".join(
                        part for part in (row["parent__parent__name"], row["parent__name"]) if part
                    ),
                    "grids": grids.get(row["code"], 0),
                    "below": row["level"] != "community",
                }
                for row in rows
            ]
        }
    )


def _frame(request, plan: Plan) -> dict:
    """What every page about one plan needs in its frame."""
    tone, shape = MARKS[plan.state]
    names = _names(plan.communities)
    return {
        "plan": plan,
        "tone": tone,
        "shape": shape,
        "row": row_hash("plans", plan.pk),
        "communities": [(code, names.get(code, code)) for code in plan.communities],
        "kinds": [{"id": kind.value, "label": str(kind.label)} for kind in Grid.Kind],
    }


@login_required
@never_cache
@require_GET
def editor(request, plan: int):
    """The editor of one plan. Whoever may not draw, or on a plan that is closed, reads it."""
    return render(request, "grids/planner/editor.html", _frame(request, _plan(request, plan)))


@login_required
@never_cache
@require_GET
def compare(request, plan: int):
    """Two states beside each other: this plan and today's borders or another plan (``with``)."""
    plan_ = _plan(request, plan)
    other = request.GET.get("with", "today")
    if other != "today":
        if not other.isdecimal() or int(other) == plan_.pk:
            raise Http404
        _plan(request, int(other))
    others = (
        _visible(request)
        .filter(communities__overlap=plan_.communities)
        .exclude(pk=plan_.pk)
        .exclude(state__in=[Plan.State.PREPARING, Plan.State.FAILED])
    )
    context = _frame(request, plan_) | {"with": other, "others": others[:50]}
    return render(request, "grids/planner/compare.html", context)


@login_required
@never_cache
@require_GET
def review(request, plan: int):
    """Remarks, steps, consequences, and the way to publication."""
    return render(request, "grids/planner/review.html", _frame(request, _plan(request, plan)))
