"""Who asks for a tile or a page of features, looked up in one question in place of three.

A map asks for dozens of tiles at once, and session, account and grants one after the other took longer than
drawing one, and a quarter of a page of features. Here they are read anew for every request, by one prepared
statement; nothing of them is remembered but whose session a key was, so that they can be asked for together.
What was read is put where Django and ``geo.scopes`` keep it after looking it up, so all checks are theirs.
Whatever is not plainly in order is left to them from the beginning.
"""

from __future__ import annotations

from datetime import date
from functools import cache

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from geo.models import User
from geo.scopes import Granted, grants_in_force
from tiles.queries.session import fetchall

BACKEND = "django.contrib.auth.backends.ModelBackend"  # accounts of others are theirs to look up
MOST = 10_000  # sessions of which the holder is remembered
_holders: dict[str, int] = {}


@cache
def _sql() -> str:
    """A row for each grant in force, or one without; none if the session has ended or the account is gone."""
    inner, params = grants_in_force(0, date.min).query.sql_with_params()
    grants = inner % tuple("%(user)s" if value == 0 else "%(today)s" for value in params)
    columns = ", ".join(f'u."{field.column}"' for field in User._meta.concrete_fields)
    return f"""
        select s.session_data, g.*, {columns}
        from "{Session._meta.db_table}" s
        join "{User._meta.db_table}" u on u.id = %(user)s
        left join ({grants}) g({", ".join(Granted._fields)}) on true
        where s.session_key = %(key)s and s.expire_date > %(now)s
    """


def look_up(request, key: str, user_id: int) -> bool:
    """Read session, account and grants, and keep them with the request; whether all is in order."""
    known = {"key": key, "user": user_id, "now": timezone.now(), "today": timezone.localdate()}
    rows = fetchall(_sql(), known)
    if not rows:
        return False
    end = 1 + len(Granted._fields)
    session = request.session.decode(rows[0][0])
    user = User.from_db("default", [field.attname for field in User._meta.concrete_fields], rows[0][end:])
    if (
        session.get(SESSION_KEY) != str(user.pk)
        or session.get(BACKEND_SESSION_KEY) != BACKEND
        or not user.is_active
        or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    ):
        return False
    user.granted = [Granted(*row[1:end]) for row in rows if row[1] is not None]
    request.session._session_cache = session
    request._cached_user = user
    return True


class CallerAtOnce:
    """Fills in session, user and grants of a request for a tile or features that comes with a session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        path = request.path
        if not key or not (
            path.startswith("/ogc/") or (path.startswith("/tiles/") and path.endswith(".mvt"))
        ):
            return self.get_response(request)
        if (holder := _holders.get(key)) is not None and look_up(request, key, holder):
            return self.get_response(request)
        _holders.pop(key, None)
        response = self.get_response(request)
        if request.user.is_authenticated and request.session.session_key == key:
            if len(_holders) >= MOST:
                _holders.clear()
            _holders[key] = request.user.pk
        return response
