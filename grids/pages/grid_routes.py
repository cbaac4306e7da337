"""Addresses of the pages about grids on any day, and of the rows behind their figures."""

from django.urls import path

from grids.pages import counted, history

urlpatterns = [
    path("", history.grids_page, name="grids-page"),
    *(
        path(f"counted/{name.replace('_', '-')}/", counted.counted, {"measure": name}, name=f"counted-{name}")
        for name in counted.LISTINGS
    ),
    path("<str:code>/", history.grid_page, name="grid-page"),
]
