"""What a table is called, what narrows it in words, and where its cases are listed."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.statistics import names, sql, tables


def rows_url(stat: str) -> str:
    """The console with the cases behind a figure."""
    return f"{reverse('console')}?{urlencode({'view': 'all', 'stat': stat}, safe=',;:=.|')}"


def title(asked: tables.Asked) -> str:
    """What a table is called in a file: "Closing · Area · 2026-11 · Karamay"."""
    where = names.of("area", [asked.area], asked.question)[asked.area]
    parts = [asked.table.label, names.DIMENSIONS[asked.by], asked.period.label, where]
    words = [str(part) for part in parts] + [chip["label"] for chip in chips(asked)]
    if asked.borders:
        words.append(_("borders of %s") % asked.borders.isoformat())
    return " · ".join(words)


def chips(asked: tables.Asked, address=lambda params: "") -> list[dict]:
    """What narrows the table, in words, each with the address without it."""
    found = []
    forced = not asked.user.scope.areas(sql.PERMISSION)
    for name, value in asked.of.items():
        if name == "area":
            continue
        words = names.of(name, [value], asked.question)[value]
        without = "" if forced and name == "unit" else address(asked.params(**{name: None}))
        found.append({"label": words, "without": without})
    return found
