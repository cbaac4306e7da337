"""Imports and exports in the background: asked for here, run by the worker."""

import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assets.exporting import FORMATS, SUFFIX, check_options, export_layer, find_layer
from assets.importing import import_layer, reading
from assets.importing.targets import TARGETS, check_mapping, find_target
from assets.models import Exchange
from geo import events
from geo.problems import Problem

KEPT_DAYS = 7
UPLOAD_BYTES = 2 * 1024**3
SUFFIXES = (".zip", ".gpkg", ".geojson", ".json", ".csv", ".kml", ".dxf")
REFUSED_SHOWN = 100
# Nobody needs more running at once; the worker is one.
AT_ONCE = 5


def ask_export(user, layer: str, format: str = "gpkg", crs: str = "4326", area: str = "") -> Exchange:
    """Ask for a layer as a file. It is checked now and written in the background."""
    found = find_layer(layer, user)
    format, crs = check_options(format, crs)
    _not_too_many(user)
    name = f"{found.id}-{timezone.localdate():%Y%m%d}{SUFFIX[format]}"
    exchange = Exchange.objects.create(
        kind=Exchange.Kind.EXPORT,
        owner=user,
        file_name=name,
        options={"layer": layer, "format": format, "crs": crs, "area": area},
    )
    _start(exchange)
    return exchange


def take_upload(user, file, target: str, crs: str = "", layer: str = "", encoding: str = "") -> Exchange:
    """Keep an uploaded file as the beginning of an import."""
    if not user.can("assets.import"):
        raise Problem(_("Your roles do not import."), status=403, kind="forbidden")
    if target not in TARGETS:
        find_target(target)
    suffix = Path(file.name).suffix.lower()
    if suffix not in SUFFIXES:
        raise Problem(
            _("A file to import ends in %s; pack the parts of a Shapefile in one ZIP archive.")
            % ", ".join(SUFFIXES)
        )
    if file.size > UPLOAD_BYTES:
        raise Problem(_("The file is larger than 2 GB; ask for it to be imported on the server."), status=413)
    exchange = Exchange(
        kind=Exchange.Kind.IMPORT,
        state=Exchange.State.DRAFT,
        owner=user,
        # The name is only shown: letters of every script, no path.
        file_name=Path(file.name).name[-120:].lstrip(".") or f"upload{suffix}",
        options={"target": target, "crs": crs, "layer": layer or None, "encoding": encoding or None},
    )
    exchange.folder.mkdir(parents=True, mode=0o750)
    with exchange.file.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    exchange.save()
    return exchange


def preview(exchange: Exchange, rows: int = 5) -> dict:
    """Columns of an uploaded file with some values, its layers, row count and coordinate system."""
    options = exchange.options
    names = reading.layers(exchange.file)
    layer = options.get("layer") or (names[0] if len(names) > 1 else None)
    with reading.opened(exchange.file, layer, options.get("encoding")) as source:
        piece = next(source.pieces(), None)
        sample = {}
        for name in source.columns:
            cells = piece.columns.get(name, []) if piece else []
            sample[name] = [str(cell)[:40] for cell in cells[:rows] if cell is not None and cell == cell]
        crs = source.crs if len(source.crs) < 20 else source.crs.split('"')[1] if '"' in source.crs else ""
        return {
            "layers": names,
            "layer": layer,
            "columns": sample,
            "rows": source.rows,
            "crs": crs,
            "has_geometry": source.has_geometry,
        }


def start_import(exchange: Exchange, mapping: dict[str, str], crs: str, layer: str, dry_run: bool) -> None:
    """Run an import with a mapping, or only try it."""
    if exchange.busy:
        raise Problem(_("This import is running."), status=409, kind="conflict")
    target = find_target(exchange.options["target"])
    exchange.options |= {"mapping": mapping, "crs": crs, "layer": layer or None, "dry_run": dry_run}
    with reading.opened(exchange.file, layer or None, exchange.options.get("encoding")) as source:
        check_mapping(target, mapping, source.columns)
    exchange.state, exchange.message, exchange.result = Exchange.State.WAITING, "", {}
    exchange.done = exchange.total = 0
    exchange.save()
    _start(exchange)


