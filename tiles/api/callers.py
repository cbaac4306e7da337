"""Who asks, for clients with a session and for those that only know Basic authentication (GDAL, QGIS)."""

import hashlib
import hmac
import time

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed

from geo.problems import Problem, problem_response

# A password takes a quarter of a second to check and such clients send it with every tile.
REMEMBER_S = 60
_known: dict[bytes, tuple[float, int, str]] = {}


def caller(request):
    """The user of a request; a problem 401 if it brings a wrong password."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if request.user.is_authenticated or not header.lower().startswith("basic "):
        return request.user
    digest = hmac.digest(settings.SECRET_KEY.encode(), header.encode(), hashlib.sha256)
    until, user_id, password = _known.get(digest, (0, 0, ""))
    if time.monotonic() < until:
        user = get_user_model().objects.filter(pk=user_id, is_active=True, password=password).first()
        if user is not None:
            return user
    try:
        answer = BasicAuthentication().authenticate(request)
    except AuthenticationFailed as error:
        raise Problem(str(error.detail), status=401, kind="not-authenticated") from error
    if answer is None:
        raise Problem(_("Log in first."), status=401, kind="not-authenticated")
    user = answer[0]
    if len(_known) > 1000:
        _known.clear()
    _known[digest] = (time.monotonic() + REMEMBER_S, user.pk, user.password)
    return user


def refused(problem: Problem) -> HttpResponse:
    """A problem as an answer; a 401 says that Basic is understood."""
    response = problem_response(problem)
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="wangge", charset="UTF-8"'
    return response
