"""From values to scores. Pure and exact: values, weights and scores are fractions; rounding is for display.

``definition`` is what ``Indicator.definition`` gives. A score is 0 to 100; ``None`` is "no data", which goes
up the tree: a parent with a missing child has no score either, and nothing becomes 0 unsaid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

FULL = Fraction(100)


def exact(text) -> Fraction:
    """A number of a definition ("95.5"), a Decimal, or a fraction as it was stored ("625/8")."""
    return Fraction(str(text))


def shown(value: Fraction | None, places: int = 2) -> str:
    """A fraction rounded half up, for people; "—" for no data."""
    if value is None:
        return "—"
    units = math.floor(abs(value) * 10**places + Fraction(1, 2))
    text = f"{units // 10**places}.{units % 10**places:0{places}d}" if places else str(units)
    return f"-{text}" if value < 0 and units else text


def of_value(definition: Mapping, value: Fraction) -> Fraction:
    """The score of a value: by the step table, or linear between zero and full value, clipped."""
    higher = definition["direction"] != "lower"
    if definition["steps"]:
        for threshold, score in definition["steps"]:
            edge = exact(threshold)
            if value >= edge if higher else value <= edge:
                return exact(score)
        return Fraction(0)
    full, zero = exact(definition["full_value"]), exact(definition["zero_value"])
    return min(FULL, max(Fraction(0), (value - zero) / (full - zero) * FULL))


@dataclass
class Deducted:
    """What one kind of problem cost: ``counted`` points, cut to ``points`` by its cap."""

    code: str
    name: str
    count: int
    each: Fraction
    counted: Fraction
    points: Fraction


def of_field(definition: Mapping, counts: Mapping[str, int]) -> tuple[Fraction, list[Deducted]]:
    """Full score less what was found, each kind of problem capped, never below 0."""
    lines = []
    for problem in definition["problems"]:
        count = counts.get(problem["code"], 0)
        if not count:
            continue
        each = exact(problem["points"])
        counted = each * count
        cap = exact(problem["cap"]) if problem.get("cap") else None
        points = counted if cap is None else min(cap, counted)
        lines.append(Deducted(problem["code"], problem["name"], count, each, counted, points))
    return max(Fraction(0), FULL - sum((line.points for line in lines), Fraction(0))), lines


@dataclass
class Node:
    """An item of a model's tree."""

    id: int
    name: str
    weight: Fraction
    definition: dict | None = None
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None

    @property
    def is_leaf(self) -> bool:
        return not self.children

    def walk(self) -> Iterable[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def tree(items: Iterable) -> list[Node]:
    """The items of a model (ordered by position) as its top nodes."""
    items = list(items)
    nodes = {
        one.pk: Node(
            one.pk,
            one.name,
            exact(one.weight),
            one.definition or (one.indicator.definition() if one.indicator_id else None),
        )
        for one in items
    }
    tops = []
    for one in items:
        node = nodes[one.pk]
        if one.parent_id is None:
            tops.append(node)
        else:
            node.parent = nodes[one.parent_id]
            node.parent.children.append(node)
    return tops


def combine(children: Iterable[tuple[Fraction, Fraction | None]]) -> Fraction | None:
    """Σ weight × score / 100; none while a child has no score."""
    total = Fraction(0)
    for weight, score in children:
        if score is None:
            return None
        total += weight * score / FULL
    return total


def score_tree(tops: list[Node], leaves: Mapping[int, Fraction | None]) -> dict[int, Fraction | None]:
    """Scores of all nodes by id, and of the whole under the key 0."""
    scores: dict[int, Fraction | None] = {}

    def of(node: Node) -> Fraction | None:
        found = (
            leaves.get(node.id)
            if node.is_leaf
            else combine([(child.weight, of(child)) for child in node.children])
        )
        scores[node.id] = found
        return found

    scores[0] = combine([(top.weight, of(top)) for top in tops])
    return scores


def ranks(scores: Mapping[int, Fraction | None]) -> dict[int, int]:
    """1 for the best; ties share a rank and the next is left out (1, 2, 2, 4). Without a score no rank."""
    have = sorted((score for score in scores.values() if score is not None), reverse=True)
    first: dict[Fraction, int] = {}
    for place, score in enumerate(have, start=1):
        first.setdefault(score, place)
    return {key: first[score] for key, score in scores.items() if score is not None}
