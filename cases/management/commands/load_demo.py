"""``manage.py load_demo``: the invented city, for demonstrations, tests and benchmarks."""

import time
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _


class Command(BaseCommand):
    help = "Load the invented demo city into an empty database."

    def add_arguments(self, parser):
        parser.add_argument("--scale", choices=["demo", "city"], default="demo")
        parser.add_argument("--today", type=date.fromisoformat, help="the demo's present day, YYYY-MM-DD")
        parser.add_argument("--district", default="", help="only this district, e.g. 990101")
        parser.add_argument("--seed", type=int, default=9901)

    def handle(self, *args, scale, today, district, seed, **options):
        from fixtures.demo import load

        start = time.monotonic()

        def say(text):
            self.stdout.write(f"{time.monotonic() - start:6.1f} s  {text}", ending="\n")
            self.stdout.flush()

        try:
            done = load.load(scale, today, district, seed, say)
        except load.NotEmpty as error:
            if error.demo:
                self.stdout.write(_("The demo city is there already."))
                return
            raise CommandError(
                _("There are areas in this database already. The demo goes into an empty one.")
            ) from error
        say(_("done"))
        for name, value in done.items():
            self.stdout.write(f"{name}: {value}")
