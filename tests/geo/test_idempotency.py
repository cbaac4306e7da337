"""A write that is sent twice happens once."""

import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.http import JsonResponse
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from geo.idempotency import Idempotent, idempotent
from geo.models import Dictionary, IdempotencyKey
from geo.problems import Problem
from tests.factories import make_user

KEY = "6a0f4b1e-0000-4000-8000-000000000001"


class Make(Idempotent, APIView):
    """Makes a dictionary per request, so that doing it twice shows."""

    permission_classes = [AllowAny]
    entered, leave = threading.Event(), threading.Event()
    slow = False

    def post(self, request):
        if request.data.get("fail"):
            Dictionary.objects.create(code="left-behind")
            raise Problem("no", status=422)
        number = Dictionary.objects.count()
        made = Dictionary.objects.create(code=f"d{number}", name=str(request.data.get("name", "")))
        if Make.slow:
            Make.entered.set()
            assert Make.leave.wait(10)
        return Response({"id": made.code}, status=201, headers={"Location": f"/x/{made.code}"})


def post(user, data, key=KEY, path="/api/make/", **extra):
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    request = APIRequestFactory().post(path, data, format=extra.pop("format", "json"), **headers)
    if user:
        force_authenticate(request, user)
    return Make.as_view()(request)


@pytest.fixture
def user(db):
    return make_user()


def test_the_second_send_gets_the_first_answer(user):
    first, second = post(user, {"name": "a"}), post(user, {"name": "a"})
    assert first.status_code == second.status_code == 201
    assert first.data == second.data and second["Location"] == first["Location"]
    assert "Idempotent-Replay" not in first and second["Idempotent-Replay"] == "true"
    assert Dictionary.objects.count() == 1


def test_another_body_is_refused_and_another_user_or_endpoint_is_another_key(user):
    post(user, {"name": "a"})
    assert post(user, {"name": "b"}).status_code == 422
    assert post(make_user(), {"name": "b"}).status_code == 201
    assert post(user, {"name": "b"}, path="/api/other/").status_code == 201
    assert post(None, {"name": "b"}).status_code == 201
    assert Dictionary.objects.count() == 4


def test_without_a_key_everything_happens(user):
    post(user, {}, key="")
    post(user, {}, key="")
    assert Dictionary.objects.count() == 2


@pytest.mark.parametrize("key", ["short", "with space in it", "x" * 81, "Schlüssel-eins"])
def test_malformed_keys(user, key):
    assert post(user, {}, key=key.encode().decode("latin-1")).status_code == 400


def test_an_error_leaves_nothing_and_may_be_corrected(user):
    assert post(user, {"fail": True}).status_code == 422
    assert not Dictionary.objects.exists() and not IdempotencyKey.objects.exists()
    assert post(user, {"name": "better"}).status_code == 201


def test_multipart_is_the_same_whatever_its_boundary(user):
    def send(content):
        file = SimpleUploadedFile("a.jpg", content)
        return post(user, {"name": "a", "file": file}, format="multipart").status_code

    assert [send(b"same"), send(b"same"), send(b"other")] == [201, 201, 422]
    assert Dictionary.objects.count() == 1


def test_plain_views_and_required_keys(rf, user):
    @idempotent(required=True)
    def view(request):
        Dictionary.objects.create(code=f"d{Dictionary.objects.count()}")
        return JsonResponse({"ok": True}, status=201)

    def call(**headers):
        request = rf.post("/x", data=b"{}", content_type="application/json", **headers)
        request.user = user
        return view(request)

    with pytest.raises(Problem) as caught:
        call()
    assert caught.value.status == 400
    assert call(HTTP_IDEMPOTENCY_KEY=KEY).content == call(HTTP_IDEMPOTENCY_KEY=KEY).content
    assert Dictionary.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_first_runs_the_second_is_told_so():
    user = make_user()
    answers = {}

    def first():
        answers["first"] = post(user, {"name": "a"}).status_code
        connections.close_all()

    Make.entered.clear()
    Make.leave.clear()
    Make.slow = True
    try:
        thread = threading.Thread(target=first)
        thread.start()
        assert Make.entered.wait(10)
        running = post(user, {"name": "a"})
        assert running.status_code == 409
    finally:
        Make.leave.set()
        thread.join(10)
        Make.slow = False
    assert answers["first"] == 201
    assert post(user, {"name": "a"})["Idempotent-Replay"] == "true"
    assert Dictionary.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_make_one_row():
    user = make_user()
    statuses, barrier = [], threading.Barrier(20)

    def send():
        barrier.wait(10)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            status = post(user, {"name": "a"}).status_code
            if status != 409:
                break
            time.sleep(0.05)
        statuses.append(status)
        connections.close_all()

    threads = [threading.Thread(target=send) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(statuses) == {201} and len(statuses) == 20
    assert Dictionary.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_locks where locktype = 'advisory'"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        assert cursor.fetchone()[0] == 0
