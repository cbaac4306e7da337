"""Search for anything: each app names what can be found of it in its ``search.py``.

A ``Finder`` gets the user and the text and returns what the user may see, few and best first. Residents,
households and reporters are never searchable, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from geo.models import Area
from geo.registry import finders

EACH = 5
LONGEST = 80


@dataclass(frozen=True)
class Finder:
    """One group of results: ``find(user, text, limit)`` returns rows made by ``found``."""

    id: str
    label: str
    find: Callable
    order: int = 100


def found(title: str, detail: str = "", *, code: str = "", url: str = "", place=None) -> dict:
    """One result; ``place`` is a point in EPSG:4326 where the map can go."""
    return {
        "title": title,
        "detail": detail,
        "code": code,
        "url": url,
        "lon": place.x if place else None,
        "lat": place.y if place else None,
    }


def search(user, text: str) -> list[dict]:
    """Groups of results for a text, empty ones left out: [{"id", "label", "results"}]."""
    text = " ".join(text.replace("\x00", "").split())[:LONGEST]
    if len(text) < 2:
        return []
    groups = []
    for finder in sorted(finders.values(), key=lambda finder: finder.order):
        if rows := finder.find(user, text, EACH):
            groups.append({"id": finder.id, "label": str(finder.label), "results": rows})
    return groups


def find_areas(user, text: str, limit: int) -> list[dict]:
    """Areas by code or name."""
    rows = Area.objects.for_user(user).filter(valid_to=None).defer("geom", "geom_3857")
    rows = rows.filter(code__startswith=text) if text.isdecimal() else rows.filter(name__contains=text)
    return [
        found(
            row.name,
            row.get_level_display(),
            code=row.code,
            place=row.label_point,
        )
        for row in rows.order_by("code")[:limit]
    ]


finders.register(Finder("area", _("Areas"), find_areas, order=50))
