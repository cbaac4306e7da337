"""Figures of areas from the sums, against counting."""

from datetime import timedelta

from django.utils import timezone

from bench.city import city_leader, code_of_the_city
from bench.timing import interleave, milliseconds, ratio, table
from geo import measures
from geo.models import Area
from geo.registry import measures as registry


def _counted(area, measure, since):
    figure = measures.Figure(measure)
    measures._by_counting(figure, area, since, None)
    return figure


def measure(options) -> str:
    code = code_of_the_city()
    user = city_leader(code)
    rows = []
    for measure_id, windows in (
        ("cases_reported", (7, 30, 365)),
        ("components", (None,)),
        ("people", (None,)),
    ):
        one = registry[measure_id]
        for level in ("city", "district", "street", "community"):
            areas = list(
                Area.objects.filter(code__startswith=code, level=level, valid_to=None).values_list(
                    "code", flat=True
                )[:8]
            )
            for window in windows:
                since = timezone.localdate() - timedelta(days=window) if window else None
                for area in areas:
                    (ours,) = measures.figures(user, area, [measure_id], since=since)
                    plain = _counted(area, one, since)
                    if (ours.total, {k: v for k, v in ours.children.items() if v}) != (
                        plain.total,
                        plain.children,
                    ):
                        raise SystemExit(f"{measure_id} in {area}: {ours.total} is not {plain.total}")
                ways = interleave(
                    {
                        "sums": lambda a, s=since, m=measure_id: measures.figures(user, a, [m], since=s),
                        "counting": lambda a, s=since, m=one: _counted(a, m, s),
                    },
                    areas,
                    options.rounds,
                )
                sums, counting = ways["sums"], ways["counting"]
                rows.append(
                    [
                        measure_id,
                        level,
                        f"{window} d" if window else "",
                        milliseconds(counting.percentile(0.5)),
                        milliseconds(sums.percentile(0.5)),
                        milliseconds(sums.percentile(1)),
                        ratio(sums, counting),
                    ]
                )
    areas = [code]
    ways = interleave(
        {
            "all": lambda a: measures.figures(user, a),
            "tallied": lambda a: measures.figures(user, a, _tallied()),
        },
        areas,
        options.rounds,
    )
    for name, way in ways.items():
        rows.append([f"{name} figures at once", "city", "", "", milliseconds(way.percentile(0.5)), "", ""])
    return table(
        "Roll-ups with their children, equal to counting (checked)",
        ["measure", "level", "window", "counting ms", "ours ms", "ours worst", "times as fast"],
        rows,
    )


def _tallied():
    return [one.id for one in registry.values() if one.tallied]
