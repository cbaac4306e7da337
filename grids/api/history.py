"""Statistics by the borders of any day."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo.rest import bad_parameter, parse_area, parse_date
from grids import history
from grids.models import Grid


class GridFigures(serializers.Serializer):
    """A grid of the day with its figures by measure id."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    lineage = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
    figures = serializers.DictField(child=serializers.IntegerField())


class FiguresOfDay(serializers.Serializer):
    """Figures of an area by the borders of a day."""

    area = serializers.CharField()
    at = serializers.DateField()
    measures = serializers.ListField(child=serializers.DictField())
    grids = GridFigures(many=True)


class GridFiguresView(APIView):
    """Figures by the borders of a day: of measures with a time the year up to it, of others what is today."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="grid_figures",
        parameters=[
            OpenApiParameter("area", str, required=True, description="a street (9 digits) or community (12)"),
            OpenApiParameter("at", str, description="a day, YYYY-MM-DD; default: today"),
            OpenApiParameter("ids", str, description="measures, separated by commas; default: all"),
        ],
        responses=FiguresOfDay,
    )
    def get(self, request):
        """Grids of a street or community as they were, with what their borders held."""
        code = parse_area(request.query_params.get("area", ""))
        if len(code) not in (9, 12):
            raise bad_parameter("area", _("Choose a street (9 digits) or a community (12 digits)."))
        text = request.query_params.get("at", "")
        day = parse_date("at", text) if text else timezone.localdate()
        ids = {one for one in request.query_params.get("ids", "").split(",") if one} or None
        wanted = history.countable(request.user, code, ids)
        rows = history.grids_on(code, day) if Grid.objects.for_user(request.user).exists() else []
        figures = history.figures_on(code, day, wanted) if rows else {}
        for row in rows:
            row.figures = {measure: found.get(row.code, 0) for measure, found in figures.items()}
        measures = [
            {"id": one.id, "label": str(one.label), "definition": str(one.definition), "unit": str(one.unit)}
            for one in wanted
        ]
        answer = {"area": code, "at": day, "measures": measures, "grids": rows}
        return Response(FiguresOfDay(answer).data)