def _not_too_many(user) -> None:
    running = Exchange.objects.filter(owner=user, state__in=Exchange.BUSY).count()
    if running >= AT_ONCE:
        raise Problem(
            _("%d of your imports and exports are still running; wait for one to end.") % running,
            status=429,
            kind="too-many",
        )


def _start(exchange: Exchange) -> None:
    from assets import jobs

    transaction.on_commit(lambda: jobs.run_exchange.defer(exchange=exchange.pk))


def run(pk: int) -> str:
    """Do the work of an import or export. Run again after a crash, it begins anew: nothing was kept."""
    exchange = Exchange.objects.select_related("owner").filter(pk=pk).first()
    if exchange is None or not exchange.busy:
        return "nothing to do"
    Exchange.objects.filter(pk=pk).update(state=Exchange.State.RUNNING)
    work = _import if exchange.kind == Exchange.Kind.IMPORT else _export
    state = Exchange.State.DONE
    with _Progress(pk) as progress:
        try:
            exchange.message = work(exchange, progress)
        except Problem as problem:
            state, exchange.message = Exchange.State.FAILED, str(problem.detail)
    Exchange.objects.filter(pk=pk).update(
        state=state,
        message=exchange.message,
        result=exchange.result,
        file_name=exchange.file_name,
        finished_at=timezone.now(),
    )
    events.emit("exchanges", exchange.uuid, user_id=exchange.owner_id, verb=state)
    return str(state)


def _import(exchange: Exchange, progress) -> str:
    options = exchange.options
    report = import_layer(
        exchange.file,
        options["target"],
        options["mapping"],
        crs=options.get("crs") or None,
        layer=options.get("layer"),
        encoding=options.get("encoding"),
        dry_run=options.get("dry_run", False),
        user=exchange.owner,
        progress=progress,
    )
    report.write(exchange.report)
    exchange.result = {
        "rows": report.rows,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": report.refused_rows,
        "dry_run": report.dry_run,
        "warnings": report.warnings,
        "first": [[one.row, one.code, one.field, one.reason] for one in report.refused[:REFUSED_SHOWN]],
    }
    return report.summary


def _export(exchange: Exchange, progress) -> str:
    exchange.folder.mkdir(parents=True, mode=0o750, exist_ok=True)
    written = export_layer(
        exchange.options["layer"],
        exchange.folder,
        user=exchange.owner,
        format=exchange.options["format"],
        crs=exchange.options["crs"],
        area=exchange.options["area"],
        progress=progress,
    )
    exchange.file_name = written.path.name
    exchange.result = {"rows": written.rows, "bytes": written.path.stat().st_size}
    return _("%(rows)d rows as %(format)s") % {
        "rows": written.rows,
        "format": FORMATS[exchange.options["format"]],
    }


class _Progress:
    """Tells how far it is on a connection of its own: the import's transaction shows nothing yet."""

    def __init__(self, pk: int):
        self.pk, self.connection, self.told = pk, None, None

    def __enter__(self):
        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context"):
            parameters.pop(name, None)
        self.connection = psycopg.connect(**parameters, autocommit=True)
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = timezone.now()
        if self.told and (now - self.told).total_seconds() < 0.5 and done < total:
            return
        self.told = now
        self.connection.execute(
            "update assets_exchange set stage = %s, done = %s, total = %s where id = %s",
            [str(stage)[:40], done, total, self.pk],
        )

    def __exit__(self, *error):
        self.connection.close()


def forget_old() -> int:
    """Files and their rows go after a week."""
    old = Exchange.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    gone = list(old.exclude(state__in=Exchange.BUSY))
    for exchange in gone:
        shutil.rmtree(exchange.folder, ignore_errors=True)
        exchange.delete()
    return len(gone)
