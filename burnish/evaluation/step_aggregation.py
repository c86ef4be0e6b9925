"""One number for a whole solution from the values of its steps, and what choosing by it is worth.

    min       the weakest step                  Math-Shepherd (arXiv:2312.08935)
    product   all steps right, independently    PRM800K (arXiv:2305.20050)
    last      the value of the whole            ReST-MCTS* (arXiv:2406.03816)
    mean      the average step

A process reward model becomes a `Verifier` by one of them; an outcome reward model is one already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Literal, TypeAlias

from burnish.evaluation.classification import area_under_curve
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import (
    accuracy_of,
    compare_measures,
    mean_interval,
    rerank_of,
    vote_of,
)
from burnish.evaluation.reranking import Verifier
from burnish.types import Completion, Json, Problem, Score

Aggregation: TypeAlias = Literal["min", "product", "last", "mean"]
AGGREGATIONS: tuple[Aggregation, ...] = ("min", "product", "last", "mean")

StepValuer: TypeAlias = Callable[[Problem, Sequence[Completion]], Sequence[Sequence[float]]]
"""The values of the steps of each completion of a problem."""

_REDUCE: Mapping[Aggregation, Callable[[Sequence[float]], float]] = {
    "min": min,
    "product": math.prod,
    "last": lambda values: values[-1],
    "mean": fmean,
}


def aggregate(step_values: Sequence[float], how: Aggregation) -> float:
    """The value of a solution from those of its steps; 0 for one without steps."""
    return _REDUCE[how](step_values) if step_values else 0.0


class StepVerifier:
    """A process reward model as a `Verifier`."""

    def __init__(self, step_values: StepValuer, how: Aggregation) -> None:
        self._step_values = step_values
        self._how: Aggregation = how

    def __call__(self, problem: Problem, completions: Sequence[Completion]) -> list[float]:
        """One value from 0 to 1 per completion, in order."""
        return [aggregate(row, self._how) for row in self._step_values(problem, completions)]


def best_of_n(
    evaluation: Evaluation, verifiers: Mapping[str, Verifier], k: int, *, seed: int = 0
) -> dict[str, dict[str, Json]]:
    """What each verifier's choice among the first k samples of a problem is worth, by its name.

    `accuracy` of the choice; `lift`, its difference to a single sample, and `against_vote`, to the
    vote of the same samples: paired over problems, with bootstrap interval and test.

    Raises DataError where no problem has k graded samples.
    """
    found: dict[str, dict[str, Json]] = {}
    for name, verifier in verifiers.items():
        choice = partial(rerank_of, k=k, verifier=verifier)
        found[name] = {
            "accuracy": mean_interval(evaluation, choice, seed=seed).as_json(),
            "lift": compare_measures(evaluation, choice, accuracy_of, seed=seed),
            "against_vote": compare_measures(evaluation, choice, partial(vote_of, k=k), seed=seed),
        }
    return found


def verifier_auc(sampled: Evaluation, verifier: Verifier) -> float:
    """How well the verifier tells right samples from wrong ones, repeats included."""
    pairs = [
        (value, verdict.is_correct)
        for row in sampled.rows
        for value, verdict in zip(verifier(row.problem, row.completions), row.verdicts, strict=True)
        if isinstance(verdict, Score)
    ]
    return area_under_curve([value for value, _ in pairs], [right for _, right in pairs])
