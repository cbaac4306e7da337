"""What every page's frame needs."""

from django.conf import settings


def shell(request) -> dict:
    return {"city_code": settings.CITY_CODE}
