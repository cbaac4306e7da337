"""Reads over what stands at a place."""

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from assets.models import Building, Household
from geo import coordinates
from geo.problems import Problem


def point_at(lon: float, lat: float, crs: str = "wgs84") -> Point:
    """A WGS-84 point (EPSG:4326) from a pair in a declared coordinate system."""
    try:
        return Point(*coordinates.to_wgs84(lon, lat, crs), srid=4326)
    except coordinates.CoordinateError as error:
        raise Problem(str(error), status=400, kind="coordinates") from None


def stack_plan(user, building: Building) -> dict:
    """The floor × unit picture of a building: floors from the top, in each the doors by stairwell.

    Households appear only to a user who may see those of this building; two queries at most.
    """
    houses = list(building.houses.order_by("-floor", "stairwell", "door"))
    homes: dict[int, int] | None = None
    if user.scope.covers("assets.view_households", building.area_code, grid_id=building.grid_id):
        homes = dict(Household.objects.filter(house__building=building).values_list("house_id", "people"))
    stairwells = sorted({house.stairwell for house in houses}, key=lambda name: (len(name), name))
    floors: dict[int, dict] = {}
    for house in houses:
        floor = floors.setdefault(house.floor, {"floor": house.floor, "units": []})
        cell = {
            "id": house.pk,
            "stairwell": house.stairwell,
            "door": house.door,
            "use": house.use,
            "use_label": house.get_use_display(),
            "area_m2": float(house.area_m2) if house.area_m2 is not None else None,
        }
        if homes is not None:
            cell["people"] = homes.get(house.pk)
        floor["units"].append(cell)
    return {
        "building": building.code,
        "name": building.name,
        "stairwells": stairwells,
        "floors": list(floors.values()),
        "houses": len(houses),
        "households": None if homes is None else len(homes),
        "people": None if homes is None else sum(homes.values()),
    }


def in_scope_or_404(queryset, user, code: str):
    """The row with this code within the user's scope."""
    row = queryset.for_user(user).filter(code=code).first()
    if row is None:
        raise Problem(_("Not found, or not within your scope."), status=404, kind="not-found")
    return row
