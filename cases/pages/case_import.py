"""Cases from a workbook: the file is judged row by row, then imported in the background."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.importing import columns, read, run, write
from cases.importing.check import BAD
from cases.models import CaseImport
from cases.pages.console import visible
from cases.pages.register import may_register
from geo.problems import Problem

LISTED = 30
PAGE = 100
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _mine(request):
    """The caller's imports, without their rows; refuses who does not register cases at a desk."""
    visible(request)
    if not may_register(request.user):
        raise PermissionDenied(_("Your role does not import cases."))
    return CaseImport.objects.filter(owner=request.user)


def _one(request, uuid) -> CaseImport:
    found = _mine(request).defer("rows").filter(uuid=uuid).first()
    if found is None:
        raise Http404
    return found


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def imports(request):
    """My imports, and the form that takes a workbook."""
    mine = _mine(request)
    problem = None
    if request.method == "POST":
        try:
            if "file" not in request.FILES:
                raise Problem(_("Choose a file."))
            return redirect("case-import", run.take(request.user, request.FILES["file"]).uuid)
        except Problem as caught:
            problem = caught
    return render(
        request,
        "cases/imports.html",
        {
            "rows": mine.defer("rows", "fates")[:LISTED],
            "most": read.MOST_ROWS,
            "kept_days": run.KEPT.days,
            "problem": problem,
        },
        status=problem.status if problem else 200,
    )


@login_required
@never_cache
@require_GET
def template(request):
    """The empty workbook."""
    _mine(request)
    return _workbook(write.template(), "cases-template.xlsx")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def import_page(request, uuid):
    """One import: the fate of every row, and what can be done with it."""
    imported = _one(request, uuid)
    problem = None
    if request.method == "POST":
        try:
            if "import" in request.POST:
                run.start(request.user, imported.pk)
            elif "cancel" in request.POST:
                run.cancel(request.user, imported.pk)
            elif "forget" in request.POST:
                run.forget(request.user, imported.pk)
                return redirect("case-imports")
            return redirect("case-import", imported.uuid)
        except Problem as caught:
            problem = caught
            imported.refresh_from_db(fields=["state"])
    fates = imported.fates
    show = request.GET.get("show", "bad" if imported.refused else "all")
    if show == "bad":
        fates = [fate for fate in fates if fate["fate"] == BAD]
    page = Paginator(fates, PAGE).get_page(request.GET.get("page"))
    for fate in page:
        for one in fate["problems"]:
            one["label"] = columns.label(one["column"]) if one["column"] in columns.COLUMNS else ""
    context = {"imported": imported, "page": page, "show": show, "problem": problem}
    return render(request, "cases/import.html", context, status=problem.status if problem else 200)


@login_required
@never_cache
@require_GET
def state(request, uuid):
    """The card that says how far it is; it asks again while it runs, and loads the page at its end."""
    imported = _one(request, uuid)
    response = render(request, "cases/import_card.html", {"imported": imported})
    if not imported.busy:
        response["HX-Refresh"] = "true"
    return response


@login_required
@never_cache
@require_GET
def refused(request, uuid):
    """The refused rows as a workbook in the template's form."""
    imported = _one(request, uuid)
    if imported.busy or not imported.refused:
        raise Http404
    return _workbook(write.refused(imported), "cases-refused.xlsx")


def _workbook(data: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        data, content_type=WORKBOOK, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
