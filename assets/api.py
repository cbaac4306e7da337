"""REST resources of what stands at a place."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from assets import actions, queries
from assets.models import (
    Building,
    Component,
    Enterprise,
    Estate,
    ItemType,
    PublicFacility,
    ReferenceLine,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
    Shop,
)
from geo.idempotency import Idempotent
from geo.models import Organisation
from geo.nearness import nearest
from geo.rest import PlacedSerializer, ScopedViewSet, bad_parameter, parse_number

PLACE = PlacedSerializer.PLACE


class UnitSerializer(serializers.ModelSerializer):
    """A unit as it stands beside a row."""

    class Meta:
        model = Organisation
        fields = ("code", "name")


class TypeSerializer(serializers.ModelSerializer):
    """A type of component or event."""

    code = serializers.CharField(source="full_code", read_only=True)
    label = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = ItemType
        fields = ("id", "standard", "kind", "class_code", "class_name", "code", "name", "label", "confidence")


class ComponentSerializer(PlacedSerializer):
    """A component with its type and units."""

    type = TypeSerializer(read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    unit_grid = serializers.CharField(source="unit_grid.code", read_only=True, default=None)
    managing_unit = UnitSerializer(read_only=True)
    owner_unit = UnitSerializer(read_only=True)
    maintenance_unit = UnitSerializer(read_only=True)
    version = serializers.SerializerMethodField()

    class Meta:
        model = Component
        fields = (
            "code",
            "name",
            "type",
            "state",
            "state_label",
            "managing_unit",
            "owner_unit",
            "maintenance_unit",
            "surveyed_on",
            "changed_on",
            "data_source",
            "note",
            "unit_grid",
            *PLACE,
            "version",
        )

    def get_version(self, row) -> str:
        return actions.version_of(row)


class ComponentWrite(serializers.Serializer):
    """What a component is created or changed with; codes name the type and the units."""

    code = serializers.CharField(required=False, max_length=17, help_text="minted when missing")
    type = serializers.CharField(required=False, help_text="class and type code, e.g. 0101 or 01001")
    standard = serializers.ChoiceField(ItemType.Standard.choices, required=False)
    name = serializers.CharField(required=False, max_length=60)
    state = serializers.ChoiceField(Component.State.choices, required=False)
    lon = serializers.FloatField(required=False)
    lat = serializers.FloatField(required=False)
    crs = serializers.CharField(required=False, default="wgs84")
    managing_unit = serializers.CharField(required=False, allow_null=True, max_length=18)
    owner_unit = serializers.CharField(required=False, allow_null=True, max_length=18)
    maintenance_unit = serializers.CharField(required=False, allow_null=True, max_length=18)
    surveyed_on = serializers.DateField(required=False, allow_null=True)
    data_source = serializers.CharField(required=False, allow_blank=True, max_length=60)
    note = serializers.CharField(required=False, allow_blank=True, max_length=200)
    version = serializers.CharField(
        required=False, help_text="of the row as it was read; a newer one answers 409"
    )


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("type", str, description="class and type code"),
            OpenApiParameter("state", str, enum=Component.State.values),
        ]
    )
)
class ComponentViewSet(Idempotent, ScopedViewSet):
    """Coded components (部件)."""

    queryset = Component.objects.select_related(
        "type", "grid", "unit_grid", "managing_unit", "owner_unit", "maintenance_unit"
    )
    serializer_class = ComponentSerializer
    write_permission = "assets.edit"
    http_method_names = ("get", "head", "options", "post", "patch")
    search_fields = ("code", "name")
    ordering_fields = ("code", "name", "state", "changed_on", "area_code")
    ordering = ("code",)

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        if state := self.request.query_params.get("state"):
            if state not in Component.State.values:
                raise bad_parameter("state", _("state takes one of: %s.") % ", ".join(Component.State.values))
            queryset = queryset.filter(state=state)
        if code := self.request.query_params.get("type"):
            queryset = queryset.filter(type__class_code=code[:2])
            if code[2:]:
                queryset = queryset.filter(type__type_code=code[2:])
        return queryset

    def _answer(self, component, status):
        row = self.queryset.get(pk=component.pk)
        return Response(ComponentSerializer(row, context=self.get_serializer_context()).data, status=status)

    @extend_schema(request=ComponentWrite, responses={201: ComponentSerializer})
    def create(self, request):
        """Survey a new component; its code is minted unless one is given."""
        data = ComponentWrite(data=request.data)
        data.is_valid(raise_exception=True)
        return self._answer(actions.create_component(request.user, **data.validated_data), 201)

    @extend_schema(request=ComponentWrite, responses=ComponentSerializer)
    def partial_update(self, request, code):
        """Change what the survey says; code and type stay."""
        data = ComponentWrite(data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        return self._answer(actions.update_component(request.user, code, **data.validated_data), 200)

    @extend_schema(
        request=inline_serializer(
            "ComponentState",
            {
                "state": serializers.ChoiceField(Component.State.choices),
                "reason": serializers.CharField(required=False, allow_blank=True, max_length=200),
                "version": serializers.CharField(required=False),
            },
        ),
        responses=ComponentSerializer,
    )
    @action(detail=True, methods=["post"])
    def state(self, request, code):
        """Say that a component is intact, damaged, lost, abandoned or removed."""
        component = actions.set_component_state(
            request.user,
            code,
            str(request.data.get("state", "")),
            reason=str(request.data.get("reason", "")),
            version=str(request.data.get("version", "")),
        )
        return self._answer(component, 200)


class ItemTypeViewSet(ScopedViewSet):
    """Types of components and events, by standard and kind."""

    queryset = ItemType.objects.filter(active=True)
    serializer_class = TypeSerializer
    lookup_field, lookup_value_regex = "pk", r"\d+"
    bbox_path = area_path = grid_path = ""
    search_fields = ("name", "name_en", "initials")
    filterset_fields = ("standard", "kind", "class_code")
    ordering = ("standard", "kind", "class_code", "type_code")


class EstateSerializer(PlacedSerializer):
    """An estate or campus."""

    class Meta:
        model = Estate
        fields = ("code", "name", "kind", *PLACE)


class EstateViewSet(ScopedViewSet):
    """Residential estates and campuses (小区、园区)."""

    queryset = Estate.objects.select_related("grid")
    serializer_class = EstateSerializer
    filterset_fields = ("kind",)
    search_fields = ("code", "name")
    ordering_fields = ("code", "name", "area_code")
    ordering = ("code",)


class BuildingSerializer(PlacedSerializer):
    """A building."""

    use_label = serializers.CharField(source="get_use_display", read_only=True)
    estate = serializers.CharField(source="estate.code", read_only=True, default=None)

    class Meta:
        model = Building
        fields = ("code", "name", "address", "use", "use_label", "floors", "stairwells", "estate", *PLACE)


class BuildingViewSet(ScopedViewSet):
    """Buildings (楼栋)."""

    queryset = Building.objects.select_related("grid", "estate")
    serializer_class = BuildingSerializer
    filterset_fields = ("use",)
    search_fields = ("code", "name", "address")
    ordering_fields = ("code", "name", "floors", "area_code")
    ordering = ("code",)

    @extend_schema(
        responses=inline_serializer(
            "StackPlan",
            {
                "building": serializers.CharField(),
                "stairwells": serializers.ListField(child=serializers.CharField()),
                "floors": serializers.ListField(child=serializers.DictField()),
                "houses": serializers.IntegerField(),
                "households": serializers.IntegerField(allow_null=True),
                "people": serializers.IntegerField(allow_null=True),
            },
        )
    )
    @action(detail=True, url_path="stack-plan", pagination_class=None, filter_backends=[])
    def stack_plan(self, request, code):
        """The floor × unit picture (楼盘表), top floor first.

        Numbers of people stand beside a door only for those who may see households.
        """
        return Response(queries.stack_plan(request.user, self.get_object()))


class OccupantSerializer(serializers.ModelSerializer):
    """Who is in a building: its place is the building's."""

    building = serializers.CharField(source="building.code", read_only=True)
    address = serializers.CharField(source="building.address", read_only=True)
    area_code = serializers.CharField(source="building.area_code", read_only=True)
    grid = serializers.CharField(source="building.grid.code", read_only=True, default=None)
    lon = serializers.FloatField(source="building.anchor.x", read_only=True)
    lat = serializers.FloatField(source="building.anchor.y", read_only=True)
    geometry = serializers.SerializerMethodField()

    FIELDS = (
        "code",
        "name",
        "credit_code",
        "industry",
        "phone",
        "building",
        "address",
        "area_code",
        "grid",
        "lon",
        "lat",
        "geometry",
    )

    def get_geometry(self, row) -> dict:
        return {"type": "Point", "coordinates": [row.building.anchor.x, row.building.anchor.y]}


