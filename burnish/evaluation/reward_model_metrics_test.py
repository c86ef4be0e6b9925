from __future__ import annotations

import math

import pytest

from burnish.evaluation.reward_model_metrics import (
    Compared,
    accuracy_by_margin,
    accuracy_by_strength,
    accuracy_interval,
    comparison_curve,
    comparison_metrics,
    length_report,
    mean_absolute_error,
    rank_correlation,
)

PAIRS = [
    Compared("a", 2.0, 1.0, 3.0, 5),
    Compared("a", -1.0, 1.0, 1.0, 4),
    Compared("b", 0.0, 1.0, 1.0, -3),
    Compared("c", 0.5, 0.8, None, -2),
    Compared("d", 3.0, 0.5, 0.0, 7),
]


def test_accuracy_leaves_ties_out_and_counts_equal_scores_half():
    found = comparison_metrics(PAIRS)
    assert found["accuracy"] == pytest.approx((1 + 0 + 0.5 + 1) / 4)


def test_the_interval_is_over_problems():
    interval = accuracy_interval(PAIRS)
    assert interval is not None
    assert interval.n == 3
    assert interval.value == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert accuracy_interval([PAIRS[4]]) is None


def test_all_ties_have_no_accuracy():
    assert "accuracy" not in comparison_metrics([PAIRS[4]])


def test_the_longer_answer_wins_as_often_as_counted():
    # longer wins in a (+5), loses in a (+4), draws in b, loses in c (-2, chosen wins), wins in d
    assert comparison_metrics(PAIRS)["prefers_longer"] == pytest.approx((1 + 0 + 0.5 + 0 + 1) / 5)


def test_calibration_compares_the_odds_of_scores_with_labels():
    low, *_, high = comparison_curve([PAIRS[3], PAIRS[1], PAIRS[0]])
    assert low.value == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert low.label == pytest.approx(0.8)
    assert high.value == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert high.label == 1.0
    (wrong,) = comparison_curve([PAIRS[1]])
    assert wrong.label == 0.0
    (even,) = comparison_curve([PAIRS[2]])
    assert (even.value, even.label) == (0.5, 0.5)


def test_accuracy_by_strength_and_by_margin():
    assert accuracy_by_strength(PAIRS) == {
        "1": {"accuracy": 0.25, "num": 2},
        "3": {"accuracy": 1.0, "num": 1},
    }
    margins = accuracy_by_margin(PAIRS)
    assert [row["margin"] for row in margins if isinstance(row, dict)] == [0.0, 0.5, 1.0, 2.0]
    assert [row["accuracy"] for row in margins if isinstance(row, dict)] == [0.5, 1.0, 0.0, 1.0]


def test_length_is_told_apart_from_what_labels_like():
    found = length_report(PAIRS)
    assert found["labels_prefer_longer"] == 0.5
    assert found["model_prefers_longer"] == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert found["longer_is_better"] == {"accuracy": 0.5, "num": 2}
    assert found["shorter_is_better"] == {"accuracy": 0.75, "num": 2}


def test_rank_correlation_of_a_constant_is_nothing():
    assert rank_correlation([1.0, 2.0, 3.0], [10.0, 30.0, 20.0]) == pytest.approx(0.5)
    assert rank_correlation([1.0, 1.0], [1.0, 2.0]) == 0.0
    assert rank_correlation([1.0], [1.0]) == 0.0


def test_mean_absolute_error_by_hand():
    assert mean_absolute_error([1.0, 4.0], [2.0, 2.0]) == 1.5
