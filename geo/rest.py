"""What every REST list has in common: scope, filters, keyset pages, counts to 10,000, GeoJSON.

A resource is a ``ScopedViewSet`` that names its queryset and serializer::

    class ComponentViewSet(ScopedViewSet):
        queryset = Component.objects.select_related("type", "grid")
        serializer_class = ComponentSerializer
        search_fields = ("code", "name")
        ordering_fields = ("code", "name", "changed_on")

It then takes ``bbox``, ``area``, ``q``, ``ordering``, ``limit`` and ``cursor``, and hands out only rows
within the caller's scope (``for_user``).
"""

import base64
import json
from datetime import date, datetime
from decimal import Decimal

from django.contrib.gis.geos import Polygon
from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import permissions, renderers, serializers, viewsets
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.utils.urls import remove_query_param, replace_query_param

from geo.models import Area
from geo.problems import Problem
from geo.scopes import in_area

COUNT_TO = 10_000


# --- Parameters -------------------------------------------------------------------------------------


def bad_parameter(name: str, detail: str) -> Problem:
    """The problem of a query parameter that cannot be read."""
    return Problem(detail, status=400, kind="parameter", errors=[{"field": name, "detail": detail}])


def parse_bbox(text: str) -> Polygon:
    """``west,south,east,north`` in WGS-84 degrees as a polygon (EPSG:4326)."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise bad_parameter(
            "bbox", _("bbox takes four numbers: west,south,east,north in WGS-84 degrees.")
        ) from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise bad_parameter(
            "bbox",
            _("bbox must be west,south,east,north with west ≤ east and south ≤ north, in WGS-84 degrees."),
        )
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 4326
    return box


def parse_area(text: str) -> str:
    """The code of an area (2, 4, 6, 9 or 12 digits) or of a grid (15)."""
    if not text.isdigit() or not text.isascii() or len(text) not in (*Area.CODE_LENGTHS, 15):
        raise bad_parameter(
            "area",
            _("area takes the code of an area (4, 6, 9 or 12 digits) or of a grid (15 digits), not “%s”.")
            % text[:40],
        )
    return text


def parse_pk(name: str, text: str) -> int:
    """The number of a row (``bigint``)."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or int(text) >= 2**63:
        raise bad_parameter(name, _("%s takes a number.") % name)
    return int(text)


def parse_date(name: str, text: str) -> date:
    """A day as ``YYYY-MM-DD``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_parameter(name, _("%s takes a day as YYYY-MM-DD.") % name) from None


def parse_number(name: str, text: str, low: float, high: float) -> float:
    """A number between ``low`` and ``high``."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise bad_parameter(
            name,
            _("%(name)s takes a number from %(low)g to %(high)g.") % {"name": name, "low": low, "high": high},
        )
    return number


# --- Filters ----------------------------------------------------------------------------------------


class _Filter(BaseFilterBackend):
    parameter, description, example = "", "", None

    def get_schema_operation_parameters(self, view):
        if not self.applies(view):
            return []
        return [
            {
                "name": self.parameter,
                "in": "query",
                "required": False,
                "description": str(self.describe(view)),
                "schema": {"type": "string"},
            }
        ]

    def applies(self, view) -> bool:
        return True

    def describe(self, view) -> str:
        return self.description


class BboxFilter(_Filter):
    """``bbox=west,south,east,north``: rows whose geometry meets the box."""

    parameter = "bbox"
    description = "west,south,east,north in WGS-84 degrees"

    def applies(self, view):
        return bool(getattr(view, "bbox_path", ""))

    def filter_queryset(self, request, queryset, view):
        text = request.query_params.get(self.parameter)
        if not text or not self.applies(view):
            return queryset
        return queryset.filter(**{f"{view.bbox_path}__intersects": parse_bbox(text)})


