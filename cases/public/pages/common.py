"""What the residents' pages share: refusals in plain words, the question against programs, positions."""

from __future__ import annotations

import functools
import uuid

from django.conf import settings
from django.contrib.gis.geos import Point
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from cases.actions import Place
from cases.public import limits
from geo import captcha
from geo.coordinates import CoordinateError, to_wgs84
from geo.problems import Problem, problem_response
from grids.models import RawPosition

LARGE = "large"


def wants_json(request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def page(view):
    """A page for everybody: kept by nobody in between; what is refused is said in the pages' own frame."""

    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            return refused(request, problem)

    return never_cache(wrapper)


def refused(request, problem: Problem):
    """A problem as a document for scripts, as a page for people."""
    if wants_json(request):
        response = problem_response(problem)
    else:
        response = show(request, "problem", {"problem": problem}, status=problem.status)
    if wait := problem.extra.get("retry_after"):
        response["Retry-After"] = str(wait)
    return response


def show(request, name: str, context: dict | None = None, status: int = 200):
    """Render a page with what its frame needs."""
    about = {
        "large": request.COOKIES.get(LARGE) == "1",
        "hotline": settings.PUBLIC_HOTLINE,
        "honeypot": limits.HONEYPOT,
        "here": request.path,
    }
    return render(request, f"cases/public/{name}.html", about | (context or {}), status=status)


def missing(words: str = "") -> Problem:
    return Problem(words or _("There is no such page."), status=404, kind="not-found")


def question(request, limit: limits.Limit) -> dict | None:
    """A new question against programs where one is asked now, for the template."""
    return new_question(request) if limits.asks(request, limit) else None


def new_question(request) -> dict:
    captcha.renew(request.session, words="words" in request.GET)
    return {
        "words": captcha.question(request.session),
        "picture": f"{reverse('public:captcha-picture')}?{timezone.now().timestamp():.0f}",
    }


def key_of(data) -> uuid.UUID:
    """The key that the form brought; a damaged one is a damaged form."""
    try:
        return uuid.UUID(data.get("client_key", ""))
    except ValueError:
        detail = _("The form was damaged on its way; open it again.")
        raise Problem(detail, status=400, kind="form") from None


def place_of(data) -> Place | None:
    """The position in a form, converted to WGS-84; ``None`` when there is none."""
    lon, lat = data.get("lon", "").strip(), data.get("lat", "").strip()
    if not lon or not lat:
        return None
    crs = data.get("crs", "").strip() or "wgs84"
    try:
        raw = float(lon), float(lat)
        x, y = to_wgs84(*raw, crs)
        accuracy = float(data["accuracy"]) if data.get("accuracy") else None
    except (ValueError, CoordinateError) as error:
        detail = str(error) if isinstance(error, CoordinateError) else _("The position cannot be read.")
        raise Problem(detail, errors=[{"pointer": "/lon", "detail": detail}]) from None
    sources = (RawPosition.Source.BROWSER, RawPosition.Source.EXIF, RawPosition.Source.MAP)
    source = data.get("position_source", "")
    return Place(
        Point(round(x, 7), round(y, 7), srid=4326),
        raw_lon=raw[0],
        raw_lat=raw[1],
        crs=crs.lower()[:12],
        source=source if source in sources else RawPosition.Source.MAP,
        accuracy_m=accuracy if accuracy is not None and 0 <= accuracy < 1e6 else None,
    )


def json(data: dict, **more) -> JsonResponse:
    return JsonResponse(data, json_dumps_params={"ensure_ascii": False}, **more)
