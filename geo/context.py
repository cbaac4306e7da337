"""What every page's frame needs."""

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from geo import landing, sessions
from geo.menu import menu
from geo.models import Area, Grant, Notice


def shell(request) -> dict:
    """The desk's frame: menu, city, scopes. Lazy, so that fragments and error pages cost nothing."""
    return {"city_code": settings.CITY_CODE, "shell": SimpleLazyObject(lambda: _frame(request))}


def _frame(request) -> dict:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    if not getattr(request, "from_phone_too", False):
        sessions.at_desk(request)
    city = Area.objects.filter(code=settings.CITY_CODE, valid_to=None).values_list("name", flat=True).first()
    scopes = _scopes(user)
    return {
        "idle_left": sessions.left(request),
        "idle_warning": sessions.warning(request),
        "scopes": scopes,
        "scope": next((one for one in scopes if one["current"]), None),
        "city": city or "",
        "menu": menu.groups_for(user, request.path),
        "messages_url": _address("desk-messages"),
        "unread": Notice.objects.filter(user=user, read_at=None).count(),
        "password_url": _address("password_change"),
        "phone_url": "/?desk=0" if landing.phone_url(user) else "",
        "outside": landing.works_outside(user),
    }


def _scopes(user) -> list[dict]:
    """The user's grants to choose from, if there are several: what they are, where, and which is chosen."""
    grants = list(Grant.objects.filter(user=user).select_related("role", "unit").order_by("id"))
    if len(grants) < 2:
        return []
    codes = [grant.area_code for grant in grants if grant.area_code]
    names = dict(Area.objects.filter(code__in=codes, valid_to=None).values_list("code", "name"))
    chosen = getattr(user, "chosen_grant", None)
    rows = [
        {
            "id": grant.pk,
            "label": str(
                grant.unit or names.get(grant.area_code, grant.area_code) or _("Own rows and duties")
            ),
            "role": grant.role.name,
            "icon": "unit" if grant.unit_id else "map" if grant.area_code else "user",
            "current": grant.pk == chosen,
        }
        for grant in grants
    ]
    every = {"id": "", "label": _("All my roles"), "role": "", "icon": "users"}
    return [every | {"current": not any(row["current"] for row in rows)}, *rows]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
