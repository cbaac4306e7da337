"""Open311 GeoReport v2: the specification's methods, each as JSON and XML.

Reading needs no account; sending needs a key. Errors are the specification's lists of code and description.
"""

from __future__ import annotations

import functools
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from cases import public_view
from cases.open311 import actions, asking, keys, queries, services
from cases.open311.render import respond
from geo.models import Area
from geo.problems import Problem, disk_full, is_disk_full

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
FORM = "application/x-www-form-urlencoded"


def endpoint(root: str, **methods):
    """A view of one resource: by method, a function that gives the answer's data or a response.

    GET answers what the language asked for says; anybody's page may read it (no cookie is looked at).
    """

    def view(request, form: str, **arguments) -> HttpResponse:
        handler = methods.get("get" if request.method == "HEAD" else request.method.lower())
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
        elif handler is None:
            response = _errors(Problem(_("Only %s is possible here.") % _allowed(methods), status=405), form)
        else:
            try:
                _check_jurisdiction(request)
                # No code of ours has one, and the database takes none.
                data = handler(request, **{name: one.replace("\x00", "") for name, one in arguments.items()})
                headers = {}
                if isinstance(data, tuple):
                    data, headers = data
                response = respond(root, data, form)
                for name, value in headers.items():
                    response[name] = value
            except Problem as problem:
                response = _errors(problem, form)
            except (RequestDataTooBig, TooManyFieldsSent):
                response = _errors(Problem(_("The request is too big."), status=400), form)
            except OSError as error:
                if not is_disk_full(error):
                    raise
                response = _errors(disk_full(), form)
        response["Allow"] = _allowed(methods)
        response["Access-Control-Allow-Origin"] = "*"
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = _allowed(methods)
            response["Access-Control-Allow-Headers"] = ", ".join([actions.HEADER, *keys.HEADERS])
        patch_vary_headers(response, ["Accept-Language"])
        if request.method not in ("GET", "HEAD") or response.status_code != 200:
            response["Cache-Control"] = "no-store"
        elif not response.has_header("Cache-Control"):
            response["Cache-Control"] = "public, max-age=60"
        return response

    return csrf_exempt(functools.wraps(methods["get"])(view))


def _allowed(methods) -> str:
    return ", ".join([*(name.upper() for name in methods), "OPTIONS"])


def _errors(problem: Problem, form: str) -> HttpResponse:
    """The specification knows 403, 404 and 400 for everything else; those of the transport stay."""
    kept = (403, 404, 405, 429, 503, 507)
    status = problem.status if problem.status in kept else 400
    said = list(dict.fromkeys(str(error["detail"]) for error in problem.errors)) or [str(problem.detail)]
    response = respond("errors", [{"code": status, "description": one} for one in said], form, status)
    if wait := problem.extra.get("retry_after"):
        response["Retry-After"] = str(wait)
    return response


def _check_jurisdiction(request) -> None:
    given = (request.POST.get("jurisdiction_id") or request.GET.get("jurisdiction_id") or "").strip()
    if given and given not in (settings.CITY_CODE, settings.OPEN311_JURISDICTION):
        known = settings.OPEN311_JURISDICTION or settings.CITY_CODE
        raise Problem(
            _("There is no jurisdiction_id “%(given)s” here; leave it out or send “%(known)s”.")
            % {"given": given[:60], "known": known},
            status=404,
        )


def _site(request) -> str:
    return f"{request.scheme}://{request.get_host()}"


# --- Discovery and services -------------------------------------------------------------------------


def _discovery(request) -> dict:
    city = Area.objects.filter(code=settings.CITY_CODE, valid_to=None).values_list("name", flat=True).first()
    since = queries.when(services.changeset())
    return {
        "changeset": since,
        "contact": settings.OPEN311_CONTACT or _("The city management centre of %s") % (city or "–"),
        "key_service": settings.OPEN311_KEY_SERVICE
        or _("Keys are given by the city's system administrator; ask the contact above."),
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": _site(request) + reverse("open311"),
                "changeset": since,
                "type": settings.OPEN311_TYPE,
                "formats": ["text/xml", "application/json"],
            }
        ],
    }


def _services(request) -> list[dict]:
    return [services.listed(row) for row in services.in_force()]


def _service(request, service: str) -> dict:
    return services.definition(services.service(service))


# --- Requests ---------------------------------------------------------------------------------------


def _requests(request):
    page = asking.page(request.GET)
    rows, more = page.of(queries.requests(request.GET))
    site, extended = _site(request), request.GET.get("extensions", "").lower() == "true"
    data = [queries.told(one, site, extended=extended) for one in public_view.show(rows)]
    return data, _links(request, page, more)


def _request(request, number: str) -> list[dict]:
    extended = request.GET.get("extensions", "").lower() == "true"
    shown = public_view.shown(queries.request(number))
    return [queries.told(shown, _site(request), extended=extended)]


def _links(request, page: asking.Page, more: bool) -> dict:
    """Where the next and the previous page are, as other servers say it (RFC 8288)."""

    def address(number: int) -> str:
        query = {name: request.GET.getlist(name) for name in request.GET if name != "api_key"}
        return f"{_site(request)}{request.path}?{urlencode(query | {'page': number}, doseq=True)}"

    found = [f'<{address(page.number + 1)}>; rel="next"'] if more else []
    found += [f'<{address(page.number - 1)}>; rel="prev"'] if page.number > 1 else []
    return {"Link": ", ".join(found)} if found else {}


def _need_form(request) -> None:
    if request.content_type not in ("", FORM, "multipart/form-data"):
        raise asking.wrong(_("Send a form (Content-Type: %s), in UTF-8.") % FORM)


def _send_request(request):
    _need_form(request)
    answer = actions.send_request(request)
    case = answer.post.case
    hidden = case.type.no_photo
    notice = _("Received. Staff read it before it is taken up.")
    if hidden:
        notice += " " + _("It is about a person, so what becomes of it is not public.")
    told = {"service_notice": notice, "account_id": None}
    if hidden:
        return [told], {}
    headers = {"Open311-Token": str(answer.post.token)}
    if not answer.is_new:
        headers["Idempotent-Replay"] = "true"
    return [{"service_request_id": case.number} | told], headers


def _token(request, token: str):
    number = queries.number_of(token, keys.known(request))
    return [{"service_request_id": number, "token": token}], {"Cache-Control": "no-store"}


# --- Updates ----------------------------------------------------------------------------------------


def _updates(request):
    page = asking.page(request.GET)
    lines, more = page.of(queries.updates(request.GET))
    return queries.told_updates(lines, _site(request)), _links(request, page, more)


def _send_update(request):
    _need_form(request)
    answer = actions.send_update(request)
    replay = {} if answer.is_new else {"Idempotent-Replay": "true"}
    return [{"update_id": str(answer.post.line_id)}], replay


def _nothing(request, rest: str):
    raise Problem(
        _("Nothing is here. There are: discovery, services, requests, tokens, servicerequestupdates."),
        status=404,
    )


def root(request) -> HttpResponse:
    """The endpoint's own address leads to the discovery."""
    return HttpResponseRedirect(reverse("open311-discovery", args=["xml"]))


discovery = endpoint("discovery", get=_discovery)
service_list = endpoint("services", get=_services)
service_definition = endpoint("service_definition", get=_service)
requests = endpoint("service_requests", get=_requests, post=_send_request)
request = endpoint("service_requests", get=_request)
token = endpoint("service_requests", get=_token)
updates = endpoint("service_request_updates", get=_updates, post=_send_update)
nothing = endpoint("errors", get=_nothing, post=_nothing)
