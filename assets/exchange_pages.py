"""Pages where files come in and go out: /data/imports/ and /data/exports/."""

import mimetypes

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from assets import exchange as exchanges
from assets.exporting import CRS, FORMATS, exportable
from assets.importing.targets import PLACE, TARGETS, find_target
from assets.models import Exchange
from geo.coordinates import KNOWN
from geo.models import Area
from geo.problems import Problem

LISTED = 30
# Headings that surveys carry, beside the fields' own names.
HEADINGS = {
    "code": ("编码", "编号", "部件编码", "标识码", "bjbm", "bm"),
    "type": ("小类", "小类代码", "部件小类", "类型", "xldm"),
    "name": ("名称", "部件名称", "楼栋名称", "小区名称", "mc", "bjmc"),
    "state": ("状态", "部件状态", "zt"),
    "managing_unit": ("主管单位", "主管部门", "主管部门代码"),
    "owner_unit": ("权属单位", "权属单位代码", "权属"),
    "maintenance_unit": ("养护单位", "养护单位代码"),
    "surveyed_on": ("普查日期", "初始日期", "初始时间"),
    "changed_on": ("变更日期", "变更时间"),
    "data_source": ("数据来源",),
    "note": ("备注", "bz"),
    "address": ("地址", "位置"),
    "building": ("楼栋", "楼栋编码"),
    "stairwell": ("单元",),
    "floor": ("层", "楼层"),
    "door": ("户", "房号", "门牌"),
    "people": ("人数",),
    "lon": ("经度", "lng", "longitude", "x"),
    "lat": ("纬度", "latitude", "y"),
}


def _mine(request, kind: str):
    return Exchange.objects.filter(owner=request.user, kind=kind)


def _one(request, uuid, kind: str) -> Exchange:
    return get_object_or_404(_mine(request, kind), uuid=uuid)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def imports(request):
    """My imports, and the form that takes a file."""
    if not request.user.can("assets.import"):
        raise PermissionDenied(_("Your roles do not import."))
    problem = None
    if request.method == "POST":
        try:
            if "file" not in request.FILES:
                raise Problem(_("Choose a file."))
            taken = exchanges.take_upload(
                request.user,
                request.FILES["file"],
                request.POST.get("target", ""),
                encoding=request.POST.get("encoding", ""),
            )
            return redirect("import", taken.uuid)
        except Problem as error:
            problem = error
    return render(
        request,
        "assets/imports.html",
        {
            "rows": _mine(request, Exchange.Kind.IMPORT)[:LISTED],
            "targets": [(name, target.label) for name, target in TARGETS.items()],
            "suffixes": ",".join(exchanges.SUFFIXES),
            "kept_days": exchanges.KEPT_DAYS,
            "problem": problem,
        },
        status=problem.status if problem else 200,
    )


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def import_page(request, uuid):
    """One import: which column goes where, a dry run, how far it is, what was refused."""
    exchange = _one(request, uuid, Exchange.Kind.IMPORT)
    target = find_target(exchange.options["target"])
    problem = None
    if request.method == "POST":
        try:
            exchanges.start_import(
                exchange,
                _mapping(request.POST, target),
                request.POST.get("crs", ""),
                request.POST.get("layer", ""),
                dry_run="dry" in request.POST,
            )
            return redirect("import", exchange.uuid)
        except Problem as error:
            problem = error
    context = {"exchange": exchange, "target": target, "problem": problem, "crs": _crs_choices()}
    try:
        context["preview"] = exchanges.preview(exchange)
    except Problem as error:
        context["problem"] = error
    else:
        said = _mapping(request.POST, target) if problem else exchange.options.get("mapping")
        context["fields"] = _fields(target, context["preview"]["columns"], said)
        context["chosen_crs"] = request.POST.get("crs") or exchange.options.get("crs") or ""
    return render(
        request, "assets/import.html", context, status=problem.status if problem is not None else 200
    )


@login_required
@never_cache
@require_GET
def exchange_state(request, uuid):
    """The card that says how far it is; asks again by itself while it runs."""
    exchange = get_object_or_404(Exchange, uuid=uuid, owner=request.user)
    return render(request, "assets/exchange_card.html", {"exchange": exchange})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def exports(request):
    """My exports, and the form that asks for one."""
    possible = exportable(request.user)
    if not possible:
        raise PermissionDenied(_("Your roles do not export."))
    problem = None
    if request.method == "POST":
        asked = {name: request.POST.get(name, "") for name in ("layer", "format", "crs", "area")}
        try:
            exchanges.ask_export(request.user, **asked)
            return redirect("exports")
        except Problem as error:
            problem = error
    return render(
        request,
        "assets/exports.html",
        {
            "rows": _mine(request, Exchange.Kind.EXPORT)[:LISTED],
            "layers": possible,
            "formats": FORMATS,
            "crs": _crs_choices(CRS),
            "areas": Area.objects.filter(valid_to=None, level__in=["city", "district", "street"]).values(
                "code", "name"
            ),
            "kept_days": exchanges.KEPT_DAYS,
            "problem": problem,
        },
        status=problem.status if problem else 200,
    )


@login_required
@require_GET
def download(request, uuid, what: str):
    """The file of an export of mine, or the refused rows of an import."""
    exchange = get_object_or_404(Exchange, uuid=uuid, owner=request.user, state=Exchange.State.DONE)
    export = exchange.kind == Exchange.Kind.EXPORT
    path = exchange.file if export else exchange.report
    if export != (what == "file") or not path.exists():
        raise Http404
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=kind)


def _mapping(post, target) -> dict[str, str]:
    """Field to column, or to a value for all rows, as the form says it."""
    mapping = {}
    for name in (*target.fields, *PLACE):
        if value := post.get(f"value_{name}", "").strip():
            mapping[name] = f"={value}"
        elif column := post.get(f"column_{name}", ""):
            mapping[name] = column
    return mapping


def _fields(target, columns, said) -> list[dict]:
    """The target's fields with the column that was chosen, or that looks like it."""
    lowered = {name.lower(): name for name in columns}
    fields = []
    for name in (*target.fields, *(PLACE if target.dims else ())):
        field = target.column_field(name)
        label = str(field.verbose_name) if field is not None else _(name)
        source = said.get(name, "") if said is not None else ""
        if said is None:
            wanted = (name, label.lower(), *HEADINGS.get(name, ()))
            source = next((lowered[word] for word in wanted if word in lowered), "")
        fields.append(
            {
                "name": name,
                "label": label,
                "needed": name in target.required,
                "column": "" if source.startswith("=") else source,
                "value": source[1:] if source.startswith("=") else "",
            }
        )
    return fields


def _crs_choices(only=None) -> list[tuple[str, str]]:
    words = {
        "wgs84": "WGS-84 (4326)",
        "cgcs2000": "CGCS2000 (4490)",
        "gcj02": "GCJ-02",
        "bd09": "BD-09",
        "4326": "WGS-84 (4326)",
        "4490": "CGCS2000 (4490)",
    }
    own = str(settings.CITY_SRID)
    choices = []
    for name in only or KNOWN:
        number = name.removeprefix("EPSG:")
        label = words.get(name) or f"CGCS2000 3° ({number})"
        choices.append((name, f"{label} · {_('this city')}" if number == own else label))
    return choices
