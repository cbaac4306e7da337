"""The dispatcher's day on one page: list, map and drawer, bound together."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.gis.db.models import Extent
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from assets.models import ItemType
from cases import desk_queries, exports, flow_data, jobs, phone_queries, queries, todo
from cases import filters as wording
from cases.filters import PHASES, VIEWS, Filters, page
from cases.models import Case, SavedView
from geo import landing, outputs
from geo.events import row_hash
from geo.menu import menu
from geo.models import Area, Notice, Organisation
from geo.problems import Problem
from geo.rest import COUNT_TO, bad_parameter, parse_number
from geo.texts import fitting
from grids.models import Grid

PAGE = 40


def wants(request, part: str) -> bool:
    """Whether htmx asks for a part of the page (the id of its target) rather than the page."""
    return request.headers.get("HX-Target") == part and "HX-History-Restore-Request" not in request.headers


def visible(request) -> QuerySet:
    """The caller's cases; refuses who may see none at all."""
    if not request.user.can("cases.view"):
        raise PermissionDenied(_("The console shows cases, and your roles see none."))
    return Case.objects.for_user(request.user)


@login_required
@never_cache
@require_GET
def console(request):
    """The console, or only its list when a filter changed."""
    if elsewhere := landing.from_desk(request):
        return elsewhere
    if not request.user.can("cases.view"):
        # Whoever works elsewhere lands there instead of before a closed door.
        for group in menu.groups_for(request.user, "/none/"):
            for entry in group["entries"]:
                if entry["url"] != request.path:
                    return redirect(entry["url"])
    filters = Filters.read(request.GET, request.user)
    context = list_context(request, filters)
    if wants(request, "rows-next"):
        return render(request, "cases/rows.html", context)
    if wants(request, "list-pane"):
        return render(request, "cases/list_pane.html", context)
    return render(request, "cases/console.html", context | page_context(request, filters))


def page_context(request, filters: Filters) -> dict:
    """What the frame of the console needs beside its list."""
    return {"filters": filters, "at": request.GET.get("at", ""), "home": home(request.user)}


def home(user) -> str:
    """Where the map opens: the box around the user's areas or grids on duty; "" for the whole city."""
    scope = user.scope
    areas = scope.areas("cases.view")
    if settings.CITY_CODE in areas:
        return ""
    box = Area.objects.filter(code__in=areas, valid_to=None).aggregate(box=Extent("geom"))["box"]
    if box is None and (grids := scope.grids("cases.view")):
        box = Grid.objects.filter(pk__in=grids).aggregate(box=Extent("geom"))["box"]
    return ",".join(f"{part:.6f}" for part in box) if box else ""


def list_context(request, filters: Filters) -> dict:
    """A page of rows with tabs, counts, chips and saved views."""
    rows = filters.tab(filters.narrow(visible(request)), request.user)
    wanted = rows.select_related("type", "grid", "holder_unit").defer("decision")
    rows, after = page(wanted, filters.sort, request.GET.get("after", ""), PAGE)
    for case in desk_queries.with_pictures(rows):
        case.row = row_hash("cases", case.pk)
    return frame_context(request, filters) | {
        "rows": rows,
        "after": after,
        "stamp": timezone.now().isoformat(),
        "open_number": request.GET.get("open", ""),
        "may_register": request.user.can("cases.report") and not request.user.can("grids.check_in"),
    }


def frame_context(request, filters: Filters, here: str = "console") -> dict:
    """What stands around the rows on the page ``here``: tabs with counts, chips, saved views."""
    return {
        "here": reverse(here),
        "on_map": here == "console",
        "filters": filters,
        "sorts": wording.SORTS,
        "sorted": wording.SORTS[filters.sort],
        "tabs": tabs(request, filters),
        "chips": filters.chips(),
        "quick": filters.quick(),
        "views": SavedView.objects.filter(user=request.user),
        "may_export": request.user.can(exports.PERMISSION),
    }


def tabs(request, filters: Filters) -> list[dict]:
    """The tabs with their counts, each exact to 10,000."""
    opened = filters.narrow(visible(request), few=True)
    # Words of which there are more than are told need not be counted again.
    many = bool(filters.get("q")) and filters.found is None
    parts = [] if many else Case.objects.apart_for_user(request.user)
    found = queries.counts_of_phases(opened, [filters.narrow(part, few=False) for part in parts])
    counted = {key: sum(found[phase] for phase in group) for key, group in PHASES.items()}
    counted["all"] = COUNT_TO + 1 if many else found["all"]
    counted["mine"] = opened.filter(todo.mine(request.user)).order_by()[: COUNT_TO + 1].count()
    if filters.get("state"):
        # Other tabs leave the state behind, and so do their counts; the tab in hand tells what it lists.
        listed = filters.tab(filters.narrow(visible(request)), request.user)
        counted[filters.view] = listed.order_by()[: COUNT_TO + 1].count()
    return [
        {
            "id": key,
            "label": label,
            "count": f"{COUNT_TO:,}+" if counted[key] > COUNT_TO else f"{counted[key]:,}",
            "current": filters.view == key,
            "query": filters.query(view=key, state=None),
        }
        for key, label in VIEWS.items()
    ]


