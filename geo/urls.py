"""All addresses. Apps are named as strings, so that nothing here imports upwards."""

from django.urls import include, path

handler404 = "geo.problems.not_found"
handler500 = "geo.problems.server_error"

urlpatterns = [
    path("", include("geo.routes")),
    path("", include("tiles.routes")),
    path("", include("grids.routes")),
    path("", include("assets.routes")),
    path("", include("cases.routes")),
]
