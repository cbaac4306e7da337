"""Small tables of this app that every installation begins with: flows and filing standards."""

from assets.models import ItemType
from cases import flow_data
from cases.models import FilingStandard
from cases.public import topics
from geo.code_tables import rows


def load() -> dict[str, int]:
    """The shipped flows, filing standards and kinds of problems for residents; how many came in."""
    return {
        "flows": flow_data.load(),
        "filing standards": load_filing_standards(),
        "kinds of problems": topics.load(),
    }


def load_filing_standards() -> int:
    """When a problem of a type is filed, its limit, and when it may be closed.

    ``fixtures/filing_standards.csv`` is written for the types of GB/T 30428.2-2013 after limits that cities
    publish (to be checked against the local ones); the types of 2026 get those of the type they succeed. A
    type that has standards already keeps them: they are the operator's.
    """
    taken = set(FilingStandard.objects.values_list("type_id", flat=True))
    types = {
        (row.standard, row.kind, row.class_code, row.type_code): row
        for row in ItemType.objects.select_related("successor")
    }
    made = []
    for line in rows("filing_standards.csv"):
        for one in _types_of(line, types):
            if one.pk not in taken:
                made.append(
                    FilingStandard(
                        type=one,
                        condition=line["condition"],
                        limit=line["limit"],
                        limit_unit=line["limit_unit"],
                        closing=line["closing"],
                        position=line["position"],
                    )
                )
    FilingStandard.objects.bulk_create(made)
    return len(made)


def _types_of(line: dict, types: dict) -> list[ItemType]:
    """The types a line is for: of 2013, its successor, and the matter that is the successor's fault."""
    Standard, Kind = ItemType.Standard, ItemType.Kind
    first = types.get((Standard.GBT30428_2_2013, line["kind"], line["class_code"], line["type_code"]))
    if first is None:
        return []
    found = [first]
    if later := first.successor:
        found.append(later)
        fault = types.get((later.standard, Kind.EVENT, later.class_code, later.type_code))
        if later.kind == Kind.COMPONENT and fault:
            found.append(fault)
    return found
