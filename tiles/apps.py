from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TilesConfig(AppConfig):
    name = "tiles"
    verbose_name = _("Layers")

    def ready(self):
        post_migrate.connect(_install_triggers)


def _install_triggers(sender, using="default", **options):
    """Once all apps have their tables: the triggers of the layers."""
    if sender is list(apps.get_app_configs())[-1] and using == "default":
        from tiles import triggers

        triggers.install()
