"""Nearness in metres, through the index on ``geom::geography``."""

from django.contrib.gis.db import models
from django.contrib.gis.geos import Point
from django.db.models import F, FloatField, Func, Value
from django.db.models.expressions import ExpressionWrapper

from geo.models.areas import Geography


class _DWithin(Func):
    function = "ST_DWithin"
    output_field = models.BooleanField()


class Metres(Func):
    """Geodesic distance in metres between two geographies."""

    function = "ST_Distance"
    output_field = FloatField()


class _Knn(Func):
    template = "%(expressions)s"
    arg_joiner = " <-> "
    output_field = FloatField()


def within_metres(queryset, point: Point, metres: float, field: str = "geom"):
    """Rows of ``queryset`` within ``metres`` (geodesic) of ``point`` (EPSG:4326), nearest first.

    Each row gets ``distance_m``. Uses the GiST index on ``field::geography`` (every ``Located`` table has
    one on ``geom``).
    """
    there = Geography(Value(point, output_field=models.GeometryField(srid=4326)))
    return (
        queryset.annotate(distance_m=Metres(Geography(F(field)), there))
        .filter(is_within(point, metres, field))
        .order_by(_Knn(Geography(F(field)), there), "pk")
    )


def is_within(point: Point, metres: float, field: str = "geom") -> ExpressionWrapper:
    """The condition alone: ``field`` is within ``metres`` (geodesic) of ``point`` (EPSG:4326)."""
    there = Geography(Value(point, output_field=models.GeometryField(srid=4326)))
    return ExpressionWrapper(
        _DWithin(Geography(F(field)), there, Value(metres)), output_field=models.BooleanField()
    )


def with_distance(queryset, point: Point, field: str = "geom"):
    """Rows with ``distance_m`` (geodesic) to ``point`` (EPSG:4326), in the order they had."""
    there = Geography(Value(point, output_field=models.GeometryField(srid=4326)))
    return queryset.annotate(distance_m=Metres(Geography(F(field)), there))


def nearest(queryset, point: Point, limit: int, field: str = "geom") -> list:
    """The ``limit`` rows nearest to ``point`` (EPSG:4326), each with ``distance_m`` (geodesic)."""
    there = Geography(Value(point, output_field=models.GeometryField(srid=4326)))
    here = Geography(F(field))
    return list(queryset.annotate(distance_m=Metres(here, there)).order_by(_Knn(here, there), "pk")[:limit])
