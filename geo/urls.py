"""All addresses. Apps are named as strings, so that nothing here imports upwards."""

from django.urls import include, path

handler404 = "geo.problems.not_found"
handler500 = "geo.problems.server_error"

urlpatterns = [
    path("", include("tiles.routes")),  # first, for a map asks for dozens of tiles at once
    path("", include("geo.routes")),
    path("", include("grids.routes")),
    path("", include("assets.routes")),
    path("", include("cases.routes")),
]
