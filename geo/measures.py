"""Figures per area: a total, its classes, its children, and what lies in no child."""

from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import F
from django.utils import timezone

from geo import tallies
from geo.models import Area
from geo.models.tallies import NO_DAY
from geo.registry import Measure, measures


@dataclass
class Figure:
    """A measure under an area. ``children`` and ``elsewhere`` (in no child) add up to ``total``."""

    measure: Measure
    total: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)

    @property
    def elsewhere(self) -> int:
        return self.total - sum(self.children.values())


def visible(user, area_code: str) -> list[Measure]:
    """The measures that ``user`` may read for an area, in their order."""
    chosen = [m for m in measures.values() if user.scope.covers(m.needs, area_code)]
    return sorted(chosen, key=lambda measure: measure.order)


def figures(user, area_code: str, ids=None, since: date | None = None, until: date | None = None):
    """Figures for an area code (4, 6, 9 or 12 digits) that ``user`` may read.

    Tallied measures cost one statement together, from the sums and the deltas not yet folded in; others, and
    all below a community, one each, by index over the area's prefix. ``since`` and ``until`` (exclusive)
    bound the days of measures that have a time.
    """
    wanted = [m for m in visible(user, area_code) if ids is None or m.id in ids]
    kept = {m.id: Figure(m) for m in wanted}
    level = len(area_code)
    summed = [m for m in wanted if m.tallied and level < 12]
    if summed:
        _from_tallies(kept, [m.id for m in summed], area_code, since, until)
    for measure in wanted:
        if measure not in summed:
            _by_counting(kept[measure.id], area_code, since, until)
    return list(kept.values())


def _from_tallies(kept, ids, area_code, since, until):
    child = tallies.CHILD_LENGTH[len(area_code)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select measure, area_code, klass, sum(value)::bigint from (
                select measure, area_code, day, klass, value from geo_tally
                union all
                select measure, area_code, day, klass, value from geo_tallydelta
            ) both_
            where measure = any(%(ids)s)
              -- Named one by one: a prefix would read the levels below the children too.
              and area_code = any(array(
                  select %(area)s union
                  select code from geo_area where code like %(under)s and length(code) = %(child)s
              )::text[])
              and (day = %(no_day)s or (day >= %(since)s and day < %(until)s))
            group by 1, 2, 3 having sum(value) <> 0
            """,
            {
                "ids": ids,
                "area": area_code,
                "under": area_code + "%",
                "child": child,
                "no_day": NO_DAY,
                "since": since or date.min,
                "until": until or date.max,
            },
        )
        for measure, code, klass, number in cursor.fetchall():
            figure = kept[measure]
            if code == area_code:
                figure.total += number
                if klass:
                    figure.classes[klass] = figure.classes.get(klass, 0) + number
            else:
                figure.children[code] = figure.children.get(code, 0) + number


def _by_counting(figure: Figure, area_code: str, since, until):
    measure = figure.measure
    queryset = tallies.rows(measure).filter(**{f"{measure.area}__startswith": area_code})
    if measure.time and since:
        queryset = queryset.filter(**{f"{measure.time}__date__gte": since})
    if measure.time and until:
        queryset = queryset.filter(**{f"{measure.time}__date__lt": until})
    path = measure.grid_code if len(area_code) == 12 else measure.area
    rows = (
        queryset.annotate(place=F(path), k=tallies.klass(measure))
        .values("place", "k")
        .annotate(v=tallies.value(measure))
        .values_list("place", "k", "v")
    )
    child = 15 if len(area_code) == 12 else tallies.CHILD_LENGTH[len(area_code)]
    for place, klass, number in rows:
        figure.total += number
        if klass:
            figure.classes[klass] = figure.classes.get(klass, 0) + number
        # A grid of another community (borders moved since the row was filed) is not one of the children.
        if place and len(place) >= child and place.startswith(area_code):
            code = place[:child]
            figure.children[code] = figure.children.get(code, 0) + number


def series(user, area_code: str, measure_id: str, days: int = 30) -> list[tuple[date, int]]:
    """A daily measure's last days, oldest first, days without rows as 0. Empty without the right."""
    measure = measures[measure_id]
    if not user.scope.covers(measure.needs, area_code):
        return []
    today = timezone.localdate()
    first = today - timezone.timedelta(days=days - 1)
    if len(area_code) in tallies.LEVELS:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                select day, sum(value)::bigint from (
                    select measure, area_code, day, value from geo_tally
                    union all
                    select measure, area_code, day, value from geo_tallydelta
                ) both_
                where measure = %s and area_code = %s and day >= %s group by 1
                """,
                [measure_id, area_code, first],
            )
            found = dict(cursor.fetchall())
    else:
        found = dict(
            tallies.rows(measure)
            .filter(**{f"{measure.area}__startswith": area_code, f"{measure.time}__date__gte": first})
            .values_list(f"{measure.time}__date")
            .annotate(v=tallies.value(measure))
        )
    return [(day, found.get(day, 0)) for day in (first + timezone.timedelta(days=n) for n in range(days))]


def children_of(area_code: str):
    """Areas in force one level below, by code."""
    length = tallies.CHILD_LENGTH.get(len(area_code))
    if length is None:
        return Area.objects.none()
    return Area.objects.filter(
        code__startswith=area_code, level=Area.CODE_LENGTHS[length], valid_to=None
    ).order_by("code")
