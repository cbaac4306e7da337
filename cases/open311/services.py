"""Services: the types of the standards in force, with what may be said about each.

A service code is made of what the standards say, so it stays: standard, kind, class and type with hyphens
between them, as in ``gbt30428_2_2013-component-01-02``.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from assets.models import ItemType
from cases.models import FilingStandard
from geo.problems import Problem
from geo.words import in_language

CONDITION, COMPONENT = "condition", "component_code"
REALTIME, BLACKBOX = "realtime", "blackbox"


def standards() -> tuple[str, ...]:
    """The standards that new reports choose from."""
    return (settings.CASE_STANDARD, ItemType.Standard.LOCAL)


def code_of(type: ItemType) -> str:
    return f"{type.standard}-{type.kind}-{type.class_code}-{type.type_code}"


def in_force() -> QuerySet[ItemType]:
    """The services there are."""
    return ItemType.objects.filter(active=True, standard__in=standards()).prefetch_related("filing_standards")


def types_of(codes: list[str]) -> list[int]:
    """Ids of the types with these service codes, of every standard; 404 names those that are none."""
    wanted = {code: code.split("-") for code in codes}
    chosen = Q(pk__in=[])
    for parts in wanted.values():
        if len(parts) == 4:
            chosen |= Q(standard=parts[0], kind=parts[1], class_code=parts[2], type_code=parts[3])
    found = {code_of(row): row.pk for row in ItemType.objects.filter(chosen)}
    for code in codes:
        if code not in found:
            raise unknown(code)
    return [found[code] for code in codes]


def service(code: str) -> ItemType:
    """The service with this code, if it is in force; else 404."""
    parts = code.split("-")
    row = None
    if len(parts) == 4:
        fields = dict(zip(("standard", "kind", "class_code", "type_code"), parts, strict=True))
        row = in_force().filter(**fields).first()
    if row is None:
        raise unknown(code)
    return row


def unknown(code: str) -> Problem:
    return Problem(
        _("There is no service with service_code “%s”; services.json and services.xml list those there are.")
        % code,
        status=404,
    )


def listed(type: ItemType) -> dict:
    """A service as the list has it."""
    names = [type.name, type.name_en, type.class_name, type.class_name_en, type.initials]
    return {
        "service_code": code_of(type),
        "service_name": str(type),
        "description": _description(type),
        "metadata": bool(attributes(type)),
        # Nobody can follow a report about a person; see cases.public_view.
        "type": BLACKBOX if type.no_photo else REALTIME,
        "keywords": ", ".join(dict.fromkeys(name.replace(",", " ") for name in names if name)),
        "group": in_language(type.class_name, type.class_name_en),
    }


def _description(type: ItemType) -> str:
    english = (get_language() or "").startswith("en")
    said = [type.get_kind_display(), type.get_standard_display()]
    if conditions := [row.condition for row in type.filing_standards.all()]:
        said.append(_("taken up when: %s") % ("; " if english else "；").join(conditions))
    return (", " if english else "，").join(said)


def definition(type: ItemType) -> dict:
    return {"service_code": code_of(type), "attributes": attributes(type)}


def attributes(type: ItemType) -> list[dict]:
    """What may be said besides: the condition found, and the code on the thing itself. None is required."""
    found = []
    conditions = list(type.filing_standards.all())
    if conditions:
        found.append(
            {
                "variable": True,
                "code": CONDITION,
                "datatype": "singlevaluelist",
                "required": False,
                "datatype_description": _("one of the values"),
                "order": len(found) + 1,
                "description": _("What is the matter?"),
                "values": [{"key": str(row.pk), "name": row.condition} for row in conditions],
            }
        )
    if type.kind == ItemType.Kind.COMPONENT:
        found.append(
            {
                "variable": True,
                "code": COMPONENT,
                "datatype": "string",
                "required": False,
                "datatype_description": _("16 digits"),
                "order": len(found) + 1,
                "description": _("The code on its plate, if you can read it"),
                "values": [],
            }
        )
    return found


def condition(type: ItemType, key: str) -> FilingStandard | None:
    """The filing condition with this key, if it is one of the type's."""
    return next((row for row in type.filing_standards.all() if str(row.pk) == key), None)


_CHANGESET = """
with now_is as (
    select md5(coalesce(string_agg(line, E'\\n' order by line), '')) as fingerprint from (
        select concat_ws('|', t.standard, t.kind, t.class_code, t.type_code, t.class_name, t.class_name_en,
                         t.name, t.name_en, t.no_photo, f.id, f.condition) as line
        from assets_itemtype t left join cases_filingstandard f on f.type_id = t.id
        where t.active and t.standard = any(%s)
    ) lines
), known as (
    select fingerprint, since from cases_open311change order by id desc limit 1
), added as (
    insert into cases_open311change (fingerprint, since)
    select fingerprint, now() from now_is where fingerprint is distinct from (select fingerprint from known)
    returning since
)
select coalesce((select since from added), (select since from known))
"""


def changeset() -> datetime:
    """Since when the services and their definitions are as they are."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGESET, [list(standards())])
        return cursor.fetchone()[0]
