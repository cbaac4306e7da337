"""Pages of this app in the tree menu."""

from django.utils.translation import gettext_lazy as _

from geo.menu import Entry, menu

menu.add(
    Entry(
        "statistics",
        _("Statistics"),
        "statistics",
        "table",
        "cases.statistics",
        group="figures",
        order=20,
        under=("/statistics/",),
    ),
    Entry("console", _("Cases"), "console", "case", "cases.view", group="work", order=10, under=("/cases/",)),
    Entry("rules", _("Dispatch rules"), "rules", "rules", "cases.view_rules", group="work", order=40),
)
