"""The desk's page of statistics: a table with its chart and map, all from one address."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from assets.models import ItemType
from cases import jobs
from cases.models import Case
from cases.statistics import names, periods, sql, tables, titles
from cases.statistics.counts import CITY, COMPLAINT, LETTER
from cases.statistics.indicators import INDICATORS, TABLES
from geo import outputs
from geo.models import Organisation
from geo.rest import bad_parameter

# Where a click on a row leads: the dimension it opens, narrowed by the row.
DEEPER = {"class": "type", "kind": "class", "company": "person", "unit": "type", "source": "type"}
# Dimensions that say something of a flow's cases.
BY = {
    CITY: tuple(names.DIMENSIONS),
    LETTER: ("area", "source", "class", "type", "unit", "person"),
    COMPLAINT: ("area", "source", "class", "type", "unit"),
}


def address(params: dict) -> str:
    return f"?{urlencode(params, safe=',;:.')}"


@login_required
@never_cache
@require_GET
def statistics(request):
    """The table in hand with what can be chosen around it."""
    asked = tables.read(request.GET, request.user)
    answer = tables.answer(asked)
    shown = request.GET.get("show") or asked.table.lead
    if shown not in asked.table.columns:
        raise bad_parameter("show", _("This table has no such column."))
    for row in (*answer.rows, answer.total):
        for cell in row.cells:
            cell.url = titles.rows_url(cell.stat) if cell.stat else ""
        row.url = _deeper(asked, row)
    context = {
        "asked": asked,
        "answer": answer,
        "explained": tables.explained(asked),
        "shown": shown,
        "drawn": _drawn(asked, answer, shown),
        "tables": tabs(asked, asked.table),
        "params": asked.params(),
        **_choices(asked),
    }
    return render(request, "cases/statistics/page.html", context)


def tabs(asked: tables.Asked, current=None) -> list[dict]:
    base = reverse("statistics")
    return [
        {"label": one.label, "url": base + address(_switch(asked, one)), "current": one is current}
        for one in TABLES.values()
    ]


def _switch(asked: tables.Asked, table) -> dict:
    """The same question for another table; a dimension that its flow does not know becomes the area."""
    by = asked.by if asked.by in BY[table.flow] else "area"
    return asked.params(table=table.code, by=by)


def _deeper(asked: tables.Asked, row: tables.Row) -> str:
    if row.deeper:
        return address(asked.params(area=row.deeper))
    if asked.by in DEEPER and row.key:
        return address(asked.params(by=DEEPER[asked.by], **{asked.by: row.key}))
    return ""


def _drawn(asked: tables.Asked, answer: tables.Answer, shown: str) -> dict:
    """What chart and map draw: the shown indicator of every row, as a number; null where there is none."""
    at = asked.table.columns.index(shown)
    one = INDICATORS[shown]
    factor = 100 if one.unit == "%" else 1
    return {
        "code": shown,
        "label": str(one.label),
        "unit": one.unit,
        "area": asked.area if asked.by == "area" and len(asked.area) <= 12 and not asked.borders else "",
        "rows": [
            {
                "key": row.key,
                "label": row.label,
                "value": None
                if row.cells[at].value is None
                else round(float(row.cells[at].value * factor), 2),
                "text": row.cells[at].text,
                "url": row.url,
            }
            for row in answer.rows
        ],
        "series": reverse("statistics-series") + address({**asked.params(), "show": shown}),
    }


def _choices(asked: tables.Asked) -> dict:
    """The ways to other periods, areas, dimensions and filters."""
    today = timezone.localdate()
    middle = min(asked.period.last, max(asked.period.first, today))
    period = asked.period
    units = [
        {
            "label": label,
            "url": address(asked.params(period=periods.of(unit, middle).text)),
            "current": unit == period.unit,
        }
        for unit, label in periods.UNITS.items()
        if unit != "days"
    ]
    following = period.step(1)
    standard = ItemType.objects.filter(active=True).order_by("-kind", "standard", "class_code")
    classes = standard.values_list("standard", "kind", "class_code", "class_name", "class_name_en").distinct()
    return {
        "units": units,
        "earlier": address(asked.params(period=period.before.text)),
        "later": address(asked.params(period=following.text)) if following.first <= today else "",
        "first": period.first,
        "last": period.last,
        "today": today,
        "bys": [(code, label) for code, label in names.DIMENSIONS.items() if code in BY[asked.table.flow]],
        "crumbs": _crumbs(asked),
        "sources": Case.Source.choices,
        "kinds": ItemType.Kind.choices,
        "classes": [
            (f"{standard}:{kind}:{code}", f"{ItemType.Kind(kind).label} · {names.in_words(name, english)}")
            for standard, kind, code, name, english in classes
        ],
        "organisations": Organisation.objects.for_user(asked.user)
        .filter(active=True, kind__in=("department", "street", "company"))
        .order_by("kind", "path")
        .only("name"),
        "chips": titles.chips(asked, address),
    }


def _crumbs(asked: tables.Asked) -> list[dict]:
    """From the user's own area down to the one in hand."""
    homes = asked.user.scope.areas(sql.PERMISSION) or (tables.home(asked.user),)
    codes = [asked.area[:length] for length in (4, 6, 9, 12, 15) if length <= len(asked.area)]
    codes = [code for code in codes if any(code.startswith(home) for home in homes)]
    words = names.of("area", codes, asked.question)
    return [{"label": words[code], "url": address(asked.params(area=code))} for code in codes]


