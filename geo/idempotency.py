"""Client keys: a write that is sent twice happens once (``Idempotency-Key``).

The answer is stored in the transaction of the work itself: after a crash either both are there or neither. A
key belongs to a user and an endpoint and is kept 90 days. The second send gets the first answer; another body
under the same key is refused (422); while the first is still running the second is told so (409). An answer
that was an error is not kept: whoever corrects the content may send it again under its key.
"""

import functools
import hashlib
import json
import re

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from geo.models import IdempotencyKey
from geo.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
KEPT_DAYS = 90
_SAFE = ("GET", "HEAD", "OPTIONS")
_KEY = re.compile(r"[\x21-\x7e]{8,80}")
_KEPT_HEADERS = ("Location", "ETag")


def idempotent(view=None, *, required: bool = False, in_body: bool = False):
    """Decorate a view function, or a handler method of a REST view, that writes.

    With ``required`` a request without a key is refused (400).
    """
    if view is None:
        return functools.partial(idempotent, required=required, in_body=in_body)

    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        request = next(arg for arg in args if isinstance(arg, HttpRequest | Request))
        run = functools.partial(view, *args, **kwargs)
        return once(request, run, required=required, in_body=in_body)

    return wrapper


class Idempotent:
    """For REST views: every unsafe method honours a client's key.

    With ``key_in_body`` the body's ``client_key`` does as well as the header.
    """

    idempotency_required = False
    key_in_body = False

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.method in _SAFE:
            return
        name = request.method.lower()
        handler = getattr(self, name, None)
        if handler is not None:
            # An attribute of this view, which lives for one request.
            setattr(
                self,
                name,
                idempotent(handler, required=self.idempotency_required, in_body=self.key_in_body),
            )


def once(request, run, *, required: bool = False, in_body: bool = False):
    """Run a write under the request's key, or give the answer it had."""
    key = request.headers.get(HEADER, "").strip()
    if not key and in_body and isinstance(request.data, dict):
        key = str(request.data.get("client_key") or "")
    if not key:
        if required:
            raise Problem(
                _("This request needs an Idempotency-Key header, so that sending it twice does no harm."),
                status=400,
                kind="idempotency-key-missing",
            )
        return run()
    if not _KEY.fullmatch(key):
        raise Problem(
            _("An Idempotency-Key has 8 to 80 visible ASCII characters; a UUID is best."),
            status=400,
            kind="idempotency-key-malformed",
        )
    user = request.user if request.user.is_authenticated else None
    endpoint = _endpoint(request)
    body = fingerprint(request)
    with transaction.atomic():
        if not _claim(user.pk if user else 0, endpoint, key):
            raise Problem(
                _("The first request with this Idempotency-Key is still running; ask again shortly."),
                status=409,
                kind="idempotency-running",
            )
        kept = IdempotencyKey.objects.filter(user=user, endpoint=endpoint, key=key).first()
        if kept is not None:
            if kept.body_sha256 != body:
                raise Problem(
                    _("This Idempotency-Key was used with another content; use a new key for a new request."),
                    status=422,
                    kind="idempotency-key-reused",
                )
            return _replay(request, kept)
        response = run()
        if response.status_code >= 400:
            transaction.set_rollback(True)
            return response
        IdempotencyKey.objects.create(
            user=user,
            endpoint=endpoint,
            key=key,
            body_sha256=body,
            status=response.status_code,
            response=_stored(response),
        )
    return response


def fingerprint(request) -> str:
    """SHA-256 of what a request says; the same for the same fields and files, whatever the boundary."""
    digest = hashlib.sha256(request.META.get("QUERY_STRING", "").encode())
    plain = request._request if isinstance(request, Request) else request
    if (request.content_type or "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        fields = request.data if isinstance(request, Request) else plain.POST
        files = request.FILES
        for name in sorted(set(fields) - set(files)):
            digest.update(json.dumps([name, fields.getlist(name)]).encode())
        for name in sorted(files):
            for file in files.getlist(name):
                digest.update(name.encode())
                for chunk in file.chunks():
                    digest.update(chunk)
                file.seek(0)
    elif isinstance(request, Request):
        digest.update(json.dumps(request.data, sort_keys=True, default=str).encode())
    else:
        digest.update(plain.body)
    return digest.hexdigest()


def _endpoint(request) -> str:
    name = f"{request.method} {request.path}"
    return name if len(name) <= 120 else f"{name[:55]}…{hashlib.sha256(name.encode()).hexdigest()}"


def _claim(user_id: int, endpoint: str, key: str) -> bool:
    """Take the key for this transaction; the database lets go of it however the transaction ends."""
    digest = hashlib.sha256(f"{user_id}\n{endpoint}\n{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)]
        )
        return cursor.fetchone()[0]


def _stored(response: HttpResponse) -> dict:
    if isinstance(response, Response):
        content = json.loads(JSONRenderer().render(response.data)) if response.data is not None else None
    else:
        content = json.loads(response.content) if response.content else None
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    return {"content": content, "headers": headers}


def _replay(request, kept: IdempotencyKey) -> HttpResponse:
    headers = kept.response["headers"] | {REPLAYED: "true"}
    content = kept.response["content"]
    if isinstance(request, Request):
        return Response(content, status=kept.status, headers=headers)
    if content is None:
        return HttpResponse(status=kept.status, headers=headers)
    return JsonResponse(content, status=kept.status, headers=headers, safe=False)
