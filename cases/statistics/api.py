"""Statistics for other programs: what there is to ask, and a table as JSON. Within the caller's scope."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.statistics import names, tables
from cases.statistics.indicators import INDICATORS, TABLES
from cases.statistics.titles import rows_url


class IndicatorSerializer(serializers.Serializer):
    """An indicator: a count, or top ÷ bottom."""

    code = serializers.CharField()
    label = serializers.CharField()
    definition = serializers.CharField()
    formula = serializers.CharField(help_text="in words; empty for a count")
    numerator = serializers.CharField(help_text="code of the count above")
    denominator = serializers.CharField(help_text="code of the count below, as set here; empty for a count")
    choices = serializers.ListField(
        child=serializers.CharField(), help_text="denominators that a setting may choose"
    )
    unit = serializers.CharField(help_text="empty, % or stars")
    direction = serializers.CharField(help_text="up: more is better, down: less is better, or empty")
    flows = serializers.ListField(child=serializers.CharField())


class StatisticsTableInfoSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()
    flow = serializers.CharField()
    indicators = serializers.ListField(child=serializers.CharField())


class StatisticsCatalogueSerializer(serializers.Serializer):
    tables = StatisticsTableInfoSerializer(many=True)
    indicators = IndicatorSerializer(many=True)
    dimensions = serializers.DictField(child=serializers.CharField())


class StatisticsFigureSerializer(serializers.Serializer):
    """A figure, exactly: numerator and denominator; value is null where there is nothing to divide by."""

    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField(help_text="1 for a count, 0 where there is nothing to divide by")
    value = serializers.FloatField(allow_null=True, help_text="0 to 1 for rates, 1 to 5 for stars")
    text = serializers.CharField()
    cases = serializers.CharField(help_text="address of the list of the cases behind it, or empty")


class StatisticsRowSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="empty for what belongs to nothing")
    label = serializers.CharField()
    figures = serializers.DictField(child=StatisticsFigureSerializer())


class StatisticsTableSerializer(serializers.Serializer):
    table = serializers.CharField()
    by = serializers.CharField()
    period = serializers.CharField()
    since = serializers.DateTimeField(help_text="a, included")
    until = serializers.DateTimeField(help_text="b, excluded")
    as_of = serializers.DateTimeField()
    narrowed = serializers.DictField(child=serializers.CharField())
    rows = StatisticsRowSerializer(many=True)
    total = StatisticsRowSerializer(help_text="the sum of the rows, exactly")


class CatalogueView(APIView):
    """What can be asked: tables, indicators with their definitions and formulas, dimensions."""

    @extend_schema(responses=StatisticsCatalogueSerializer, tags=["statistics"])
    def get(self, request):
        tables.read({}, request.user)
        return Response(
            {
                "tables": [
                    {
                        "code": one.code,
                        "label": str(one.label),
                        "flow": one.flow,
                        "indicators": one.columns,
                    }
                    for one in TABLES.values()
                ],
                "indicators": [
                    {
                        "code": one.code,
                        "label": str(one.label),
                        "definition": one.explained,
                        "formula": one.formula,
                        "numerator": one.top,
                        "denominator": one.over,
                        "choices": one.choices,
                        "unit": one.unit,
                        "direction": one.direction,
                        "flows": one.flows,
                    }
                    for one in INDICATORS.values()
                ],
                "dimensions": {code: str(label) for code, label in names.DIMENSIONS.items()},
            }
        )


def _text(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description)


class TableView(APIView):
    """A table of statistics: indicators by a dimension over a period, within the caller's scope."""

    @extend_schema(
        parameters=[
            OpenApiParameter("table", str, enum=list(TABLES), description="by default overview"),
            OpenApiParameter("by", str, enum=list(names.DIMENSIONS), description="by default area"),
            _text(
                "period", "2026-11-27, 2026-W48, 2026-11, 2026-Q4, 2026-H2, 2026 or 2026-11-01..2026-11-27"
            ),
            _text("area", "code of an area (4 to 12 digits) or of a grid (15)"),
            _text("source", "a source of cases"),
            OpenApiParameter("kind", str, enum=["component", "event"]),
            _text("class", "standard:kind:class code"),
            OpenApiParameter("type", int, description="number of a type"),
            OpenApiParameter("unit", int, description="number of a unit; those below it count too"),
            OpenApiParameter("person", int, description="number of a member of staff who reported"),
            OpenApiParameter("company", int, description="number of a collection company"),
            _text("borders", "today or a day: by its borders instead of those of filing"),
            OpenApiParameter("edition", str, enum=["new"], description="types as in the newer standard"),
        ],
        responses=StatisticsTableSerializer,
        tags=["statistics"],
    )
    def get(self, request):
        asked = tables.read(request.query_params, request.user)
        answer = tables.answer(asked)
        since, until = asked.period.bounds
        return Response(
            {
                "table": asked.table.code,
                "by": asked.by,
                "period": asked.period.text,
                "since": since,
                "until": until,
                "as_of": answer.as_of,
                "narrowed": asked.of,
                "rows": [_row(row) for row in answer.rows],
                "total": _row(answer.total),
            }
        )


def _row(row: tables.Row) -> dict:
    return {
        "key": row.key,
        "label": row.label,
        "figures": {
            cell.indicator.code: {
                "numerator": row.figures.get(cell.indicator.top, 0),
                "denominator": row.figures.get(cell.indicator.over, 0) if cell.indicator.is_rate else 1,
                "value": None if cell.value is None else float(cell.value),
                "text": cell.text,
                "cases": rows_url(cell.stat) if cell.stat else "",
            }
            for cell in row.cells
        },
    }
