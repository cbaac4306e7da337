"""Addresses of this app."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from grids.api import borders, history, locate, plan_figures, plan_proposals, plan_review, plans, work

router = SimpleRouter()
router.register("areas", borders.AreaViewSet, "area")
router.register("grids", borders.GridViewSet, "grid")
router.register("unit-grids", borders.UnitGridViewSet, "unit-grid")
router.register("check-ins", work.CheckInViewSet, "check-in")

urlpatterns = [
    # With and without the slash: the addresses are public, and a POST cannot be redirected.
    path("api/locate", locate.LocateView.as_view(), name="locate"),
    path("api/locate/", locate.LocateView.as_view(schema=None)),
    path("api/me/", work.MeView.as_view(), name="me"),
    path("api/shifts/punch-in", work.PunchInView.as_view(), name="punch-in"),
    path("api/shifts/punch-in/", work.PunchInView.as_view(schema=None)),
    path("api/shifts/punch-out", work.PunchOutView.as_view(), name="punch-out"),
    path("api/shifts/punch-out/", work.PunchOutView.as_view(schema=None)),
    path("api/plans/", include(plans.urlpatterns)),
    path("api/grid-figures/", history.GridFiguresView.as_view(), name="grid-figures"),
    path("api/plans/", include(plan_proposals.urlpatterns)),
    path("api/plans/", include(plan_review.urlpatterns)),
    path("api/plans/", include(plan_figures.urlpatterns)),
    path("api/", include(router.urls)),
    path("grids/", include("grids.pages.grid_routes")),
    path("planner/", include("grids.pages.routes")),
]
