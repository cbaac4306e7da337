"""Statistics of cases as sources of an evaluation's computed indicators (``cases.evaluation.sources``)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import SimpleNamespace

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cases.evaluation.sources import Figure, Period, Statistic
from cases.statistics import periods, sql
from cases.statistics.counts import CITY
from cases.statistics.indicators import INDICATORS
from geo.models import Organisation
from geo.scopes import Part, Scope

# Evaluation brings these itself, under names of its own.
_THEIRS = {"filed", "closed_rate", "handled_on_time_rate", "rework_rate"}


def _codes() -> list[str]:
    return [one.code for one in INDICATORS.values() if CITY in one.flows and one.code not in _THEIRS]


class FromFacts:
    """Figures of areas and units over the whole city, whoever set the task: peers are compared."""

    def statistics(self):
        found = []
        for code in _codes():
            one = INDICATORS[code]
            unit = "%" if one.unit == "%" else _("cases")
            found.append(Statistic(code, one.label, unit, one.explained, ("area", "unit")))
        return found

    def figures(self, codes: Sequence[str], period: Period, by: str, keys: Sequence):
        """One statement per length of area codes (five at most); one for units, with those below them."""
        wanted = [INDICATORS[code] for code in codes]
        needed = list(dict.fromkeys(count for one in wanted for count in one.counts))
        days = periods.Period("days", period.first, period.after)
        question = sql.Question(CITY, (days,), _everybody(), by)
        counted: dict[str, dict[str, int]] = {}
        if by == "area":
            for length in {len(key) for key in keys}:
                counted |= sql.figures(question.asked(cut=length), needed)[0]
        else:
            counted = _with_those_below(sql.figures(question, needed)[0], keys)
        return {(one.code, key): _figure(one, counted.get(str(key), {})) for one in wanted for key in keys}


def _figure(one, figures: dict[str, int]) -> Figure:
    value = one.of(figures)
    if not one.is_rate:
        return Figure(value if value is not None else Fraction(0))
    over = figures.get(one.over, 0)
    return Figure(None if value is None else value * 100, figures.get(one.top, 0), over)


def _with_those_below(found, keys) -> dict[str, dict[str, int]]:
    paths = dict(Organisation.objects.values_list("pk", "path"))
    sums: dict[str, dict[str, int]] = {}
    for key in keys:
        row = sums.setdefault(str(key), {})
        for unit, figures in found.items():
            if unit and f"/{key}/" in paths.get(int(unit), ""):
                for code, number in figures.items():
                    row[code] = row.get(code, 0) + number
    return sums


def _everybody():
    permissions = frozenset([sql.PERMISSION])
    scope = Scope(None, (Part(permissions, areas=(settings.CITY_CODE,)),), permissions)
    return SimpleNamespace(scope=scope, can=permissions.__contains__)
