"""Load the small tables that every installation begins with. May be run again at any time."""

from importlib import import_module

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.module_loading import module_has_submodule


class Command(BaseCommand):
    help = "Load roles, dictionaries, the working calendar, national types: idempotent."

    def handle(self, *args, **options):
        with transaction.atomic():
            # From the ground up: later tables may refer to earlier ones.
            for app in settings.OWN_APPS:
                if module_has_submodule(import_module(app), "code_tables"):
                    for table, count in import_module(f"{app}.code_tables").load().items():
                        if options["verbosity"]:
                            self.stdout.write(f"{app}: {count} {table}")
