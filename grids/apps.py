from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GridsConfig(AppConfig):
    name = "grids"
    verbose_name = _("Grids")

    def ready(self):
        from geo import events
        from grids import duties

        duties.connect()
        events.permissions["plans"] = "grids.view_plans"
