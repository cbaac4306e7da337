"""Is it alive, and how does it do: ``/healthz`` for monitors, ``/metrics`` for Prometheus."""

import time
from ipaddress import ip_address

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from geo.calendar import calendar_for, known_until
from geo.models import Attachment
from geo.net import client_address
from geo.problems import Problem

# Seconds. The worker shows a sign of life every ten; a job that is due waits for a free worker only.
_WORKER_SILENT = 60
_JOB_LATE = 300
# Long work waits for long work: two imports may take their time.
_LONG_JOB_LATE = 3600
_JOBS = """
    with due as (
        select queue_name = 'long' as long, extract(epoch from now() - coalesce(scheduled_at, e.at)) as waits
          from procrastinate_jobs j
          left join lateral (select min(at) as at from procrastinate_events where job_id = j.id) e on true
         where status = 'todo' and coalesce(scheduled_at, now()) <= now()
    )
    select (select extract(epoch from now() - max(last_heartbeat)) from procrastinate_workers),
           max(waits) filter (where not long), max(waits) filter (where long)
      from due
"""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Liveness of the database, the worker and the oldest due job.

    503 when the database does not answer; with ``?strict`` also when the worker is silent or a job is late,
    for monitors that only look at the status.
    """
    started = time.perf_counter()
    body: dict = {"status": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute(_JOBS)
            heartbeat, oldest, oldest_long = cursor.fetchone()
        until = known_until(calendar_for("").days)
    except Error:
        return JsonResponse({"status": "down", "database": {"ok": False}}, status=503)
    body["database"] = {"ok": True, "milliseconds": round(1000 * (time.perf_counter() - started), 1)}
    silent = None if heartbeat is None else float(heartbeat)
    late, late_long = float(oldest or 0), float(oldest_long or 0)
    body["worker"] = {
        "ok": silent is not None and silent < _WORKER_SILENT,
        "silent_seconds": _rounded(silent),
    }
    body["jobs"] = {
        "ok": late < _JOB_LATE and late_long < _LONG_JOB_LATE,
        "oldest_due_seconds": _rounded(late),
        "oldest_long_due_seconds": _rounded(late_long),
    }
    # Not a fault, but somebody must publish next year's holidays in time.
    body["calendar"] = {"known_until": until.isoformat() if until else None}
    if not (body["worker"]["ok"] and body["jobs"]["ok"]):
        body["status"] = "degraded"
    strict = "strict" in request.GET
    return JsonResponse(body, status=503 if strict and body["status"] != "ok" else 200)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


_FIGURES = """
    select 'wangge_jobs' as name, 'status="' || status || '"' as labels, count(*)::float8 as value
      from procrastinate_jobs group by status
    union all select 'wangge_events_newest_id', '', coalesce(max(id), 0) from geo_event
    union all select 'wangge_events_last_minute', '', count(*) from geo_event
      where at > now() - interval '1 minute'
    union all select 'wangge_tally_deltas', '', count(*) from geo_tallydelta
    union all select 'wangge_audit_newest_id', '', coalesce(max(id), 0) from geo_auditentry
    union all select 'wangge_database_bytes', '', pg_database_size(current_database())
    union all select 'wangge_database_connections', 'state="' || coalesce(state, 'none') || '"', count(*)
      from pg_stat_activity where datname = current_database() group by state
    union all select 'wangge_database_' || key, '', value::float8 from pg_stat_database,
      lateral jsonb_each_text(jsonb_build_object('commits_total', xact_commit,
        'rollbacks_total', xact_rollback, 'deadlocks_total', deadlocks))
      where datname = current_database()
"""
_HELP = {
    "wangge_jobs": ("gauge", "Background jobs by status"),
    "wangge_events_newest_id": ("counter", "Id of the newest event"),
    "wangge_events_last_minute": ("gauge", "Events written in the last minute"),
    "wangge_tally_deltas": ("gauge", "Deltas of measures that are not folded yet"),
    "wangge_audit_newest_id": ("counter", "Id of the newest audit entry"),
    "wangge_database_bytes": ("gauge", "Size of the database"),
    "wangge_database_connections": ("gauge", "Connections to the database by state"),
    "wangge_database_commits_total": ("counter", "Transactions committed"),
    "wangge_database_rollbacks_total": ("counter", "Transactions rolled back"),
    "wangge_database_deadlocks_total": ("counter", "Deadlocks"),
    "wangge_worker_silent_seconds": ("gauge", "Time since the worker's last sign of life"),
    "wangge_job_oldest_due_seconds": ("gauge", "How long the oldest due job has waited"),
    "wangge_long_job_oldest_due_seconds": (
        "gauge",
        "How long the oldest due export, import or proposal waits",
    ),
    "wangge_photos_to_review": ("gauge", "Photos that nobody has looked at"),
    "wangge_scrape_seconds": ("gauge", "Time it took to gather these figures"),
}


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures: for the addresses in ``settings.METRICS_FROM`` and for system administrators."""
    if not _may_read(request):
        detail = _("These figures are for this machine and for system administrators.")
        raise Problem(detail, status=403, kind="forbidden")
    started = time.perf_counter()
    found: dict[str, list[tuple[str, float]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES)
        for name, labels, value in cursor.fetchall():
            found.setdefault(name, []).append((labels, value))
        cursor.execute(_JOBS)
        heartbeat, oldest, oldest_long = cursor.fetchone()
    if heartbeat is not None:
        found["wangge_worker_silent_seconds"] = [("", float(heartbeat))]
    found["wangge_job_oldest_due_seconds"] = [("", float(oldest or 0))]
    found["wangge_long_job_oldest_due_seconds"] = [("", float(oldest_long or 0))]
    pending = Attachment.objects.filter(review=Attachment.Review.PENDING, media_type__startswith="image/")
    found["wangge_photos_to_review"] = [("", pending.count())]
    found["wangge_scrape_seconds"] = [("", time.perf_counter() - started)]
    lines = []
    for name, values in found.items():
        kind, text = _HELP[name]
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [
            f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}" for labels, value in values
        ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_read(request: HttpRequest) -> bool:
    if request.user.is_authenticated and request.user.can("geo.manage_settings"):
        return True
    try:
        asking = ip_address(client_address(request) or "")
    except ValueError:
        return False
    return any(asking in network for network in settings.METRICS_FROM)
