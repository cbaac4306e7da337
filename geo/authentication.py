"""Name and password with each request (HTTP Basic), for programs: GDAL, QGIS, scripts."""

import hashlib
import hmac
import time
from collections import OrderedDict

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed

from geo.models import User

# Hashing a password costs a third of a second on purpose; who asks for a hundred tiles pays it once.
_KEPT_SECONDS = 60
_KEPT_AT_MOST = 1000
_kept: OrderedDict[bytes, tuple[int, str, float]] = OrderedDict()


class Basic(BasicAuthentication):
    """Basic authentication that counts wrong passwords like the log-in page and wants an own one first."""

    def authenticate_credentials(self, userid, password, request=None):
        said = f"{userid}\0{password}".encode()
        key = hmac.digest(settings.SECRET_KEY.encode(), said, hashlib.sha256)
        user = _remembered(key)
        if user is None:
            # The plain request underneath is what the lock-out keeps its notes on.
            user, _nothing = super().authenticate_credentials(
                userid, password, getattr(request, "_request", request)
            )
            _kept[key] = (user.pk, user.password, time.monotonic() + _KEPT_SECONDS)
            while len(_kept) > _KEPT_AT_MOST:
                _kept.popitem(last=False)
        if user.must_change_password:
            raise AuthenticationFailed(_("Choose your own password first."))
        return user, None


def _remembered(key: bytes) -> User | None:
    """Whoever gave this name and password a moment ago, unless the account changed since."""
    pk, password, until = _kept.get(key, (0, "", 0.0))
    if until < time.monotonic():
        _kept.pop(key, None)
        return None
    return User.objects.filter(pk=pk, password=password, is_active=True).first()
