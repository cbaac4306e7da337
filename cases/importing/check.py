"""What would become of each row: everything that is wrong with it, in which column, and what would be right.

All rows are checked together, a few statements for a whole file; only a place outside the city asks once more
for how far away it is.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import gettext as _

from assets.models import Component, ItemType
from cases import flow
from cases.actions import Contact, Place
from cases.importing import columns
from cases.models import Case, CaseImport
from geo.coordinates import CoordinateError, crs_name, to_wgs84
from grids.queries import find

OK, THERE, NEW, BAD = "ok", "there", "new", "bad"
NAMESPACE = uuid.UUID("6b0a2f0e-4c0f-5b5e-9a34-1f7d9a3c2e70")
# So many similar names are told for a type that is not known.
HINTS = 5


@dataclass
class Checked:
    """A row with what it means, or with what is wrong."""

    row: int
    values: dict
    key: uuid.UUID
    problems: list[dict] = field(default_factory=list)
    type: ItemType | None = None
    component: Component | None = None
    place: Place | None = None
    words: dict = field(default_factory=dict)
    number: str = ""
    there: bool = False

    @property
    def reference(self) -> str:
        return self.values.get("reference", "")

    @property
    def contact(self) -> Contact:
        return Contact(self.values.get("name", ""), self.values.get("phone", ""))

    def wrong(self, column: str, detail: str) -> None:
        self.problems.append({"column": column, "detail": detail})

    def fate(self, name: str = "") -> dict:
        """As it is kept and shown; without the contact."""
        return {
            "row": self.row,
            "reference": self.reference,
            "fate": name or (THERE if self.there else BAD if self.problems else OK),
            "number": self.number,
            "problems": self.problems,
        }


def key_of(sha256: str, row: dict) -> uuid.UUID:
    """The client key of a row: the same for the same row of the same file, whoever sends it however often."""
    return uuid.uuid5(NAMESPACE, f"{sha256}:{row.get('reference') or row['row']}")


def check(user, sha256: str, rows: list[dict]) -> list[Checked]:
    """Judge the rows of a file for who would report them; nothing is written."""
    checked = [Checked(row["row"], row, key_of(sha256, row)) for row in rows]
    _already_there(user, checked)
    _same_reference(user, checked)
    open_rows = [one for one in checked if not one.there]
    for one in open_rows:
        for key, (_label, _width, most) in columns.COLUMNS.items():
            if len(one.values.get(key, "")) > most:
                one.wrong(key, _("At most %(most)d characters; there are %(n)d.") % _sizes(one, key, most))
    _words(open_rows)
    _types(open_rows)
    _components(user, open_rows)
    _places(open_rows)
    for one in open_rows:
        _together(one)
    return checked


def _sizes(one: Checked, key: str, most: int) -> dict:
    return {"most": most, "n": len(one.values[key])}


def _already_there(user, checked: list[Checked]) -> None:
    """Rows of this very file that became cases before, whoever brought it; numbers only within scope."""
    keys = [one.key for one in checked]
    there = set(Case.objects.filter(client_key__in=keys).values_list("client_key", flat=True))
    seen = Case.objects.for_user(user).filter(client_key__in=there)
    numbers = dict(seen.values_list("client_key", "number"))
    for one in checked:
        one.there = one.key in there
        one.number = numbers.get(one.key, "")


def _same_reference(user, checked: list[Checked]) -> None:
    """A reference stands for one case: not twice in a file, nor again from a file of mine of this week."""
    first: dict[str, int] = {}
    earlier: dict[str, str] = {}
    for fates in CaseImport.objects.filter(owner=user, created__gt=0).values_list("fates", flat=True):
        for fate in fates:
            if fate["reference"] and fate["fate"] in (NEW, THERE):
                earlier[fate["reference"]] = fate["number"]
    for one in checked:
        if not one.reference:
            continue
        if one.reference in first:
            one.there, one.number = False, ""
            one.wrong("reference", _("Row %d has the same reference number.") % first[one.reference])
            continue
        first[one.reference] = one.row
        if not one.there and one.reference in earlier:
            one.there, one.number = True, earlier[one.reference]


def _words(rows: list[Checked]) -> None:
    known = columns.known_words()
    for one in rows:
        for column, words in known.items():
            text = one.values.get(column, "")
            if column == "kind" and not text:
                continue
            if not text and column in ("flow", "source"):
                one.words[column] = flow.CITY if column == "flow" else Case.Source.IMPORT
            elif text.lower() in words:
                one.words[column] = words[text.lower()]
            else:
                one.wrong(
                    column,
                    _("“%(text)s” is not known. Possible: %(known)s.")
                    % {"text": text[:40], "known": "、".join(offered(column))},
                )


def offered(column: str) -> list[str]:
    """The words a column takes, in the language in hand."""
    if column == "flow":
        return [str(words) for _name, words in columns.flows()]
    if column == "source":
        return [str(source.label) for source in columns.SOURCES]
    if column == "kind":
        return [row.name for row in columns.kinds()]
    return [_("Yes"), _("No")]


def _types(rows: list[Checked]) -> None:
    """By code, by name, or by name and code; where several carry it, all are told."""
    if not any(one.values.get("type") for one in rows):
        return
    known: dict[str, list[ItemType]] = defaultdict(list)
    active = list(ItemType.objects.filter(active=True))
    for row in active:
        for word in {row.full_code, row.name, row.name_en.lower(), *written(row)} - {""}:
            known[word].append(row)
    for one in rows:
        text = one.values.get("type", "")
        if not text:
            continue
        found = columns.standard_first(known.get(text) or known.get(text.lower()) or [])
        if len(found) == 1:
            one.type = found[0]
        elif found:
            one.wrong(
                "type",
                _("“%(text)s” may be several; write one of: %(known)s.")
                % {"text": text[:40], "known": "、".join(written(row)[0] for row in found[:HINTS])},
            )
        else:
            near = columns.standard_first([row for row in active if text[:2] in row.name])[:HINTS]
            detail = _("There is no type “%s”.") % text[:40]
            if near:
                detail += " " + _("Similar: %s.") % "、".join(written(row)[0] for row in near)
            one.wrong("type", detail)


def written(row: ItemType) -> tuple[str, str]:
    """A type as the template offers it: clear even where names or codes repeat."""
    kind = {"component": "部件", "event": "事件"}[row.kind]
    return f"{row.name} {kind}{row.full_code}", f"{kind}{row.full_code}"


def _components(user, rows: list[Checked]) -> None:
    codes = {one.values["component"] for one in rows if one.values.get("component")}
    if not codes:
        return
    visible = Component.objects.for_user(user).filter(code__in=codes).select_related("type")
    found = {row.code: row for row in visible}
    for one in rows:
        code = one.values.get("component")
        if not code:
            continue
        one.component = found.get(code)
        if one.component is None:
            one.wrong("component", _("There is no component %s, or not within your scope.") % code)
        elif one.type and one.type.kind == ItemType.Kind.COMPONENT and one.type.pk != one.component.type_id:
            one.wrong(
                "type",
                _("Component %(code)s is of type “%(is)s”, not “%(given)s”.")
                % {"code": code, "is": one.component.type, "given": one.type},
            )


def _places(rows: list[Checked]) -> None:
    """Coordinates where there are any, else the component's place; then which lie outside the city."""
    for one in rows:
        lon, lat = one.values.get("lon", ""), one.values.get("lat", "")
        if not (lon or lat):
            if one.component is not None:
                one.place = Place(one.component.geom)
            elif not one.values.get("component"):
                one.wrong("lon", _("Give longitude and latitude, or the code of a component."))
            continue
        try:
            x, y = float(lon.replace(",", ".")), float(lat.replace(",", "."))
        except ValueError:
            bad = "lat" if lon and _is_number(lon) else "lon"
            one.wrong(bad, _("A number is needed, for example 116.397128."))
            continue
        try:
            crs = crs_name(one.values.get("crs") or "wgs84")
        except CoordinateError as error:
            one.wrong("crs", str(error))
            continue
        try:
            east, north = to_wgs84(x, y, crs)
        except CoordinateError as error:
            one.wrong("lon", str(error))
            continue
        one.place = Place(Point(east, north, srid=4326), raw_lon=x, raw_lat=y, crs=crs)
    placed = [one for one in rows if one.place is not None]
    for at in _outside([one.place.point for one in placed]):
        one = placed[at]
        # It may be a coordinate of another system or a number too few: how far away it is tells.
        one.wrong("lon" if one.values.get("lon") else "component", find(one.place.point).outside_in_words())


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _outside(points: list[Point]) -> list[int]:
    """Which of the points (EPSG:4326) lie in no area of today; one statement by index."""
    if not points:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select n - 1 from unnest(%s::float8[], %s::float8[]) with ordinality as p(lon, lat, n)"
            " where coalesce(wangge_area_at(ST_SetSRID(ST_MakePoint(lon, lat), 4326)), '') = '' order by n",
            [[point.x for point in points], [point.y for point in points]],
        )
        return [row[0] for row in cursor.fetchall()]


def _together(one: Checked) -> None:
    """What only some columns together can tell."""
    life, values = one.words.get("flow"), one.values
    if life == flow.COMPLAINT and not values.get("kind"):
        one.wrong("kind", _("A complaint needs its kind: %s.") % "、".join(offered("kind")))
    if life and life != flow.COMPLAINT and values.get("kind"):
        one.wrong("kind", _("Only a complaint has a kind; leave it empty."))
    if life in (flow.COMPLAINT, flow.LETTER) and not values.get("description"):
        one.wrong("description", _("Say what it is about."))
    elif not (values.get("description") or values.get("type") or values.get("component")):
        one.wrong("description", _("Say what it is about, or give its type."))
