"""Import a city's official division codes and outlines."""

from datetime import date
from pathlib import Path

from django.core.management.base import CommandError

from geo import coordinates, vector_files
from geo.area_import import import_areas
from geo.divisions import DivisionError, read_divisions
from geo.file_commands import FileCommand
from geo.outlines import OutlineError, Outlines, read_outlines


class Command(FileCommand):
    help = "Import official area codes (CSV) and outlines (any OGR file) as the areas in force from a date."

    def add_arguments(self, parser):
        parser.add_argument(
            "codes", type=Path, help="CSV: code (12 or significant digits), name[, level, parent]"
        )
        parser.add_argument(
            "--under", default="", help="only this code and what lies in it, for example 6502"
        )
        parser.add_argument("--outlines", type=Path, help="file with polygons, any OGR format")
        parser.add_argument(
            "--crs", help="what the outlines' numbers are in: wgs84, cgcs2000, gcj02, bd09, EPSG:n"
        )
        parser.add_argument("--layer", help="layer of the outlines' file")
        parser.add_argument("--encoding", help="of a Shapefile's attributes, for example GBK")
        parser.add_argument("--code-field", default="")
        parser.add_argument("--name-field", default="")
        parser.add_argument(
            "--repair", action="store_true", help="mend invalid outlines (at most 1 %% of their size)"
        )
        parser.add_argument(
            "--known", type=Path, help="WGS-84 lines (roads) that borders follow, to check the datum"
        )
        parser.add_argument("--known-layer")
        parser.add_argument(
            "--valid-from", type=date.fromisoformat, help="YYYY-MM-DD; default: today, or 2000-01-01"
        )
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args, codes: Path, **options):
        try:
            divisions = read_divisions(codes, under=options["under"])
            outlines = Outlines()
            if options["outlines"]:
                outlines = read_outlines(
                    options["outlines"],
                    options["crs"],
                    layer=options["layer"],
                    encoding=options["encoding"],
                    code_field=options["code_field"],
                    name_field=options["name_field"],
                    repair=options["repair"],
                    under=options["under"],
                )
            known = None
            if options["known"]:
                lines = vector_files.read_frame(options["known"], options["known_layer"])
                known = lines.geometry.to_numpy()
            report = import_areas(
                divisions,
                outlines,
                valid_from=options["valid_from"],
                dry_run=options["dry_run"],
                known=known,
            )
        except (DivisionError, OutlineError, coordinates.CoordinateError) as error:
            raise CommandError(str(error)) from None
        for line in report.lines():
            self.stdout.write(line)
