"""Entering and checking base maps."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import audit
from geo.problems import Problem
from tiles import capabilities
from tiles.drop import forget
from tiles.models import BaseMap
from tiles.upstream import Source

PERMISSION = "geo.manage_settings"


def source_of(basemap: BaseMap) -> Source:
    """A base map as the proxy and the check know it."""
    names = (
        *("name", "title", "service", "url", "projection", "key", "layer", "style", "image_format"),
        *("matrix_set", "level_offset", "matrices", "min_level", "max_level", "timeout_s", "attribution"),
        "is_overlay",
    )
    extent = basemap.extent.extent if basemap.extent else None
    return Source(**{name: getattr(basemap, name) for name in names}, extent=extent)


def check_basemap(basemap: BaseMap, place=None, transport=None) -> list[dict]:
    """Read the service's capabilities and one tile, note what was found, and return what is wrong."""
    if basemap.service == BaseMap.Service.OWN:
        return []
    findings = capabilities.check(source_of(basemap), place, transport)
    basemap.matrices = findings.matrices
    basemap.problem = " ".join(one["detail"] for one in findings.errors)[:300]
    basemap.checked_at = timezone.now()
    if basemap.pk:
        basemap.save(update_fields=["matrices", "problem", "checked_at"])
    return findings.errors


@transaction.atomic
def save_basemap(actor, basemap: BaseMap, place=None, transport=None) -> BaseMap:
    """Keep a base map that was entered. One that is switched on must have been read and found right.

    A problem 403 without the right, 422 with an error for each field that is wrong.
    """
    if not actor.can(PERMISSION):
        raise Problem(_("You may not change base maps."), status=403, kind="forbidden")
    basemap.full_clean()
    errors = check_basemap(basemap, place, transport) if basemap.active else []
    if errors:
        raise Problem(_("The base map's service does not fit what was entered."), errors=errors)
    new = basemap.pk is None
    basemap.save()
    audit.log(actor, "tiles.basemap_added" if new else "tiles.basemap_changed", basemap)
    # What was kept may be another service's, or one that nobody shall see any more.
    transaction.on_commit(lambda: forget(Path(settings.BASEMAP_CACHE) / basemap.name))
    return basemap
