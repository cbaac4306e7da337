"""Pages of this app in the tree menu."""

from django.utils.translation import gettext_lazy as _

from geo.menu import Entry, menu

menu.add(
    Entry(
        "planner",
        _("Grid planning"),
        "planner",
        "planner",
        "grids.view_plans",
        group="maps",
        order=10,
        under=("/planner/",),
    ),
    Entry(
        "grids-by-day",
        _("Grids by day"),
        "grids-page",
        "grid",
        "grids.view",
        group="maps",
        order=20,
        under=("/grids/",),
    ),
)