# --- What the page asks for while it is open --------------------------------------------------------


@login_required
@never_cache
@require_GET
def points(request):
    """The list's cases for the map, inside ``box`` (west,south,east,north); ``cell`` in degrees for bins."""
    rows = visible(request)
    params = request.GET.copy()
    box = params.pop("box", [""])[0]
    if box:
        params["bbox"] = box
    filters = Filters.read(params, request.user)
    cell = parse_number("cell", request.GET.get("cell", "0.005"), 0.0001, 5)
    narrowed = filters.tab(filters.narrow(rows), request.user)
    return JsonResponse(desk_queries.points(narrowed, cell))


@login_required
@never_cache
@require_GET
def news(request):
    """What changed for an open list: its tabs' counts, and how many rows are newer than ``since``."""
    filters = Filters.read(request.GET, request.user)
    narrowed = filters.narrow(visible(request))
    try:
        since = datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError:
        raise Problem(_("since takes a time as 2026-01-31T08:00:00+08:00."), status=400) from None
    fresh = filters.tab(narrowed, request.user).filter(reported_at__gt=since).order_by()[:100].count()
    return JsonResponse(
        {
            "fresh": fresh,
            "tabs": {tab["id"]: tab["count"] for tab in tabs(request, filters)},
        }
    )


@login_required
@never_cache
@require_GET
def options(request, name: str):
    """The choices of one filter, as a popover's content."""
    visible(request)
    filters = Filters.read(request.GET, request.user)
    makers = {
        "area": _areas,
        "type": _types,
        "state": _states,
        "flow": lambda request, filters: _words(
            filters, "flow", {table.name: table.label for table in flow_data.in_force()}
        ),
        "time": _times,
        "holder": _holders,
        "more": _more,
    }
    if name not in makers:
        return HttpResponse(status=404)
    here = reverse("case-table" if request.GET.get("page") == "table" else "console")
    context = {"name": name, "groups": makers[name](request, filters), "here": here}
    return render(request, "cases/options.html", context)


def _choice(filters: Filters, name: str, value: str, label, *, detail="", deeper=""):
    """A choice takes the list to the page with this value; chosen again, without it."""
    on = filters.get(name) == value
    return {
        "label": label,
        "detail": detail,
        "on": on,
        "query": filters.query(
            **{name: None if on else value, "bbox": None if name == "area" else filters.get("bbox")}
        ),
        "deeper": deeper,
    }


def _words(filters: Filters, name: str, words: dict) -> list[dict]:
    return [
        {"label": "", "choices": [_choice(filters, name, value, label) for value, label in words.items()]}
    ]


def _states(request, filters: Filters) -> list[dict]:
    """Open and ended ones, then the states of each flow in force, in its words."""
    tables = [table for table in flow_data.in_force() if filters.get("flow") in ("", table.name)]
    groups = _words(filters, "state", {"open": _("Open"), "ended": _("Ended")})
    for table in tables:
        choices = []
        for state in table.states.values():
            on = filters.get("state") == state.code and filters.get("flow") == table.name
            query = filters.query(state=None if on else state.code, flow=table.name)
            choices.append({"label": state.label, "detail": "", "on": on, "query": query, "deeper": ""})
        groups.append({"label": str(table.label), "choices": choices})
    return groups


def _areas(request, filters: Filters) -> list[dict]:
    """The way down to the area in hand, and what lies below it; at first what the user is granted."""
    under = request.GET.get("under", "")
    granted = request.user.scope.areas("cases.view")
    if not under and len(granted) == 1 and len(granted[0]) < 12:
        under = granted[0]
    areas = Area.objects.filter(valid_to=None)
    groups = []
    if under:
        above = [under[:size] for size in (4, 6, 9, 12) if size <= len(under)]
        chain = {area.code: area for area in areas.filter(code__in=above)}
        back = [
            _choice(filters, "area", code, chain[code].name, deeper=_parent(code))
            for code in above
            if code in chain
        ]
        groups.append({"label": _("Chosen"), "choices": back[-1:], "back": _parent(under)})
        below = areas.filter(parent__code=under, parent__valid_to=None)
    elif granted:
        below = areas.filter(code__in=granted)
    else:
        below = areas.filter(level=Area.Level.DISTRICT)
    groups.append(
        {
            "label": "",
            "choices": [
                _choice(
                    filters, "area", area.code, area.name, deeper=area.code if len(area.code) < 12 else ""
                )
                for area in below.order_by("code")
            ],
        }
    )
    return groups


