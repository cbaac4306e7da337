"""Features: GeoJSON in WGS-84, longitude first, named by the codes that people know."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime

from django.apps import apps
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.contrib.gis.geos import Polygon
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.utils.translation import gettext as _

from geo.problems import Problem
from geo.registry import Layer, TileField
from tiles.api.ogc.common import GEOJSON, address, answer, collection_for, endpoint, link

LIMIT, MOST = 100, 10_000
COUNTED = 10_000  # up to here a count is exact, beyond it is left out
OWN = {"bbox", "bbox-crs", "limit", "offset", "cursor", "datetime", "area", "f"}
CRS84 = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/OGC/0/CRS84h")


def model_field(model, path: str):
    """The model field at the end of an ORM path."""
    field = None
    for step in path.split("__"):
        field = model._meta.pk if step == "pk" else model._meta.get_field(step)
        if field.remote_field is not None:
            model = field.related_model
    return field


def json_type(layer: Layer, field: TileField) -> dict:
    """A property's JSON schema."""
    found = model_field(layer.model_class, field.path)
    if found.choices:
        return {"type": "string", "enum": [value for value, _label in found.choices]}
    for kinds, schema in (
        ((models.BooleanField,), {"type": "boolean"}),
        ((models.DateTimeField,), {"type": "string", "format": "date-time"}),
        ((models.DateField,), {"type": "string", "format": "date"}),
        ((models.IntegerField, models.ForeignKey), {"type": "integer"}),
        ((models.FloatField, models.DecimalField), {"type": "number"}),
    ):
        if isinstance(found, kinds):
            return dict(schema)
    return {"type": "string"}


def _wrong(name: str, text: str) -> Problem:
    return Problem(text, status=400, kind="invalid-parameter", errors=[{"field": name, "detail": text}])


def _whole(request, name: str, default: int, least: int) -> int:
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) >= least):
        raise _wrong(
            name, _("“%(name)s” is a whole number from %(least)d up.") % {"name": name, "least": least}
        )
    return int(text)


def _bbox(text: str) -> Q:
    """A box west,south,east,north (or with heights); one that crosses the date line is two."""
    try:
        numbers = [float(part) for part in text.split(",")]
        if len(numbers) == 6:
            numbers = [*numbers[:2], *numbers[3:5]]
        west, south, east, north = numbers
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError
    except ValueError:
        text = _("“bbox” is west,south,east,north in degrees (WGS-84, longitude first).")
        raise _wrong("bbox", text) from None
    boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    condition = Q()
    for left, right in boxes:
        box = Polygon.from_bbox((left, south, right, north))
        box.srid = 4326
        condition |= Q(geom__intersects=box)
    return condition


def _instant(text: str) -> date | None:
    if text in ("", ".."):
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        return datetime.fromisoformat(text.replace("Z", "+00:00")).date()
    except ValueError:
        example = _("“datetime” is a date or an interval, such as 2026-07-01 or 2026-01-01/..")
        raise _wrong("datetime", example) from None


def _in_force(text: str) -> Q:
    """Versions in force at an instant, or at any time within an interval (both ends included)."""
    first, slash, last = text.partition("/")
    start = _instant(first)
    end = _instant(last) if slash else start
    if (slash and start is None and end is None) or (start and end and start > end):
        raise _wrong("datetime", _("The interval of “datetime” has no day in it."))
    condition = Q()
    if start:
        condition &= Q(valid_to=None) | Q(valid_to__gt=start)
    if end:
        condition &= Q(valid_from__lte=end)
    return condition


class Source:
    """The rows behind a collection, now or at another time."""

    def __init__(self, layer: Layer, user, when: str | None = None):
        self.layer = layer
        self.timed = bool(when) and layer.versions is not None
        self.prefix = ""
        if not self.timed:
            self.rows = layer.rows(user)
            return
        label, foreign_key = layer.versions
        rows = layer.model_class.objects.for_user(user)
        if foreign_key:
            self.prefix = f"{foreign_key}__"
            self.rows = apps.get_model(label)._base_manager.filter(**{f"{foreign_key}__in": rows})
        else:
            self.rows = rows.filter(geom__isnull=False)
        self.rows = self.rows.filter(_in_force(when))

    def path(self, path: str) -> str:
        """An ORM path of the layer's, as seen from the rows: a version has a name and a border of its own."""
        own = {field.name for field in self.rows.model._meta.fields}
        return path if not self.prefix or path.split("__")[0] in own else self.prefix + path

    @property
    def key(self) -> str:
        return self.path(self.layer.key)

    def features(self, rows) -> list[dict]:
        names = [(f.name, self.path(f.path)) for f in self.layer.fields]
        dated = [("valid_from", "valid_from"), ("valid_to", "valid_to")] if self.timed else []
        values = {f"p{n}": F(path) for n, (_name, path) in enumerate([*names, *dated])}
        listed = [name for name, _path in [*names, *dated]]
        found = rows.annotate(feature_geometry=AsGeoJSON("geom", precision=8), **values).values_list(
            self.key, "feature_geometry", *values
        )
        features = []
        for key, geometry, *properties in found:
            feature = {
                "type": "Feature",
                "id": key,
                "geometry": json.loads(geometry) if geometry else None,
                "properties": dict(zip(listed, properties, strict=True)),
            }
            if self.timed and feature["properties"]["valid_to"] is not None:
                # Only what is in force is found by its code alone.
                feature["id"] = f"{key}@{feature['properties']['valid_from']}"
            features.append(feature)
        return features


