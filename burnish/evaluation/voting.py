"""Majority vote over sampled answers (self-consistency, arXiv:2203.11171), as ReFT reports it.

Samples without an answer are dropped; the most common answer wins; a tie goes to the answer seen
first (methods.md 1.5). A problem in which no sample has an answer is wrong.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from burnish.types import Score


def majority_answer(answers: Sequence[str | None]) -> str | None:
    """The most common answer; ties go to the first seen; None where there is no answer at all."""
    # most_common sorts stably, and a Counter keeps the order of first appearance.
    counted = Counter(answer for answer in answers if answer is not None).most_common(1)
    return counted[0][0] if counted else None


def majority_vote(scores: Sequence[Score]) -> Score | None:
    """The first score that carries the winning answer; None where there is no answer at all."""
    winner = majority_answer([score.answer for score in scores])
    return next((s for s in scores if s.answer == winner), None) if winner is not None else None


def first_vote_at_k(scores: Sequence[Score], k: int) -> float:
    """1 or 0: whether the vote of the first k samples is right. What a user with k samples gets."""
    _check_k(len(scores), k)
    winner = majority_vote(scores[:k])
    return float(winner is not None and winner.is_correct)


def expected_vote_at_k(
    scores: Sequence[Score], k: int, *, seed: int, max_subsets: int = 200
) -> float:
    """Probability, from 0 to 1, that the vote of k of the n samples is right.

    The mean over all subsets of size k where there are at most `max_subsets` of them (so exact;
    for k = n it is the vote itself), else over that many random ones. Less noisy than the first k
    samples for small k, and the same in expectation. Within a subset, samples keep their order.

    Args:
        scores: verdicts on the n samples of one problem.
        k: subset size, 1 <= k <= n.
        seed: of the random subsets.
    """
    _check_k(len(scores), k)
    answers = list(dict.fromkeys(s.answer for s in scores if s.answer is not None))
    if not answers:
        return 0.0
    code = {answer: i for i, answer in enumerate(answers)}
    is_right = np.array([next(s.is_correct for s in scores if s.answer == a) for a in answers])
    votes = np.zeros((len(scores), len(answers)), dtype=np.int64)
    for row, score in enumerate(scores):
        if score.answer is not None:
            votes[row, code[score.answer]] = 1
    return float(_wins(votes[_subsets(len(scores), k, max_subsets, seed)], is_right).mean())


def _wins(votes: NDArray[np.int64], is_right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each subset's vote is right.

    Args:
        votes: 1 where sample j of a subset gives answer a, [subsets, k, answers].
        is_right: whether each answer is right, [answers].
    """
    counts = votes.sum(axis=1)
    first_seen = np.where(counts > 0, votes.argmax(axis=1), votes.shape[1])
    # A later first appearance costs less than one vote, so it only breaks ties.
    winner = (counts - first_seen / (votes.shape[1] + 1)).argmax(axis=1)
    return is_right[winner] & (counts.sum(axis=1) > 0)


def _subsets(n: int, k: int, max_subsets: int, seed: int) -> NDArray[np.int64]:
    """Increasing indices of subsets of size k, [subsets, k]."""
    if math.comb(n, k) <= max_subsets:
        return np.array(list(itertools.combinations(range(n), k)), dtype=np.int64)
    order = np.random.default_rng(seed).random((max_subsets, n)).argsort(axis=1)
    return np.sort(order[:, :k], axis=1)


def _check_k(n: int, k: int) -> None:
    if not 1 <= k <= n:
        raise ValueError(f"vote@{k} needs at least {max(k, 1)} graded samples; there are {n}")
