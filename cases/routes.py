"""Addresses of this app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from cases.api.me import TasksView
from cases.api.rules import DispatchRuleViewSet
from cases.api.types import CaseTypesView
from cases.api.views import CaseViewSet
from cases.evaluation.api import EvaluationModelViewSet, EvaluationTaskViewSet

router = SimpleRouter()
router.register("cases", CaseViewSet, "case")
router.register("dispatch-rules", DispatchRuleViewSet, "dispatch-rule")
router.register("evaluation-models", EvaluationModelViewSet, "evaluation-model-api")
router.register("evaluation-tasks", EvaluationTaskViewSet, "evaluation-task-api")

act = CaseViewSet.as_view({"post": "act"}, schema=None)

urlpatterns = [
    # Phones in use send actions without the slash.
    path("api/cases/<str:number>/actions/<slug:verb>", act),
    path("api/case-types/", CaseTypesView.as_view(), name="case-types"),
    path("api/me/tasks", TasksView.as_view(), name="my-tasks"),
    path("api/me/tasks/", TasksView.as_view(schema=None)),
    path("api/", include(router.urls)),
    path("", include("cases.statistics.routes")),
    path("m/", include("cases.phone")),
    path("public/", include("cases.public.routes")),
    path("public-desk/", include("cases.public.desk.routes")),
    path("open311/v2/", include("cases.open311.routes")),
    path("manage/open311/", include("cases.open311.manage_routes")),
    path("", include("cases.evaluation.pages.routes")),
    path("", include("cases.pages.routes")),
]
