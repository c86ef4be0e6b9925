"""What reinforcement can learn from: how often the start model is right, problem by problem.

A group whose samples are paid alike moves nothing, whatever the method: a problem that the model
always solves, or never, teaches nothing until another one has changed the model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from burnish.errors import DataError
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.pass_at_k import pass_at_k
from burnish.evaluation.statistics import Interval, bootstrap_mean, wilson_interval
from burnish.types import Json, Score

LITTLE_SIGNAL = 0.1
"""Below this share of groups with something to choose between a run is mostly waiting."""
MOST = 0.5
TRUNCATED = 0.2


@dataclass(frozen=True, slots=True)
class Outlook:
    """What k samples of each problem show; all intervals are over problems.

    Attributes:
        num_samples: k, of each problem, at least `group_size`.
        group_size: G, samples of a problem in one step of the recipe.
        never, sometimes, always: share of problems with none, some and all of the k samples right.
        pass_rate: mean share of right samples.
        reward: mean reward.
        truncated: mean share of samples that the token limit cut off.
        covered: chance of a right answer among G samples of a problem: what imitation learns from.
        signal: chance that G samples of a problem are not all paid alike: a non-zero advantage.
    """

    num_samples: int
    group_size: int
    never: Interval
    sometimes: Interval
    always: Interval
    pass_rate: Interval
    reward: Interval
    truncated: Interval
    covered: Interval
    signal: Interval

    def intervals(self) -> dict[str, Interval]:
        """By name."""
        return {
            "never": self.never,
            "sometimes": self.sometimes,
            "always": self.always,
            "pass_rate": self.pass_rate,
            "reward": self.reward,
            "truncated": self.truncated,
            "covered": self.covered,
            "signal": self.signal,
        }

    def as_json(self) -> dict[str, Json]:
        """For a file."""
        shares: dict[str, Json] = {
            name: found.as_json() for name, found in self.intervals().items()
        }
        return {"num_samples": self.num_samples, "group_size": self.group_size, **shares}


def outlook(evaluation: Evaluation, *, group_size: int) -> Outlook:
    """From samples of the start model at the temperature of training.

    Problems with fewer graded samples than `group_size` are left out. Raises DataError where none
    is left.
    """
    graded = [row for row in evaluation.rows if len(row.scores) >= group_size]
    if not graded:
        raise DataError(
            f"no problem has {group_size} samples that could be graded; mend the grader, or sample "
            "more of each problem (--samples)."
        )
    rates = [fmean(score.is_correct for score in row.scores) for row in graded]
    cut = [fmean(completion.is_truncated for completion in row.completions) for row in graded]
    return Outlook(
        num_samples=max(len(row.completions) for row in graded),
        group_size=group_size,
        never=_share(rates, lambda rate: rate == 0),
        sometimes=_share(rates, lambda rate: 0 < rate < 1),
        always=_share(rates, lambda rate: rate == 1),
        pass_rate=bootstrap_mean(rates, seed=0),
        reward=bootstrap_mean([fmean(s.reward for s in row.scores) for row in graded], seed=0),
        truncated=bootstrap_mean(cut, seed=0),
        covered=bootstrap_mean(
            [
                pass_at_k(len(row.scores), sum(s.is_correct for s in row.scores), group_size)
                for row in graded
            ],
            seed=0,
        ),
        signal=bootstrap_mean(
            [unequal_probability(_payments(row.scores), group_size) for row in graded], seed=0
        ),
    )


def unequal_probability(counts: Sequence[int], group_size: int) -> float:
    """Chance that `group_size` samples are not all paid alike, an unbiased estimate.

        1 - sum_v C(n_v, G) / C(k, G)

    with n_v of k samples paid v: the share of the subsets of G samples in which two differ.

    Args:
        counts: n_v of each payment that occurs; their sum k is at least `group_size`.
    """
    subsets = math.comb(sum(counts), group_size)
    return 1.0 - sum(math.comb(count, group_size) for count in counts) / subsets


def advice(found: Outlook) -> list[str]:
    """What to do where there is little to learn from; nothing where there is enough."""
    sentences = []
    if found.signal.value < LITTLE_SIGNAL:
        sentences.append(
            f"WARNING: only {_percent(found.signal)} of the groups of {found.group_size} have "
            "anything to choose between; the others move nothing."
        )
        if found.never.value >= MOST:
            sentences.append(
                f"{_percent(found.never)} of the problems are never solved: warm up on written "
                "solutions (`warm_up`), start from a stronger model, add easier problems, or pay "
                "partial credit (`grader.partial_reward`)."
            )
        elif found.always.value >= MOST:
            sentences.append(
                f"{_percent(found.always)} of the problems are always solved: add harder ones; "
                "what is left to gain here is little."
            )
        sentences.append(
            "More samples of each problem (`samples_per_problem`) find rare answers; the group "
            "methods can leave out what teaches nothing (`dynamic_sampling`, `rest`)."
        )
    if found.truncated.value >= TRUNCATED:
        sentences.append(
            f"{_percent(found.truncated)} of the samples reach the token limit, where an answer "
            "may be missing: raise `lengths.max_new_tokens`."
        )
    return sentences


def _payments(scores: Sequence[Score]) -> list[int]:
    return list(Counter(score.reward for score in scores).values())


def _share(rates: Sequence[float], holds: Callable[[float], bool]) -> Interval:
    return wilson_interval(sum(map(holds, rates)), len(rates))


def _percent(interval: Interval) -> str:
    return f"{100 * interval.value:.0f} %"
