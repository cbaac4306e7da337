"""Sessions that nobody uses end: when that is, what counts as use, and telling it.

A session keeps when it was last used. Requests count, except those that a page makes by itself: it says so in
a header when nobody has touched mouse or keys for a minute, and some addresses never count. A session logged
in for the phone app lasts longer, until it opens a page of the console.
"""

import math
import time
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import UpdateError
from django.urls import reverse
from django.utils import timezone

_USED, _PHONE = "used_at", "phone"
# The page says: nobody is here, I ask by myself.
AWAY = "X-Wangge-Away"
# Seconds; a session is written at most so often for having been used.
_STEP = 60
_NEVER_COUNT = ("/api/events/token", "/tiles/", "/basemaps/", "/m/session", "/login/captcha.png")


def begin(request) -> None:
    """A log-in: from here the session lasts its time and no longer, however much it is used."""
    until = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    request.session.set_expiry(until)
    request.session[_USED] = int(time.time())
    request.session[_PHONE] = False


def lead(request, address: str) -> None:
    """The log-in leads to this address: one that opens the phone app makes the session a phone's."""
    request.session[_PHONE] = address.startswith("/m/")


def at_desk(request) -> None:
    """A page of the console is shown: from here on it is no phone's session any more."""
    if request.session.get(_PHONE):
        request.session[_PHONE] = False


def limit(request) -> int:
    """Seconds that this session may lie unused; 0 for any time."""
    if _USED not in request.session or request.user.get_username() in settings.SESSION_IDLE_EXEMPT:
        return 0
    return settings.SESSION_IDLE_PHONE if request.session.get(_PHONE) else settings.SESSION_IDLE


def left(request) -> int:
    """Seconds until this session ends if nobody does anything; 0 if it has no such end."""
    most = limit(request)
    return max(1, math.ceil(request.session.get(_USED, 0) + most - time.time())) if most else 0


def warning(request) -> int:
    """Seconds before the end at which the user is told."""
    return min(settings.SESSION_IDLE_WARNING, limit(request) // 2)


def stay(request) -> None:
    """Somebody is there, and says so."""
    if _USED in request.session:  # not so for who sends name and password with each request
        request.session[_USED] = int(time.time())


def used(request) -> bool:
    """Whether the session is still good; a request that counts makes it last anew."""
    session, now = request.session, int(time.time())
    if not request.user.is_authenticated:
        return True  # switched off, or the password was changed: others say so
    # A session from before there was a clock begins now.
    since = now - session.setdefault(_USED, now)
    most = limit(request)
    if most and since >= most:
        return False
    counts = AWAY not in request.headers and not request.path.startswith(_NEVER_COUNT)
    counts = counts and request.path != reverse("session")
    if session.modified or (counts and most and since >= min(_STEP, most / 4)):
        session[_USED] = now if counts else session[_USED]
        try:
            # At once: what another request writes meanwhile is not overwritten at the end of this one.
            session.save()
        except UpdateError:
            return False
        session.modified = False
    return True


def end(request) -> None:
    """Log out a session that nobody used."""
    request.unused = True
    logout(request)


def home(request) -> str:
    """Where this session's user works: the phone app or the desk."""
    return "/m/" if request.session.get(_PHONE) else settings.LOGIN_REDIRECT_URL


def login_address(path: str) -> str:
    """The log-in page, which tells why it is shown and leads back."""
    return f"{reverse('login')}?{urlencode({'ended': 'idle', 'next': path})}"
