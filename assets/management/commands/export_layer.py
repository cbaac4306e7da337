"""Write a layer to a file, within a user's scope."""

from pathlib import Path

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from assets.exporting import CRS, FORMATS, SUFFIX, export_layer
from geo.file_commands import FileCommand, check_writable
from geo.models import User


class Command(FileCommand):
    help = (
        "Writes a layer's rows within a user's scope as GeoPackage, Shapefile (zipped), GeoJSON or CSV. "
        "Coordinate systems: " + ", ".join(CRS[:3]) + " … " + CRS[-1]
    )

    def add_arguments(self, parser):
        parser.add_argument("layer", help="id of the layer, e.g. components")
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=list(FORMATS), help="default: by the file's name")
        parser.add_argument("--crs", default="4326")
        parser.add_argument("--area", default="", help="only what lies in this area (code prefix)")
        parser.add_argument("--user", required=True, help="whose scope (login name)")

    def handle(self, *, layer, file, format, crs, area, user, **options):
        account = User.objects.filter(username=user).first()
        if account is None:
            raise CommandError(_("There is no user %s.") % user)
        by_suffix = {suffix: name for name, suffix in SUFFIX.items()} | {".json": "geojson", ".shp": "shp"}
        format = format or by_suffix.get(file.suffix.lower())
        if format is None:
            raise CommandError(_("Say the format; the name of %s does not tell it.") % file.name)
        if format == "shp":
            file = file.with_suffix(".zip")
        check_writable(file)
        done = export_layer(layer, file.parent, user=account, format=format, crs=crs, area=area, path=file)
        self.stdout.write(_("%(rows)d rows in %(file)s") % {"rows": done.rows, "file": done.path})
