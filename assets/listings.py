"""What the asset pages show of each kind: columns, choices, facts. Data for ``assets.pages``, no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from assets.models import (
    Building,
    Component,
    Enterprise,
    Estate,
    PublicFacility,
    ResidentUnit,
    RiskPoint,
    ServiceCenter,
    Shop,
)

COMPONENT_LOOKS = {
    "intact": ("ontime", "check"),
    "damaged": ("soon", "bang"),
    "lost": ("overdue", "bang"),
    "abandoned": ("waiting", "stop"),
    "removed": ("waiting", "stop"),
}
RISK_LOOKS = {
    "red": ("red", "bang"),
    "orange": ("orange", "bang"),
    "yellow": ("yellow", "bang"),
    "blue": ("blue", "ring"),
}


@dataclass(frozen=True)
class Badge:
    """A value with a colour and a shape."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Field:
    """A column or a fact. ``read`` gives text, a number, a ``Badge`` or None; ``form`` is code | number."""

    label: object
    read: Callable[[Model], object]
    form: str = ""


@dataclass(frozen=True)
class Listing:
    """A kind of asset. ``choose`` is the field its list is narrowed by; ``place`` the way to its geometry."""

    id: str
    label: object
    model: type[Model]
    icon: str
    columns: tuple[Field, ...]
    facts: tuple[Field, ...]
    search: tuple[str, ...]
    layer: str = ""
    choose: str = ""
    choose_label: object = ""
    related: tuple[str, ...] = ()
    place: str = ""
    permission: str = "assets.view"
    order: int = 100

    def path(self, name: str) -> str:
        """The ORM path of a place's field: its own, or its building's."""
        return f"{self.place}__{name}" if self.place else name

    def placed(self, row):
        """The row that has the geometry."""
        return getattr(row, self.place) if self.place else row

    def choices(self) -> list[tuple[str, str]]:
        return list(self.model._meta.get_field(self.choose).choices or ()) if self.choose else []


def _name(row):
    return row.name


def _code(row):
    return row.code


def _unit(name: str) -> Callable:
    return lambda row: getattr(row, name)


def _state(row):
    tone, icon = COMPONENT_LOOKS[row.state]
    return Badge(row.get_state_display(), tone, icon)


def _risk(row):
    tone, icon = RISK_LOOKS[row.level]
    return Badge(row.get_level_display(), tone, icon)


CODE, NAME = Field(_("Code"), _code, "code"), Field(_("Name"), _name)
USE = Field(_("Use"), lambda row: row.get_use_display())
KIND = Field(_("Kind"), lambda row: row.get_kind_display())
ADDRESS = Field(_("Address"), lambda row: row.address)
PHONE = Field(_("Phone"), lambda row: row.phone)
HOURS = Field(_("Opening hours"), lambda row: row.opening_hours)
FLOORS = Field(_("Floors"), lambda row: row.floors, "number")
BUILDING = Field(_("Building"), lambda row: row.building)
INDUSTRY = Field(_("Industry"), lambda row: row.industry)
CREDIT = Field(_("Unified social credit code"), lambda row: row.credit_code, "code")