class AreaFilter(_Filter):
    """``area=CODE``: rows inside an area (by prefix) or in a grid (15 digits)."""

    parameter = "area"
    description = "code of an area (everything below it) or of a grid (15 digits)"

    def applies(self, view):
        return bool(getattr(view, "area_path", ""))

    def filter_queryset(self, request, queryset, view):
        text = request.query_params.get(self.parameter)
        if not text or not self.applies(view):
            return queryset
        ground = view.bbox_path if view.scope_spec.ground else ""
        return queryset.filter(in_area(parse_area(text), view.area_path, view.grid_path, ground))


def searched(request) -> list[str]:
    """The words of ``q``, eight at most."""
    return request.query_params.get(SearchFilter.parameter, "").replace("\x00", "").split()[:8]


class SearchFilter(_Filter):
    """``q=text``: every word must occur in one of ``search_fields``."""

    parameter = "q"

    def applies(self, view):
        return bool(getattr(view, "search_fields", ()))

    def describe(self, view):
        return view.search_said or "words that must occur in: " + ", ".join(view.search_fields)

    def filter_queryset(self, request, queryset, view):
        if not self.applies(view):
            return queryset
        for word in searched(request):
            queryset = queryset.filter(view.has_word(word))
        return queryset


class OrderingFilter(_Filter):
    """``ordering=name`` or ``ordering=-name``: one of ``ordering_fields``; the id breaks ties."""

    parameter = "ordering"

    def applies(self, view):
        return bool(getattr(view, "ordering_fields", ()))

    def describe(self, view):
        return "one of (with - for descending): " + ", ".join(view.ordering_fields)

    def get_ordering(self, request, queryset, view) -> tuple[str, ...]:
        text = request.query_params.get(self.parameter, "")
        if text:
            if text.removeprefix("-") not in view.ordering_fields:
                raise bad_parameter(
                    "ordering",
                    _("ordering takes one of: %s; put - before it for descending order.")
                    % ", ".join(view.ordering_fields),
                )
            names = (text,)
        else:
            names = tuple(getattr(view, "ordering", ()) or ("pk",))
        if names[-1].removeprefix("-") not in ("pk", "id"):
            names += ("-pk" if names[-1].startswith("-") else "pk",)
        return names

    def filter_queryset(self, request, queryset, view):
        return queryset.order_by(*self.get_ordering(request, queryset, view))


# --- Pages ------------------------------------------------------------------------------------------


