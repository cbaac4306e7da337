"""Prove that counted cells equal a count of the rows."""

from django.core.management.base import BaseCommand, CommandError

from tiles import triggers
from tiles.queries import bins


class Command(BaseCommand):
    help = "Compare the counted cells of every layer with its rows; --repair counts anew what differs."

    def add_arguments(self, parser):
        parser.add_argument("--repair", action="store_true")

    def handle(self, *args, **options):
        wrong = []
        for layer in bins.counted_layers():
            differences = triggers.differences(layer)
            self.stdout.write(f"{layer.id}: {len(differences)} cells differ")
            if differences:
                wrong.append(layer.id)
                if options["repair"]:
                    triggers.recount(layer)
        if wrong and not options["repair"]:
            raise CommandError(f"counts differ: {', '.join(wrong)}; run again with --repair")
