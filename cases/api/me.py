"""What a person has to do."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import guards, todo
from cases.api.serializers import TaskRow
from geo.nearness import with_distance
from geo.rest import COUNT_TO
from grids.api.locate import read_point

MOST_TASKS = 100


class TasksView(APIView):
    """Cases whose next main step is mine: by my right at a desk, by what my unit holds or was asked, by
    checks in my grids or that I was asked for.
    """

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
            "Tasks",
            {
                "count": serializers.IntegerField(),
                "count_exact": serializers.BooleanField(),
                "results": TaskRow(many=True),
            },
        ),
    )
    def get(self, request):
        """The first 100, supervised ones first, then by deadline; or by distance. The count, exact to 10,000,
        is of all.
        """
        rows = todo.tasks(request.user)
        query = request.query_params
        if query.get("lon") or query.get("lat"):
            point, _crs = read_point(query)
            rows = with_distance(rows, point)
            if query.get("ordering") == "distance":
                rows = rows.order_by("distance_m", "pk")
        results = guards.know(list(rows[:MOST_TASKS]))
        count = len(results)
        if count == MOST_TASKS:
            count = rows.order_by().values("pk")[: COUNT_TO + 1].count()
        return Response(
            {
                "count": min(count, COUNT_TO),
                "count_exact": count <= COUNT_TO,
                "results": TaskRow(results, many=True, context={"request": request, "view": self}).data,
            },
            headers={"Cache-Control": "private, no-cache"},
        )
