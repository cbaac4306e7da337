"""What stands near a point, for ``locate``."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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


places.register(
    Place("estates", "assets.Estate", _("Estates"), ground="estate"),
    Place("buildings", "assets.Building", _("Buildings"), locate=nearest_building, ground="whole"),
    Place("components", "assets.Component", _("Components"), locate=nearest_components),
    Place("facilities", "assets.PublicFacility", _("Public facilities")),
    Place("service_centers", "assets.ServiceCenter", _("Service centres")),
    Place("risk_points", "assets.RiskPoint", _("Risk points")),
    Place(
        "reference_lines",
        "assets.ReferenceLine",
        _("Reference lines"),
        ground="edge",
        patrol=lambda: Q(kind=ReferenceLine.Kind.ROAD),
    ),
)
