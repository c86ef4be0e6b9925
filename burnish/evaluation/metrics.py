"""From an Evaluation to the numbers of `results.json`, each a mean over problems with interval.

A sample that the grader failed on counts nowhere but under `grader_failures`. A problem that is
left with fewer graded samples than a metric needs leaves that metric, and its `n` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import TypeAlias

from burnish.errors import DataError
from burnish.evaluation.calibration import calibration_intervals
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation, sample_seed
from burnish.evaluation.pass_at_k import pass_at_k
from burnish.evaluation.reranking import Verifier, rerank_at_k
from burnish.evaluation.rules import rule_intervals
from burnish.evaluation.statistics import (
    Interval,
    all_right_or_wrong,
    bootstrap_difference,
    bootstrap_mean,
    mcnemar_exact,
    paired_permutation,
)
from burnish.evaluation.voting import expected_vote_at_k
from burnish.types import GraderFailure, Json

Measure: TypeAlias = Callable[[EvaluatedProblem], float | None]
"""One number of one problem; None where it has too few graded samples."""


def accuracy_of(row: EvaluatedProblem) -> float | None:
    """Share of right samples; with one greedy sample, whether it is right."""
    return fmean(score.is_correct for score in row.scores) if row.scores else None


def pass_of(row: EvaluatedProblem, *, k: int) -> float | None:
    """Unbiased pass@k."""
    scores = row.scores
    if len(scores) < k:
        return None
    return pass_at_k(len(scores), sum(score.is_correct for score in scores), k)


def vote_of(row: EvaluatedProblem, *, k: int) -> float | None:
    """Expected vote@k: over subsets of k samples; the plain vote where k is all of them."""
    scores = row.scores
    if len(scores) < k:
        return None
    return expected_vote_at_k(scores, k, seed=sample_seed(0, row.problem.id, k))


def rerank_of(row: EvaluatedProblem, *, k: int, verifier: Verifier) -> float | None:
    """Whether the verifier's choice among the first k graded samples is right."""
    graded = [
        (completion, verdict)
        for completion, verdict in zip(row.completions, row.verdicts, strict=True)
        if not isinstance(verdict, GraderFailure)
    ][:k]
    if len(graded) < k:
        return None
    values = verifier(row.problem, [completion for completion, _ in graded])
    return rerank_at_k([score for _, score in graded], values, k)


def mean_interval(evaluation: Evaluation, measure: Measure, *, seed: int = 0) -> Interval:
    """The measure's mean over problems with its bootstrap interval. Raises DataError if empty."""
    values = [value for row in evaluation.rows if (value := measure(row)) is not None]
    if not values:
        most = max(len(row.scores) for row in evaluation.rows)
        raise DataError(
            f"No problem has enough graded samples for this metric: at most {most} of a problem's "
            f"samples could be graded. Sample more per problem or ask for a smaller k."
        )
    return bootstrap_mean(values, seed=seed)


def greedy_metrics(evaluation: Evaluation, *, seed: int = 0) -> dict[str, Json]:
    """`greedy` (accuracy) and the health of the completions, of an evaluation at temperature 0."""
    accuracy = mean_interval(evaluation, accuracy_of, seed=seed)
    greedy: dict[str, Json] = {"greedy": accuracy.as_json()}
    return greedy | _calibration(evaluation, seed) | health_metrics(evaluation, seed=seed)


def sampled_metrics(evaluation: Evaluation, ks: Sequence[int], *, seed: int = 0) -> dict[str, Json]:
    """`accuracy` of single samples, `pass@k` and `vote@k` for each k, and the samples' health."""
    metrics: dict[str, Json] = {
        "accuracy": mean_interval(evaluation, accuracy_of, seed=seed).as_json()
    }
    for k in ks:
        for name, measure in (("pass", pass_of), ("vote", vote_of)):
            interval = mean_interval(evaluation, partial(measure, k=k), seed=seed)
            metrics[f"{name}@{k}"] = interval.as_json()
    return metrics | _calibration(evaluation, seed) | health_metrics(evaluation, seed=seed)


