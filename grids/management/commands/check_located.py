"""Prove that no row disagrees with its geometry."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from grids import assignment


class Command(BaseCommand):
    help = (
        "Compares what each row with a place says of its anchor, area, grid and unit grid with its geometry: "
        "one statement per table. Lists what disagrees and exits with 1; --fix sets it right."
    )

    def add_arguments(self, parser):
        parser.add_argument("--fix", action="store_true", help="set right what disagrees")
        parser.add_argument("--show", type=int, default=20, help="rows listed per table (default 20)")

    def handle(self, *, fix, show, **options):
        wrong = 0
        for model in assignment.located_models():
            table = model._meta.db_table
            if fix:
                mended = assignment.mend(model)
                self.stdout.write(
                    _("%(table)s: %(count)d rows set right") % {"table": table, "count": mended}
                )
            found = assignment.disagreements(model)
            wrong += len(found)
            self.stdout.write(_("%(table)s: %(count)d rows disagree") % {"table": table, "count": len(found)})
            for row in found[:show]:
                self.stdout.write(f"  {table} {row.row}: {_words(row.stands)} ≠ {_words(row.right)}")
            if len(found) > show:
                self.stdout.write("  …")
        if wrong:
            raise SystemExit(1)


def _words(values) -> str:
    anchor, area, grid, unit_grid = (value or "–" for value in values)
    return f"{anchor} area={area} grid={grid} unit_grid={unit_grid}"