def _filters(request, source: Source) -> Q:
    """Conditions from the query; a problem if it asks for something unknown."""
    layer = source.layer
    fields = {f.name: f for f in layer.fields}
    unknown = [name for name in request.GET if name not in OWN and name not in fields]
    if unknown:
        known = ", ".join(sorted(OWN | set(fields)))
        raise _wrong(
            unknown[0],
            _("There is no parameter “%(name)s”; there are %(known)s.")
            % {"name": unknown[0], "known": known},
        )
    if request.GET.get("bbox-crs", CRS84[0]) not in CRS84:
        raise _wrong("bbox-crs", _("Boxes are given in CRS84."))
    condition = Q()
    if "bbox" in request.GET:
        condition &= _bbox(request.GET["bbox"])
    if area := request.GET.get("area"):
        path = layer.model_class.scope.area
        if not path or not (area.isascii() and area.isdigit()):
            raise _wrong("area", _("“area” is the beginning of an area code."))
        condition &= Q(**{f"{source.path(path)}__startswith": area})
    for name, text in request.GET.items():
        if name in OWN:
            continue
        field = model_field(layer.model_class, fields[name].path)
        value: object = text
        try:
            if isinstance(field, models.BooleanField):
                value = {"true": True, "false": False}[text.lower()]
            elif not isinstance(field, models.CharField | models.TextField):
                value = field.to_python(text)
        except (KeyError, ValueError, ValidationError):
            raise _wrong(
                name, _("“%(name)s” cannot be “%(value)s”.") % {"name": name, "value": text}
            ) from None
        condition &= Q(**{source.path(fields[name].path): value})
    return condition


def _page(rows, after: int, offset: int, limit: int) -> tuple[list[int], int | None]:
    """Keys of a page's rows and of one more, in order, and how many match in all (``None``: too many).

    Counted and cut in one statement, so that a box is searched once.
    """
    try:
        sql, params = rows.order_by().values("pk")[: COUNTED + 1].query.sql_with_params()
    except EmptyResultSet:
        return [], 0
    first = min(offset, COUNTED)  # an array has no place beyond 2**31
    with connection.cursor() as cursor:
        cursor.execute(
            f"with matched(id) as ({sql}) select count(*),"
            " (array_agg(id order by id) filter (where id > %s))[%s:%s] from matched",
            [*params, after, first + 1, first + limit + 1],
        )
        counted, keys = cursor.fetchone()
    if counted <= COUNTED:
        return keys or [], counted
    found = rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    return list(found[offset : offset + limit + 1]), None


def _after(cursor: str | None) -> int:
    """The last key of the page before; smaller than any where there was none."""
    if not cursor:
        return -1
    try:
        after = int(base64.urlsafe_b64decode(cursor.encode() + b"=="))
        if not 0 <= after < 2**63:
            raise ValueError
    except ValueError:
        raise _wrong("cursor", _("A cursor comes from a “next” link.")) from None
    return after


@endpoint
def items(request, user, name):
    """A page of features, in the order of their making."""
    layer = collection_for(name, user)
    source = Source(layer, user, request.GET.get("datetime"))
    if "datetime" in request.GET:
        _in_force(request.GET["datetime"])
    limit = min(_whole(request, "limit", LIMIT, 1), MOST)
    offset = _whole(request, "offset", 0, 0)
    rows = source.rows.filter(_filters(request, source))
    keys, total = _page(rows, _after(request.GET.get("cursor")), offset, limit)
    more, keys = len(keys) > limit, keys[:limit]
    features = source.features(source.rows.filter(pk__in=keys).order_by("pk"))
    path = f"collections/{layer.id}/items"
    asked = request.GET.dict()
    links = [
        link(address(request, path, **asked), "self", GEOJSON),
        link(address(request, f"collections/{layer.id}"), "collection"),
    ]
    if more:
        after = base64.urlsafe_b64encode(str(keys[-1]).encode()).rstrip(b"=").decode()
        asked = {key: value for key, value in asked.items() if key != "offset"} | {"cursor": after}
        links.append(link(address(request, path, **asked), "next", GEOJSON))
    body = {
        "type": "FeatureCollection",
        "features": features,
        "numberReturned": len(features),
        "links": links,
    }
    if total is not None:
        body["numberMatched"] = total
    return answer(body, GEOJSON, user=user)


@endpoint
def item(request, user, name, code):
    """A feature by the code or number that people know it by."""
    layer = collection_for(name, user)
    code, _at, day = code.partition("@")
    source = Source(layer, user, day or None)
    try:
        features = source.features(source.rows.filter(**{source.key: code}).order_by("pk")[:1])
    except (ValueError, ValidationError):
        features = []
    if not features:
        text = _("There is no “%(code)s” in this collection, or not for you.") % {"code": code}
        raise Problem(text, status=404, kind="not-found")
    path = f"collections/{layer.id}"
    links = [
        link(address(request, f"{path}/items/{features[0]['id']}"), "self", GEOJSON),
        link(address(request, path), "collection"),
    ]
    return answer(features[0] | {"links": links}, GEOJSON, user=user)
