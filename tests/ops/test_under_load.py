"""Killed under load: nothing that was acknowledged is lost or doubled. And how soon events are heard."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.ops.installation import ROOT
from tests.ops.phones import Listener, Phone, client

pytestmark = pytest.mark.slow

SECONDS = 20
LISTENERS = 200
ROUNDS = 20

FILL = """
import json, django
django.setup()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from geo import roles
from tests import factories
roles.load()
factories.make_city()
unit = factories.make_unit()
kind = factories.make_type()
factories.make_rule(unit, area_code="9901")
def session(user):
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
workers = [factories.make_user(role="grid_worker") for _number in range(4)]
for number, user in enumerate(workers, start=1):
    factories.make_worker(user, grid=f"990101001001{number:03d}")
print(json.dumps({
    "type": kind.pk,
    "workers": [session(user) for user in workers],
    "dispatcher": session(factories.make_user(role="dispatcher", area="9901")),
}))
"""

CHECK = """
import json, sys, django
django.setup()
from collections import Counter
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from cases.models import Case, CaseAttachment
from geo import tallies
from geo.models import Attachment, Event, IdempotencyKey, Output
acknowledged = json.load(sys.stdin)
wrong = []
for said in acknowledged:
    cases = list(Case.objects.filter(client_key=said["key"]))
    if len(cases) != 1 or cases[0].number != said["number"]:
        wrong.append(["not once", said, [case.number for case in cases]])
        continue
    photos = [str(row.attachment.uuid) for row in cases[0].case_attachments.select_related("attachment")]
    if photos != [said["photo"]]:
        wrong.append(["photo", said, photos])
for case in Case.objects.all():
    lines = list(case.transitions.order_by("id").values_list("action", "from_state", "to_state"))
    chained = all(one[2] == other[1] for one, other in zip(lines, lines[1:]))
    whole = [line[0] for line in lines] == ["report", "auto_accept", "auto_file", "auto_dispatch"]
    if not (whole and chained and lines[-1][2] == case.state):
        wrong.append(["transitions", case.number, case.state, lines])
for photo, count in Counter(CaseAttachment.objects.values_list("attachment_id", flat=True)).items():
    if count > 1:
        wrong.append(["photo twice", photo, count])
for photo in Attachment.objects.all():
    for field in (photo.original, photo.shown, photo.thumbnail):
        if not default_storage.exists(field.name) or not default_storage.size(field.name):
            wrong.append(["file", field.name])
with connection.cursor() as cursor:
    for measure in tallies.tallied():
        sql, _tables = tallies.grouped_sql(measure)
        source = f"select a, d, k, v from ({sql}) n(a, d, k, v)"
        cursor.execute(
            f"select * from (select area_code, day, klass, sum(value) from (select measure, area_code, day,"
            f" klass, value from geo_tally union all select measure, area_code, day, klass, value"
            f" from geo_tallydelta) b where measure = '{measure.id}' group by 1, 2, 3 having sum(value) <> 0)"
            f" kept full join (select a, d, k, v from ({tallies._expand(measure, source)})"
            f" e(m, a, d, k, v)) counted on (area_code, day, klass) = (a, d, k)"
            f" where kept.sum is distinct from counted.v"
        )
        wrong += [["tally", measure.id, str(row)] for row in cursor.fetchall()]
try:
    call_command("check_located", stdout=sys.stderr)
except SystemExit:
    wrong.append(["check_located"])
print(json.dumps({
    "wrong": wrong,
    "cases": Case.objects.count(),
    "client keys": Case.objects.values("client_key").distinct().count(),
    "answers": IdempotencyKey.objects.count(),
    "outputs": list(Output.objects.values_list("state", flat=True)),
    "events": list(Event.objects.filter(layer="cases").values_list("id", flat=True)),
}))
"""

# A worker killed a moment ago is known as dead after a minute; its last sign of life is moved back, so that
# the test need not wait, and the job that a minute's clock begins is begun by hand.
LATER = """
import django
django.setup()
from django.db import connection
from procrastinate.exceptions import AlreadyEnqueued
from geo import jobs
with connection.cursor() as cursor:
    cursor.execute("update procrastinate_workers set last_heartbeat = last_heartbeat - interval '2 minutes'"
                   " where last_heartbeat < now() - interval '12 seconds'")
try:
    jobs.retry_stalled.defer(timestamp=0)
except AlreadyEnqueued:
    pass
