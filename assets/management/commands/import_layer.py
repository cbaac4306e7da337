"""Import components, buildings and all that stands in the city from a file."""

from pathlib import Path

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from assets.importing import TARGETS, import_layer, parse_mapping
from geo.file_commands import FileCommand, check_writable
from geo.models import User

SHOWN = 20


class Command(FileCommand):
    help = (
        "Imports any OGR vector format (GBK and UTF-8 Shapefiles, GeoPackage, GeoJSON …) or CSV into a "
        "table, in one transaction. Rows that cannot be taken are listed with the reason; rows whose code is "
        "there are updated in the mapped fields. Targets: " + ", ".join(TARGETS)
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--to", required=True, help="table, e.g. assets.Component")
        parser.add_argument(
            "--map",
            required=True,
            dest="mapping",
            help="target=source,… ; target==value is the same for every row; lon= and lat= for CSV",
        )
        parser.add_argument("--crs", help="4326, 4490, 4534-4554, gcj02, bd09 (default: the file's label)")
        parser.add_argument("--layer", help="layer of the file")
        parser.add_argument("--encoding", help="of the text, e.g. gbk (default: found out)")
        parser.add_argument("--dry-run", action="store_true", help="judge every row, change nothing")
        parser.add_argument("--report", type=Path, help="write the refused rows as CSV")
        parser.add_argument("--user", help="import within this user's areas (login name)")

    def handle(self, *, file, to, mapping, crs, layer, encoding, dry_run, report, user, **options):
        check_writable(report)
        account = None
        if user:
            account = User.objects.filter(username=user).first()
            if account is None:
                raise CommandError(_("There is no user %s.") % user)
            if not account.can("assets.import"):
                raise CommandError(_("%s may not import.") % user)
        done = import_layer(
            file,
            to,
            parse_mapping(mapping),
            crs=crs,
            layer=layer,
            encoding=encoding,
            dry_run=dry_run,
            user=account,
            progress=self._progress,
        )
        for warning in done.warnings:
            self.stderr.write(self.style.WARNING(warning))
        if report:
            done.write(report)
        for refusal in done.refused[:SHOWN]:
            self.stdout.write(
                _("row %(row)s, %(field)s: %(reason)s")
                % {
                    "row": f"{refusal.row} ({refusal.code})" if refusal.code else refusal.row,
                    "field": refusal.field,
                    "reason": refusal.reason,
                }
            )
        if len(done.refused) > SHOWN:
            self.stdout.write(_("… and %d more; --report FILE.csv lists all") % (len(done.refused) - SHOWN))
        self.stdout.write(done.summary)

    def _progress(self, stage, done, total):
        self.stdout.write(f"{stage} {done}/{total}")
