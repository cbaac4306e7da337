"""All addresses. Apps are named as strings, so that nothing here imports upwards."""

from django.urls import include, path

urlpatterns = [
    path("", include("geo.routes")),
    path("", include("tiles.routes")),
    path("", include("grids.routes")),
    path("", include("assets.routes")),
    path("", include("cases.routes")),
]