"""


def django(installation, program: str, said=None):
    """Run a program in the installation's own Django; what it printed last, read as JSON."""
    environment = installation.environment | {
        "DATABASE_URL": installation.database_url.replace("postgresql:", "postgis:"),
        "DJANGO_SETTINGS_MODULE": "geo.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        input=json.dumps(said),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


@pytest.fixture(scope="module")
def people(installation):
    """The tiny city, a rule that gives every report to one unit, four workers and a dispatcher."""
    return django(installation, FILL)


def kill_web_worker(installation):
    web = installation.running("web")
    while not (children := Path(f"/proc/{web}/task/{web}/children").read_text().split()):
        time.sleep(0.05)
    os.kill(int(children[0]), signal.SIGKILL)


def queue(installation) -> list[tuple]:
    with psycopg.connect(installation.database_url) as connection:
        return connection.execute(
            "select task_name, status::text, count(*) from procrastinate_jobs"
            " where status in ('todo', 'doing', 'failed') and (scheduled_at is null or scheduled_at <= now())"
            " group by 1, 2"
        ).fetchall()


def test_killed_under_load(installation, people):
    listener = Listener(installation.url, people["dispatcher"])
    listener.start()
    assert listener.listening.wait(20)
    began = time.monotonic()
    phones = [
        Phone(installation.url, session, people["type"], began + SECONDS, seed)
        for seed, session in enumerate(people["workers"])
    ]
    for phone in phones:
        phone.start()
    desk = client(installation.url, people["dispatcher"])

    def at(second: float):
        time.sleep(max(0, began + second - time.monotonic()))

    at(2.5)
    kill_web_worker(installation)
    at(5)
    installation.kill("postgres")
    at(11)
    installation.kill("events")
    at(13)
    # Something that the worker is busy with, and dies of.
    asked = desk.post("/console/export/", data={"view": "all"})
    assert asked.status_code == 202, asked.text[:300]
    time.sleep(0.2)
    installation.kill("worker")
    at(16)
    kill_web_worker(installation)
    for phone in phones:
        phone.join(60)
    installation.wait_healthy(60)
    assert desk.post("/console/export/", data={"view": "all"}).status_code == 202
    assert not any(phone.is_alive() for phone in phones)
    assert [phone.refused for phone in phones] == [[]] * 4
    acknowledged = [said for phone in phones for said in phone.acknowledged]
    tries = sum(phone.tries for phone in phones)
    print(f"\n{len(acknowledged)} reports acknowledged, {tries} requests for them")
    assert len(acknowledged) > 8 and tries > 2 * len(acknowledged)

    django(installation, LATER)
    deadline = time.monotonic() + 40
    while left := queue(installation):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)

    found = django(installation, CHECK, acknowledged)
    assert found["wrong"] == []
    assert found["cases"] == found["client keys"] == len(acknowledged)
    assert found["outputs"] == ["ready", "ready"]
    listener.over = True
    missed = set(found["events"]) - listener.heard
    assert listener.opened >= 2
    # Who was away gets what he missed, or, when that is more than is kept, is told to fetch all anew.
    assert not missed or listener.anew, (len(missed), len(listener.heard), listener.anew)


# --- How soon an event is heard -------------------------------------------------------------------------


def test_two_hundred_open_pages_hear_at_once(installation, people):
    """From the commit to each listener's socket, through nginx."""
    installation.wait_healthy(30)
    with client(installation.url, people["dispatcher"]) as desk:
        token = desk.get("/api/events/token").raise_for_status().json()["token"]
    delays = asyncio.run(_hear(installation, token))
    assert len(delays) == LISTENERS * ROUNDS
    delays.sort()
    median, late = statistics.median(delays), delays[len(delays) * 95 // 100]
    print(f"\n{LISTENERS} listeners: median {median * 1000:.0f} ms, 95 % within {late * 1000:.0f} ms")
    assert median < 1


async def _hear(installation, token: str) -> list[float]:
    heard: dict[str, list[float]] = {f"round-{number}": [] for number in range(ROUNDS)}
    open_pages = []

    async def listen(reader):
        while line := await reader.readline():
            if line.startswith(b"data: "):
                name = json.loads(line[6:])["row"]
                if name in heard:
                    heard[name].append(time.monotonic())

    for _number in range(LISTENERS):
        reader, writer = await asyncio.open_connection("127.0.0.1", installation.port)
        writer.write(f"GET /events/?token={token} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        await reader.readuntil(b"retry: 3000\n")
        open_pages.append((asyncio.create_task(listen(reader)), writer))
    committed = {}
    async with await psycopg.AsyncConnection.connect(installation.database_url) as connection:
        for name in heard:
            await connection.execute(
                "insert into geo_event (layer, row, verb, area_code, at)"
                " values ('cases', %s, 'changed', '990101001001', now())",
                [name],
            )
            committed[name] = time.monotonic()
            await connection.commit()
            for _turn in range(100):
                if len(heard[name]) == LISTENERS:
                    break
                await asyncio.sleep(0.05)
    for task, writer in open_pages:
        task.cancel()
        writer.close()
    return [moment - committed[name] for name, moments in heard.items() for moment in moments]
