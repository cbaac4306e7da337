"""Telephone numbers and mailboxes: what is one, and how it is shown to others."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from geo.models.notifications import Channel

# A mobile number of the mainland, or one with its country's code (E.164).
_MOBILE = re.compile(r"1[3-9]\d{9}|\+[1-9]\d{6,14}")


def clean(channel: str, address: str) -> str:
    """The address as gateways take it; "" when it is none."""
    address = address.strip()
    if channel == Channel.SMS:
        number = re.sub(r"[\s().-]", "", address)
        number = re.sub(r"^(\+86|0086)(?=1)", "", number)
        return number if _MOBILE.fullmatch(number) else ""
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address if len(address) <= 254 else ""


def masked(address: str) -> str:
    """With its middle hidden: ``138****5678``, ``z***@example.cn``."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{address[:3]}****{address[-4:]}" if len(address) >= 9 else "****" if address else ""
