"""Where a request comes from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The client's address, if known. Behind our own nginx, which replaces the header, X-Forwarded-For."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.X_ACCEL else ""
    return forwarded.split(",")[0].strip() or request.META.get("REMOTE_ADDR") or None
