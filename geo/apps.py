from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GeoConfig(AppConfig):
    name = "geo"
    verbose_name = _("Ground")

    def ready(self):
        from geo import registry

        registry.discover()
