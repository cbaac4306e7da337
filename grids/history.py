"""Any past day: a grid's life, who served in it, and figures by the borders of a day."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import connection
from django.db.models import F, Prefetch, Q, Value
from django.utils import timezone

from geo import measures, tallies
from geo.registry import Measure
from grids.models import Grid, GridDuty, GridVersion, Located

# Of measures that have a time, what happened in so many days up to the day counts.
DAYS = 365


def in_force_on(day: date) -> Q:
    """Rows with ``valid_from`` and ``valid_to`` (exclusive) that hold on a day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))


def versions_of(grid: Grid) -> list[GridVersion]:
    """The borders a grid had, latest first, each with its publication and the grids it came from.

    Two statements. A version that was replaced on its first day never held a day; it is told all the same.
    """
    parents = Grid.objects.only("code", "name").order_by("code")
    return list(
        grid.versions.select_related("publication__published_by", "publication__plan", "publication__undoes")
        .prefetch_related(Prefetch("predecessors", parents))
        .defer("geom")
        .order_by("-generation")
    )


def heirs_of(grid: Grid) -> list[Grid]:
    """The grids that got the ground of one that is no more."""
    if grid.retired_on is None:
        return []
    last = grid.versions.order_by("-generation").values("valid_to")[:1]
    took = GridVersion.objects.filter(predecessors=grid, valid_from=last)
    return list(Grid.objects.filter(pk__in=took.values("grid_id")).only("code", "name").order_by("code"))


def duties_of(grid: Grid, user, day: date | None = None) -> list[GridDuty]:
    """Who served in a grid, as far as the user may see workers: on a day, or ever, the latest first."""
    rows = GridDuty.objects.for_user(user).filter(grid=grid).select_related("worker")
    if day is not None:
        rows = rows.filter(in_force_on(day))
    return list(rows.order_by("-valid_from", "role", "id")[:60])


@dataclass
class Row:
    """A grid of a day with its figures by measure id."""

    code: str
    name: str
    kind: str
    lineage: str
    valid_from: date
    valid_to: date | None
    figures: dict[str, int] = field(default_factory=dict)


def countable(user, area_code: str, ids=None) -> list[Measure]:
    """The measures that can be counted by borders: whose rows have a place."""
    return [
        measure
        for measure in measures.visible(user, area_code)
        if anchor_of(measure) and (ids is None or measure.id in ids)
    ]


def anchor_of(measure: Measure) -> str:
    """ORM path to the point of a measure's rows; empty where they have none."""
    if issubclass(measure.model_class, Located):
        return "anchor"
    return f"{measure.grid[: -len('grid')]}anchor" if measure.grid.endswith("__grid") else ""


def grids_on(area_code: str, day: date) -> list[Row]:
    """The grids of an area (9 or 12 digits; 15 is one grid) as they were on a day."""
    rows = GridVersion.objects.filter(in_force_on(day), grid__code__startswith=area_code)
    return [
        Row(code, name, kind, lineage, since, until)
        for code, name, kind, lineage, since, until in rows.order_by("grid__code").values_list(
            "grid__code", "name", "kind", "lineage", "valid_from", "valid_to"
        )
    ]


def figures_on(area_code: str, day: date, wanted: list[Measure]) -> dict[str, dict[str, int]]:
    """Figures by the borders of a day: {measure id: {grid code: value}}; one statement per measure.

    Rows are found through the borders by the index over their geometries, whatever grid they are in today. Of
    measures with a time the ``DAYS`` up to and including the day count, of others what there is today.
    """
    return {measure.id: dict(_counted(measure, area_code, day)) for measure in wanted}


def statement(measure: Measure, area_code: str, day: date) -> tuple[str, dict]:
    """The statement behind ``figures_on``, and its values."""
    rows = tallies.rows(measure)
    if measure.time:
        first, zone = day - timedelta(days=DAYS), timezone.get_default_timezone()
        start = timezone.datetime(first.year, first.month, first.day, tzinfo=zone) + timedelta(days=1)
        end = timezone.datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1)
        rows = rows.filter(**{f"{measure.time}__gte": start, f"{measure.time}__lt": end})
    value = F(measure.sum_of) if measure.sum_of else Value(1)
    anchor = anchor_of(measure)
    ground = anchor.removesuffix("anchor") + "geom"
    inner, _tables = tallies.inlined(rows.values_list("pk", ground, anchor, value))
    return (
        f"""
        with border as materialized (
            select g.code, v.geom from grids_gridversion v join grids_grid g on g.id = v.grid_id
            where g.code like %(area)s and v.valid_from <= %(day)s
              and (v.valid_to is null or v.valid_to > %(day)s)
        ),
        -- A point on a border is the lowest code's, as everywhere.
        placed as (
            select distinct on (r.id) b.code, r.n
            from border b
            join ({inner.replace("%", "%%")}) r(id, geom, anchor, n)
                on b.geom && r.geom and ST_Intersects(b.geom, r.anchor)
            order by r.id, b.code
        )
        select code, sum(n)::bigint from placed group by code
        """,
        {"area": f"{area_code}%", "day": day},
    )


def _counted(measure: Measure, area_code: str, day: date):
    with connection.cursor() as cursor:
        cursor.execute(*statement(measure, area_code, day))
        return cursor.fetchall()
