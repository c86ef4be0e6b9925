from __future__ import annotations

import pytest

from burnish.evaluation.classification import area_under_curve, judged_right


def test_auc_counts_pairs_in_the_right_order():
    # right: 0.9 and 0.3; wrong: 0.1, 0.4 and 0.8; 0.9 beats three, 0.3 beats one of three
    values, labels = [0.9, 0.1, 0.4, 0.3, 0.8], [True, False, False, True, False]
    assert area_under_curve(values, labels) == pytest.approx(4 / 6)
    assert area_under_curve([-v for v in values], labels) == pytest.approx(2 / 6)


def test_equal_values_count_half():
    assert area_under_curve([0.2, 0.2, 0.7], [True, False, False]) == pytest.approx(0.25)


def test_one_class_alone_cannot_be_ranked():
    assert area_under_curve([0.2, 0.9], [True, True]) == 0.5


def test_judged_right_splits_at_one_half():
    assert judged_right([0.9, 0.6, 0.4, 0.1], [True, False, False, False]) == 0.75
    assert judged_right([0.5], [False]) == 1.0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 values for 1"):
        area_under_curve([0.1, 0.2], [True])
    with pytest.raises(ValueError, match="none at all"):
        judged_right([], [])
