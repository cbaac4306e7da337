"""Background work, and what monitors see of it."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app as jobs_app

from geo import jobs
from geo.models import Event, IdempotencyKey
from tests.factories import make_user


@pytest.fixture(autouse=True)
def no_jobs(db):
    """The queue's tables are not Django's, so that no test empties them by itself."""
    empty = "truncate procrastinate_jobs, procrastinate_workers cascade"
    with connection.cursor() as cursor:
        cursor.execute(empty)
    yield
    with connection.cursor() as cursor:
        cursor.execute(empty)


def insert_job(status="doing", heartbeat="5 minutes", scheduled="1 minute", queue="default"):
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_workers (last_heartbeat) values (now() - %s::interval) returning id",
            [heartbeat],
        )
        worker = cursor.fetchone()[0]
        cursor.execute(
            "insert into procrastinate_jobs (task_name, queue_name, status, worker_id, scheduled_at, args)"
            " values ('geo.jobs.fold_tallies', %s, 'todo', %s, now() - %s::interval, '{}')"
            " returning id",
            [queue, worker, scheduled],
        )
        job = cursor.fetchone()[0]
        if status != "todo":
            cursor.execute("update procrastinate_jobs set status = %s where id = %s", [status, job])
    return job


def status_of(job):
    with connection.cursor() as cursor:
        cursor.execute("select status from procrastinate_jobs where id = %s", [job])
        return cursor.fetchone()[0]


class Context:
    app = jobs_app


@pytest.mark.django_db(transaction=True)
def test_the_job_of_a_dead_worker_is_put_back():
    dead, alive = insert_job(heartbeat="5 minutes"), insert_job(heartbeat="5 seconds")
    assert asyncio.run(jobs.retry_stalled.func(Context, 0)) == 1
    assert (status_of(dead), status_of(alive)) == ("todo", "doing")


def test_all_periodic_work_is_registered():
    names = {task.task.name for task in jobs_app.periodic_registry.periodic_tasks.values()}
    assert {
        f"geo.jobs.{name}" for name in ("retry_stalled", "fold_tallies", "clean_jobs", "clean_up")
    } <= names


def test_what_served_its_time_goes(db):
    user, now = make_user(), timezone.now()
    for days in (1, 89, 91):
        row = IdempotencyKey.objects.create(
            user=user, endpoint="x", key=f"k{days}", body_sha256="0", status=200
        )
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=days))
        event = Event.objects.create(layer="cases", row="r")
        Event.objects.filter(pk=event.pk).update(at=now - timedelta(days=days))
    counts = jobs.clean_up.func(0)
    assert counts["client keys"] == 1 and counts["events"] == 2
    assert IdempotencyKey.objects.count() == 2 and Event.objects.count() == 1


def test_health_tells_a_silent_worker_and_a_late_job(client, db):
    body = client.get("/healthz").json()
    assert body["status"] == "degraded" and body["database"]["ok"] and not body["worker"]["ok"]
    assert client.get("/healthz?strict").status_code == 503
    insert_job(status="succeeded", heartbeat="1 second")
    assert client.get("/healthz?strict").json()["status"] == "ok"
    insert_job(status="todo", heartbeat="1 second", scheduled="10 minutes")
    body = client.get("/healthz").json()
    assert body["status"] == "degraded" and body["jobs"]["oldest_due_seconds"] == pytest.approx(600, abs=5)
    assert client.post("/healthz").status_code == 405


def test_long_work_may_wait_longer(client, db):
    insert_job(status="succeeded", heartbeat="1 second")
    insert_job(status="todo", heartbeat="1 second", scheduled="10 minutes", queue="long")
    body = client.get("/healthz").json()
    assert body["status"] == "ok" and body["jobs"]["oldest_due_seconds"] == 0
    assert body["jobs"]["oldest_long_due_seconds"] == pytest.approx(600, abs=5)
    insert_job(status="todo", heartbeat="1 second", scheduled="2 hours", queue="long")
    assert client.get("/healthz").json()["status"] == "degraded"


def test_every_queue_has_a_service_and_no_clock_waits_for_long_work():
    served = re.findall(r'"--queues", "([a-z,]+)"', Path("script/lib/services.py").read_text())
    # "builtin" is the library's own.
    assert sorted(",".join(served).split(",")) == ["builtin", "default", "long", "outside"]
    queues = {}
    for name, task in jobs_app.tasks.items():
        queues.setdefault(task.queue, set()).add(name)
    assert set(queues) <= set(",".join(served).split(","))
    assert {"grids.jobs.run_proposal", "assets.run_exchange", "cases.jobs.import_cases"} <= queues["long"]
    # Whatever makes a file takes its time.
    assert not {name for name in queues["default"] if "export" in name or "report" in name}
    assert {"cases.jobs.ring_clocks", "geo.jobs.fold_tallies", "geo.jobs.retry_stalled"} <= queues["default"]


def test_only_who_reads_tables_of_files_loads_what_reads_them():
    """Some 50 MB in every process, services of all kinds."""
    code = (
        "import django, sys; django.setup(); import geo.routes; from procrastinate.contrib.django import app;"
        "app.perform_import_paths(); print({'pandas', 'geopandas', 'gerrychain'} & set(sys.modules))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "geo.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "set()"


def test_metrics_are_not_for_everybody(client, roles, settings):
    answer = client.get("/metrics")
    assert answer.status_code == 200 and "wangge_database_bytes " in answer.text
    for line in answer.text.splitlines():
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) >= 0
    settings.METRICS_FROM = [ip_network("10.0.0.0/8")]
    assert client.get("/metrics").status_code == 403
    client.force_login(make_user(role="system_admin"))
    assert client.get("/metrics").status_code == 200
    client.force_login(make_user(role="leader", area="9901"))
    assert client.get("/metrics").status_code == 403
    # A client behind the proxy cannot borrow this machine's address.
    settings.X_ACCEL, settings.METRICS_FROM = True, [ip_network("127.0.0.0/8")]
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.5"}).status_code == 403
