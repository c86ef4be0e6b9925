"""Votes over the answers of a tree's solutions. Answers are extracted elsewhere (graders)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def weighted_vote(answers: Sequence[str | None], weights: Sequence[float]) -> str | None:
    """The answer whose votes weigh most; ties go to the first seen; None where there is no answer.

    With `Solution.visits` of a sampling search as weights this is self-consistency, with values it
    is best-of-n with a vote (SC + verifier).

    Args:
        answers: one a solution, in a normal form, so that equal answers are equal strings; None
            where a solution has none.
        weights: at least 0, one a solution.

    Raises ValueError where the lengths differ or a weight is negative or not finite.
    """
    if len(answers) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(answers)} answers")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"a vote needs finite weights of at least 0; found {list(weights)}")
    totals: dict[str, float] = {}
    for answer, weight in zip(answers, weights, strict=True):
        if answer is not None:
            totals[answer] = totals.get(answer, 0.0) + weight
    return max(totals, key=totals.__getitem__, default=None)
