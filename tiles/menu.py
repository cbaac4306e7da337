"""Pages of this app in the tree menu."""

from django.utils.translation import gettext_lazy as _

from geo.menu import Entry, menu

menu.add(Entry("cockpit", _("Cockpit"), "cockpit", "cockpit", "cases.view", group="figures", order=10))
menu.add(
    Entry(
        "basemaps",
        _("Base maps"),
        "manage-basemaps",
        "layers",
        "geo.manage_settings",
        group="system",
        order=40,
    )
)