class OccupantViewSet(ScopedViewSet):
    """Shops and enterprises take the building's place."""

    bbox_path, area_path, grid_path = "building__geom", "building__area_code", "building__grid"
    search_fields = ("code", "name", "industry")
    ordering_fields = ("code", "name")
    ordering = ("code",)


class ShopSerializer(OccupantSerializer):
    class Meta:
        model = Shop
        fields = OccupantSerializer.FIELDS


class ShopViewSet(OccupantViewSet):
    """Shops (商户)."""

    queryset = Shop.objects.select_related("building__grid")
    serializer_class = ShopSerializer


class EnterpriseSerializer(OccupantSerializer):
    class Meta:
        model = Enterprise
        fields = OccupantSerializer.FIELDS


class EnterpriseViewSet(OccupantViewSet):
    """Enterprises (企业)."""

    queryset = Enterprise.objects.select_related("building__grid")
    serializer_class = EnterpriseSerializer


class ResidentUnitSerializer(PlacedSerializer):
    class Meta:
        model = ResidentUnit
        fields = ("code", "name", "kind", "credit_code", "phone", *PLACE)


class ResidentUnitViewSet(ScopedViewSet):
    """Institutions in the area (驻区单位)."""

    queryset = ResidentUnit.objects.select_related("grid")
    serializer_class = ResidentUnitSerializer
    search_fields = ("code", "name", "kind")
    ordering_fields = ("code", "name", "area_code")
    ordering = ("code",)


