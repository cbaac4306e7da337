"""Words of this app in the audit log."""

from django.utils.translation import gettext_lazy as _

from geo import audit

audit.ACTIONS |= {
    "assets.import": _("Imported a layer"),
    "layer.export": _("Exported a layer"),
    "component.create": _("Added a component"),
    "component.update": _("Changed a component"),
    "component.state": _("Changed the state of a component"),
}
