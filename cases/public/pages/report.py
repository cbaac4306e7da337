"""Reporting a problem: one page, the photo first, at a component by its plate or anywhere else."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assets.models import Component, ItemType
from cases.actions import Place
from cases.models import PublicReport
from cases.public import actions, codes, limits, queries
from cases.public.actions import Contact, Sent, field_problem
from cases.public.pages.common import (
    json,
    key_of,
    missing,
    new_question,
    page,
    place_of,
    question,
    refused,
    show,
    wants_json,
)
from geo import attachments, captcha
from geo.models import Attachment
from geo.problems import Problem
from geo.texts import all_fitting
from grids.models import RawPosition
from grids.queries import require_inside

DONE_SECONDS = 3600
FIELDS = (
    *("topic", "type", "description", "address", "lon", "lat", "position_source", "accuracy"),
    *("name", "phone", "proof", "same"),
)
PHOTO_BYTES = 15 * 1024 * 1024


@page
@require_http_methods(["GET", "POST"])
def report(request):
    """The form, and what it sends."""
    return _send(request, None) if request.method == "POST" else _form(request, None, request.GET)


@page
@require_http_methods(["GET", "POST"])
def at_component(request, code: str):
    """The form for the component whose plate was read: kind and place are known."""
    if request.method == "GET":
        limits.take(limits.PLATE_HERE, limits.here(request))
    component = queries.plate(code)
    if component is None:
        raise missing(_("No component has this number any more. Report the problem by photo and place."))
    return _send(request, component) if request.method == "POST" else _form(request, component, request.GET)


def _form(request, component: Component | None, data, problem: Problem | None = None, **more):
    """The page, with what was filled in already and what is wrong with it."""
    errors = {}
    for error in problem.errors if problem else ():
        errors.setdefault(error.get("pointer", "").strip("/"), error["detail"])
    filled = {name: str(data.get(name, ""))[:1000] for name in FIELDS}
    chosen = _type(filled["type"]) if filled["type"] else None
    context = {
        "component": component,
        "topics": queries.topics() if component is None else [],
        "chosen_type": chosen,
        "data": filled,
        "tokens": more.get("tokens") or _tokens(data),
        "errors": errors,
        "problem": problem,
        "near": more.get("near"),
        "note": more.get("note", ""),
        "client_key": data.get("client_key") or uuid.uuid4(),
        "phone": settings.PUBLIC_PHONE,
        "most_photos": actions.MOST_PHOTOS,
        "captcha": question(request, limits.REPORT_HERE),
        "proved": bool(_proved(filled["phone"], filled["proof"])),
    }
    return show(request, "report", context, status=problem.status if problem else 200)


def _tokens(data) -> list[str]:
    found = data.getlist("photo") if hasattr(data, "getlist") else []
    return [one[:200] for one in found if _photo(one)][: actions.MOST_PHOTOS]


def _photo(token: str) -> Attachment | None:
    """The photo that a token of the staging endpoint stands for."""
    kept = codes.read_token("photo", token, actions.PHOTO_HOURS * 3600)
    return Attachment.objects.filter(uuid=kept, owner=None).first() if kept else None


def _type(text: str) -> ItemType | None:
    found = (
        ItemType.objects.filter(pk=int(text), active=True) if text.isdecimal() and len(text) < 10 else None
    )
    return found.first() if found is not None else None


def _proved(phone: str, proof: str) -> bool:
    kept = codes.read_token("proof", proof, 3600)
    return bool(kept) and kept == codes.contact_hash(phone)


def _send(request, component: Component | None):
    data = request.POST
    if limits.is_program(request):
        return redirect("public:home")
    tokens, proof = [], ""
    try:
        key = key_of(data)
        if known := PublicReport.objects.filter(client_key=key).select_related("case").first():
            return _done(request, known, key)
        tokens, photos = _photos(request)
        proof = _proof(request)
        if "send_code" in data:
            _code(request)
            note = _("A code was sent to this number. It counts for ten minutes.")
            return _form(request, component, data, tokens=tokens, note=note)
        sent = _sent(data, key, component, photos, proof)
        if not data.get("near"):
            found = queries.near_reports(sent.place.point, sent.type, component)
            if found:
                return _nearby(request, component, data, tokens, found)
        if data.get("same") and not data.get("near_none"):
            made, _secret, _new = _limited(request, lambda: actions.me_too(data["same"][:24], sent))
        else:
            made, _secret, _new = _limited(request, lambda: actions.report(sent))
    except Problem as problem:
        if problem.kind in ("blocked", "form") or wants_json(request):
            problem.extra |= {"photos": tokens, "proof": proof}
            return _blocked(request, problem) if problem.kind == "blocked" else refused(request, problem)
        return _form(request, component, data, problem, tokens=tokens)
    return _done(request, made, key)


def _limited(request, act):
    """One report more from here: the question against programs, and the limit."""
    limits.check_captcha(request, limits.REPORT_HERE)
    limits.take(limits.REPORT_HERE, limits.here(request))
    return act()


def _photos(request) -> tuple[list[str], list[Attachment]]:
    """Photos that were staged before, and those that came with the form (without scripts)."""
    tokens, files = _tokens(request.POST), request.FILES.getlist("photos")
    if len(tokens) + len(files) > actions.MOST_PHOTOS:
        raise field_problem("photos", _("At most %d photos.") % actions.MOST_PHOTOS)
    for file in files:
        stored = _stage(request, file)
        tokens.append(codes.token("photo", str(stored.uuid)))
    return tokens, [photo for photo in map(_photo, tokens) if photo]


def _stage(request, file) -> Attachment:
    limits.take(limits.UPLOAD, limits.here(request))
    if file.size > PHOTO_BYTES:
        raise field_problem("photos", _("A photo may have 15 MB at most."), status=413)
    stored, _new = attachments.store(None, file)
    if not stored.is_image:
        raise field_problem("photos", _("This is no photo."))
    return stored


def _sent(data, key, component: Component | None, photos: list[Attachment], proof: str) -> Sent:
    """What was filled in, or a problem that names every field in which something is wrong."""
    errors = []
    topic = data.get("topic", "")
    type = component.type if component else _type(data.get("type", ""))
    if type is None and topic.isdecimal():
        type = next((one.type for one in queries.topics() if one.pk == int(topic)), None)
    description = data.get("description", "").strip()
    if component is None and not type and not topic:
        errors.append({"pointer": "/topic", "detail": _("Choose what kind of problem it is.")})
    if not description and not photos:
        errors.append(
            {"pointer": "/description", "detail": _("Add a photo or describe the problem in words.")}
        )
    if len(description) > 500:
        errors.append({"pointer": "/description", "detail": _("At most 500 characters.")})
    said = {}
    try:
        said = all_fitting(data, address=200, name=60, phone=30)
    except Problem as problem:
        errors += problem.errors
    place = _place(data, component, photos)
    if place is None:
        errors.append({"pointer": "/lon", "detail": _("Say where it is: by your position or on the map.")})
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    require_inside(place.point)
    return Sent(
        client_key=key,
        place=place,
        type=type,
        component=component,
        description=description,
        address=said["address"],
        photos=photos,
        contact=Contact(
            name=said["name"],
            phone=said["phone"],
            proved=_proved(data.get("phone", ""), proof),
        ),
    )


def _place(data, component: Component | None, photos: list[Attachment]) -> Place | None:
    """Of a component its own; else what the form says; else where a photo was taken."""
    if component is not None:
        return Place(component.anchor, source=RawPosition.Source.COMPONENT)
    if place := place_of(data):
        return place
    taken = next((photo.exif_position for photo in photos if photo.exif_position), None)
    return Place(taken, raw_lon=taken.x, raw_lat=taken.y, source=RawPosition.Source.EXIF) if taken else None


def _nearby(request, component, data, tokens, found):
    if wants_json(request):
        return json({"near": found, "photos": tokens})
    return _form(request, component, data, near=found, tokens=tokens)


def _done(request, made: PublicReport, key):
    """On to the page with number and secret: by a token, so that a reload sends nothing again."""
    address = f"{reverse('public:done')}?k={codes.token('done', [made.pk, str(key)])}"
    response = json({"next": address}) if wants_json(request) else HttpResponseRedirect(address)
    codes.remember(request, response, "r", made.pk)
    return response


@page
@require_GET
def done(request):
    """Number and secret, to be written down; a link to follow it."""
    kept = codes.read_token("done", request.GET.get("k", ""), DONE_SECONDS)
    made = PublicReport.objects.filter(pk=kept[0]).select_related("case").first() if kept else None
    if made is None:
        return redirect("public:mine")
    secret = codes.secret_for(uuid.UUID(kept[1]))
    link = request.build_absolute_uri(reverse("public:open", args=[made.case.number, secret]))
    context = {"report": made, "secret": codes.shown(secret), "link": link, "too": made.line_id is not None}
    return show(request, "done", context)


# --- Beside the form --------------------------------------------------------------------------------


@page
@require_POST
def stage_photo(request):
    """Keep a photo that a report will name; what it says about where and when it was taken."""
    file = request.FILES.get("file")
    if file is None:
        raise field_problem("photos", _("No photo arrived."))
    stored = _stage(request, file)
    taken = stored.exif_position
    return json(
        {
            "token": codes.token("photo", str(stored.uuid)),
            "lon": taken.x if taken else None,
            "lat": taken.y if taken else None,
        },
        status=201,
    )


@page
@require_POST
def near(request):
    """Open reports around a position, which is sent in the body and kept nowhere."""
    limits.take(limits.LOOK_HERE, limits.here(request))
    place = place_of(request.POST)
    if place is None:
        raise field_problem("lon", _("The position cannot be read."))
    type = _type(request.POST.get("type", ""))
    topic = request.POST.get("topic", "")
    if type is None and topic.isdecimal():
        type = next((one.type for one in queries.topics() if one.pk == int(topic)), None)
    return json({"near": queries.near_reports(place.point, type, None)})


@page
@require_GET
def types(request):
    """Kinds of problems that match a few words."""
    text = request.GET.get("q", "").strip()[:30]
    rows = queries.types_like(text) if text else []
    return json({"types": [{"id": row.pk, "label": str(row), "class": row.class_name} for row in rows]})


@page
@require_POST
def send_code(request):
    """Send a code to a phone; with ``code`` see whether it is the right one."""
    if request.POST.get("code"):
        return json({"proof": _proof(request)})
    _code(request)
    return json({"sent": True})


def _code(request) -> None:
    phone = request.POST.get("phone", "")
    if not codes.is_phone(phone):
        raise field_problem("phone", _("This is no phone number. A mobile has 11 digits."))
    limits.check_captcha(request, limits.CODE_HERE)
    limits.take(limits.CODE_HERE, limits.here(request))
    actions.check_block(phone)
    actions.send_code("sms", phone)


def _proof(request) -> str:
    """A token that says the phone is the sender's: the one that came, or a new one for the right code."""
    data = request.POST
    if _proved(data.get("phone", ""), data.get("proof", "")):
        return data["proof"]
    if not data.get("code"):
        return ""
    if not actions.prove(data.get("phone", ""), data["code"]):
        raise field_problem("code", _("The code is wrong or too old. Have another sent."))
    return codes.token("proof", codes.contact_hash(data["phone"]))


@page
@require_GET
def captcha_fragment(request):
    """Another question, as a part of a form."""
    return show(request, "captcha", {"captcha": new_question(request)})


@page
@require_GET
def captcha_picture(request):
    image = captcha.picture(request.session)
    if not image:
        raise missing()
    return HttpResponse(image, content_type="image/png")


def _blocked(request, problem: Problem):
    if wants_json(request):
        problem.extra["next"] = f"{reverse('public:appeal')}?k={problem.extra['appeal']}"
        return refused(request, problem)
    return show(request, "blocked", {"problem": problem, "token": problem.extra["appeal"]}, status=403)


@page
@require_http_methods(["GET", "POST"])
def appeal(request):
    """Say why a block is wrong."""
    token = request.POST.get("k") or request.GET.get("k", "")
    if request.method == "GET":
        if codes.read_token("appeal", token, 86400) is None:
            return redirect("public:home")
        return show(request, "blocked", {"token": token})
    try:
        actions.appeal(token, request.POST.get("appeal", ""))
    except Problem as problem:
        return show(request, "blocked", {"token": token, "problem": problem}, status=problem.status)
    return show(request, "blocked", {"appealed": True})
