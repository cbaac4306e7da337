"""Errors that tell what was wrong, where, and what would be right (RFC 9457 problem details)."""

import errno

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import OperationalError
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from psycopg.errors import DiskFull
from rest_framework import exceptions
from rest_framework.views import set_rollback


class Problem(Exception):
    """An action cannot be done. ``errors`` is a list of {"pointer" or "field", "detail"}.

    Raised by actions, which know nothing of HTTP beyond a status that says whose fault it is: 400 the
    request is malformed, 403 not yours, 404 not there, 409 somebody was faster, 422 the content is wrong.
    """

    def __init__(
        self, detail: str, *, status: int = 422, kind: str = "invalid", title: str = "", errors=None, **extra
    ):
        super().__init__(detail)
        self.detail, self.status, self.kind = detail, status, kind
        self.title = title or detail
        self.errors = [{"detail": str(detail), **error} for error in errors or []]
        self.extra = extra

    def as_dict(self) -> dict:
        body = {"type": f"/docs/problems/{self.kind}", "title": str(self.title), "status": self.status}
        body["detail"] = str(self.detail)
        if self.errors:
            body["errors"] = self.errors
        return body | self.extra


def problem_response(problem: Problem) -> JsonResponse:
    return JsonResponse(
        problem.as_dict(),
        status=problem.status,
        content_type="application/problem+json",
        json_dumps_params={"ensure_ascii": False},
    )


def is_disk_full(exception: BaseException) -> bool:
    """Whether files or the database found no room."""
    if isinstance(exception, OSError):
        return exception.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(exception, OperationalError) and isinstance(exception.__cause__, DiskFull)


def disk_full() -> Problem:
    detail = _("The server's disk is full, so nothing was kept. Tell the administrator; send it later.")
    return Problem(detail, status=507, kind="disk-full")


def not_found(request, exception):
    """Django's hook for addresses that lead nowhere: in the API a problem document, elsewhere the page."""
    if request.path.startswith("/api/"):
        return problem_response(Problem(_("Nothing is at this address."), status=404, kind="not-found"))
    return defaults.page_not_found(request, exception)


def server_error(request):
    """Django's hook for our own faults: in the API a problem document, elsewhere the page."""
    if request.path.startswith("/api/"):
        detail = _("Something failed on the server. Nothing was changed.")
        return problem_response(Problem(detail, status=500, kind="server-error"))
    return defaults.server_error(request)


def _flatten(detail, pointer="") -> list[dict]:
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in _flatten(value, f"{pointer}/{key}")]
    if isinstance(detail, list):
        return [row for value in detail for row in _flatten(value, pointer)]
    return [{"pointer": pointer or "/", "detail": str(detail)}]


def exception_handler(exception, context):
    """DRF's hook: every API error becomes a problem document."""
    set_rollback()
    if isinstance(exception, Problem):
        problem = exception
    elif isinstance(exception, Http404):
        problem = Problem(_("Not found, or not within your scope."), status=404, kind="not-found")
    elif isinstance(exception, PermissionDenied):
        problem = Problem(str(exception) or _("You may not do this."), status=403, kind="forbidden")
    elif isinstance(exception, ValidationError):
        errors = _flatten(getattr(exception, "message_dict", exception.messages))
        problem = Problem(_("The content is not valid."), errors=errors)
    elif isinstance(exception, exceptions.ValidationError):
        problem = Problem(_("The content is not valid."), status=422, errors=_flatten(exception.detail))
    elif isinstance(exception, RequestDataTooBig):
        problem = Problem(_("The request is too big."), status=413, kind="too-big")
    elif isinstance(exception, RecursionError):
        # Only what a client sent is nested as deep as it likes.
        problem = Problem(_("The request is nested too deeply."), status=400, kind="parse_error")
    elif is_disk_full(exception):
        problem = disk_full()
    elif type(exception).__module__.startswith("botocore."):  # imported only where photos lie in such a store
        detail = _("The store of photos does not answer. Nothing was changed; try again later.")
        problem = Problem(detail, status=503, kind="store")
    elif isinstance(exception, exceptions.APIException):
        problem = Problem(str(exception.detail), status=exception.status_code, kind=exception.default_code)
    else:
        return None
    response = problem_response(problem)
    if wait := getattr(exception, "wait", None):
        response["Retry-After"] = str(int(wait))
    if header := getattr(exception, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response
