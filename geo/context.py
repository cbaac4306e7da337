"""What every page's frame needs."""

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from geo.menu import menu
from geo.models import Area, Notice


def shell(request) -> dict:
    """The desk's frame: menu, city, scopes. Lazy, so that fragments and error pages cost nothing."""
    return {"city_code": settings.CITY_CODE, "shell": SimpleLazyObject(lambda: _frame(request))}


def _frame(request) -> dict:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    city = Area.objects.filter(code=settings.CITY_CODE, valid_to=None).values_list("name", flat=True).first()
    return {
        "city": city or "",
        "menu": menu.groups_for(user, request.path),
        "messages_url": _address("desk-messages"),
        "unread": Notice.objects.filter(user=user, read_at=None).count(),
        "password_url": _address("password_change"),
    }


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
