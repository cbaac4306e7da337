"""Pages of this app in the tree menu."""

from assets.listings import LISTINGS
from geo.menu import Entry, menu

menu.add(
    *(
        Entry(one.id, one.label, f"list-{one.id}", one.icon, one.permission, group="city", order=one.order)
        for one in LISTINGS.values()
    )
)
