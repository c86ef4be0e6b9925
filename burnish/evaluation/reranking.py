"""Best-of-k by a verifier: ReFT's reward-model reranking (methods.md 1.5).

The verifier is a callable that gives every sample of a problem a number, for ReFT the probability
that it is right. Samples without a valid answer cannot be chosen; among equals the first is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from burnish.types import Completion, Problem, Score

Verifier: TypeAlias = Callable[[Problem, Sequence[Completion]], Sequence[float]]


def best_by_verifier(scores: Sequence[Score], verifier_values: Sequence[float]) -> Score | None:
    """The score of the sample that the verifier likes best among those with an answer.

    Args:
        scores: the grader's verdicts on the samples of one problem.
        verifier_values: the verifier's numbers for the same samples, higher is better.

    Returns None where no sample has an answer. Raises ValueError where the two lengths differ or a
    value is not a number.
    """
    if len(scores) != len(verifier_values):
        raise ValueError(f"{len(verifier_values)} verifier values for {len(scores)} samples")
    if any(math.isnan(value) for value in verifier_values):
        raise ValueError("the verifier returned nan: it cannot rank samples")
    ranked = [
        (value, score)
        for score, value in zip(scores, verifier_values, strict=True)
        if score.answer is not None
    ]
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


def rerank_at_k(scores: Sequence[Score], verifier_values: Sequence[float], k: int) -> float:
    """1 or 0: whether the verifier's choice among the first k samples is right."""
    if not 1 <= k <= len(scores):
        raise ValueError(f"rerank@{k} needs at least {max(k, 1)} samples; there are {len(scores)}")
    chosen = best_by_verifier(scores[:k], verifier_values[:k])
    return float(chosen is not None and chosen.is_correct)
