"""What may be imported into, and with which fields."""

from dataclasses import dataclass, field

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext as _

from assets.privacy import TOPICS, forbidden
from geo.problems import Problem

POINT, LINE, POLYGON = 0, 1, 2
# Targets that say where a row is when the file has no geometry (CSV).
PLACE = ("lon", "lat")


@dataclass(frozen=True)
class Target:
    """A table that files may be imported into.

    ``fields`` may be mapped; ``required`` must be; ``defaults`` fill a new row; ``key`` tells whether a row
    is there already. ``dims`` are the dimensions a geometry may have (empty: no geometry of its own).
    """

    model: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    key: tuple[str, ...] = ("code",)
    defaults: dict = field(default_factory=dict)
    dims: tuple[int, ...] = (POINT,)
    through: tuple[str, ...] = ()  # fields that only lead to a foreign key

    @property
    def model_class(self):
        return apps.get_model(self.model)

    @property
    def label(self) -> str:
        return str(self.model_class._meta.verbose_name_plural)

    def column_field(self, name: str) -> models.Field | None:
        try:
            return self.model_class._meta.get_field(name)
        except FieldDoesNotExist:
            return None


OCCUPANT = {
    "fields": ("code", "name", "credit_code", "industry", "phone", "building"),
    "required": ("code", "name", "building"),
    "defaults": {"credit_code": "", "industry": "", "phone": ""},
    "dims": (),
}
DOOR = ("building", "stairwell", "floor", "door")

TARGETS: dict[str, Target] = {
    target.model: target
    for target in (
        Target(
            "assets.Component",
            fields=(
                "code",
                "type",
                "name",
                "state",
                "managing_unit",
                "owner_unit",
                "maintenance_unit",
                "surveyed_on",
                "changed_on",
                "data_source",
                "note",
                "standard",
            ),
            required=("type",),
            defaults={"name": "", "state": "intact", "data_source": "", "note": ""},
            dims=(POINT, LINE, POLYGON),
            through=("standard",),
        ),
        Target(
            "assets.Building",
            fields=("code", "name", "address", "use", "floors", "stairwells", "estate"),
            required=("code", "name"),
            defaults={"address": "", "use": "home", "floors": 1, "stairwells": 1},
            dims=(POINT, POLYGON),
        ),
        Target(
            "assets.Estate",
            fields=("code", "name", "kind"),
            required=("code", "name"),
            defaults={"kind": "estate"},
            dims=(POINT, POLYGON),
        ),
        Target(
            "assets.House",
            fields=(*DOOR, "use", "area_m2"),
            required=("building", "floor", "door"),
            key=DOOR,
            defaults={"stairwell": "1", "use": "home"},
            dims=(),
        ),
        Target(
            "assets.Household",
            fields=(*DOOR, "people"),
            required=("building", "floor", "door", "people"),
            key=("house",),
            defaults={"people": 1},
            dims=(),
            through=DOOR,
        ),
        Target("assets.Shop", **OCCUPANT),
        Target("assets.Enterprise", **OCCUPANT),
        Target(
            "assets.ResidentUnit",
            fields=("code", "name", "kind", "credit_code", "phone"),
            required=("code", "name"),
            defaults={"kind": "", "credit_code": "", "phone": ""},
            dims=(POINT, POLYGON),
        ),
        Target(
            "assets.PublicFacility",
            fields=("code", "name", "kind", "opening_hours"),
            required=("code", "name", "kind"),
            defaults={"opening_hours": ""},
            dims=(POINT, POLYGON),
        ),
        Target(
            "assets.ServiceCenter",
            fields=("code", "name", "level", "parent", "address", "phone", "opening_hours", "services"),
            required=("code", "name", "level"),
            defaults={"address": "", "phone": "", "opening_hours": "", "services": ""},
            dims=(POINT, POLYGON),
        ),
        Target(
            "assets.RiskPoint",
            fields=(
                "code",
                "name",
                "category",
                "supervising_unit",
                "likelihood",
                "exposure",
                "consequence",
                "note",
            ),
            required=("code", "name", "category", "likelihood", "exposure", "consequence"),
            defaults={"raised_reason": "", "note": ""},
            dims=(POINT, LINE, POLYGON),
        ),
        Target(
            "assets.ReferenceLine",
            fields=("code", "name", "kind", "rank", "width_m"),
            required=("code", "kind"),
            defaults={"name": "", "rank": 3, "width_m": 8},
            dims=(LINE,),
        ),
    )
}


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from: a column of the file, or the same text for every row."""

    column: str = ""
    constant: str | None = None


def find_target(name: str) -> Target:
    """The target of this name ("assets.Component" or "component"), or a Problem with all of them."""
    for target in TARGETS.values():
        if name.lower() in (target.model.lower(), target.model.lower().split(".")[1]):
            return target
    raise Problem(
        _("Nothing is imported into “%(name)s”. Possible: %(all)s.")
        % {"name": name, "all": ", ".join(TARGETS)}
    )


def parse_mapping(text: str) -> dict[str, str]:
    """``code=编号,name==井盖`` as a dictionary; a source that begins with = is the same for every row."""
    mapping: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        target, sign, source = pair.partition("=")
        if not sign or not target.strip() or not source.strip():
            raise Problem(
                _("“%s” is no mapping: write target=source, or target==value for the same value everywhere.")
                % pair
            )
        mapping[target.strip()] = source.strip()
    return mapping


def check_mapping(target: Target, mapping: dict[str, str], columns: list[str]) -> dict[str, Source]:
    """Sources by field; refuses unknown targets and columns, what is missing, and personal fields."""
    allowed = (*target.fields, *(PLACE if target.dims else ()))
    errors, sources = [], {}
    for name, said in mapping.items():
        if name not in allowed:
            topic = forbidden(name)
            detail = (
                _("“%(name)s” (%(topic)s of people) is not stored here.")
                if topic
                else _("“%(name)s” is no field of %(target)s; its fields: %(fields)s.")
            )
            words = {
                "name": name,
                "topic": TOPICS.get(topic, ""),
                "target": target.label,
                "fields": ", ".join(allowed),
            }
            errors.append({"field": name, "detail": detail % words})
        elif said.startswith("="):
            sources[name] = Source(constant=said[1:].strip())
        elif topic := forbidden(said):
            errors.append(
                {
                    "field": name,
                    "detail": _(
                        "The column “%(column)s” looks like %(topic)s of people, which no field here stores. "
                        "If it says something else, rename it."
                    )
                    % {"column": said, "topic": TOPICS[topic]},
                }
            )
        elif said not in columns:
            detail = _("The file has no column “%(column)s”; it has: %(columns)s.")
            errors.append({"field": name, "detail": detail % {"column": said, "columns": ", ".join(columns)}})
        else:
            sources[name] = Source(column=said)
    for name in target.required:
        if name not in mapping:
            errors.append(
                {
                    "field": name,
                    "detail": _("%(target)s need “%(field)s”: map a column to it, or a value for all.")
                    % {"target": target.label, "field": name},
                }
            )
    if errors:
        raise Problem(
            " ".join(error["detail"] for error in errors),
            kind="mapping",
            title=_("The mapping cannot be used"),
            errors=errors,
        )
    return sources
