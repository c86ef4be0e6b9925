from __future__ import annotations

import pytest

from burnish.evaluation.step_metrics import (
    first_error_accuracy,
    first_error_f1,
    labelled_pairs,
    step_metrics,
)

LABELS = [[1.0, 0.0, 0.0], [1.0, 1.0], [None, 0.0], [1.0, None, 1.0]]
VALUES = [
    [0.9, 0.4, 0.8],  # the first error is found
    [0.6, 0.5],  # 1/2 is not over 1/2: an error where there is none
    [0.1, 0.7],  # what is said of an unlabelled step does not count; the error is missed
    [0.8, 0.2, 0.9],  # no labelled step is wrong, none is found
]


def test_first_errors_by_hand():
    assert first_error_accuracy(VALUES, LABELS) == 0.5
    # With an error: one of two found. Without: one of two. 2 * .5 * .5 / 1.
    assert first_error_f1(VALUES, LABELS) == 0.5
    only_wrong = ([VALUES[0], VALUES[2], [0.2]], [LABELS[0], LABELS[2], [0.0]])
    assert first_error_f1(*only_wrong) == pytest.approx(2 / 3)
    assert first_error_f1([[0.9], [0.1]], [[0.0], [1.0]]) == 0.0


def test_the_harmonic_mean_is_below_the_share_where_one_kind_is_missed():
    values, labels = [[0.9], [0.9], [0.9], [0.9]], [[1.0], [1.0], [1.0], [0.0]]
    assert first_error_accuracy(values, labels) == 0.75
    assert first_error_f1(values, labels) == 0.0


def test_an_error_is_found_only_at_its_own_step():
    assert first_error_accuracy([[0.9, 0.1]], [[0.0, 0.0]]) == 0.0
    assert first_error_accuracy([[0.1, 0.9]], [[1.0, 0.0]]) == 0.0


def test_step_metrics_by_hand():
    found = step_metrics([[0.9, 0.2], [0.45]], [[1.0, 0.5], [0.0]])
    assert next(iter(found)) == "explained_variance"
    mse = (0.01 + 0.09 + 0.2025) / 3
    assert found["mse"] == pytest.approx(mse)
    assert found["explained_variance"] == pytest.approx(1 - mse / (1 / 6))
    assert found["within_tenth"] == pytest.approx(1 / 3)
    assert found["step_accuracy"] == 1.0
    assert found["calibration_error"] == pytest.approx((0.1 + 0.3 + 0.45) / 3)


def test_labels_that_do_not_vary_leave_the_error_to_select_by():
    assert step_metrics([[0.5]], [[1.0]])["explained_variance"] == -0.25


def test_unlabelled_steps_count_nowhere():
    assert labelled_pairs(VALUES, LABELS)[1] == [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    assert first_error_accuracy([[0.5], [0.9]], [[None], [1.0]]) == 1.0


@pytest.mark.parametrize("measure", [step_metrics, first_error_accuracy, labelled_pairs])
def test_no_labels_at_all_are_refused(measure):
    with pytest.raises(ValueError, match="not one step"):
        measure([[0.5]], [[None]])
    with pytest.raises(ValueError, match="zip"):
        measure([[0.5, 0.4]], [[1.0]])
