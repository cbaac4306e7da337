"""Addresses of the planner's pages."""

from django.urls import path

from grids.pages import planner

urlpatterns = [
    path("", planner.plans, name="planner"),
    path("areas/", planner.areas, name="planner-areas"),
    path("<int:plan>/", planner.editor, name="planner-plan"),
    path("<int:plan>/compare/", planner.compare, name="planner-compare"),
    path("<int:plan>/review/", planner.review, name="planner-review"),
]
