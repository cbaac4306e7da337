"""Addresses of this app."""

from django.urls import path

from tiles import cockpit

urlpatterns = [
    path("cockpit/", cockpit.cockpit_page, name="cockpit"),
    path("api/measures/", cockpit.figures_view, name="api-measures"),
    path("api/measures/shapes", cockpit.shapes_view, name="api-measure-shapes"),
    path("api/measures/<slug:measure>/series", cockpit.series_view, name="api-measure-series"),
]
