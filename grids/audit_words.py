"""Words of this app in the audit log."""

from django.utils.translation import gettext_lazy as _

from geo import audit

audit.ACTIONS["plans.export"] = _("Exported a plan")
