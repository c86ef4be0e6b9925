"""What to do with K samples of a problem: vote over K attempts, or correct K/2 of them and vote?

The inference-scaling experiment of SCoRe (arXiv:2409.12917): at each budget K the majority vote
over K single attempts stands beside the vote over the second attempts of K/2 chains, each of which
is an attempt and one correction. Both have sampled K completions; a correction also reads the
attempt and the instruction, so tokens are counted on both sides.

One pass of samples serves all budgets: the largest, B, in single attempts, the first B/2 of which
are continued. The accuracy at a smaller K is the mean over subsets of them of size K (and K/2),
all subsets or as many as `expected_vote_at_k` draws. That is unbiased for the vote of fresh
samples, as each subset is, and disjoint blocks, also unbiased, would be but a few of these subsets
with more noise. The two sides share their first attempts and the problems, which takes noise out of
their difference. Intervals resample problems.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from burnish.data.follow_up import FollowUp
from burnish.errors import DataError
from burnish.evaluation.evaluate import Evaluation, evaluation_requests, graded
from burnish.evaluation.metrics import accuracy_of, compare_values, mean_interval, vote_of
from burnish.evaluation.statistics import bootstrap_mean
from burnish.graders.failures import DEFAULT_MAX_SHARE
from burnish.graders.grader import Grader
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.training.attempts import sample_attempts
from burnish.types import Completion, Json, Problem

PAPERS_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class BudgetSamples:
    """One pass of samples, for every budget up to `budget`.

    Attributes:
        budget: B, the largest K; even.
        attempts: B single attempts at each problem.
        corrections: the second attempts that follow the first B/2 of them, in the same order.
    """

    budget: int
    attempts: Evaluation
    corrections: Evaluation


def sample_budget(
    engine: Engine,
    grader: Grader,
    items: Sequence[tuple[Problem, Sequence[int]]],
    params: SamplingParams,
    *,
    follow_up: FollowUp,
    budget: int,
    seed: int,
    max_failure_share: float = DEFAULT_MAX_SHARE,
) -> BudgetSamples:
    """Samples and grades 3B/2 completions of each problem; arguments and errors as in `evaluate`.

    Args:
        follow_up: what stands between an attempt and its correction.
        budget: B, the largest K that will be asked for.
    """
    require_budgets([budget])
    problems = [problem for problem, _ in items]
    requests = evaluation_requests(items, num_samples=budget, seed=seed)
    half = budget // 2
    continued = [Request(request.prompt_ids, request.seeds[:half]) for request in requests]
    single = [Request(request.prompt_ids, request.seeds[half:]) for request in requests]
    asked = list(zip(problems, continued, strict=True))
    chains = sample_attempts(engine, asked, params, follow_up=follow_up, num_turns=2)
    others = engine.sample(single, params)
    first = [
        [*(chain[0] for chain in group), *rest] for group, rest in zip(chains, others, strict=True)
    ]
    second = [[chain[1] for chain in group] for group in chains]
    return BudgetSamples(
        budget,
        graded(problems, first, grader, max_failure_share=max_failure_share),
        graded(problems, second, grader, max_failure_share=max_failure_share),
    )


def inference_scaling_metrics(
    samples: BudgetSamples, budgets: Sequence[int], *, seed: int = 0
) -> dict[str, Json]:
    """`single`, the accuracy of one attempt, and for each budget ("8") both ways to spend it.

    `parallel` and `corrected` are accuracies of the vote with their intervals; `paired` is
    corrected - parallel on the same problems. Tokens are means over problems for one vote:
    `sampled_tokens`, and `prompt_tokens`, which counts the whole prompt of each sample as an engine
    without a cache reads it.

    A problem with fewer than K graded attempts, or K/2 graded corrections, leaves that budget, and
    `n` says so. Raises DataError where none is left, ValueError for a budget that is odd or larger
    than what was sampled.
    """
    require_budgets([*budgets, samples.budget])
    if max(budgets) > samples.budget:
        raise ValueError(f"{samples.budget} samples were drawn, too few for K = {max(budgets)}")
    found: dict[str, Json] = {
        "single": mean_interval(samples.attempts, accuracy_of, seed=seed).as_json()
    }
    for k in budgets:
        found[str(k)] = _at_budget(samples, k, seed)
    return found


def require_budgets(budgets: Sequence[int]) -> None:
    """Raises ValueError unless each is an even number of at least 2, so that half can be chains."""
    for k in budgets:
        if k < 2 or k % 2:
            raise ValueError(
                f"a budget of {k} samples cannot be split into attempts and corrections; it must "
                "be an even number of at least 2"
            )


def _at_budget(samples: BudgetSamples, k: int, seed: int) -> dict[str, Json]:
    rows = zip(samples.attempts.rows, samples.corrections.rows, strict=True)
    votes = [(vote_of(second, k=k // 2), vote_of(first, k=k)) for first, second in rows]
    both = [(ours, theirs) for ours, theirs in votes if ours is not None and theirs is not None]
    if not both:
        raise DataError(
            f"No problem has {k} attempts and {k // 2} corrections that could be graded, so the "
            f"budget of {k} cannot be measured. Mend the grader, or sample with a larger budget."
        )
    corrected, parallel = zip(*both, strict=True)
    return {
        "parallel": bootstrap_mean(parallel, seed=seed).as_json(),
        "corrected": bootstrap_mean(corrected, seed=seed).as_json(),
        "paired": compare_values(both, seed=seed),
        "sampled_tokens": _both_ways(samples, k, _num_sampled),
        "prompt_tokens": _both_ways(samples, k, _num_read),
    }


def _both_ways(
    samples: BudgetSamples, k: int, count: Callable[[Completion], int]
) -> dict[str, Json]:
    """Mean over problems of what K samples count: K attempts, and K/2 attempts with corrections."""
    half = samples.budget // 2
    first = fmean(_mean(row.completions, count) for row in samples.attempts.rows)
    before = fmean(_mean(row.completions[:half], count) for row in samples.attempts.rows)
    after = fmean(_mean(row.completions, count) for row in samples.corrections.rows)
    return {"parallel": k * first, "corrected": k / 2 * (before + after)}


def _mean(completions: Sequence[Completion], count: Callable[[Completion], int]) -> float:
    return fmean(count(completion) for completion in completions)


def _num_sampled(completion: Completion) -> int:
    return len(completion.token_ids)


def _num_read(completion: Completion) -> int:
    return len(completion.prompt_ids)