class FacilitySerializer(PlacedSerializer):
    kind_label = serializers.CharField(source="get_kind_display", read_only=True)

    class Meta:
        model = PublicFacility
        fields = ("code", "name", "kind", "kind_label", "opening_hours", *PLACE)


class FacilityViewSet(ScopedViewSet):
    """Public facilities (公共设施)."""

    queryset = PublicFacility.objects.select_related("grid")
    serializer_class = FacilitySerializer
    filterset_fields = ("kind",)
    search_fields = ("code", "name")
    ordering_fields = ("code", "name", "area_code")
    ordering = ("code",)


class ServiceCenterSerializer(PlacedSerializer):
    level_label = serializers.CharField(source="get_level_display", read_only=True)
    parent = serializers.CharField(source="parent.code", read_only=True, default=None)
    distance_m = serializers.SerializerMethodField()

    class Meta:
        model = ServiceCenter
        fields = (
            "code",
            "name",
            "level",
            "level_label",
            "parent",
            "address",
            "phone",
            "opening_hours",
            "services",
            *PLACE,
            "distance_m",
        )

    def get_distance_m(self, row) -> float | None:
        distance = getattr(row, "distance_m", None)
        return None if distance is None else round(distance, 1)


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("lon", float, description="with lat: nearest first, with distance_m"),
            OpenApiParameter("lat", float),
            OpenApiParameter("crs", str, description="of lon and lat; wgs84 by default"),
        ]
    )
)
class ServiceCenterViewSet(ScopedViewSet):
    """Service centres (服务中心); with ``lon`` and ``lat`` the nearest come first, 50 at most."""

    queryset = ServiceCenter.objects.select_related("grid", "parent")
    serializer_class = ServiceCenterSerializer
    filterset_fields = ("level",)
    search_fields = ("code", "name", "address", "services")
    ordering_fields = ("code", "name", "level", "area_code")
    ordering = ("code",)

    def list(self, request, *args, **kwargs):
        params = request.query_params
        if "lon" not in params and "lat" not in params:
            return super().list(request, *args, **kwargs)
        place = queries.point_at(
            parse_number("lon", params.get("lon", ""), -180, 180),
            parse_number("lat", params.get("lat", ""), -90, 90),
            params.get("crs", "wgs84"),
        )
        limit = int(parse_number("limit", params.get("limit", "10"), 1, 50))
        rows = nearest(self.filter_queryset(self.get_queryset()), place, limit)
        data = self.get_serializer(rows, many=True).data
        return Response(
            {"count": len(data), "count_exact": True, "next": None, "previous": None, "results": data}
        )


class RiskPointSerializer(PlacedSerializer):
    level_label = serializers.CharField(source="get_level_display", read_only=True)
    danger = serializers.FloatField(read_only=True)
    supervising_unit = UnitSerializer(read_only=True)

    class Meta:
        model = RiskPoint
        fields = (
            "code",
            "name",
            "category",
            "level",
            "level_label",
            "likelihood",
            "exposure",
            "consequence",
            "danger",
            "raised_reason",
            "supervising_unit",
            "note",
            *PLACE,
        )


class RiskPointViewSet(ScopedViewSet):
    """Risk points (风险点), graded by LEC."""

    queryset = RiskPoint.objects.select_related("grid", "supervising_unit")
    serializer_class = RiskPointSerializer
    filterset_fields = ("level", "category")
    search_fields = ("code", "name", "category")
    ordering_fields = ("code", "name", "level", "area_code")
    ordering = ("code",)


class ReferenceLineSerializer(PlacedSerializer):
    class Meta:
        model = ReferenceLine
        fields = ("code", "name", "kind", "rank", "width_m", *PLACE)


class ReferenceLineViewSet(ScopedViewSet):
    """Roads, watercourses, railways and barriers: what borders follow."""

    queryset = ReferenceLine.objects.select_related("grid")
    serializer_class = ReferenceLineSerializer
    filterset_fields = ("kind", "rank")
    search_fields = ("code", "name")
    ordering_fields = ("code", "name", "rank", "area_code")
    ordering = ("code",)