def reranked_metrics(
    evaluation: Evaluation, verifier: Verifier, ks: Sequence[int], *, seed: int = 0
) -> dict[str, Json]:
    """`rerank@k` for each k."""
    return {
        f"rerank@{k}": mean_interval(
            evaluation, partial(rerank_of, k=k, verifier=verifier), seed=seed
        ).as_json()
        for k in ks
    }


def health_metrics(evaluation: Evaluation, *, seed: int = 0) -> dict[str, Json]:
    """Share of truncated completions, mean length in tokens, grader failures by kind."""
    return {
        "truncated": mean_interval(evaluation, _truncated_of, seed=seed).as_json(),
        "length": mean_interval(evaluation, _length_of, seed=seed).as_json(),
        "grader_failures": dict(evaluation.grader_failures),
    }


def compare(
    first: Evaluation, second: Evaluation, *, measure: Measure = accuracy_of, seed: int = 0
) -> dict[str, Json]:
    """`first - second` on the same problems: difference, paired bootstrap interval, paired test.

    The test is McNemar's exact one where every problem is right or wrong on both sides, else a
    paired permutation test of the means. Problems that either side could not measure are left out.

    Raises DataError where the two were not asked the same problems, or nothing is left.
    """
    pairs = [(measure(row_a), measure(row_b)) for row_a, row_b in _matched(first, second)]
    return compare_values(pairs, seed=seed)


def compare_measures(
    evaluation: Evaluation, first: Measure, second: Measure, *, seed: int = 0
) -> dict[str, Json]:
    """The same for two measures of one evaluation, such as a reranker's choice and the vote."""
    pairs = [(first(row), second(row)) for row in evaluation.rows]
    return compare_values(pairs, seed=seed)


def compare_values(
    values: Sequence[tuple[float | None, float | None]], *, seed: int = 0
) -> dict[str, Json]:
    """The same for one pair of numbers a problem."""
    pairs = [(a, b) for a, b in values if a is not None and b is not None]
    if not pairs:
        raise DataError("The two evaluations have no problem that both could measure.")
    ours, theirs = zip(*pairs, strict=True)
    interval = bootstrap_difference(ours, theirs, seed=seed)
    if all_right_or_wrong(ours + theirs):
        test, p = "mcnemar", mcnemar_exact([v > 0.5 for v in ours], [v > 0.5 for v in theirs])
    else:
        test, p = "permutation", paired_permutation(ours, theirs, seed=seed)
    found: dict[str, Json] = {"difference": interval.value, "low": interval.low}
    return found | {"high": interval.high, "p": p, "n": interval.n, "test": test}


def _matched(
    first: Evaluation, second: Evaluation
) -> list[tuple[EvaluatedProblem, EvaluatedProblem]]:
    others = {row.problem.id: row for row in second.rows}
    ids = {row.problem.id for row in first.rows}
    if ids != others.keys():
        odd = sorted(ids ^ others.keys())
        raise DataError(
            f"A paired test needs the same problems on both sides: {len(odd)} problems stand in "
            f"one evaluation only, the first is {odd[0]!r}. Evaluate both on one split."
        )
    return [(row, others[row.problem.id]) for row in first.rows]


def _calibration(evaluation: Evaluation, seed: int) -> dict[str, Json]:
    """What the graders `calibrated` and `quantity` add; nothing for the others."""
    found = calibration_intervals(evaluation, seed=seed) | rule_intervals(evaluation, seed=seed)
    return {name: interval.as_json() for name, interval in found.items()}


def _truncated_of(row: EvaluatedProblem) -> float:
    return fmean(completion.is_truncated for completion in row.completions)


def _length_of(row: EvaluatedProblem) -> float:
    return fmean(len(completion.token_ids) for completion in row.completions)
