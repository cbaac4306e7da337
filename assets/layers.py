"""What stands in the city, on the map."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assets.models import Building, Component, PublicFacility, ReferenceLine, RiskPoint, ServiceCenter
from geo.registry import Detail, Layer, Style, TileField, layers

USES = {
    "home": "#b98d5b",
    "mixed": "#c0795a",
    "shop": "#c25f6d",
    "villa": "#a7a05a",
    "dormitory": "#a98467",
    "office": "#5b7fa6",
    "public": "#8a6bb0",
    "industry": "#7a7f87",
    "garage": "#9aa0a8",
}
CLASSES = {
    "01": (_("Public utilities"), "#2f7d6d"),
    "02": (_("Roads and traffic"), "#5b7fa6"),
    "03": (_("City appearance"), "#c98a1b"),
    "04": (_("Parks and green"), "#6a9a3d"),
    "05": (_("Other facilities"), "#8a6bb0"),
}
FACILITIES = {
    "toilet": "#5b7fa6",
    "park": "#6a9a3d",
    "parking": "#3f6f9f",
    "market": "#c0795a",
    "sports": "#c98a1b",
    "other": "#7a7f87",
}
LEVELS = {"city": "#173f3a", "district": "#1f5a52", "street": "#2f7d6d", "community": "#5aa294"}
RISKS = {"red": "#c0392b", "orange": "#dd7a1f", "yellow": "#c9a813", "blue": "#2f6fb7"}
LINES = {"road": "#8d8578", "water": "#5f9bc4", "rail": "#5c5c66", "barrier": "#7c6a4f"}


def _legend(choices, colours) -> dict:
    return {choices(value).value: (choices(value).label, colour) for value, colour in colours.items()}


def _code(scale: float = 2.4) -> TileField:
    return TileField("code", _("code"), max_scale=scale)


def _name(scale: float = 2.4) -> TileField:
    return TileField("name", _("name"), max_scale=scale)


def _area() -> TileField:
    return TileField("area_code", _("area"), max_scale=1.2)


BUILDINGS = (
    Layer(
        id="estates",
        label=_("Estates"),
        model="assets.Estate",
        fields=(TileField("kind", _("kind")), _code(), _name(10), _area()),
        shape="polygon",
        group="buildings",
        style=Style(colour="#b08a3c", width=1.25, fill_opacity=0.08),
        max_scale=20,
        binned=True,
        key="code",
        label_field="name",
        url_name="asset-page/estates",
        order=70,
    ),
    Layer(
        id="estate_labels",
        label=_("Names of estates"),
        model="assets.Estate",
        fields=(TileField("name", _("name")),),
        shape="point",
        group="buildings",
        style=Style(colour="#7d6127", size=12, label="name"),
        max_scale=5,
        geometry="anchor",
        key="code",
        label_field="name",
        labels="estates",
        order=71,
    ),
    Layer(
        id="buildings",
        label=_("Buildings"),
        model="assets.Building",
        fields=(
            TileField("use", _("use")),
            _code(),
            _name(),
            TileField("floors", _("floors"), max_scale=5),
            TileField("address", _("address"), max_scale=1.2),
            _area(),
        ),
        shape="polygon",
        group="buildings",
        style=Style(
            colour="#8a7f70", width=0.75, fill_opacity=0.35, by="use", classes=_legend(Building.Use, USES)
        ),
        max_scale=9.6,
        binned=True,
        bin_class="use",
        key="code",
        label_field="name",
        url_name="building-page",
        order=72,
    ),
    Layer(
        id="building_labels",
        label=_("Names of buildings"),
        model="assets.Building",
        fields=(TileField("name", _("name")), TileField("floors", _("floors"))),
        shape="point",
        group="buildings",
        style=Style(colour="#5d5447", size=11, label="name"),
        max_scale=1.2,
        geometry="anchor",
        key="code",
        label_field="name",
        labels="buildings",
        order=73,
    ),
    Layer(
        id="resident_units",
        label=_("Institutions"),
        model="assets.ResidentUnit",
        fields=(_code(), _name(10), TileField("kind", _("kind"), max_scale=10), _area()),
        shape="polygon",
        group="buildings",
        style=Style(colour="#8a6bb0", width=1.25, fill_opacity=0.1),
        max_scale=20,
        binned=True,
        key="code",
        label_field="name",
        url_name="asset-page/resident-units",
        order=74,
    ),
    Layer(
        id="resident_unit_labels",
        label=_("Names of institutions"),
        model="assets.ResidentUnit",
        fields=(TileField("name", _("name")),),
        shape="point",
        group="buildings",
        style=Style(colour="#65488c", size=12, label="name"),
        max_scale=5,
        geometry="anchor",
        key="code",
        label_field="name",
        labels="resident_units",
        order=75,
    ),
)

FURNITURE = (
    Layer(
        id="components",
        label=_("Components"),
        model="assets.Component",
        fields=(
            TileField("class", _("class"), source="type__class_code"),
            TileField("state", _("state")),
            _code(),
            TileField("type", _("type"), source="type__name", max_scale=2.4),
            _area(),
        ),
        shape="point",
        group="components",
        style=Style(colour="#2f7d6d", icon="component", by="class", classes=CLASSES),
        drawn=~Q(state=Component.State.REMOVED),
        max_scale=9.6,
        binned=True,
        bin_class="type__class_code",
        key="code",
        label_field="type",
        url_name="component-page",
        order=80,
    ),
    Layer(
        id="public_facilities",
        label=_("Public facilities"),
        model="assets.PublicFacility",
        fields=(
            TileField("kind", _("kind")),
            _code(),
            _name(5),
            TileField("opening_hours", _("opening hours"), max_scale=2.4),
            _area(),
        ),
        shape="point",
        group="components",
        style=Style(
            colour="#6a9a3d", icon="facility", by="kind", classes=_legend(PublicFacility.Kind, FACILITIES)
        ),
        max_scale=20,
        binned=True,
        bin_class="kind",
        key="code",
        label_field="name",
        url_name="asset-page/facilities",
        open_data=True,
        order=81,
    ),
    Layer(
        id="service_centers",
        label=_("Service centres"),
        model="assets.ServiceCenter",
        fields=(
            TileField("level", _("level")),
            _name(40),
            _code(),
            TileField("address", _("address"), max_scale=2.4),
            TileField("phone", _("phone"), max_scale=2.4),
            TileField("opening_hours", _("opening hours"), max_scale=2.4),
            _area(),
        ),
        shape="point",
        group="components",
        style=Style(
            colour="#2f7d6d",
            icon="service-centre",
            by="level",
            classes=_legend(ServiceCenter.Level, LEVELS),
            label="name",
        ),
        key="code",
        label_field="name",
        url_name="asset-page/service-centers",
        geometry="anchor",
        open_data=True,
        visible=True,
        order=82,
    ),
    Layer(
        id="risk_points",
        label=_("Risk points"),
        model="assets.RiskPoint",
        fields=(
            TileField("level", _("level")),
            _code(),
            _name(5),
            TileField("category", _("category"), max_scale=5),
            _area(),
        ),
        shape="point",
        group="risks",
        style=Style(colour="#c0392b", icon="risk", by="level", classes=_legend(RiskPoint.Level, RISKS)),
        key="code",
        label_field="name",
        url_name="asset-page/risk-points",
        order=85,
    ),
    Layer(
        id="reference_lines",
        label=_("Roads, water, barriers"),
        model="assets.ReferenceLine",
        fields=(
            TileField("kind", _("kind")),
            TileField("rank", _("rank")),
            _name(10),
            _code(1.2),
            TileField("width_m", _("width in metres"), max_scale=2.4),
        ),
        shape="line",
        group="reference",
        style=Style(
            colour="#8d8578", width=1.5, by="kind", classes=_legend(ReferenceLine.Kind, LINES), label="name"
        ),
        details=(
            Detail(Q(rank=1), 320),
            Detail(Q(rank=2), 80),
            Detail(Q(rank=3), 20),
            Detail(Q(rank__gte=4), 5),
        ),
        key="code",
        label_field="name",
        order=95,
    ),
)

layers.register(*BUILDINGS, *FURNITURE)
