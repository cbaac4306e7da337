"""What a request asks, read and checked: dates, pages, places, lists. Every complaint names what would do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.gis.geos import Point, Polygon
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from geo.problems import Problem

WINDOW = timedelta(days=90)
MOST = 1000
MOST_METRES = 10_000


def wrong(detail: str) -> Problem:
    return Problem(detail, status=400)


def words(query, name: str) -> list[str]:
    """A comma list; it may also be given several times. Empty is the same as not given."""
    given = ",".join(query.getlist(name)).replace("\x00", "")
    return [one.strip() for one in given.split(",") if one.strip()]


def text(query, name: str, most: int) -> str:
    value = query.get(name, "").replace("\x00", "").strip()
    if len(value) > most:
        raise wrong(_("%(name)s has at most %(most)d characters.") % {"name": name, "most": most})
    return value


def moment(query, name: str) -> datetime | None:
    """A time with its zone, as the W3C note has it ("2010-01-01T00:00:00Z")."""
    value = query.get(name, "").strip()
    if not value:
        return None
    try:
        # A plus sign that a client did not escape arrives as a space.
        found = parse_datetime(value.replace(" ", "+") if "T" in value else value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise wrong(
            _("%(name)s must be a time with its zone, as in 2026-01-01T00:00:00Z, not “%(value)s”.")
            % {"name": name, "value": value[:60]}
        )
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise wrong(_("%s is out of range.") % name) from None


def window(query, since: str, until: str, *, default: bool) -> tuple[datetime, datetime] | None:
    """A range of at most 90 days. One end alone reaches 90 days; neither is the last 90 if ``default``."""
    start, end = moment(query, since), moment(query, until)
    if start is None and end is None:
        if not default:
            return None
        end = timezone.now()
    try:
        start, end = start or end - WINDOW, end or start + WINDOW
    except OverflowError:
        raise wrong(_("%s is out of range.") % since) from None
    if end < start:
        raise wrong(_("%(until)s lies before %(since)s.") % {"since": since, "until": until})
    if end - start > WINDOW:
        raise wrong(
            _("From %(since)s to %(until)s are more than 90 days; ask for less at a time.")
            % {"since": since, "until": until}
        )
    return start, end


def number(query, name: str, least: float, most: float) -> float | None:
    value = query.get(name, "").strip()
    if not value:
        return None
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise wrong(
            _("%(name)s must be a number from %(least)s to %(most)s.")
            % {"name": name, "least": f"{least:g}", "most": f"{most:g}"}
        )
    return found


def point(query) -> Point | None:
    """``lat`` and ``long`` in WGS-84 degrees; both or none."""
    lat, lon = number(query, "lat", -90, 90), number(query, "long", -180, 180)
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        raise wrong(_("lat and long are needed both, in degrees of WGS-84."))
    return Point(lon, lat, srid=4326)


def box(query) -> Polygon | None:
    value = query.get("bbox", "").strip()
    if not value:
        return None
    try:
        west, south, east, north = (float(one) for one in value.split(","))
    except ValueError:
        west = math.nan
    if math.isnan(west) or not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise wrong(_("bbox must be four numbers: west, south, east, north, in degrees of WGS-84."))
    found = Polygon.from_bbox((west, south, east, north))
    found.srid = 4326
    return found


@dataclass(frozen=True)
class Page:
    """Which part of the rows is asked for, from 1."""

    number: int
    size: int

    def of(self, rows: QuerySet) -> tuple[list, bool]:
        """The rows of this page, and whether more follow."""
        first = (self.number - 1) * self.size
        found = list(rows[first : first + self.size + 1])
        return found[: self.size], len(found) > self.size


def page(query) -> Page:
    size = number(query, "page_size", 1, MOST)
    count = number(query, "page", 1, 1_000_000)
    return Page(int(count or 1), int(size or MOST))
