"""Secrets of residents: the code of a report, hashes of numbers and addresses, what a browser remembers.

The code of a report is computed from the key that the browser made up for it, so that a form that is sent
twice is answered twice with the same code; what is stored is a hash of it. Everything is keyed with the
server's secret: the database alone neither gives a code away nor tells whether a number is in it.
"""

from __future__ import annotations

import hmac
import re
import uuid

from django.core import signing
from django.utils.crypto import salted_hmac

# Without what looks alike, on paper and by telephone: 31 characters, eight of them are 39 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8
COOKIE = "own_reports"
COOKIE_PATH = "/public/"
COOKIE_DAYS = 180
REMEMBERED = 20
_SALT = "cases.public."


def _digest(purpose: str, text: str) -> bytes:
    return salted_hmac(f"{_SALT}{purpose}", text, algorithm="sha256").digest()


def secret_for(client_key: uuid.UUID, what: str = "report") -> str:
    """The code that belongs to what was sent under this key."""
    number = int.from_bytes(_digest(f"secret.{what}", str(client_key)), "big")
    letters = []
    for _place in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def shown(secret: str) -> str:
    """A code as it is read out: two groups of four."""
    return f"{secret[:4]} {secret[4:]}"


def typed(text: str) -> str:
    """A code as somebody typed it: case, spaces and dashes do not matter; at most what a code can have."""
    return re.sub(r"[^0-9A-Z]", "", (text or "").upper())[: LENGTH * 2]


def secret_hash(number: str, secret: str) -> str:
    """What is stored of a code, bound to the number it opens."""
    return _digest("hash", f"{number} {secret}").hex()


def is_secret(number: str, secret: str, kept: str) -> bool:
    return hmac.compare_digest(secret_hash(number, typed(secret)), kept)


def contact_hash(contact: str) -> str:
    """The keyed hash of a phone number or an address; "" of none."""
    plain = plain_contact(contact)
    return _digest("contact", plain).hex() if plain else ""


def plain_contact(contact: str) -> str:
    """A number without spaces, dashes and the country's +86; an address in small letters."""
    text = (contact or "").strip().lower()
    if "@" in text:
        return text
    digits = re.sub(r"\D", "", text)
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def is_phone(text: str) -> bool:
    """A mobile number, or a landline with its area code."""
    digits = plain_contact(text)
    return bool(re.fullmatch(r"1[3-9]\d{9}|0\d{9,11}", digits))


def address_hash(purpose: str, text: str) -> str:
    """The keyed hash of a network address, for counting how often; other purposes give other hashes."""
    return _digest(f"count.{purpose}", text or "").hex()[:40]


# --- Tokens -----------------------------------------------------------------------------------------


def token(purpose: str, value) -> str:
    """A signed value that goes to the browser and comes back."""
    return signing.dumps(value, salt=f"{_SALT}{purpose}", compress=False)


def read_token(purpose: str, text: str, max_age: int):
    """The value of a token, or ``None`` when it is not ours or too old (seconds)."""
    try:
        return signing.loads(text or "", salt=f"{_SALT}{purpose}", max_age=max_age)
    except signing.BadSignature:
        return None


# --- What the browser remembers ---------------------------------------------------------------------


def remembered(request) -> list[str]:
    """What this browser may open without the code, newest first: "r12" is a report, "s3" a suggestion."""
    kept = read_token("own", request.COOKIES.get(COOKIE, ""), COOKIE_DAYS * 86400)
    if not isinstance(kept, list):
        return []
    return [one for one in kept if isinstance(one, str) and re.fullmatch(r"[rs]\d{1,18}", one)]


def may_open(request, kind: str, pk: int) -> bool:
    return f"{kind}{pk}" in remembered(request)


def remember(request, response, kind: str, pk: int, *, long: bool = True) -> None:
    """Let this browser open a report again: for half a year, or until it is closed.

    The cookie is signed, not readable by scripts, and sent to the residents' pages alone.
    """
    mark = f"{kind}{pk}"
    kept = [mark, *(one for one in remembered(request) if one != mark)][:REMEMBERED]
    _set(request, response, kept, long=long)


def forget(request, response, kind: str = "", pk: int = 0) -> None:
    """Take one, or everything, out of this browser's memory."""
    mark = f"{kind}{pk}"
    kept = [one for one in remembered(request) if one != mark] if kind else []
    if kept:
        _set(request, response, kept, long=True)
    else:
        response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Lax")


def _set(request, response, kept: list[str], *, long: bool) -> None:
    response.set_cookie(
        COOKIE,
        token("own", kept),
        max_age=COOKIE_DAYS * 86400 if long else None,
        path=COOKIE_PATH,
        httponly=True,
        secure=request.is_secure(),
        samesite="Lax",
    )
