from __future__ import annotations

import math

import pytest

from burnish.evaluation.reranking import best_by_verifier, rerank_at_k
from burnish.types import Score

WRONG, RIGHT, NONE = Score(0.1, False, "3"), Score(1.0, True, "7"), Score(0.0, False, None)


def test_the_highest_value_wins():
    assert best_by_verifier([WRONG, RIGHT], [0.2, 0.9]) is RIGHT
    assert best_by_verifier([WRONG, RIGHT], [0.9, 0.2]) is WRONG


def test_a_sample_without_an_answer_is_never_chosen():
    assert best_by_verifier([NONE, WRONG], [0.9, 0.1]) is WRONG
    assert best_by_verifier([NONE, NONE], [0.9, 0.1]) is None


def test_equal_values_choose_the_first():
    assert best_by_verifier([WRONG, RIGHT], [0.5, 0.5]) is WRONG


def test_only_the_first_k_compete():
    scores, values = [WRONG, NONE, RIGHT], [0.1, 0.8, 0.7]
    assert [rerank_at_k(scores, values, k) for k in (1, 2, 3)] == [0.0, 0.0, 1.0]
    assert rerank_at_k([NONE], [0.5], 1) == 0.0


def test_values_that_cannot_rank_raise():
    with pytest.raises(ValueError, match="1 verifier values for 2"):
        best_by_verifier([WRONG, RIGHT], [0.5])
    with pytest.raises(ValueError, match="nan"):
        best_by_verifier([WRONG], [math.nan])
