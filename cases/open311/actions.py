"""What outside systems send: a report, and an update to one they sent.

One key sends one after the other (its row is locked), so that of two sends under one id the second finds what
the first made. Links to photos are kept as text for staff, and the server never opens them: it would fetch
whatever address a stranger names, and nobody could say whose photo it is. Device and account ids are not
kept at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from assets.models import Building, Component, ItemType
from cases import actions, repeats
from cases.models import Case, Open311Key, Open311Post, ReporterContact, Transition
from cases.open311 import asking, keys, services
from geo.problems import Problem

HEADER = "Idempotency-Key"
MOST_LINKS = 9
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,60})\](\[\])?")
# What says who sends and how, not what is sent.
_NOT_CONTENT = {"api_key", "idempotency_key", "update_id", "jurisdiction_id"}


@dataclass(frozen=True)
class Answer:
    """What was sent, and whether an earlier send of it had arrived already."""

    post: Open311Post
    is_new: bool


def send_request(request) -> Answer:
    """Begin a case from the form of a POST. Its answer, and a problem for whatever is wrong with it."""
    form = request.POST
    with transaction.atomic():
        key = keys.sender(request)
        client_id = _client_id(request, "idempotency_key")
        if known := _sent_before(key, Open311Post.Kind.REQUEST, client_id, form):
            return Answer(known, False)
        keys.count(key)
        type = _service(form)
        links = _links(form, type)
        said, component = _attributes(form, type)
        place, address = _place(form)
        token = uuid.uuid5(uuid.UUID(hex=key.sha256[:32]), client_id) if client_id else uuid.uuid4()
        contact, email = _contact(form)
        case, _is_new = actions.report(
            None,
            actions.Place(place),
            client_key=token,
            source=Case.Source.PUBLIC,
            type=type,
            component=component,
            description=asking.text(form, "description", 4000),
            address=address,
            contact=contact,
        )
        if email:
            ReporterContact.objects.update_or_create(case=case, defaults={"email": email})
        line = _note(case, key, _words(key, links, said), links, said)
        post = _keep(key, Open311Post.Kind.REQUEST, case, line, client_id, form, links, said, token)
    return Answer(post, True)


def send_update(request) -> Answer:
    """Add words to a request that was sent under the same key. It moves nothing: staff read it."""
    form = request.POST
    with transaction.atomic():
        key = keys.sender(request)
        client_id = _client_id(request, "update_id")
        if known := _sent_before(key, Open311Post.Kind.UPDATE, client_id, form):
            return Answer(known, False)
        keys.count(key)
        number = asking.text(form, "service_request_id", 24)
        if not number:
            raise asking.wrong(_("service_request_id is missing: the number of the request it is about."))
        sent = Open311Post.objects.filter(key=key, kind=Open311Post.Kind.REQUEST, case__number=number)
        if not sent.exists():
            raise Problem(_("No request “%s” was sent under this api_key.") % number, status=404)
        case = Case.objects.select_for_update(of=("self",)).select_related("type").get(number=number)
        if not case.is_open:
            raise asking.wrong(
                _("Request %s is closed. If the problem is still there, send a new request.") % number
            )
        status = asking.text(form, "status", 20).lower()
        if status not in ("", "open", "closed"):
            raise asking.wrong(_("status is open or closed, not “%s”.") % status)
        asking.moment(form, "updated_datetime")
        links = _links(form, case.type)
        words = asking.text(form, "description", 400)
        if not (words or links or status):
            raise asking.wrong(_("An update needs a description, a media_url or a status."))
        with translation.override(settings.LANGUAGE_CODE):
            if status == "closed":
                words = " ".join([words, _("The sender takes it for settled.")]).strip()
        line = _note(case, key, "\n".join([words, *links]), links, {"status": status} if status else {})
        post = _keep(key, Open311Post.Kind.UPDATE, case, line, client_id, form, links, {}, uuid.uuid4())
    return Answer(post, True)


# --- Sending twice ----------------------------------------------------------------------------------


def _client_id(request, field: str) -> str:
    value = request.headers.get(HEADER, "").strip() or request.POST.get(field, "").strip()
    if value and not re.fullmatch(r"[\x21-\x7e]{1,80}", value):
        raise asking.wrong(
            _("An id of your own (%(name)s) has at most 80 visible ASCII characters.") % {"name": field}
        )
    return value


def _fingerprint(form) -> str:
    content = sorted((name, form.getlist(name)) for name in form if name not in _NOT_CONTENT)
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _sent_before(key: Open311Key, kind: str, client_id: str, form) -> Open311Post | None:
    if not client_id:
        return None
    posts = Open311Post.objects.filter(key=key, kind=kind, client_id=client_id)
    post = posts.select_related("case__type").first()
    if post is not None and post.body_sha256 != _fingerprint(form):
        raise asking.wrong(_("Something else was sent under this id of yours; a new one needs a new id."))
    return post


def _keep(key, kind, case, line, client_id, form, links, said, token) -> Open311Post:
    return Open311Post.objects.create(
        key=key,
        kind=kind,
        case=case,
        line=line,
        token=token,
        client_id=client_id,
        body_sha256=_fingerprint(form),
        media_url=links,
        attributes=said,
        at=timezone.now(),
    )


# --- What is in the form ----------------------------------------------------------------------------


def _service(form) -> ItemType:
    code = asking.text(form, "service_code", 60)
    if not code:
        raise asking.wrong(_("service_code is missing; services.json and services.xml list those there are."))
    return services.service(code)


def _place(form) -> tuple[Point, str]:
    """Where it is: lat and long, else the building by its code or by its name or address."""
    point, address = asking.point(form), asking.text(form, "address_string", 200)
    if point is not None:
        return point, address
    if code := asking.text(form, "address_id", 40):
        building = Building.objects.filter(code=code).first()
        if building is None or building.anchor is None:
            raise asking.wrong(
                _("There is no address_id “%s”; send lat and long in degrees of WGS-84.") % code
            )
        return building.anchor, address or building.address or building.name
    if not address:
        raise asking.wrong(
            _("The place is missing: send lat and long in degrees of WGS-84, an address_id, or an address.")
        )
    found = Building.objects.filter(Q(name=address) | Q(address=address), anchor__isnull=False)
    buildings = list(found.order_by("code")[:2])
    if len(buildings) != 1:
        raise asking.wrong(
            _("address_string alone does not say where “%s” is; send lat and long in degrees of WGS-84 too.")
            % address
        )
    return buildings[0].anchor, address


def _links(form, type: ItemType | None) -> list[str]:
    links = [one.strip() for one in form.getlist("media_url") if one.strip()]
    if links and type is not None and type.no_photo:
        raise asking.wrong(_("For “%s” no photo is kept: it is about a person who needs help.") % type)
    if len(links) > MOST_LINKS:
        raise asking.wrong(_("At most %d links to photos.") % MOST_LINKS)
    for link in links:
        try:
            parts = urlsplit(link)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or len(link) > 500 or " " in link:
            raise asking.wrong(
                _("media_url must be an http or https address of at most 500 characters, not “%s”.")
                % link[:80]
            )
    return links


def _attributes(form, type: ItemType) -> tuple[dict, Component | None]:
    """The attributes of the service's definition; one that is not in it is refused by name."""
    known = {one["code"]: one for one in services.attributes(type)}
    said, component = {}, None
    for name in form:
        if not (match := _ATTRIBUTE.fullmatch(name)):
            continue
        code, values = match[1], [one.strip() for one in form.getlist(name) if one.strip()]
        if code not in known:
            raise asking.wrong(
                _("Service %(code)s has no attribute “%(name)s”; its definition has: %(known)s.")
                % {"code": services.code_of(type), "name": code, "known": ", ".join(known) or "–"}
            )
        if len(values) > 1:
            raise asking.wrong(_("Attribute “%s” takes one value.") % code)
        if not values:
            continue
        if code == services.CONDITION:
            row = services.condition(type, values[0])
            if row is None:
                keys_known = ", ".join(one["key"] for one in known[code]["values"])
                raise asking.wrong(
                    _("Attribute “%(name)s” takes one of: %(known)s.") % {"name": code, "known": keys_known}
                )
            said[code] = row.condition
        else:
            component = Component.objects.filter(code=values[0], type=type).first()
            if component is None:
                raise asking.wrong(
                    _("There is no %(type)s with the code “%(code)s”; leave it out if you cannot read it.")
                    % {"type": type, "code": values[0][:40]}
                )
            said[code] = component.code
    return said, component