def _encode(backwards: bool, values: list) -> str:
    def plain(value):
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return str(value)
        return value

    text = json.dumps([int(backwards), *map(plain, values)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class KeysetPages(BasePagination):
    """Pages by the values of the last row, so that page 900 costs what page 1 does and nothing is skipped.

    The answer is ``{"count", "count_exact", "next", "previous", "results"}``; the count stops at 10,000.
    """

    page_size, max_page_size = 50, 1000

    def paginate_queryset(self, queryset, request, view=None):
        self.request, self.base_url = request, request.build_absolute_uri()
        self.limit = self._limit(request)
        self.names = self._names(queryset)
        parts = view.counted(queryset) if hasattr(view, "counted") else [queryset]
        first, *rest = [part.order_by().values("pk")[: COUNT_TO + 1] for part in parts]
        count = (first.union(*rest, all=True) if rest else first).count()
        self.count, self.exact = min(count, COUNT_TO), count <= COUNT_TO
        backwards, after = self._cursor(request, queryset)
        names = [self._flip(name) for name in self.names] if backwards else self.names
        page = queryset.order_by(*names)
        if after is not None:
            page = page.filter(self._beyond(queryset.model, names, after))
        rows = list(page[: self.limit + 1])
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        if backwards:
            rows.reverse()
        has_next, has_previous = (True, more) if backwards else (more, after is not None)
        self.next_link = self._link(rows[-1], False) if rows and has_next else None
        self.previous_link = self._link(rows[0], True) if rows and has_previous else None
        return rows

    def get_paginated_response(self, data):
        return Response(
            {
                "count": self.count,
                "count_exact": self.exact,
                "next": self.next_link,
                "previous": self.previous_link,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema):
        link = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "count_exact", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "maximum": COUNT_TO},
                "count_exact": {"type": "boolean"},
                "next": link,
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view):
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "from the next or previous link",
                "schema": {"type": "string"},
            },
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "rows per page",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
        ]

    def _limit(self, request) -> int:
        text = request.query_params.get("limit")
        if not text:
            return self.page_size
        return int(parse_number("limit", text, 1, self.max_page_size))

    @staticmethod
    def _names(queryset) -> list[str]:
        names = [str(name) for name in (queryset.query.order_by or queryset.model._meta.ordering or ("pk",))]
        if names[-1].removeprefix("-") not in ("pk", "id"):
            names.append("pk")
        return names

    @staticmethod
    def _flip(name: str) -> str:
        return name[1:] if name.startswith("-") else f"-{name}"

    def _cursor(self, request, queryset):
        text = request.query_params.get("cursor")
        if not text:
            return False, None
        try:
            padded = text + "=" * (-len(text) % 4)
            backwards, *values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
            if len(values) != len(self.names) or backwards not in (0, 1):
                raise ValueError
            for name, value in zip(self.names, values, strict=True):
                if value is not None:
                    self._field(queryset.model, name).to_python(value)
        except Exception:
            raise bad_parameter(
                "cursor", _("This cursor is not from a link of this list; start again without it.")
            ) from None
        return bool(backwards), values

    @staticmethod
    def _field(model, name: str):
        field = None
        for part in name.removeprefix("-").split("__"):
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
            model = field.related_model or model
        return field

    def _beyond(self, model, names, values) -> Q:
        """Rows after ``values`` in the order of ``names``, as PostgreSQL sorts: null is the largest."""
        condition, same = Q(), Q()
        for name, value in zip(names, values, strict=True):
            down, lookup = name.startswith("-"), name.removeprefix("-")
            if value is None:
                later = Q(**{f"{lookup}__isnull": False}) if down else Q(pk__in=[])
                equal = Q(**{f"{lookup}__isnull": True})
            else:
                later = Q(**{f"{lookup}__{'lt' if down else 'gt'}": value})
                if not down and self._field(model, name).null:
                    later |= Q(**{f"{lookup}__isnull": True})
                equal = Q(**{lookup: value})
            condition |= same & later
            same &= equal
        return condition

    def _link(self, row, backwards: bool) -> str:
        values = []
        for name in self.names:
            value = row
            for part in name.removeprefix("-").split("__"):
                value = None if value is None else getattr(value, part)
            values.append(value.pk if hasattr(value, "pk") else value)
        url = remove_query_param(self.base_url, "cursor")
        return replace_query_param(url, "cursor", _encode(backwards, values))


# --- GeoJSON ----------------------------------------------------------------------------------------


class GeoJSONRenderer(renderers.JSONRenderer):
    """``?format=geojson``: a page becomes a FeatureCollection, a row a Feature; ``geometry`` leaves its
    properties. The page's count and links stay as foreign members."""

    media_type, format, charset = "application/geo+json", "geojson", None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        response = (renderer_context or {}).get("response")
        if isinstance(data, dict) and (response is None or response.status_code < 400):
            if "results" in data:
                page = dict(data)
                features = [self.feature(row) for row in page.pop("results")]
                data = {"type": "FeatureCollection", **page, "features": features}
            elif "geometry" in data:
                data = self.feature(data)
        elif isinstance(data, list):
            data = {"type": "FeatureCollection", "features": [self.feature(row) for row in data]}
        return super().render(data, accepted_media_type, renderer_context)

    @staticmethod
    def feature(row: dict) -> dict:
        properties = {key: value for key, value in row.items() if key != "geometry"}
        identity = row.get("code") or row.get("number") or row.get("id")
        return {
            "type": "Feature",
            "id": identity,
            "geometry": row.get("geometry"),
            "properties": properties,
        }


