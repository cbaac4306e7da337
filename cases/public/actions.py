"""What residents do: report, say "me too", answer, rate, withdraw, be told. Each is one transaction.

Nobody is logged in: who may do something to a report showed its number and secret before (``pages``).
Every verb takes the key that the browser made up for it, so that a form sent twice counts once.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from assets.models import Component, ItemType
from cases import actions as engine
from cases import flow, repeats
from cases.evidence import Evidence
from cases.models import (
    Case,
    CaseAttachment,
    PublicBlock,
    PublicCode,
    PublicContact,
    PublicQuestion,
    PublicReport,
    ReporterContact,
)
from cases.public import codes, limits, telling
from cases.steps import Given, link_photos
from geo.models import Attachment
from geo.problems import Problem
from geo.texts import fitting

MOST_PHOTOS = 4
CODE_MINUTES = 10
CODE_TRIES = 5
PHOTO_HOURS = 24


@dataclass
class Contact:
    """How the desk may ask back: both may be empty. ``proved`` says that a code came back from the phone."""

    name: str = ""
    phone: str = ""
    proved: bool = False


@dataclass
class Sent:
    """What a resident sends in."""

    client_key: uuid.UUID
    place: engine.Place
    type: ItemType | None = None
    component: Component | None = None
    description: str = ""
    address: str = ""
    photos: list[Attachment] = field(default_factory=list)
    contact: Contact = field(default_factory=Contact)


def field_problem(name: str, detail: str, **more) -> Problem:
    return Problem(detail, errors=[{"pointer": f"/{name}", "detail": detail}], **more)


# --- Reporting --------------------------------------------------------------------------------------


def report(sent: Sent) -> tuple[PublicReport, str, bool]:
    """A new report; with its secret, and whether it is new. A retry under its key gets the first answer."""
    _check_contact(sent.contact)
    with transaction.atomic():
        if known := _known(sent.client_key):
            return known, codes.secret_for(sent.client_key), False
        photos = _free_photos(sent.photos)
        case, _new = engine.report(
            None,
            sent.place,
            client_key=sent.client_key,
            source=Case.Source.PUBLIC,
            type=sent.type,
            component=sent.component,
            description=sent.description,
            address=sent.address,
            photos=[Evidence(uuid=photo.uuid, attachment=photo) for photo in photos],
            contact=engine.Contact(sent.contact.name, sent.contact.phone)
            if sent.contact.name or sent.contact.phone
            else None,
        )
        return _back(case, sent.client_key, None, sent.contact), codes.secret_for(sent.client_key), True


def me_too(number: str, sent: Sent) -> tuple[PublicReport, str, bool]:
    """Somebody saw a problem that is public already: words and photos are added, with an own secret.

    Refused (409) when the case has ended meanwhile: what is seen after that is a new problem.
    """
    from cases import public_view

    _check_contact(sent.contact)
    with transaction.atomic():
        if known := _known(sent.client_key):
            return known, codes.secret_for(sent.client_key), False
        case = Case.objects.select_for_update(of=("self",)).filter(number=number).first()
        if case is None or not public_view.public_rows().filter(pk=case.pk).exists():
            raise Problem(_("There is no such report."), status=404, kind="not-found")
        if not case.is_open or case.duplicate_of_id:
            raise Problem(
                _("That case has ended meanwhile. Send yours as a new report."), status=409, kind="state"
            )
        line = repeats.note(case, None, words=sent.description, client_key=sent.client_key)
        photos = _free_photos(sent.photos)
        if photos:
            link_photos(case, line, None, [Evidence(uuid=photo.uuid, attachment=photo) for photo in photos])
        return _back(case, sent.client_key, line, sent.contact), codes.secret_for(sent.client_key), True


def _known(client_key: uuid.UUID) -> PublicReport | None:
    return PublicReport.objects.select_related("case").filter(client_key=client_key).first()


def _back(case: Case, client_key: uuid.UUID, line, contact: Contact) -> PublicReport:
    secret = codes.secret_for(client_key)
    made, _new = PublicReport.objects.get_or_create(
        client_key=client_key,
        defaults={
            "case": case,
            "line": line,
            "secret_hash": codes.secret_hash(case.number, secret),
            "contact_hash": codes.contact_hash(contact.phone),
        },
    )
    return made


def _free_photos(photos: list[Attachment]) -> list[Attachment]:
    """The photos, unless one of them belongs to a case already."""
    if len(photos) > MOST_PHOTOS:
        raise field_problem("photos", _("At most %d photos.") % MOST_PHOTOS)
    taken = CaseAttachment.objects.filter(attachment__in=photos)
    if photos and taken.exists():
        raise field_problem("photos", _("One of the photos belongs to another report; choose it again."))
    return photos


def _check_contact(contact: Contact) -> None:
    """What the operator asks of a phone number, limits per number, and blocks."""
    wanted = settings.PUBLIC_PHONE
    if wanted == "none":
        contact.name = contact.phone = ""
        return
    if contact.phone and not codes.is_phone(contact.phone):
        raise field_problem("phone", _("This is no phone number. A mobile has 11 digits."))
    if wanted == "code" and not (contact.phone and contact.proved):
        raise field_problem("phone", _("A phone number is needed here, with the code that was sent to it."))
    if not contact.phone:
        return
    contact.phone = codes.plain_contact(contact.phone)
    check_block(contact.phone)
    limits.take(limits.REPORT_CONTACT, contact.phone)


def check_block(phone: str) -> None:
    """Refuse (403) a blocked number, with the reason, the end, and where to appeal."""
    block = block_of(phone)
    if block is None:
        return
    raise Problem(
        _("Reports from this number are not taken until %(day)s. Reason: %(reason)s. You may appeal.")
        % {
            "day": timezone.localtime(block.expires_at).strftime("%Y-%m-%d"),
            "reason": block.get_reason_display(),
        },
        status=403,
        kind="blocked",
        appeal=codes.token("appeal", block.pk),
    )


def block_of(phone: str) -> PublicBlock | None:
    """The block in force of a number, if any."""
    found = PublicBlock.objects.filter(
        contact_hash=codes.contact_hash(phone), expires_at__gt=timezone.now(), lifted_at=None
    )
    return found.first() if phone else None


def appeal(token: str, words: str) -> PublicBlock:
    """Keep why somebody thinks a block is wrong; once."""
    pk = codes.read_token("appeal", token, 86400)
    words = fitting(words, 1000, "appeal")
    if not words:
        raise field_problem("appeal", _("Say why the block is wrong."))
    with transaction.atomic():
        block = PublicBlock.objects.select_for_update().filter(pk=pk or 0).first()
        if block is None:
            raise Problem(_("This page is too old. Begin again."), status=409, kind="too-old")
        if not block.appeal:
            block.appeal, block.appealed_at = words, timezone.now()
            block.save(update_fields=["appeal", "appealed_at"])
    return block


# --- Codes sent to a phone or a mailbox --------------------------------------------------------------


def send_code(channel: str, address: str) -> None:
    """Send six digits; they count for ten minutes and a few tries."""
    if channel not in telling.channels() and not (channel == "sms" and settings.PUBLIC_PHONE == "code"):
        raise field_problem("channel", _("This way is not offered."))
    # Five a day for one address.
    limits.take(limits.CODE_CONTACT, codes.plain_contact(address))
    code = f"{secrets.randbelow(1_000_000):06d}"
    kept = codes.contact_hash(address)
    with transaction.atomic():
        PublicCode.objects.update_or_create(
            address_hash=kept,
            defaults={
                "code_hash": codes.secret_hash(kept, code),
                "tries": 0,
                "expires_at": timezone.now() + timedelta(minutes=CODE_MINUTES),
            },
        )
        telling.send_code(channel, codes.plain_contact(address), code, get_language())


def prove(address: str, code: str) -> bool:
    """Whether this code was sent there. A right one is used up; after five wrong ones it is void."""
    kept = codes.contact_hash(address)
    with transaction.atomic():
        row = (
            PublicCode.objects.select_for_update()
            .filter(address_hash=kept, expires_at__gt=timezone.now(), tries__lt=CODE_TRIES)
            .first()
        )
        if row is None:
            return False
        if codes.is_secret(kept, code, row.code_hash):
            row.delete()
            return True
        row.tries += 1
        row.save(update_fields=["tries"])
    return False


# --- With a report of one's own ----------------------------------------------------------------------


def answer(report: PublicReport, words: str) -> PublicQuestion:
    """Answer the open question of the desk."""
    words = fitting(words, 500, "answer")
    if not words:
        raise field_problem("answer", _("Write an answer."))
    with transaction.atomic():
        question = PublicQuestion.objects.select_for_update().filter(report=report, answered_at=None).first()
        if question is None:
            raise Problem(_("There is no question that waits for an answer."), status=409, kind="state")
        question.answer, question.answered_at = words, timezone.now()
        question.save(update_fields=["answer", "answered_at"])
    return question


def tell_me(report: PublicReport, channel: str, address: str, code: str) -> PublicContact | None:
    """Be told of this report; without a code one is sent, with the right one it is agreed."""
    if channel not in telling.channels():
        raise field_problem("channel", _("This way is not offered."))
    is_right = codes.is_phone(address) if channel == "sms" else ("@" in address and "." in address)
    if not is_right or len(address) > 120:
        raise field_problem(
            "address", _("This is no phone number.") if channel == "sms" else _("This is no mail address.")
        )
    if not code:
        send_code(channel, address)
        return None
    if not prove(address, code):
        raise field_problem("code", _("The code is wrong or too old. Have another sent."))
    return PublicContact.objects.update_or_create(
        report=report,
        defaults={
            "channel": channel,
            "address": codes.plain_contact(address),
            "language": get_language(),
            "confirmed_at": timezone.now(),
        },
    )[0]


def tell_no_more(report: PublicReport) -> None:
    PublicContact.objects.filter(report=report).delete()


def rate(report: PublicReport, stars: int | None, solved: bool | None, words: str, key=None) -> Case:
    """Stars and whether it is solved, once, when the case is closed or asks for it."""
    if stars not in (1, 2, 3, 4, 5):
        raise field_problem("stars", _("Choose one to five stars."))
    if solved is None:
        raise field_problem("solved", _("Say whether the problem is solved."))
    given = Given(stars=stars, solved=solved, reason=fitting(words, 500, "words"), client_key=key)
    return engine.act_public(_lives_on(report), "rate", given)


def withdraw(report: PublicReport, words: str, key=None) -> Case:
    """Take a report back, as long as nobody was sent. Only whoever reported first can."""
    if report.line_id:
        raise Problem(_("Others reported this problem too; it goes on."), status=409, kind="state")
    reason = fitting(words, 300, "words")
    return engine.act_public(report.case, "withdraw", Given(reason=reason, client_key=key))


def may(case: Case, action: str) -> bool:
    """Whether the reporter can do this now."""
    moves = [
        one for one in flow.flow_of(case).of(action) if one.by == flow.REPORTER and case.state in one.start
    ]
    return any(flow.fits(case, move) for move in moves)


def _lives_on(report: PublicReport) -> Case:
    return report.case.duplicate_of if report.case.duplicate_of_id else report.case


# --- What has served its purpose ----------------------------------------------------------------------


def clean_up() -> dict[str, int]:
    """At night: contacts of cases that ended a while ago, codes that ran out, counters, lost photos."""
    now = timezone.now()
    over = Case.objects.filter(
        state__in=Case.ENDED, updated_at__lt=now - timedelta(days=settings.PUBLIC_CONTACT_DAYS)
    )
    told = PublicContact.objects.filter(report__case__in=over)
    asked = ReporterContact.objects.filter(case__in=over, case__source=Case.Source.PUBLIC)
    return {
        "wishes to be told": told.delete()[0],
        "contacts of residents": asked.delete()[0],
        "codes": PublicCode.objects.filter(expires_at__lt=now).delete()[0],
        "counts": limits.clean_up(),
    }