def _contact(form) -> tuple[actions.Contact | None, str]:
    first, last = asking.text(form, "first_name", 60), asking.text(form, "last_name", 60)
    name = f"{first} {last}".strip() if (first + last).isascii() else last + first
    if len(name) > 60:
        raise asking.wrong(_("first_name and last_name have at most 60 characters together."))
    phone, email = asking.text(form, "phone", 30), asking.text(form, "email", 254)
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise asking.wrong(
                _("email is no address; leave it out or send one as name@example.org.")
            ) from None
    return actions.Contact(name, phone) if name or phone or email else None, email


# --- The log ----------------------------------------------------------------------------------------


def _words(key: Open311Key, links: list[str], said: dict) -> str:
    """For staff, in the language of the house: which system sent it, and what came along."""
    with translation.override(settings.LANGUAGE_CODE):
        lines = [_("Sent by %s.") % key.label]
        if services.CONDITION in said:
            lines.append(_("Condition: %s") % said[services.CONDITION])
        return "\n".join([*lines, *links])


def _note(case: Case, key: Open311Key, words: str, links: list[str], said: dict) -> Transition:
    """A line of the case's log beside its moves, as whoever sees the same problem again leaves one."""
    detail = {"open311": key.label, "media_url": links} | said
    return repeats.note(case, None, words=words, detail=detail)
