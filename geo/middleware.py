"""Headers and errors common to every answer."""

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from geo import sessions
from geo.problems import Problem, problem_response

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; media-src 'self' blob:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """No script and no style but our own files; a view may widen it by setting the header itself."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "geolocation=(self), camera=(self), microphone=(self)"
        )
        return response


class InPlace:
    """A form sent behind its page is told the address that it leads to, instead of being led there."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.headers.get("X-In-Place") and response.status_code in (302, 303):
            response.headers["X-Location"] = response.headers["Location"]
            del response.headers["Location"]
            response.status_code = 204
        return response


class IdleSessions:
    """A session that nobody uses ends; whoever comes back is told why."""

    # Without anybody's data, or for whoever is logged out anyway.
    OPEN = ("/login/", "/logout/", "/i18n/", "/jsi18n/", "/static/", "/healthz", "/m/", "/public/")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if (
            settings.SESSION_COOKIE_NAME not in request.COOKIES
            or request.path.startswith(("/static/", "/healthz", "/jsi18n/"))
            or SESSION_KEY not in request.session
            or sessions.used(request)
        ):
            return self.get_response(request)
        sessions.end(request)
        if request.path.startswith(self.OPEN):
            return self.get_response(request)
        if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", ""):
            detail = _("You were logged out because nothing was done for a while. Log in again.")
            return problem_response(Problem(detail, status=401, kind="idle"))
        return redirect(sessions.login_address(request.get_full_path()))


class PasswordFirst:
    """Whoever was given a password chooses an own one before anything else."""

    OPEN = ("/login/", "/logout/", "/password/", "/i18n/", "/jsi18n/", "/static/", "/healthz")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # The session is looked at only on paths that need somebody.
        if request.path.startswith(self.OPEN) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        if request.user.is_authenticated and request.user.must_change_password:
            if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", ""):
                detail = _("Choose your own password first.")
                return problem_response(Problem(detail, status=403, kind="password-first"))
            return redirect("password_change")
        return self.get_response(request)


class ChosenGrant:
    """Who has several grants may work under one of them; the session keeps which."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if settings.SESSION_COOKIE_NAME in request.COOKIES and (chosen := request.session.get("grant")):
            request.user.chosen_grant = chosen
        return self.get_response(request)


class Problems:
    """A problem raised by an action outside the API framework becomes a document or a page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # PostgreSQL's text has no NUL; what carries one in its address is no honest question.
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            detail = _("An address has no NUL character.")
            errors = [
                {"field": name, "detail": detail}
                for name, value in request.GET.items()
                if "\x00" in name + value
            ]
            return self._say(request, Problem(detail, status=400, kind="parameter", errors=errors))
        response = self.get_response(request)
        if response.status_code == 405 and not response.streaming and not response.content:
            # Django's own answer to a wrong method is an empty page: the way back to an action, for example.
            detail = _("Nothing can be read at this address; it takes what a button sends.")
            said = self._say(request, Problem(detail, status=405, kind="method"))
            said["Allow"] = response["Allow"]
            return said
        return response

    @staticmethod
    def _say(request, problem):
        """A page for whoever looks at one, the document for programs."""
        if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", ""):
            return problem_response(problem)
        tried = request.method == "GET" and (problem.status in (400, 429) or problem.status >= 500)
        again = request.path if tried and "\x00" not in request.path else ""
        return render(
            request, "geo/problem.html", {"problem": problem, "again": again}, status=problem.status
        )

    def process_exception(self, request, exception):
        return self._say(request, exception) if isinstance(exception, Problem) else None
