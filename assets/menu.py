"""Pages of this app in the tree menu."""

from django.utils.translation import gettext_lazy as _

from assets.listings import LISTINGS
from geo.menu import Entry, menu

# Rows with a short address of their own; the others lie under their list.
SHORT = {"buildings": ("/buildings/",), "components": ("/components/",)}

menu.add(
    *(
        Entry(
            one.id,
            one.label,
            f"list-{one.id}",
            one.icon,
            one.permission,
            group="city",
            order=one.order,
            under=SHORT.get(one.id, ()),
        )
        for one in LISTINGS.values()
    ),
    Entry("imports", _("Imports"), "imports", "upload", "assets.import", group="city", order=90),
    Entry("exports", _("Exports"), "exports", "export", "assets.export", group="city", order=91),
)
