"""Read the capabilities of base maps and one tile of each."""

from django.core.management.base import BaseCommand, CommandError

from tiles import actions
from tiles.api.layers import city_extent
from tiles.models import BaseMap


class Command(BaseCommand):
    help = "Check base maps: are capabilities, matrix set, levels and projection what was entered?"

    def add_arguments(self, parser):
        parser.add_argument("name", nargs="*", help="identifiers; without any, all active ones")

    def handle(self, *args, **options):
        maps = BaseMap.objects.exclude(service=BaseMap.Service.OWN)
        maps = maps.filter(name__in=options["name"]) if options["name"] else maps.filter(active=True)
        unknown = set(options["name"]) - {one.name for one in maps}
        if unknown:
            raise CommandError(f"no such base map: {', '.join(sorted(unknown))}")
        west, south, east, north = city_extent()
        failed = 0
        for one in maps:
            errors = actions.check_basemap(one, ((west + east) / 2, (south + north) / 2))
            self.stdout.write(f"{one.name}: {'ok' if not errors else ''}")
            for error in errors:
                self.stdout.write(f"  {error['field']}: {error['detail']}")
            failed += bool(errors)
        if failed:
            raise CommandError(f"{failed} of {len(maps)} base maps cannot be used")
