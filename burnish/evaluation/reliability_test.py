from __future__ import annotations

import pytest

from burnish.evaluation.reliability import (
    ReliabilityBin,
    calibration_error,
    reliability_curve,
)


def test_the_curve_by_hand():
    curve = reliability_curve([0.1, 0.2, 0.6, 1.0], [0.0, 0.5, 1.0, 1.0], num_bins=2)
    assert curve == [
        ReliabilityBin(0.0, 0.5, (0.1 + 0.2) / 2, 0.25, 2),
        ReliabilityBin(0.5, 1.0, 0.8, 1.0, 2),
    ]
    assert calibration_error(curve) == pytest.approx(0.5 * 0.1 + 0.5 * 0.2)


def test_bins_weigh_as_many_as_they_hold():
    curve = reliability_curve([0.05, 0.95, 0.95, 0.95], [1.0, 0.95, 0.95, 0.95])
    assert calibration_error(curve) == pytest.approx(0.95 / 4)


def test_empty_bins_are_left_out_and_the_ends_belong_to_their_bins():
    curve = reliability_curve([0.0, 0.5, 1.0], [0.0, 0.5, 1.0])
    assert [(point.low, point.num) for point in curve] == [(0.0, 1), (0.5, 1), (0.9, 1)]
    assert calibration_error(curve) == 0.0


@pytest.mark.parametrize(("values", "labels"), [([], []), ([0.5], [0.5, 1.0])])
def test_nothing_to_compare_is_refused(values, labels):
    with pytest.raises(ValueError, match="values and"):
        reliability_curve(values, labels)
