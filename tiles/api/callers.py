"""Who asks, for clients with a session and for those that only know Basic authentication (GDAL, QGIS)."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed

from geo.authentication import Basic
from geo.problems import Problem, problem_response


def caller(request):
    """The user of a request; a problem 401 if it brings a wrong password."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if request.user.is_authenticated or not header.lower().startswith("basic "):
        return request.user
    try:
        answer = Basic().authenticate(request)
    except AuthenticationFailed as error:
        raise Problem(str(error.detail), status=401, kind="not-authenticated") from error
    if answer is None:
        raise Problem(_("Log in first."), status=401, kind="not-authenticated")
    return answer[0]


def refused(problem: Problem) -> HttpResponse:
    """A problem as an answer; a 401 says that Basic is understood."""
    response = problem_response(problem)
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="wangge", charset="UTF-8"'
    return response