LISTINGS: dict[str, Listing] = {
    one.id: one
    for one in (
        Listing(
            "buildings",
            _("Buildings"),
            Building,
            "building",
            columns=(NAME, USE, FLOORS, ADDRESS, CODE),
            facts=(
                CODE,
                USE,
                ADDRESS,
                Field(_("Estate"), lambda row: row.estate),
                FLOORS,
                Field(_("Stairwells"), lambda row: row.stairwells, "number"),
            ),
            search=("name", "address", "code"),
            layer="buildings",
            choose="use",
            choose_label=_("Use"),
            related=("estate",),
            order=10,
        ),
        Listing(
            "components",
            _("Components"),
            Component,
            "component",
            columns=(
                NAME,
                Field(_("State"), _state),
                Field(_("Maintenance unit"), _unit("maintenance_unit")),
                CODE,
            ),
            facts=(
                CODE,
                Field(_("Type"), lambda row: row.type),
                Field(_("Class"), lambda row: row.type.class_name),
                Field(_("Standard"), lambda row: row.type.get_standard_display()),
                Field(_("State"), _state),
                Field(_("Managing unit"), _unit("managing_unit")),
                Field(_("Owner unit"), _unit("owner_unit")),
                Field(_("Maintenance unit"), _unit("maintenance_unit")),
                Field(_("First surveyed on"), lambda row: row.surveyed_on),
                Field(_("Changed on"), lambda row: row.changed_on),
                Field(_("Data source"), lambda row: row.data_source),
                Field(_("Note"), lambda row: row.note),
            ),
            search=("name", "code"),
            layer="components",
            choose="state",
            choose_label=_("State"),
            related=("type", "maintenance_unit", "owner_unit", "managing_unit"),
            order=20,
        ),
        Listing(
            "service-centers",
            _("Service centres"),
            ServiceCenter,
            "centre",
            columns=(NAME, Field(_("Level"), lambda row: row.get_level_display()), ADDRESS, PHONE, HOURS),
            facts=(
                CODE,
                Field(_("Level"), lambda row: row.get_level_display()),
                Field(_("Belongs to"), lambda row: row.parent),
                ADDRESS,
                PHONE,
                HOURS,
                Field(_("Services"), lambda row: row.services),
            ),
            search=("name", "address", "code"),
            layer="service_centers",
            choose="level",
            choose_label=_("Level"),
            related=("parent",),
            order=30,
        ),
        Listing(
            "risk-points",
            _("Risk points"),
            RiskPoint,
            "risk",
            columns=(
                NAME,
                Field(_("Level"), _risk),
                Field(_("D"), lambda row: round(row.danger, 1), "number"),
                Field(_("Category"), lambda row: row.category),
                Field(_("Supervising unit"), _unit("supervising_unit")),
                CODE,
            ),
            facts=(
                CODE,
                Field(_("Level"), _risk),
                Field(_("Category"), lambda row: row.category),
                Field(_("Supervising unit"), _unit("supervising_unit")),
                Field(_("Likelihood L"), lambda row: row.likelihood, "number"),
                Field(_("Exposure E"), lambda row: row.exposure, "number"),
                Field(_("Consequence C"), lambda row: row.consequence, "number"),
                Field(_("D = L × E × C"), lambda row: round(row.danger, 1), "number"),
                Field(_("Raised because"), lambda row: row.raised_reason),
                Field(_("Component"), lambda row: row.component),
                Field(_("Note"), lambda row: row.note),
            ),
            search=("name", "category", "code"),
            layer="risk_points",
            choose="level",
            choose_label=_("Level"),
            related=("supervising_unit", "component"),
            permission="assets.view_risks",
            order=40,
        ),
        Listing(
            "facilities",
            _("Public facilities"),
            PublicFacility,
            "facility",
            columns=(NAME, KIND, HOURS, CODE),
            facts=(CODE, KIND, HOURS, Field(_("Component"), lambda row: row.component)),
            search=("name", "code"),
            layer="public_facilities",
            choose="kind",
            choose_label=_("Kind"),
            related=("component",),
            order=50,
        ),
        Listing(
            "estates",
            _("Estates"),
            Estate,
            "home",
            columns=(NAME, KIND, CODE),
            facts=(CODE, KIND),
            search=("name", "code"),
            layer="estates",
            choose="kind",
            choose_label=_("Kind"),
            order=60,
        ),
        Listing(
            "resident-units",
            _("Institutions"),
            ResidentUnit,
            "unit",
            columns=(NAME, Field(_("Kind"), lambda row: row.kind), PHONE, CODE),
            facts=(CODE, Field(_("Kind"), lambda row: row.kind), CREDIT, PHONE),
            search=("name", "code", "kind"),
            layer="resident_units",
            order=70,
        ),
        Listing(
            "shops",
            _("Shops"),
            Shop,
            "shop",
            columns=(NAME, INDUSTRY, BUILDING, PHONE, CODE),
            facts=(CODE, INDUSTRY, CREDIT, BUILDING, Field(_("Housing unit"), lambda row: row.house), PHONE),
            search=("name", "industry", "code"),
            layer="buildings",
            related=("building", "house"),
            place="building",
            order=80,
        ),
        Listing(
            "enterprises",
            _("Enterprises"),
            Enterprise,
            "unit",
            columns=(NAME, INDUSTRY, BUILDING, PHONE, CODE),
            facts=(CODE, INDUSTRY, CREDIT, BUILDING, Field(_("Housing unit"), lambda row: row.house), PHONE),
            search=("name", "industry", "code"),
            layer="buildings",
            related=("building", "house"),
            place="building",
            order=90,
        ),
    )
}
