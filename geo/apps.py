from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class GeoConfig(AppConfig):
    name = "geo"
    verbose_name = _("Ground")

    def ready(self):
        from geo import calendar, registry
        from geo.pages import login

        registry.discover()
        calendar.watch()
        login.watch()
        post_migrate.connect(_install_tallies)


def _install_tallies(sender, using="default", **options):
    """Once all apps have their tables: the triggers of the measures."""
    if sender is list(apps.get_app_configs())[-1] and using == "default":
        from geo import tallies

        tallies.install()
