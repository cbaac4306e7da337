"""Addresses of the pages about grids on any day."""

from django.urls import path

from grids.pages import history

urlpatterns = [
    path("", history.grids_page, name="grids-page"),
    path("<str:code>/", history.grid_page, name="grid-page"),
]
