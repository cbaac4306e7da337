"""Words of this app in the audit log."""

from django.utils.translation import gettext_lazy as _

from geo import audit

audit.ACTIONS |= {
    "tiles.basemap_added": _("Added a base map"),
    "tiles.basemap_changed": _("Changed a base map"),
}
