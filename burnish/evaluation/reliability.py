"""Whether values mean what they say: of partial solutions valued 0.7, are 70 % good?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUM_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """A point of the calibration curve.

    Attributes:
        low, high: the bin's values v, low <= v < high (the last one: <= high).
        value: the mean value in it.
        label: the mean label; on the diagonal it equals `value`.
        num: how many stand in it, at least one.
    """

    low: float
    high: float
    value: float
    label: float
    num: int


def reliability_curve(
    values: Sequence[float], labels: Sequence[float], *, num_bins: int = NUM_BINS
) -> list[ReliabilityBin]:
    """The bins of equal width that are not empty, from low to high.

    Args:
        values: N predictions from 0 to 1.
        labels: N labels from 0 to 1.
        num_bins: of the whole range.

    Raises ValueError where there are no values, or not a label for each.
    """
    if len(values) != len(labels) or not values:
        raise ValueError(f"{len(values)} values and {len(labels)} labels, or none at all")
    v, y = np.asarray(values, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    place = np.minimum((v * num_bins).astype(int), num_bins - 1)
    return [
        ReliabilityBin(
            b / num_bins,
            (b + 1) / num_bins,
            float(v[place == b].mean()),
            float(y[place == b].mean()),
            int((place == b).sum()),
        )
        for b in sorted(set(place.tolist()))
    ]


def calibration_error(curve: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: sum_b num_b / N |value_b - label_b|."""
    num = sum(point.num for point in curve)
    return sum(point.num * abs(point.value - point.label) for point in curve) / num
