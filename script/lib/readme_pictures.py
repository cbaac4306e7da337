"""The pictures of the README, under their names and in their sizes: ``script/screenshots --readme``.

Which rows they show follows from what the demo city holds, so that they can be taken again on any day.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from django.contrib.gis.db.models import Extent
from django.contrib.gis.geos import Point
from django.db.models import Count, F
from django.db.models.functions import Abs
from PIL import Image

from assets.models import Component, House
from cases import todo
from cases.models import Case
from geo.models import Area, User
from geo.nearness import within_metres
from grids.models import Grid, GridDuty, Plan

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
DESK, WALL, PHONE = "1366x768", "1920x1080", "390x844"
BETWEEN = (226, 233, 233)
"""The colour between the phones."""


@dataclass
class Picture:
    """One file: the pages on it from left to right, as who, at which size, standing where.

    ``press`` is pressed before, ``see`` scrolled to.
    """

    name: str
    account: str
    addresses: list[str]
    size: str = DESK
    place: dict | None = None
    press: str = ""
    see: str = ""


def pictures() -> list[Picture]:
    """All of them, in the order of the README."""
    plan = Plan.objects.filter(state="submitted").order_by("-pk").first() or Plan.objects.latest("pk")
    place = _offices().label_point
    console = f"/cases/{_case().number}/?view=all&flow=city_management"
    worker = _worker()
    return [
        Picture("console", "shiftlead", [console], see="#drawer .why"),
        Picture("cockpit", "leader", ["/cockpit/"], WALL),
        Picture("building", "community", [f"/buildings/{_building()}/"]),
        Picture(
            "layers",
            "dispatcher",
            [f"/?view=all#map={place.x:.5f},{place.y:.5f},1.6"],
            press=".tool[aria-expanded] >> nth=0",
        ),
        Picture("rules", "shiftlead", ["/rules/?tab=gaps"]),
        Picture("phone", worker.username, ["/m/", "/m/report", "/m/map"], PHONE, _street(worker)),
        Picture("planner", "planner", [f"/planner/{plan.pk}/"]),
        Picture("compare", "planner", [f"/planner/{plan.pk}/compare/"]),
    ]


def _case() -> Case:
    """The newest that waits for a unit, about a component, with a photo: a drawer can tell much of it."""
    rows = Case.objects.for_user(User.objects.get(username="shiftlead"))
    rows = rows.filter(flow="city_management", state="dispatched", case_attachments__isnull=False)
    return rows.exclude(component=None).order_by("-supervised", "-reported_at", "-pk").first()


def _building() -> str:
    """Of those whose households the community's account may see, one whose floors fit the page."""
    here = User.objects.get(username="community").organisation.area_code
    homes = House.objects.filter(building__area_code__startswith=here).values("building__code")
    rows = homes.annotate(n=Count("pk")).order_by(Abs(F("n") - 32), "building__code")
    return rows.first()["building__code"]


def _worker() -> User:
    """Somebody of a grid's staff who has a few cases to check."""
    grids = Case.objects.filter(phase=Case.Phase.CHECK).exclude(grid=None).values("grid")
    duties = GridDuty.objects.filter(grid__in=grids, valid_to=None, worker__user__is_active=True)
    people = User.objects.filter(worker__duties__in=duties).distinct().order_by("username")[:60]
    waiting = {user: Case.objects.for_user(user).filter(todo.mine(user)).count() for user in people}
    few = {user: count for user, count in waiting.items() if 1 < count < 4} or waiting
    return min(few, key=lambda user: user.worker.duties.filter(valid_to=None).count())


def _street(worker: User) -> dict:
    """Where, near the middle of the own grids, are components enough to choose from; as a phone tells it."""
    here = Component.objects.filter(grid__duties__worker__user=worker, grid__duties__valid_to=None)
    west, south, east, north = here.aggregate(box=Extent("geom"))["box"]
    middle = Point((west + east) / 2, (south + north) / 2, srid=4326)
    around = within_metres(here, middle, 5_000).select_related("grid")[:80]
    thing = next(one for one in around if within_metres(here, one.anchor, 25).count() >= 4)
    # A few steps from the border, along which most of them stand.
    inside = thing.grid.geom.point_on_surface
    lon, lat = (edge + (mid - edge) / 10 for edge, mid in zip(thing.anchor, inside, strict=True))
    return {"longitude": lon, "latitude": lat, "accuracy": 10}


def _offices() -> Area:
    """The community with the most exclusive grids, where the map has the most to show."""
    rows = Grid.objects.filter(kind=Grid.Kind.EXCLUSIVE, retired_on=None).values("community_code")
    most = rows.annotate(n=Count("pk")).order_by("-n", "community_code").first()
    return Area.objects.get(code=most["community_code"], valid_to=None)


def keep(picture: Picture, shots: list[bytes], folder: Path) -> None:
    """Write the file: phones side by side, the wall as small as the rest."""
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    width, height = map(int, DESK.split("x"))
    made = images[0]
    if picture.size == WALL:
        made = made.resize((width, height), Image.Resampling.LANCZOS)
    if picture.size == PHONE:
        made = Image.new("RGB", (width, images[0].height), BETWEEN)
        step = (width - images[-1].width) // (len(images) - 1)
        for number, image in enumerate(images):
            made.paste(image, (number * step, 0))
    made.save(folder / f"{picture.name}.webp", "WEBP", quality=76, method=6)
