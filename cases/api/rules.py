"""Dispatch rules over HTTP: list, new ones, ending one, trying a place, faults."""

from __future__ import annotations

import json

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from assets.api import TypeSerializer
from assets.models import Component, ItemType
from cases import dispatch, faults, rules
from cases.api.serializers import DecisionOut, UnitOut, decision_out
from cases.api.views import one_of, unit_of
from cases.models import DispatchRule
from geo.idempotency import Idempotent
from geo.problems import Problem
from geo.rest import ScopedViewSet, bad_parameter, parse_number
from grids.api.locate import read_point
from grids.models import Grid
from grids.queries import require_inside


class RuleOut(serializers.ModelSerializer):
    """A dispatch rule; ``in_force`` today."""

    unit = UnitOut(read_only=True)
    type = TypeSerializer(read_only=True)
    grid = serializers.CharField(source="grid.code", read_only=True, default=None)
    polygon = serializers.SerializerMethodField()
    in_force = serializers.SerializerMethodField()
    by_type = serializers.SerializerMethodField()
    person = serializers.CharField(source="person.name", read_only=True, default=None)
    meeting = serializers.IntegerField(source="source_item.meeting_id", read_only=True, default=None)

    class Meta:
        model = DispatchRule
        fields = (
            "id",
            "name",
            "unit",
            "type",
            "kind",
            "class_code",
            "standard",
            "by_type",
            "area_code",
            "grid",
            "polygon",
            "valid_from",
            "valid_to",
            "in_force",
            "basis",
            "party",
            "post",
            "person",
            "manual",
            "meeting",
        )

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_polygon(self, rule):
        return json.loads(rule.polygon.json) if rule.polygon else None

    def get_in_force(self, rule) -> bool:
        today = timezone.localdate()
        return rule.valid_from <= today and (rule.valid_to is None or rule.valid_to > today)

    def get_by_type(self, rule) -> str:
        if rule.type_id:
            return "type"
        return "class" if rule.class_code else "kind" if rule.kind or rule.standard else "any"


class RuleIn(serializers.Serializer):
    """A new rule; what is left out is not restricted."""

    name = serializers.CharField(max_length=100)
    unit = serializers.CharField(help_text="its code or id")
    type = serializers.IntegerField(required=False, allow_null=True)
    kind = serializers.ChoiceField(ItemType.Kind.choices, required=False, default="")
    class_code = serializers.CharField(required=False, allow_blank=True, default="", max_length=2)
    standard = serializers.ChoiceField(ItemType.Standard.choices, required=False, default="")
    area_code = serializers.CharField(required=False, allow_blank=True, default="", max_length=12)
    grid = serializers.CharField(required=False, allow_blank=True, default="", help_text="15 digits")
    polygon = serializers.JSONField(required=False, allow_null=True, help_text="GeoJSON, WGS-84")
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_to = serializers.DateField(required=False, allow_null=True)
    basis = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    party = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=20, help_text="a word of five_party"
    )
    post = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    person = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="user name of somebody of the unit"
    )
    manual = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=2000, help_text="what to do, whom to call"
    )


class EndIn(serializers.Serializer):
    """When a rule ends: the first day without it (today by default), and why."""

    valid_to = serializers.DateField(required=False, allow_null=True)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class GapOut(serializers.Serializer):
    """A type that no rule covers in ``areas``, which are ``communities`` communities; ``partly`` in some."""

    type = TypeSerializer()
    areas = serializers.ListField(child=serializers.CharField())
    communities = serializers.IntegerField()
    partly = serializers.IntegerField()


class TieOut(serializers.Serializer):
    """Two rules of one rank that meet."""

    first = RuleOut()
    second = RuleOut()
    contradicts = serializers.BooleanField()


