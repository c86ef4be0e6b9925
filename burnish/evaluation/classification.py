"""How well a model that judges answers tells right ones from wrong ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def judged_right(values: Sequence[float], is_correct: Sequence[bool]) -> float:
    """Share of samples on whose side of 1/2 the probability of being correct stands."""
    _check_lengths(values, is_correct)
    return float(np.mean((np.asarray(values) > 0.5) == np.asarray(is_correct)))


def area_under_curve(values: Sequence[float], is_correct: Sequence[bool]) -> float:
    """AUC: the chance that a random right sample has a higher value than a random wrong one.

        (sum of the ranks of the right ones - r (r + 1) / 2) / (r w),  r right, w wrong

    Mann and Whitney 1947; equal values count half. 0.5, which says nothing, where all samples are
    right or all are wrong.
    """
    _check_lengths(values, is_correct)
    right = np.asarray(is_correct, dtype=bool)
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    if num_right == 0 or num_wrong == 0:
        return 0.5
    ranks = stats.rankdata(values)[right].sum()
    return float((ranks - num_right * (num_right + 1) / 2) / (num_right * num_wrong))


def _check_lengths(values: Sequence[float], is_correct: Sequence[bool]) -> None:
    if len(values) != len(is_correct) or not values:
        raise ValueError(f"{len(values)} values for {len(is_correct)} samples, or none at all")
