from __future__ import annotations

import itertools
import math

import pytest

from burnish.evaluation.pass_at_k import pass_at_k


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 3), (6, 1, 4), (7, 3, 1), (4, 0, 2), (4, 4, 4)])
def test_equals_the_share_of_subsets_with_a_right_sample(n, c, k):
    subsets = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_1_is_the_share_of_right_samples():
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)


def test_stays_exact_where_binomials_overflow_a_float():
    expected = 1 - math.comb(9_000, 1_000) / math.comb(10_000, 1_000)
    assert pass_at_k(10_000, 1_000, 1_000) == pytest.approx(expected)
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 4), (3, 1, 0), (3, 4, 2), (3, -1, 2)])
def test_impossible_counts_raise(n, c, k):
    with pytest.raises(ValueError, match="samples"):
        pass_at_k(n, c, k)
