"""Accounts of the city that is measured, and sessions as if they had logged in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from geo.models import Grant, User


def holding(role: str, *, areas: Iterable[int] | None = None, unit: bool | None = None) -> list[User]:
    """Active accounts with a role, in order: over areas of so many digits, or by a unit; else over any."""
    grants = Grant.objects.filter(role__code=role, valid_to=None, user__is_active=True)
    grants = grants.filter(user__must_change_password=False).select_related("user").order_by("user_id", "pk")
    found = {}
    for grant in grants:
        fits = areas is None or len(grant.area_code) in areas
        if fits and (unit is None or (grant.unit_id is not None) == unit):
            found.setdefault(grant.user_id, grant.user)
    return list(found.values())


def one(role: str, **which) -> User:
    """The first of them; a demo account with a name, where there is one."""
    found = holding(role, **which)
    if not found:
        raise SystemExit(f"nobody here holds the role {role} as is needed: load the demo city")
    return found[0]


@contextmanager
def logged_in(users: Iterable[User]):
    """The keys of sessions, one for each user (twice the same: two sessions); they end with the block."""
    keys = []
    try:
        for user in users:
            store = SessionStore()
            store[SESSION_KEY] = str(user.pk)
            store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
            store[HASH_SESSION_KEY] = user.get_session_auth_hash()
            store.save()
            keys.append(store.session_key)
        yield keys
    finally:
        Session.objects.filter(session_key__in=keys).delete()
