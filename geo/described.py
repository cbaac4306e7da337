"""How our views are read for the API's description; apart from it, because every view needs this first."""

from django.core.exceptions import FieldDoesNotExist
from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import BaseSerializer, ListSerializer

PROBLEM = {
    "type": "object",
    "description": "What was wrong, where, and what would be right (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "field": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


GEOJSON = {
    "type": "object",
    "description": "A list is a FeatureCollection, its count and links foreign members; a row a Feature.",
}


def tell_problems(result, generator, request, public):
    """Every operation may be refused, and GeoJSON has a form of its own: drf-spectacular's hook."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    refused = {
        "description": "Refused",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for methods in result["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                if "application/geo+json" in response.get("content", {}):
                    response["content"]["application/geo+json"] = {"schema": GEOJSON}
            operation["responses"].setdefault("4XX", refused)
    return result


class Described(AutoSchema):
    """drf-spectacular's reader of our views, which also sees what may be null without saying so."""

    def _map_serializer_field(self, field, direction, bypass_extensions=False):
        if field.read_only and _may_be_null(field):
            field.allow_null = True
        return super()._map_serializer_field(field, direction, bypass_extensions)


def _may_be_null(field) -> bool:
    """Whether ``None`` stands in for it, or it shows a relation that need not be there."""
    if field.default is None:
        return True
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    if model is None or not isinstance(field, BaseSerializer) or isinstance(field, ListSerializer):
        return False
    try:
        return bool(model._meta.get_field(field.source).null)
    except FieldDoesNotExist:
        return False
