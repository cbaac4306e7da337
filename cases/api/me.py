"""What a person has to do."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import guards, queries
from cases.api.serializers import TaskRow
from geo.nearness import with_distance
from grids.api.locate import read_point

MOST_TASKS = 200


class TasksView(APIView):
    """Cases that wait for me: to verify where I was asked or am on duty, to handle what my unit holds."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="me_tasks",
        parameters=[
            OpenApiParameter("lon", float, description="with lat: adds distance_m"),
            OpenApiParameter("lat", float),
            OpenApiParameter("crs", str),
            OpenApiParameter("ordering", str, enum=["due_at", "distance"]),
        ],
        responses=inline_serializer(
            "Tasks", {"count": serializers.IntegerField(), "results": TaskRow(many=True)}
        ),
    )
    def get(self, request):
        """The first 200, by deadline or by distance."""
        rows = queries.tasks(request.user)
        query = request.query_params
        if query.get("lon") or query.get("lat"):
            point, _crs = read_point(query)
            rows = with_distance(rows, point)
            if query.get("ordering") == "distance":
                rows = rows.order_by("distance_m", "pk")
        results = guards.know(list(rows[:MOST_TASKS]))
        return Response(
            {
                "count": len(results) if len(results) < MOST_TASKS else rows.order_by().count(),
                "results": TaskRow(results, many=True, context={"request": request, "view": self}).data,
            },
            headers={"Cache-Control": "private, no-cache"},
        )
