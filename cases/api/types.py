"""Choosing a type: the tree, by component, the six used last, pinyin initials."""

from __future__ import annotations

from itertools import groupby

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.models import Component, ItemType
from cases import queries
from geo.rest import bad_parameter


class TypeChoice(serializers.ModelSerializer):
    """A type to choose; ``no_photo``: no photo is kept of such."""

    code = serializers.CharField(source="full_code")
    label = serializers.CharField(source="__str__")

    class Meta:
        model = ItemType
        fields = ("id", "standard", "kind", "class_code", "code", "name", "label", "initials", "no_photo")


class TypeClass(serializers.Serializer):
    """A class with its types."""

    kind = serializers.CharField()
    kind_label = serializers.CharField()
    class_code = serializers.CharField()
    label = serializers.CharField()
    types = TypeChoice(many=True)


class TypeChoices(serializers.Serializer):
    """What helps to choose: the component's type, the six used last, matches of ``q``, the tree."""

    standard = serializers.CharField()
    component = TypeChoice(allow_null=True)
    recent = TypeChoice(many=True)
    matches = TypeChoice(many=True, allow_null=True)
    tree = TypeClass(many=True, allow_null=True)


class CaseTypesView(APIView):
    """Types for a report, as the phone offers them."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="case_types",
        parameters=[
            OpenApiParameter("q", str, description="name, code or pinyin initials; leaves out the tree"),
            OpenApiParameter("component", str, description="code of the component it is about"),
            OpenApiParameter("standard", str, enum=ItemType.Standard.values),
        ],
        responses=TypeChoices,
    )
    def get(self, request):
        """The component's type, the user's six last, matches or the tree of the standard in force."""
        query = request.query_params
        standard = query.get("standard") or settings.CASE_STANDARD
        if standard not in ItemType.Standard.values:
            known = ", ".join(ItemType.Standard.values)
            raise bad_parameter("standard", _("standard takes one of: %s.") % known)
        component = None
        if code := query.get("component"):
            row = Component.objects.for_user(request.user).select_related("type").filter(code=code).first()
            component = row.type if row else None
        text = query.get("q", "").strip()
        data = {
            "standard": standard,
            "component": component,
            "recent": queries.recent_types(request.user),
            "matches": queries.matching_types(text, standard) if text else None,
            "tree": None if text else _tree(standard),
        }
        return Response(TypeChoices(data).data, headers={"Cache-Control": "private, max-age=60"})


def _tree(standard: str) -> list[dict]:
    english = (get_language() or "").startswith("en")
    rows = ItemType.objects.filter(active=True, standard__in=(standard, ItemType.Standard.LOCAL)).order_by(
        "kind", "class_code", "standard", "type_code"
    )
    tree = []
    for (_kind, code), types in groupby(rows, key=lambda row: (row.kind, row.class_code)):
        types = list(types)
        first = types[0]
        tree.append(
            {
                "kind": first.kind,
                "kind_label": first.get_kind_display(),
                "class_code": code,
                "label": first.class_name_en if english and first.class_name_en else first.class_name,
                "types": types,
            }
        )
    return tree
