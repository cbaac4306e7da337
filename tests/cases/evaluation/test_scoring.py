"""Scores by hand: linear both ways, steps, deductions, trees, ranks. No database."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from cases.evaluation import scoring


def linear(full, zero, direction="higher"):
    return {"direction": direction, "steps": [], "full_value": full, "zero_value": zero}


@pytest.mark.parametrize(
    ("definition", "value", "score"),
    [
        (linear("95", "60"), Fraction(95), 100),
        (linear("95", "60"), Fraction(99), 100),
        (linear("95", "60"), Fraction(60), 0),
        (linear("95", "60"), Fraction(12), 0),
        (linear("95", "60"), Fraction(911 * 100, 972), Fraction(911 * 100, 972) * 20 / 7 - Fraction(1200, 7)),
        (linear("0", "10", "lower"), Fraction(0), 100),
        (linear("0", "10", "lower"), Fraction(3), 70),
        (linear("0", "10", "lower"), Fraction(11), 0),
        (linear("0.1", "0.4", "lower"), Fraction(1, 5), Fraction(200, 3)),
    ],
)
def test_linear(definition, value, score):
    assert scoring.of_value(definition, value) == score


def test_steps_both_ways():
    higher = {"direction": "higher", "steps": [["95", "100"], ["90", "80"], ["80", "60.5"]]}
    found = [scoring.of_value(higher, Fraction(v)) for v in ("95", "94.9999", "90", "80", "79.9")]
    assert found == [100, 80, 80, Fraction(121, 2), 0]
    lower = {"direction": "lower", "steps": [["0", "100"], ["2", "60"]]}
    assert [scoring.of_value(lower, Fraction(v)) for v in (0, 1, 2, 3)] == [100, 60, 60, 0]


def test_deductions_are_capped_and_stop_at_zero():
    definition = {
        "problems": [
            {"code": "a", "name": "A", "points": "2.5", "cap": "5"},
            {"code": "b", "name": "B", "points": "40"},
        ]
    }
    score, lines = scoring.of_field(definition, {"a": 3, "b": 1})
    assert score == 55 and [line.points for line in lines] == [5, 40]
    assert lines[0].counted == Fraction(15, 2)
    assert scoring.of_field(definition, {"b": 3})[0] == 0
    assert scoring.of_field(definition, {})[0] == 100


def item(pk, weight, parent=None, definition=None):
    return SimpleNamespace(
        pk=pk, name=f"n{pk}", weight=weight, parent_id=parent, definition=definition, indicator_id=None
    )


def test_a_tree_adds_up_exactly_and_a_gap_goes_up():
    items = [item(1, "33.33"), item(2, "66.67"), item(3, "50", 2, {}), item(4, "50", 2, {})]
    tops = scoring.tree(items)
    scores = scoring.score_tree(tops, {1: Fraction(90), 3: Fraction(200, 3), 4: Fraction(0)})
    assert scores[2] == Fraction(100, 3)
    assert scores[0] == Fraction(3333, 100) * 90 / 100 + Fraction(6667, 100) * Fraction(100, 3) / 100
    gap = scoring.score_tree(tops, {1: Fraction(90), 3: None, 4: Fraction(0)})
    assert gap[2] is None and gap[0] is None and gap[4] == 0


def test_ties_share_a_rank_and_no_score_has_none():
    scores = {1: Fraction(1, 3), 2: Fraction(2, 6), 3: Fraction(1, 2), 4: None, 5: Fraction(0)}
    assert scoring.ranks(scores) == {3: 1, 1: 2, 2: 2, 5: 4}


def test_rounding_is_half_up_and_only_for_display():
    assert [scoring.shown(Fraction(v)) for v in ("0.005", "2.675", "-0.005", "99.994999")] == [
        "0.01",
        "2.68",
        "-0.01",
        "99.99",
    ]
    assert scoring.shown(None) == "—" and scoring.shown(Fraction(2, 3), 0) == "1"
