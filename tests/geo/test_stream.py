"""The event stream: who hears what, what is missed, and what happens when the database goes."""

import asyncio
import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
import uvicorn
from django.db import connection, connections

from geo import events, stream, stream_token
from geo.models import Event, Organisation
from tests.factories import make_user, make_worker


def token(rules, user=1, **options):
    return stream_token.issue(user, rules, **options)


def row(number, layer="cases", area="990101001001", unit=None, user=None):
    return stream.event_of(
        (number, layer, "abc", "changed", area, unit, user, datetime(2026, 1, 1, tzinfo=UTC))
    )


def connection_for(rules, user=1):
    return stream.Connection(stream_token.read(token(rules, user)))


def drain(one):
    messages = []
    while not one.queue.empty():
        messages.append(one.queue.get_nowait())
    return messages


def ids(messages):
    return [int(message.split(b"\n")[0][4:]) for message in messages if message]


# --- Tokens and who hears ---------------------------------------------------------------------------


def test_tokens_are_signed_and_die():
    good = token({"cases": (["9901"], [3])})
    assert stream_token.read(good).rules == {"cases": (("9901",), frozenset({3}))}
    for bad in ("", "x", good[:-2], token({}, lifetime=-1)):
        with pytest.raises(stream_token.TokenError):
            stream_token.read(bad)


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        (row(1, area="990101001001"), True),
        (row(1, area="990102001001"), False),
        (row(1, area="", unit=7), True),
        (row(1, area="990102", unit=8), False),
        (row(1, area=""), False),
        (row(1, user=1, area="65"), True),
        (row(1, user=2), False),
        (row(1, layer="areas", area="65"), True),
        (row(1, layer="unheard", area="990102001001"), True),
        (row(1, layer="unheard", area="990101001001"), False),
    ],
)
def test_who_hears_what(event, heard):
    rules = {"cases": (["990101"], [7]), "areas": ([""], []), "*": (["990102"], [])}
    assert connection_for(rules).hears(event) == heard


def test_rules_come_from_grants_and_duties(city, client):
    unit = Organisation.objects.create(code="U", name="U", kind="department")
    dispatcher = make_user(role="dispatcher", area="990101")
    assert events.stream_rules(dispatcher)["*"] == (["990101"], [])
    # Drafts of borders are no layer; who may not see them does not hear of them either.
    assert events.stream_rules(dispatcher)["plans"] == ([], [])
    assert events.stream_rules(make_user(role="planner", area="990101"))["plans"] == (["990101"], [])
    handler = make_user(role="department", unit=unit)
    assert events.stream_rules(handler)["*"] == ([], [unit.pk])
    worker = make_user(role="grid_worker")
    make_worker(worker, grid="990101001001001")
    assert events.stream_rules(worker)["*"] == (["990101001001"], [])
    stranger = make_user()
    assert events.stream_rules(stranger)["*"] == ([], [])
    assert client.get("/api/events/token").status_code in (401, 403)
    client.force_login(dispatcher)
    answer = client.get("/api/events/token")
    assert answer["Cache-Control"] == "no-store" and answer.json()["expires_in"] == 600
    listener = stream_token.read(answer.json()["token"])
    assert listener.user_id == dispatcher.pk and listener.hears("other", "990101001", None, None)


# --- The hub ----------------------------------------------------------------------------------------

ALL = {"*": (["99"], [])}


def test_replay_gives_what_was_missed_in_order_of_commit():
    hub = stream.Hub()
    hub.tell([row(1), row(3), row(2), row(5)])  # 2 and 4 committed late
    late = connection_for(ALL)
    hub.join(late, 3)
    assert ids(drain(late)) == [2, 5]
    hub.tell([row(4), row(5)])  # told twice by the database, once by us
    assert ids(drain(late)) == [4]
    new = connection_for(ALL)
    hub.join(new, None)
    assert not drain(new)


def test_after_a_restart_a_few_are_told_again():
    hub = stream.Hub()
    hub.seed([row(number) for number in range(100, 200)])
    back = connection_for(ALL)
    hub.join(back, 190)
    told = ids(drain(back))
    assert set(range(191, 200)) <= set(told) and 189 in told and 190 not in told


@pytest.mark.parametrize("last", [5, 10_000])
def test_too_long_ago_means_fetch_anew(last):
    hub = stream.Hub()
    hub.seed([row(number) for number in range(100, 200)])
    back = connection_for(ALL)
    hub.join(back, last)
    (only,) = drain(back)
    assert b'"layer":"*"' in only and ids([only]) == [199]


def test_what_is_kept_is_bounded(monkeypatch):
    hub = stream.Hub()
    hub.tell(row(number) for number in range(stream.KEPT_EVENTS + 10))
    assert len(hub.kept) == len(hub.known) == stream.KEPT_EVENTS


def test_who_falls_behind_is_cut_off():
    hub = stream.Hub()
    slow = connection_for(ALL)
    hub.join(slow, None)
    hub.tell(row(number) for number in range(1, stream.QUEUE_LENGTH + 10))
    assert None in drain(slow)


