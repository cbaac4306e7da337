"""``manage.py load_osm``: a real city from OpenStreetMap data, with areas, grids, assets, units and rules."""

import secrets
import time
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.file_commands import FileCommand
from geo.models import Grant, Organisation, Role, User

LEVELS = {
    "districts": gettext_lazy("districts"),
    "streets": gettext_lazy("streets"),
    "communities": gettext_lazy("communities"),
    "grids": gettext_lazy("grids"),
    "unit grids": gettext_lazy("unit grids"),
}


class Command(FileCommand):
    help = (
        "Loads a GeoPackage of OpenStreetMap data (layers buildings, roads, street_furniture, pois, "
        "addresses) as a city: areas and grids along its streets, buildings, national component types, "
        "responsible units and dispatch rules. Loading again keeps the borders and updates the rest. "
        "See docs/bring-your-own-city.md."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--city-code", required=True, help="four digits that no area has, e.g. 9902")
        parser.add_argument("--name", required=True, help="the city's name")
        parser.add_argument(
            "--accounts", action="store_true", help="make people to try it with, and print their passwords"
        )

    def handle(self, *, file, city_code, name, accounts, **options):
        from fixtures.osm import load

        start = time.monotonic()

        def say(text):
            self.stdout.write(f"{time.monotonic() - start:6.1f} s  {text}")
            self.stdout.flush()

        done = load.load(file, city_code, name, say)
        for level, words in LEVELS.items():
            self.stdout.write(f"{words}: {done.areas[level]}")
        for report in done.reports:
            self.stdout.write(f"{report.target}: {report.summary}")
            for refusal in report.refused[:3]:
                self.stdout.write(f"    {refusal.row}: {refusal.reason}")
        self.stdout.write(_("dispatch rules: %d") % done.rules)
        for note in done.notes:
            self.stderr.write(self.style.WARNING(note))
        if accounts:
            self._accounts(city_code)
        say(_("done"))

    @transaction.atomic
    def _accounts(self, code: str):
        """A reporter, a shift lead, and one for each unit; passwords are shown once."""
        people = [(f"{code}-worker", "grid_worker", code, None), (f"{code}-lead", "shift_lead", code, None)]
        units = Organisation.objects.filter(code__startswith=f"{code}-").exclude(kind="centre")
        people += [(unit.code, "department", "", unit) for unit in units]
        for username, role, area, unit in people:
            if User.objects.filter(username=username).exists():
                continue
            user = User(username=username, name=unit.name if unit else username, organisation=unit)
            password = secrets.token_urlsafe(9)
            user.set_password(password)
            user.save()
            Grant.objects.create(user=user, role=Role.objects.get(code=role), area_code=area, unit=unit)
            self.stdout.write(f"{username:20} {password}")
