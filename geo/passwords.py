"""Rules for passwords beyond those of Django."""

import secrets
import string

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Without what looks alike on paper.
_READABLE = "".join(set(string.ascii_letters + string.digits) - set("0O1lI"))


class MixedCharacters:
    """At least ``kinds`` of: small letters, capital letters, digits, other characters."""

    def __init__(self, kinds: int = 3):
        self.kinds = kinds

    def validate(self, password, user=None):
        found = (
            any(letter.islower() for letter in password),
            any(letter.isupper() for letter in password),
            any(letter.isdigit() for letter in password),
            any(not letter.isalnum() for letter in password),
        )
        if sum(found) < self.kinds:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self):
        return _("Use at least %(kinds)d of: small letters, capital letters, digits, other characters.") % {
            "kinds": self.kinds
        }


class NotUsedBefore:
    """Neither the present password nor one of those before it (``settings.PASSWORD_HISTORY`` in all)."""

    def validate(self, password, user=None):
        if not settings.PASSWORD_HISTORY or getattr(user, "pk", None) is None:
            return
        former = user.former_passwords.order_by("-id")[: settings.PASSWORD_HISTORY - 1]
        for kept in (user.password, *former.values_list("password", flat=True)):
            if check_password(password, kept):
                raise ValidationError(self.get_help_text(), code="password_used_before")

    def get_help_text(self):
        return _("Choose a password that is not one of your last %(count)d.") % {
            "count": settings.PASSWORD_HISTORY
        }


def temporary() -> str:
    """A password to be told once and changed at the first log-in; it satisfies the rules."""
    body = "".join(secrets.choice(_READABLE) for _letter in range(12))
    tail = secrets.choice("abc") + secrets.choice("XYZ") + secrets.choice("23456")
    return f"{body[:4]}-{body[4:8]}-{body[8:]}-{tail}"