def _parent(code: str) -> str:
    return {12: code[:9], 9: code[:6], 6: code[:4]}.get(len(code), "")


def _types(request, filters: Filters) -> list[dict]:
    """Classes, each followed by its types."""
    groups: dict[tuple, dict] = {}
    for kind in ItemType.objects.filter(active=True).order_by("-kind", "standard", "class_code", "type_code"):
        key = (kind.standard, kind.kind, kind.class_code)
        if key not in groups:
            value = ":".join(key)
            groups[key] = {
                "label": f"{kind.get_kind_display()} · {kind.class_name}",
                "choices": [_choice(filters, "type", value, _("All of %s") % kind.class_name)],
            }
        groups[key]["choices"].append(
            _choice(filters, "type", str(kind.pk), str(kind), detail=f"{kind.full_code} {kind.initials}")
        )
    return list(groups.values())


def _times(request, filters: Filters) -> list[dict]:
    groups = [
        {"label": _("Deadline"), "choices": [_choice(filters, "due", *pair) for pair in wording.DUE.items()]},
        {
            "label": _("Reported"),
            "choices": [_choice(filters, "reported", *pair) for pair in wording.REPORTED.items()],
        },
        {
            "label": _("Closed"),
            "choices": [_choice(filters, "closed", *pair) for pair in wording.CLOSED.items()],
        },
    ]
    return groups


def _holders(request, filters: Filters) -> list[dict]:
    units = Organisation.objects.for_user(request.user).filter(active=True).exclude(kind="community")
    groups: dict[str, dict] = {}
    for unit in units.order_by("kind", "path"):
        group = groups.setdefault(unit.kind, {"label": unit.get_kind_display(), "choices": []})
        group["choices"].append(_choice(filters, "holder", str(unit.pk), unit.name, detail=unit.code))
    return list(groups.values())


def _more(request, filters: Filters) -> list[dict]:
    marks = {name: label for name, (label, _q) in wording.MARKS.items()}
    return [
        {"label": _("Marks"), "choices": [_choice(filters, "mark", *pair) for pair in marks.items()]},
        {
            "label": _("Source"),
            "choices": [_choice(filters, "source", *pair) for pair in Case.Source.choices],
        },
    ]


# --- Taking away ------------------------------------------------------------------------------------


@login_required
@require_POST
def export(request):
    """Ask for the listed cases as a file, in the columns that the table shows where it names them."""
    visible(request)
    if not request.user.can(exports.PERMISSION):
        raise PermissionDenied(_("Your roles do not export cases."))
    kind = request.POST.get("format", "xlsx")
    if kind not in exports.FORMATS:
        known = ", ".join(exports.FORMATS)
        raise bad_parameter(
            "format", _("%(name)s takes one of: %(known)s.") % {"name": "format", "known": known}
        )
    filters = Filters.read(request.POST, request.user)
    title = " · ".join([_("Cases"), str(VIEWS[filters.view]), *(chip.label for chip in filters.chips())])
    query = filters.params | {"view": filters.view}
    output = outputs.begin(
        request.user, title, lambda pk: jobs.export_cases.defer(output_id=pk, query=query, kind=kind)
    )
    return JsonResponse({"id": output.pk, "url": reverse("outputs")}, status=202)


@login_required
@never_cache
@require_GET
def messages(request):
    """What happened to my cases, and notices of files; newest first. Notices count as read from now on."""
    user = request.user
    found = [
        {
            "title": f"{row['type']} · {row['state_label']}",
            "detail": row["reason"] or row["to_unit"] or row["number"],
            "url": reverse("case-page", args=[row["number"]]),
            "icon": "case",
            "at": row["at"],
        }
        for row in phone_queries.messages(user)[:20]
    ]
    notices = Notice.objects.filter(user=user)
    found += [
        {"title": one.title, "detail": one.detail, "url": one.url, "icon": one.icon, "at": one.at.isoformat()}
        for one in notices[:20]
    ]
    notices.filter(read_at=None).update(read_at=timezone.now())
    found.sort(key=lambda one: datetime.fromisoformat(one["at"]), reverse=True)
    return JsonResponse({"messages": found[:30]})


# --- Saved views ------------------------------------------------------------------------------------


@login_required
@require_POST
def save_view(request):
    """Keep the filters in hand under a name, or forget a view (``delete`` with its id)."""
    visible(request)
    if pk := request.POST.get("delete"):
        SavedView.objects.filter(user=request.user, pk=pk).delete()
    else:
        name = fitting(request.POST.get("name", ""), 40, "name")
        if not name:
            raise Problem(
                _("Give the view a name."), errors=[{"field": "name", "detail": _("Give it a name.")}]
            )
        filters = Filters.read(request.POST, request.user)
        SavedView.objects.update_or_create(user=request.user, name=name, defaults={"query": filters.query()})
    views = SavedView.objects.filter(user=request.user)
    return render(request, "cases/saved_views.html", {"views": views})
