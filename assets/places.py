"""What stands near a point, for ``locate``."""

from collections import Counter

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from assets.models import Building, Component, ReferenceLine
from geo.nearness import within_metres
from geo.registry import Place, places

BUILDING_METRES = 50
COMPONENT_METRES = 30
COMPONENTS = 5


def nearest_building(user, point, chain) -> dict:
    """The nearest building within 50 m that the user may see, with its distance to the outline in metres."""
    near = within_metres(Building.objects.for_user(user), point, BUILDING_METRES)
    found = near.values("code", "name", "address", "distance_m").first()
    return {"building": found}


def nearest_components(user, point, chain) -> dict:
    """The five nearest components within 30 m that the user may see."""
    near = within_metres(Component.objects.for_user(user), point, COMPONENT_METRES)
    rows = near.exclude(state=Component.State.REMOVED).select_related("type")[:COMPONENTS]
    return {
        "components": [
            {
                "code": row.code,
                "name": row.name,
                "type": row.type_id,
                "type_name": str(row.type),
                "state": row.state,
                "lon": row.anchor.x,
                "lat": row.anchor.y,
                "distance_m": round(row.distance_m, 1),
            }
            for row in rows
        ]
    }


def homes_by_grids(moved) -> Counter:
    """Households in moved buildings, by pair of grids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select h.building_id, count(*) from assets_house h join assets_household n on n.house_id = h.id"
            " where h.building_id = any(%s) group by 1",
            [[row for row, _old, _new in moved]],
        )
        homes = dict(cursor.fetchall())
    counted = Counter()
    for row, old, new in moved:
        counted[old, new] += homes.get(row, 0)
    return counted


def homes_in_words(count: int) -> str:
    return ngettext("%d home", "%d homes", count) % count


def components_in_words(count: int) -> str:
    return ngettext("%d component", "%d components", count) % count


places.register(
    Place("estates", "assets.Estate", _("Estates"), ground="estate"),
    Place(
        "buildings",
        "assets.Building",
        _("Buildings"),
        locate=nearest_building,
        ground="whole",
        told=homes_in_words,
        weigh=homes_by_grids,
        order=20,
    ),
    Place(
        "components",
        "assets.Component",
        _("Components"),
        locate=nearest_components,
        told=components_in_words,
        order=30,
    ),
    Place("facilities", "assets.PublicFacility", _("Public facilities")),
    Place("service_centers", "assets.ServiceCenter", _("Service centres")),
    Place("risk_points", "assets.RiskPoint", _("Risk points")),
    Place(
        "reference_lines",
        "assets.ReferenceLine",
        _("Reference lines"),
        ground="edge",
        patrol=lambda: Q(kind=ReferenceLine.Kind.ROAD),
        # Ditches and sidings do not part neighbours.
        barred=lambda: Q(kind__in=(ReferenceLine.Kind.WATER, ReferenceLine.Kind.RAIL), rank__lte=2),
    ),
)
