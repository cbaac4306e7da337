"""Areas, governance grids and unit grids, as they are and as they were on any day."""

from django.db.models import F, FilteredRelation, Q
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers

from geo.models import Area
from geo.rest import DrawnWhenAsked, GeometryOut, ScopedViewSet, ShapeSerializer, parse_date
from grids.models import Grid, UnitGrid

AT = OpenApiParameter("at", str, description="as it was on a day, YYYY-MM-DD; default: in force now")


def in_force_on(day) -> Q:
    """Rows with ``valid_from`` and ``valid_to`` (exclusive) that hold on a day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))


class AreaSerializer(ShapeSerializer):
    """An administrative area."""

    parent = serializers.CharField(source="parent.code", read_only=True, default=None)
    level_label = serializers.CharField(source="get_level_display", read_only=True)

    class Meta:
        model = Area
        fields = ("code", "name", "level", "level_label", "parent", "valid_from", "valid_to", "geometry")


class ByDay(ScopedViewSet):
    """Rows of a day: ``at=DATE``."""

    def day(self):
        text = self.request.query_params.get("at")
        return parse_date("at", text) if text else None


@extend_schema_view(list=extend_schema(parameters=[AT]), retrieve=extend_schema(parameters=[AT]))
class AreaViewSet(ByDay):
    """City, districts, streets and communities."""

    queryset = Area.objects.select_related("parent")
    serializer_class = AreaSerializer
    area_path, grid_path = "code", ""
    filterset_fields = ("level",)
    search_fields = ("code", "name")
    ordering_fields = ("code", "name", "level")
    ordering = ("code",)

    def get_queryset(self):
        day = self.day()
        return super().get_queryset().filter(in_force_on(day) if day else Q(valid_to=None))


class GridSerializer(DrawnWhenAsked, serializers.ModelSerializer):
    """A governance grid; with ``at`` its border, name and kind of that day."""

    name = serializers.CharField(source="then_name")
    kind = serializers.CharField(source="then_kind")
    generation = serializers.IntegerField(source="then_generation")
    valid_from = serializers.DateField(source="then_from")
    valid_to = serializers.DateField(source="then_to", allow_null=True)
    geometry = GeometryOut(source="then_geom")

    class Meta:
        model = Grid
        fields = (
            "code",
            "name",
            "kind",
            "community_code",
            "external_code",
            "generation",
            "valid_from",
            "valid_to",
            "geometry",
        )


class UnitGridSerializer(DrawnWhenAsked, serializers.ModelSerializer):
    """A unit grid; with ``at`` its border of that day."""

    duty_grid = serializers.CharField(source="duty_grid.code", read_only=True, default=None)
    generation = serializers.IntegerField(source="then_generation")
    valid_from = serializers.DateField(source="then_from")
    valid_to = serializers.DateField(source="then_to", allow_null=True)
    geometry = GeometryOut(source="then_geom")

    class Meta:
        model = UnitGrid
        fields = ("code", "community_code", "duty_grid", "generation", "valid_from", "valid_to", "geometry")


class _Versioned(ByDay):
    bbox_path, area_path, grid_path = "version__geom", "community_code", ""
    search_fields = ("code", "name")
    ordering_fields = ("code",)
    ordering = ("code",)

    def get_queryset(self):
        day = self.day()
        condition = Q(versions__valid_to=None)
        if day:
            condition = Q(versions__valid_from__lte=day) & (
                Q(versions__valid_to=None) | Q(versions__valid_to__gt=day)
            )
        rows = super().get_queryset().annotate(version=FilteredRelation("versions", condition=condition))
        if not day:
            rows = rows.filter(retired_on=None)
        return rows.filter(version__isnull=False).annotate(
            then_generation=F("version__generation"),
            then_from=F("version__valid_from"),
            then_to=F("version__valid_to"),
            then_geom=F("version__geom"),
        )


@extend_schema_view(list=extend_schema(parameters=[AT]), retrieve=extend_schema(parameters=[AT]))
class GridViewSet(_Versioned):
    """Governance grids (网格), on any day."""

    queryset = Grid.objects.all()
    serializer_class = GridSerializer
    filterset_fields = ()

    def get_queryset(self):
        return super().get_queryset().annotate(then_name=F("version__name"), then_kind=F("version__kind"))


@extend_schema_view(list=extend_schema(parameters=[AT]), retrieve=extend_schema(parameters=[AT]))
class UnitGridViewSet(_Versioned):
    """Unit grids (单元网格), on any day."""

    queryset = UnitGrid.objects.select_related("duty_grid")
    serializer_class = UnitGridSerializer
