"""Pages of Word reports: the list, making one, its preview, and the operator's templates."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.models import Report, ReportTemplate
from cases.statistics import bulletin, periods, sql
from cases.statistics.pages import tabs
from geo import audit
from geo.problems import Problem
from geo.rest import parse_area

TEMPLATES = "cases.report_templates"
MOST_BYTES = 2 * 1024 * 1024


def _may(request) -> None:
    if not request.user.can(sql.PERMISSION):
        raise PermissionDenied(_("Your roles see no statistics."))


def _frame(request) -> dict:
    """What the tabs above the page need."""
    from cases.statistics import tables

    asked = tables.read({}, request.user)
    return {
        "asked": asked,
        "tables": tabs(asked),
        "reports": True,
    }


@login_required
@never_cache
@require_GET
def reports(request):
    """Reports that were made, and the form for another."""
    _may(request)
    return _page(request)


def _page(request, problem: Problem | None = None):
    user = request.user
    rows = Report.objects.for_user(user).select_related("output", "made_by").defer("content")
    today = timezone.localdate()
    this = periods.of("month", today)
    areas = bulletin.areas_of(user)
    return render(
        request,
        "cases/statistics/reports.html",
        {
            **_frame(request),
            "rows": rows[:100],
            "kinds": ReportTemplate.Kind.choices,
            "areas": [one for one in areas if len(one.code) <= 12],
            "grids": bulletin.grids_of(user),
            "first": this.before.first,
            "last": this.before.last,
            "said": request.POST,
            "problem": problem,
            "may_template": user.can(TEMPLATES),
            "templates": ReportTemplate.objects.select_related("uploaded_by")[:20]
            if user.can(TEMPLATES)
            else (),
        },
        status=problem.status if problem else 200,
    )


@login_required
@require_POST
def make(request):
    """Count a report and ask for its file."""
    _may(request)
    said = request.POST
    try:
        period = periods.read(f"{said.get('first', '')}..{said.get('last', '')}")
        for unit in ("month", "quarter", "half", "year", "week", "day"):
            whole = periods.of(unit, period.first)
            if (whole.first, whole.end) == (period.first, period.end):
                period = whole
                break
        report = bulletin.begin(
            request.user, said.get("kind", ""), parse_area(said.get("area", "").strip()), period
        )
    except Problem as problem:
        return _page(request, problem)
    return redirect("statistics-report", report.pk)


@login_required
@never_cache
@require_GET
def report(request, pk: int):
    """The preview: what the file says."""
    _may(request)
    row = Report.objects.for_user(request.user).select_related("output", "made_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    return render(
        request,
        "cases/statistics/report.html",
        {**_frame(request), "report": row, "mine": row.made_by_id == request.user.pk},
    )


@login_required
@require_POST
def upload(request):
    """Put an operator's template in place of the shipped one."""
    if not request.user.can(TEMPLATES):
        raise PermissionDenied(_("Your roles do not change templates."))
    file, kind = request.FILES.get("file"), request.POST.get("kind", "")
    try:
        if file is None or kind not in ReportTemplate.Kind.values:
            raise Problem(_("Choose a report and a Word file."))
        if file.size > MOST_BYTES:
            raise Problem(_("A template takes 2 MB at most."))
        bulletin.check_template(kind, file)
        file.seek(0)
        row = ReportTemplate.objects.create(
            kind=kind, name=file.name[:80], file=file, uploaded_by=request.user
        )
        audit.log(request.user, "cases.report_template", row, name=row.name)
    except Problem as problem:
        return _page(request, problem)
    return redirect("statistics-reports")


@login_required
@require_POST
def switch(request, pk: int):
    """Use a template, or use it no more."""
    if not request.user.can(TEMPLATES):
        raise PermissionDenied(_("Your roles do not change templates."))
    row = ReportTemplate.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    row.active = not row.active
    row.save(update_fields=["active"])
    audit.log(request.user, "cases.report_template", row, active=row.active)
    return redirect("statistics-reports")


@login_required
@require_GET
def shipped(request, kind: str):
    """The shipped template, to begin one's own from."""
    if not request.user.can(TEMPLATES) or kind not in ReportTemplate.Kind.values:
        raise Http404
    return FileResponse((bulletin.FOLDER / f"{kind}.docx").open("rb"), as_attachment=True)
