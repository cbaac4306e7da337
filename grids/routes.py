"""Addresses of this app."""

from django.urls import path

from grids import api

urlpatterns = [
    # With and without the slash: the address is part of the public contract, and a POST cannot be redirected.
    path("api/locate", api.LocateView.as_view(), name="locate"),
    path("api/locate/", api.LocateView.as_view()),
]
