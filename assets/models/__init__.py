"""What stands at a place."""

from assets.models.buildings import (
    Building,
    Enterprise,
    Estate,
    House,
    Household,
    ResidentUnit,
    Shop,
)
from assets.models.components import (
    Component,
    ComponentSequence,
    PublicFacility,
    ReferenceLine,
    RiskPoint,
    ServiceCenter,
)
from assets.models.exchange import Exchange
from assets.models.types import ItemType

__all__ = [
    "Building",
    "Component",
    "ComponentSequence",
    "Enterprise",
    "Estate",
    "Exchange",
    "House",
    "Household",
    "ItemType",
    "PublicFacility",
    "ReferenceLine",
    "ResidentUnit",
    "RiskPoint",
    "ServiceCenter",
    "Shop",
]