@extend_schema_field(OpenApiTypes.OBJECT)
class GeometryOut(serializers.Field):
    """A geometry as a GeoJSON object (WGS-84, to 8 decimals)."""

    def __init__(self, **kwargs):
        kwargs["read_only"] = True
        super().__init__(**kwargs)

    def to_representation(self, value):
        return json.loads(value.json)


class DrawnWhenAsked:
    """``geometry`` in GeoJSON and in details; plain lists leave it out, there it only weighs."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        context = kwargs.get("context") or {}
        request, view = context.get("request"), context.get("view")
        drawn = getattr(getattr(request, "accepted_renderer", None), "format", "") == "geojson"
        listed = getattr(view, "action", "") == "list"
        if listed and not drawn and request is not None:
            self.fields.pop("geometry", None)


class ShapeSerializer(DrawnWhenAsked, serializers.ModelSerializer):
    """A row with a geometry."""

    geometry = GeometryOut(source="geom")


class PlacedSerializer(ShapeSerializer):
    """A ``Located`` row, with ``lon`` and ``lat`` of its anchor. Needs ``grid`` (``select_related``)."""

    lon = serializers.FloatField(source="anchor.x", read_only=True, default=None)
    lat = serializers.FloatField(source="anchor.y", read_only=True, default=None)
    grid = serializers.CharField(source="grid.code", read_only=True, default=None)

    PLACE = ("area_code", "grid", "lon", "lat", "geometry")


# --- Views ------------------------------------------------------------------------------------------


class HasScope(permissions.BasePermission):
    """Logged in and granted the resource's permission somewhere; public rows need neither."""

    def has_permission(self, request, view):
        if request.method in permissions.SAFE_METHODS and view.is_public():
            return True
        if not request.user.is_authenticated:
            return False
        wanted = view.wanted_permission()
        return not wanted or request.user.can(wanted)


class ScopedMixin:
    """Rows by scope, the common filters and pages, for any DRF generic view."""

    bbox_path, area_path, grid_path = "geom", "area_code", "grid"
    search_fields: tuple[str, ...] = ()
    search_said = ""  # how ``q`` looks for words, where ``has_word`` does it in its own way
    ordering_fields: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ()
    permission = ""  # read permission; the model's own by default
    write_permission = ""
    permission_classes = (HasScope,)
    pagination_class = KeysetPages
    filter_backends = (
        BboxFilter,
        AreaFilter,
        SearchFilter,
        *api_settings.DEFAULT_FILTER_BACKENDS,
        OrderingFilter,
    )
    renderer_classes = (renderers.JSONRenderer, GeoJSONRenderer)

    @property
    def scope_spec(self):
        return self.queryset.model.scope

    def is_public(self) -> bool:
        return self.scope_spec.public is not None and not self.permission

    def wanted_permission(self) -> str:
        """What the request needs: ``write_permission`` to change something, else the read permission."""
        if self.request.method not in permissions.SAFE_METHODS and self.write_permission:
            return self.write_permission
        return self.permission or self.scope_spec.permission

    def get_queryset(self):
        return self.queryset.all().for_user(self.request.user, self.permission or None)

    def counted(self, queryset) -> list:
        """The list's rows as querysets that have no row in common, each counted by itself."""
        return [queryset]

    def has_word(self, word: str) -> Q:
        """Rows in which a word of ``q`` occurs."""
        condition = Q()
        for name in self.search_fields:
            condition |= Q(**{f"{name}__icontains": word})
        return condition

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        # Answers depend on who asks; public ones on the language.
        self.headers["Cache-Control"] = "private, no-cache"


class ScopedViewSet(ScopedMixin, viewsets.ReadOnlyModelViewSet):
    """A read-only resource; rows are found by ``lookup_field`` within the caller's scope."""

    lookup_field = "code"
    lookup_value_regex = "[^/]+"