class DispatchRuleViewSet(Idempotent, ScopedViewSet):
    """Dispatch rules: who is responsible for what kind of problem, where, and since when."""

    queryset = DispatchRule.objects.select_related("unit", "type", "grid", "person", "source_item")
    serializer_class = RuleOut
    lookup_field, lookup_value_regex = "pk", r"\d+"
    bbox_path = grid_path = ""
    write_permission = rules.PERMISSION
    search_fields = ("name", "unit__name", "basis")
    ordering_fields = ("name", "valid_from", "area_code")
    ordering = ("name",)
    http_method_names = ("get", "head", "options", "post")

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        if self.request.query_params.get("in_force") in ("true", "1"):
            today = timezone.localdate()
            queryset = queryset.filter(Q(valid_to=None) | Q(valid_to__gt=today), valid_from__lte=today)
        return queryset

    @extend_schema(parameters=[OpenApiParameter("in_force", bool, description="only those in force today")])
    def list(self, request, *args, **kwargs):
        """Rules within the scope."""
        return super().list(request, *args, **kwargs)

    @extend_schema(request=RuleIn, responses={201: RuleOut})
    def create(self, request):
        """A new rule."""
        body = RuleIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        data["unit"] = unit_of(data["unit"])
        if data.get("type") is not None:
            data["type"] = one_of(ItemType, "/type", _("There is no such type."), pk=data["type"])
        if name := data.pop("person"):
            data["person"] = rules.person_of(data["unit"], name)
        code = data.pop("grid")
        if code:
            data["grid"] = one_of(Grid, "/grid", _("There is no grid %s.") % code, code=code, retired_on=None)
        return Response(RuleOut(rules.create_rule(request.user, **data)).data, status=201)

    @extend_schema(request=EndIn, responses=RuleOut)
    @action(detail=True, methods=["post"])
    def end(self, request, pk):
        """End a rule. It stays for the cases that it decided."""
        body = EndIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        return Response(RuleOut(rules.end_rule(request.user, pk, data.get("valid_to"), data["reason"])).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("lon", float, required=True),
            OpenApiParameter("lat", float, required=True),
            OpenApiParameter("crs", str),
            OpenApiParameter("type", int),
            OpenApiParameter("component", str),
        ],
        responses=DecisionOut,
    )
    @action(detail=False, url_path="try", pagination_class=None, filter_backends=())
    def attempt(self, request):
        """Who would be responsible for a problem of a type at a place today, and why."""
        query = request.query_params
        point, _crs = read_point(query)
        located = require_inside(point)
        if not request.user.scope.covers("cases.view_rules", located.area_code):
            raise Problem(
                _("This place is not within your scope."), status=404, kind="not-found", title=_("Not yours")
            )
        kind = component = None
        if text := query.get("type"):
            pk = int(parse_number("type", text, 1, 2**31))
            kind = one_of(ItemType, "/type", _("There is no such type."), pk=pk)
        if code := query.get("component"):
            component = Component.objects.for_user(request.user).filter(code=code).first()
            if component is None:
                raise Problem(_("There is no component %s.") % code, status=404, kind="not-found")
        decision = dispatch.decide(
            point,
            type=kind or (component.type if component else None),
            area_code=located.area_code,
            grid_id=located.grid_id,
            component=component,
            day=timezone.localdate(),
        )
        return Response(DecisionOut(decision_out(decision.as_json())).data)

    @extend_schema(
        parameters=[OpenApiParameter("standard", str, enum=ItemType.Standard.values)],
        responses=inline_serializer("RuleFaults", {"gaps": GapOut(many=True), "ties": TieOut(many=True)}),
    )
    @action(detail=False, pagination_class=None, filter_backends=())
    def faults(self, request):
        """Types that nobody is responsible for somewhere, and rules that contradict each other."""
        standard = request.query_params.get("standard") or settings.CASE_STANDARD
        if standard not in ItemType.Standard.values:
            known = ", ".join(ItemType.Standard.values)
            raise bad_parameter("standard", _("standard takes one of: %s.") % known)
        found = faults.rule_faults(request.user, standard)
        return Response(
            {"gaps": GapOut(found.gaps, many=True).data, "ties": TieOut(found.ties, many=True).data}
        )
