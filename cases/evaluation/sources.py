"""Where computed indicators get their values: a narrow door to the statistics of cases.

A provider answers for several codes and all subjects at once. Whoever has more statistics registers another
provider; the later one wins for a code that both know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple, Protocol

from django.utils.translation import gettext_lazy as _

BY = ("area", "unit", "post")


class Period(NamedTuple):
    """Days from ``first`` up to, without, ``after`` (Asia/Shanghai)."""

    first: date
    after: date


class Subject(NamedTuple):
    """``by`` is area | unit | post; ``key`` an area code, the id of a unit, or the id of a user."""

    by: str
    key: str | int


@dataclass(frozen=True)
class Statistic:
    """A statistic that an indicator may be computed from."""

    code: str
    label: str
    unit: str
    definition: str
    by: tuple[str, ...] = BY


class Figure(NamedTuple):
    """A value in the statistic's unit, and the counts it was made of. Nothing to divide by: no value."""

    value: Fraction | None
    numerator: int | None = None
    denominator: int | None = None


def ratio(numerator: int, denominator: int) -> Figure:
    """A percentage, exact; without a denominator there is none."""
    value = Fraction(100 * numerator, denominator) if denominator else None
    return Figure(value, numerator, denominator)


class Provider(Protocol):
    """What answers for statistics."""

    def statistics(self) -> Iterable[Statistic]: ...

    def figures(
        self, codes: Sequence[str], period: Period, by: str, keys: Sequence
    ) -> dict[tuple[str, str | int], Figure]:
        """Figures by (code, key), in a fixed number of statements however many keys there are."""
        ...


_providers: list[Provider] = []


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def known() -> dict[str, tuple[Statistic, Provider]]:
    return {one.code: (one, provider) for provider in _providers for one in provider.statistics()}


def statistics(by: str = "") -> list[Statistic]:
    """What can be chosen, for a kind of subject or for any."""
    return [one for one, _provider in known().values() if not by or by in one.by]


def figures(codes: Iterable[str], period: Period, by: str, keys: Sequence) -> dict[tuple, Figure]:
    """Figures by (code, key); a code that nobody knows (any more) has none."""
    wanted: dict[int, tuple[Provider, list[str]]] = {}
    everything = known()
    for code in sorted(set(codes)):
        if code in everything and by in everything[code][0].by:
            provider = everything[code][1]
            wanted.setdefault(id(provider), (provider, []))[1].append(code)
    found: dict[tuple, Figure] = {}
    for provider, of_it in wanted.values():
        found |= provider.figures(of_it, period, by, keys)
    return found


def value(code: str, period: Period, subject: Subject) -> Fraction | None:
    """One value, for one subject."""
    figure = figures([code], period, subject.by, [subject.key]).get((code, subject.key))
    return figure.value if figure else None


STATISTICS = (
    Statistic(
        "filed",
        _("Cases filed"),
        _("cases"),
        _("Cases filed within the period."),
    ),
    Statistic(
        "close_rate",
        _("Closing rate"),
        "%",
        _("Cases closed by the end of the period / cases due for closing in it."),
    ),
    Statistic(
        "on_time_rate",
        _("On-time handling rate"),
        "%",
        _("Cases handled within their limit / cases due for handling in the period."),
    ),
    Statistic(
        "rework_rate",
        _("Rework rate"),
        "%",
        _("Handled cases that failed a check at least once / cases handled in the period."),
    ),
)
