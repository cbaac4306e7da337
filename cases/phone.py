"""Pages of the phone app (``/m/``): one shell for every screen, its service worker, manifest and data.

The shell tells nothing about anybody, so a phone may keep it; what it shows comes from the API and from the
phone's own store (``static/cases/phone/store.js``).
"""

import hashlib
import json
import re
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases import phone_queries
from geo.problems import Problem, problem_response
from geo.templatetags.dist import dist_url

app_name = "phone"

DIST = Path(settings.BASE_DIR) / "static" / "dist"
WORKER = "phone-sw.worker.js"


@require_GET
@never_cache
def shell(request, screen: str = ""):
    """The one page of the app; which screen it shows is read from the address by the browser."""
    return render(request, "cases/phone/shell.html")


def shell_files() -> list[str]:
    """Addresses of all that the app needs to open without a signal, in the language of the request.

    The build names its chunks by content, so following the names from the entry finds exactly those of this
    build, also the ones that are only loaded when a map is opened.
    """
    found, open_names = [], ["phone.js"]
    while open_names:
        name = open_names.pop()
        if name in found or not (DIST / name).exists():
            continue
        found.append(name)
        text = (DIST / name).read_text(encoding="utf-8")
        open_names += sorted(set(re.findall(r"chunk-[A-Za-z0-9_-]+\.js", text)))
    return [
        reverse("phone:home"),
        f"{reverse('jsi18n')}?{get_language()}",
        *(dist_url(name) for name in [*found, "kit.css", "phone.css"]),
        static("geo/icons.svg"),
        static("geo/mark.svg"),
    ]


@require_GET
@never_cache
def worker(request):
    """The service worker, told its files and a version that changes with any of them."""
    files = shell_files()
    script = (DIST / WORKER).read_text(encoding="utf-8") if (DIST / WORKER).exists() else ""
    digest = hashlib.sha256(script.encode())
    digest.update(render_to_string("cases/phone/shell.html", request=request).encode())
    for name in (DIST / "manifest.json", *sorted(DIST.glob("chunk-*.js"))):
        if name.exists():
            digest.update(name.name.encode() + str(name.stat().st_size).encode())
    digest.update(json.dumps(files).encode())
    about = json.dumps({"version": digest.hexdigest()[:12], "files": files})
    response = HttpResponse(f"self.SHELL = {about};\n{script}", content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = reverse("phone:home")
    return response


@require_GET
def manifest(request):
    """The web app manifest, in the language of the request."""
    body = {
        "id": reverse("phone:home"),
        "name": _("Wangge"),
        "short_name": _("Wangge"),
        "description": _("Report, verify and handle in the grid, also without a signal"),
        "lang": "zh-CN" if get_language() == "zh-hans" else get_language(),
        "start_url": reverse("phone:home"),
        "scope": reverse("phone:home"),
        "display": "standalone",
        "background_color": "#eef2f2",
        "theme_color": "#0f3d44",
        "icons": [
            {"src": static(f"cases/phone-{size}.png"), "sizes": f"{size}x{size}", "purpose": "any maskable"}
            for size in (192, 512)
        ],
        "shortcuts": [{"name": _("Report a problem"), "url": reverse("phone:screen", args=["report"])}],
    }
    return JsonResponse(
        body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )


@require_GET
@never_cache
def session(request):
    """Who is signed in on this phone, with a fresh CSRF token: asked before anything is sent."""
    user = request.user
    return JsonResponse(
        {
            "user": {"id": user.pk, "name": str(user)} if user.is_authenticated else None,
            "csrf": get_token(request),
            "language": get_language(),
        }
    )


def _signed_in(view):
    """Answer 401 as JSON instead of a redirect: a screen asks here, not a person."""

    def wrapped(request):
        if not request.user.is_authenticated:
            return problem_response(Problem(_("Sign in to see this."), status=401, kind="not_authenticated"))
        return JsonResponse(view(request), json_dumps_params={"ensure_ascii": False})

    return require_GET(never_cache(wrapped))


@_signed_in
def base(request):
    """What a worker needs without a signal: own grids, the components in and near them, and the types."""
    return phone_queries.base(request.user)


@_signed_in
def messages(request):
    """What happened to this user's cases, newest first."""
    return {"results": phone_queries.messages(request.user)}


urlpatterns = [
    path("", shell, name="home"),
    path("sw.js", worker, name="worker"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("session", session, name="session"),
    path("data/base", base, name="base"),
    path("data/messages", messages, name="messages"),
    path("<path:screen>", shell, name="screen"),
]
