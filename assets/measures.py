"""What is counted of all that stands in the city."""

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from assets.models import Building, Component, ItemType, PublicFacility, RiskPoint, ServiceCenter
from geo.registry import Measure, measures


def component_classes() -> dict[str, str]:
    """Names of the classes (大类) by code; a code that both editions have takes the older name."""
    english = (get_language() or "").startswith("en")
    rows = (
        ItemType.objects.filter(kind="component")
        .order_by("-standard")
        .values_list("class_code", "class_name", "class_name_en")
        .distinct()
    )
    return {code: (name_en if english and name_en else name) for code, name, name_en in rows}


BUILDING, HOUSE = "building__{}", "house__building__{}"

measures.register(
    Measure(
        id="estates",
        label=_("Estates"),
        definition=_("Residential estates, parks and campuses, each once, where its middle lies."),
        model="assets.Estate",
        group="buildings",
        rows_url="list-estates",
        order=30,
    ),
    Measure(
        id="buildings",
        label=_("Buildings"),
        definition=_("Buildings of every use, each once, in the grid that a point inside it lies in."),
        model="assets.Building",
        classes="use",
        class_labels=lambda: dict(Building.Use.choices),
        group="buildings",
        rows_url="list-buildings",
        order=31,
    ),
    Measure(
        id="houses",
        label=_("Housing units"),
        definition=_("Units of buildings: every door, lived in or not, shops and garages included."),
        model="assets.House",
        area=BUILDING.format("area_code"),
        grid=BUILDING.format("grid"),
        group="buildings",
        rows_url="list-buildings",
        rows_query="counted=houses",
        order=32,
    ),
    Measure(
        id="households",
        label=_("Households"),
        definition=_("Doors that somebody is registered as living behind."),
        model="assets.Household",
        area=HOUSE.format("area_code"),
        grid=HOUSE.format("grid"),
        permission="assets.view",
        group="people",
        rows_url="list-buildings",
        rows_query="counted=households",
        order=40,
    ),
    Measure(
        id="people",
        label=_("Population"),
        definition=_(
            "The sum of the number of people noted at each household. No person is recorded one by one."
        ),
        model="assets.Household",
        area=HOUSE.format("area_code"),
        grid=HOUSE.format("grid"),
        sum_of="people",
        permission="assets.view",
        group="people",
        rows_url="list-buildings",
        rows_query="counted=people",
        order=41,
    ),
    Measure(
        id="components",
        label=_("Components"),
        definition=_(
            "Coded city components (manholes, lamps, trees …) by class; "
            "those abandoned or removed are left out."
        ),
        model="assets.Component",
        filters=lambda: ~Q(state__in=[Component.State.ABANDONED, Component.State.REMOVED]),
        classes="type__class_code",
        class_labels=component_classes,
        group="components",
        rows_url="list-components",
        rows_query="counted=components",
        order=50,
    ),
    Measure(
        id="shops",
        label=_("Shops"),
        definition=_("Shops, counted where their building lies."),
        model="assets.Shop",
        area=BUILDING.format("area_code"),
        grid=BUILDING.format("grid"),
        group="services",
        rows_url="list-shops",
        order=60,
    ),
    Measure(
        id="enterprises",
        label=_("Enterprises"),
        definition=_("Enterprises, counted where their building lies."),
        model="assets.Enterprise",
        area=BUILDING.format("area_code"),
        grid=BUILDING.format("grid"),
        group="services",
        rows_url="list-enterprises",
        order=61,
    ),
    Measure(
        id="resident_units",
        label=_("Institutions"),
        definition=_("Institutions in the area: schools, hospitals, offices."),
        model="assets.ResidentUnit",
        group="services",
        rows_url="list-resident-units",
        order=62,
    ),
    Measure(
        id="public_facilities",
        label=_("Public facilities"),
        definition=_("Public toilets, parks, car parks, markets and sports grounds."),
        model="assets.PublicFacility",
        classes="kind",
        class_labels=lambda: dict(PublicFacility.Kind.choices),
        group="services",
        rows_url="list-facilities",
        order=63,
    ),
    Measure(
        id="service_centers",
        label=_("Service centres"),
        definition=_("Service centres and stations of every level, counted where they stand."),
        model="assets.ServiceCenter",
        classes="level",
        class_labels=lambda: dict(ServiceCenter.Level.choices),
        group="services",
        rows_url="list-service-centers",
        order=64,
    ),
    Measure(
        id="risk_points",
        label=_("Risk points"),
        definition=_(
            "Risk points in the register by level: D = likelihood × exposure × consequence, red above 320, "
            "orange above 160, yellow above 70, blue to 70."
        ),
        model="assets.RiskPoint",
        classes="level",
        class_labels=lambda: dict(RiskPoint.Level.choices),
        group="risks",
        rows_url="list-risk-points",
        order=70,
    ),
)
