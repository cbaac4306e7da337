"""The console's list as a table: the same rows under the same filters, in columns of the user's choice."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases import columns
from cases.columns import Column
from cases.filters import Filters, page
from cases.models import Case
from cases.pages.console import frame_context, visible, wants
from cases.templatetags.cases import state
from geo.templatetags.times import due

PAGE = 100


def _number(case: Case) -> str:
    return format_html(
        '<a class="code" href="{}">{}</a>', reverse("case-sheet", args=[case.number]), case.number
    )


# Cells that show more than their words; all others are plain text.
RICH: dict[str, Callable[[Case], str]] = {
    "number": _number,
    "state": state,
    "due": lambda case: due(case.due_at, case.reported_at),
}


@login_required
@never_cache
@require_GET
def table(request):
    """A page of the table, or only its pane when a filter changed."""
    filters = Filters.read(request.GET, request.user)
    chosen = columns.of(request.user, filters.get("columns"))
    listed = filters.tab(filters.narrow(visible(request)), request.user)
    rows = columns.reading(listed, chosen)
    after = request.GET.get("after", "")
    cases, following = page(rows, filters.sort, after, PAGE)
    names = columns.Names(cases)
    context = frame_context(request, filters, "case-table") | {
        "heads": [_head(column, filters) for column in chosen],
        "lines": [[_cell(column, case, names) for column in chosen] for case in cases],
        "joined": columns.joined(chosen),
        "always": columns.ALWAYS,
        "others": [column for column in columns.COLUMNS.values() if column not in chosen],
        "map_query": filters.query(columns=None),
        "after": after,
        "next": following,
    }
    part = wants(request, "list-pane")
    return render(request, "cases/table_pane.html" if part else "cases/table.html", context)


def _head(column: Column, filters: Filters) -> dict:
    """A column's heading; pressed, the list goes by it, and pressed again the other way round, if it can."""
    head = {"column": column, "sort": "", "order": ""}
    if column.sorts:
        now = filters.sort in column.sorts
        at = column.sorts.index(filters.sort) + 1 if now else 0
        head["sort"] = column.sorts[at % len(column.sorts)]
        head["order"] = ("descending" if filters.sort in ("new", "changed") else "ascending") if now else ""
        head["query"] = filters.query(sort=head["sort"], view=filters.view)
    return head


def _cell(column: Column, case: Case, names: columns.Names) -> dict:
    value = column.value(case, names)
    rich = RICH.get(column.name)
    return {"column": column, "value": rich(case) if rich and value != "" else value}


@login_required
@require_POST
def choose(request):
    """Keep the chosen columns in their order (or, with ``reset``, the usual ones), and show the table so."""
    visible(request)
    filters = Filters.read(request.POST, request.user)
    chosen = [] if "reset" in request.POST else columns.parse(",".join(request.POST.getlist("column")))
    columns.remember(request.user, chosen)
    return redirect(reverse("case-table") + filters.query(columns=columns.joined(chosen)))
