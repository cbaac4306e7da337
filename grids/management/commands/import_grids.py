"""Import the grids of whole communities from a file and put their borders in force."""

from datetime import date
from pathlib import Path

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from geo.file_commands import FileCommand, check_writable
from geo.models import User
from grids import imports
from grids.models import Grid, UnitGrid
from grids.publication import publish


class Command(FileCommand):
    help = (
        "Imports grids (polygons with a 15-digit code) from any OGR file. A community in the file is "
        "replaced as a whole. Gaps and overlaps narrower than 0.5 m are repaired and listed; anything else "
        "is refused, listed and drawn. Every row with a place moves to its grid in the same transaction."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--crs", help="4326, 4490, 4534-4554, gcj02, bd09 (default: the file's)")
        parser.add_argument("--code-field", default="", help="field of the 15-digit code")
        parser.add_argument("--name-field", default="", help="field of the name")
        parser.add_argument("--kind-field", default="", help="field that says basic or exclusive")
        parser.add_argument("--layer", help="layer of the file")
        parser.add_argument("--encoding", help="of the text, e.g. gbk")
        parser.add_argument("--unit", action="store_true", help="unit grids instead of governance grids")
        parser.add_argument("--effective", type=date.fromisoformat, help="first day in force (default today)")
        parser.add_argument("--dry-run", action="store_true", help="check and say, change nothing")
        parser.add_argument(
            "--faults", type=Path, help="write what was found as GeoJSON, and a drawing beside it"
        )
        parser.add_argument("--user", help="who imports (login name), for the log")

    def handle(self, *, file, crs, unit, effective, dry_run, faults, user, **options):
        check_writable(faults, faults and faults.with_suffix(".html"))
        account = None
        if user:
            account = User.objects.filter(username=user).first()
            if account is None:
                raise CommandError(_("There is no user %s.") % user)
        chosen = {
            key: options[key] for key in ("code_field", "name_field", "kind_field", "layer", "encoding")
        }
        result = imports.read_grids(file, crs, unit=unit, progress=self._progress, **chosen)
        self._report(result, faults)
        if dry_run:
            self.stdout.write(_("Dry run: nothing was changed."))
            return
        done = publish(
            result.borders,
            model=UnitGrid if unit else Grid,
            user=account,
            effective_on=effective,
            note=file.name[:200],
        )
        self.stdout.write(
            _("Published: %(created)d new, %(changed)d changed, %(kept)d kept, %(retired)d retired.")
            % {name: len(getattr(done, name)) for name in ("created", "changed", "kept", "retired")}
        )
        for table, count in sorted(done.moved.items()):
            if count:
                self.stdout.write(_("  %(table)s: %(count)d rows moved") % {"table": table, "count": count})

    def _progress(self, done, total):
        if total > 20 and (done % 20 == 0 or done == total):
            self.stdout.write(_("checked %(done)d of %(total)d communities") % {"done": done, "total": total})

    def _report(self, result, faults):
        for finding in result.repairs:
            self.stdout.write(finding.text)
        if faults:
            imports.write_faults(faults, [*result.faults, *result.repairs])
            if result.faults:
                imports.write_drawing(faults.with_suffix(".html"), result)
        if result.ok:
            self.stdout.write(
                _("%(grids)d grids in %(communities)d communities, %(repairs)d repairs.")
                % {
                    "grids": result.count,
                    "communities": len(result.borders),
                    "repairs": len(result.repairs),
                }
            )
            return
        for text in (*result.warnings, *result.errors):
            self.stderr.write(text)
        for finding in result.faults:
            self.stderr.write(finding.text)
        hint = ""
        if faults and result.faults:
            hint = " " + _("They are drawn in %s.") % faults.with_suffix(".html")
        raise CommandError(
            _("Refused: %(errors)d rows without use, %(faults)d gaps, overlaps and other faults.")
            % {"errors": len(result.errors), "faults": len(result.faults)}
            + hint
        )