def test_a_heartbeat_ends_what_has_expired():
    hub = stream.Hub()
    alive = connection_for(ALL)
    dead = stream.Connection(stream_token.Listener(1, time.time() - 1, {}))
    for one in (alive, dead):
        hub.join(one, None)
    hub.beat()
    assert drain(alive)[0].startswith(b": ") and drain(dead) == [None]


# --- The whole thing, on a real socket and a real database ------------------------------------------


@pytest.fixture
def server(transactional_db):
    """The application under uvicorn in a thread, on a free port."""
    app = stream.Application()
    free = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [free]}, daemon=True)
    thread.start()
    until(lambda: running.started and app.bell.listening.is_set())
    app.port = free.getsockname()[1]
    yield app
    running.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


async def listen(port, query, method="GET", headers=""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} /events/{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split()[1]), head, reader, writer


async def next_event(reader, seconds=10):
    while True:
        line = await asyncio.wait_for(reader.readline(), seconds)
        if line.startswith(b"data: "):
            return json.loads(line[6:])


def emit(**values):
    values = {"layer": "cases", "row_id": 1, "area_code": "990101001001"} | values
    events.emit(values.pop("layer"), values.pop("row_id"), **values)
    connections.close_all()  # called in threads of their own


def test_an_event_travels_from_the_table_to_the_listener(server):
    async def run():
        status, head, reader, writer = await listen(server.port, f"?token={token(ALL)}")
        assert status == 200 and b"text/event-stream" in head and b"x-accel-buffering: no" in head.lower()
        await asyncio.to_thread(emit)
        first = await next_event(reader)
        assert first["layer"] == "cases" and first["row"] == events.row_hash("cases", 1)
        assert first["area"] == "990101001001" and datetime.fromisoformat(first["at"])
        # Away, and back with the id of the last one.
        writer.close()
        await asyncio.to_thread(until, lambda: not server.hub.connections)
        last = server.hub.newest
        await asyncio.to_thread(emit, row_id=2)
        await asyncio.to_thread(until, lambda: server.hub.newest > last)
        headers = f"Last-Event-ID: {last}\r\n"
        _status, _head, reader, writer = await listen(server.port, f"?token={token(ALL)}", headers=headers)
        assert (await next_event(reader))["row"] == events.row_hash("cases", 2)
        writer.close()

    asyncio.run(run())


def test_refusals(server):
    async def run():
        for query, method, status in (
            ("", "GET", 401),
            ("?token=nonsense", "GET", 401),
            (f"?token={token(ALL)}", "POST", 405),
            ("else", "GET", 404),
        ):
            got, head, _reader, writer = await listen(server.port, query, method)
            assert got == status and b"problem+json" in head
            writer.close()

    asyncio.run(run())


def test_the_database_goes_and_comes_back(server):
    async def run():
        _status, _head, reader, writer = await listen(server.port, f"?token={token(ALL)}")

        def cut():
            with connection.cursor() as cursor:
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'wangge events' and datname = current_database()"
                )
            emit(row_id=9)

        await asyncio.to_thread(cut)
        assert (await next_event(reader))["row"] == events.row_hash("cases", 9)
        await asyncio.to_thread(until, server.bell.listening.is_set)
        await asyncio.to_thread(emit, row_id=10)
        assert (await next_event(reader))["row"] == events.row_hash("cases", 10)
        writer.close()

    asyncio.run(run())


def test_a_thousand_listeners_hear_within_a_second(server):
    async def run():
        opened = [await listen(server.port, f"?token={token(ALL)}") for _number in range(1000)]
        stranger = await listen(server.port, f"?token={token({'*': (['65'], [])})}")
        await asyncio.to_thread(until, lambda: len(server.hub.connections) == 1001)
        started = time.perf_counter()
        await asyncio.to_thread(emit)
        heard = await asyncio.gather(*(next_event(reader) for _s, _h, reader, _w in opened))
        took = time.perf_counter() - started
        assert {event["verb"] for event in heard} == {"changed"}
        assert took < 5, f"{took:.2f} s"  # well under one on a machine that does nothing else
        with pytest.raises(asyncio.TimeoutError):
            await next_event(stranger[2], 0.2)
        for *_rest, writer in [*opened, stranger]:
            writer.close()
        await asyncio.to_thread(until, lambda: not server.hub.connections)
        print(f"1000 listeners: {took:.3f} s")

    asyncio.run(run())
    assert Event.objects.count() == 1


def test_base_maps_are_mounted_by_name(monkeypatch):
    seen = []

    async def proxy(scope, receive, send):
        seen.append(scope["path"])

    app = stream.Application()
    app.mounted["tiles.proxy.app"] = proxy
    asyncio.run(app({"type": "http", "path": "/basemaps/x/wmts"}, None, None))
    assert seen == ["/basemaps/x/wmts"]