@login_required
@never_cache
@require_GET
def series(request):
    """An indicator over the pieces of the period, for the chart."""
    asked = tables.read(request.GET, request.user)
    code = request.GET.get("show", "") or asked.table.lead
    if code not in asked.table.columns:
        raise bad_parameter("show", _("This table has no such column."))
    one = INDICATORS[code]
    factor = 100 if one.unit == "%" else 1
    return JsonResponse(
        {
            "label": str(one.label),
            "unit": one.unit,
            "points": [
                {
                    "label": _short(piece),
                    "value": None if value is None else round(float(value * factor), 2),
                    "text": one.text(value),
                }
                for piece, value in tables.series(asked, code)
            ],
        }
    )


def _short(piece: periods.Period) -> str:
    if piece.unit == "month":
        return f"{piece.first:%Y-%m}"
    if piece.unit == "day" or piece.end - piece.first == timedelta(days=1):
        return f"{piece.first:%m-%d}"
    return f"{piece.first:%m-%d}~{piece.last:%m-%d}"


@login_required
@never_cache
@require_GET
def frequent(request):
    """Frequent problems (高发): types by how many cases were filed, with share and change."""
    asked = tables.read({**request.GET.dict(), "table": "overview", "by": "type"}, request.user)
    rows = tables.frequent(asked, most=30)
    most = max((row.filed for row in rows), default=0)
    for row in rows:
        row.url = titles.rows_url(row.stat)
    return render(
        request,
        "cases/statistics/frequent.html",
        {
            "asked": asked,
            "rows": rows,
            "most": most,
            "as_of": timezone.now(),
            "tables": tabs(asked),
            "params": asked.params(),
            **_choices(asked),
        },
    )


@login_required
@require_POST
def export(request):
    """Ask for the table as a workbook or as a PDF."""
    asked = tables.read(request.POST, request.user)
    kind = request.POST.get("kind", "xlsx")
    if kind not in ("xlsx", "pdf"):
        raise bad_parameter("kind", _("Tables become xlsx or pdf."))
    output = outputs.begin(
        request.user,
        titles.title(asked),
        lambda pk: jobs.export_statistics.defer(output_id=pk, query=asked.params(), kind=kind),
    )
    return JsonResponse({"id": output.pk, "url": reverse("outputs")}, status=202)
