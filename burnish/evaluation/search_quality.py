"""Searches compared at equal budgets, over problems and seeds: accuracy, cost and who is ahead.

The unit is the problem: what is right of it is the mean over the seeds that searched it, and
intervals are bootstraps over problems. They do not cover the luck of training; for that stands the
spread over seeds beside them. Differences are paired: the same problems, the same seeds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TypeAlias

from scipy.stats import t as student_t

from burnish.evaluation.statistics import CONFIDENCE, Interval, bootstrap_difference, bootstrap_mean
from burnish.types import Json

Place: TypeAlias = tuple[int, str]
"""The seed of a run and the id of one of its problems."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one search with one budget made of one problem."""

    is_correct: bool
    tokens: int


Searched: TypeAlias = Mapping[str, Mapping[int, Mapping[Place, Found]]]
"""What was found, by method, budget, and seed and problem."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A method at a budget.

    Attributes:
        accuracy: with its interval over problems.
        tokens: mean of a question, the value model's included.
        by_seed: accuracy of each seed.
        spread: half the width of the t interval of the mean over seeds; nan for a single seed.
    """

    accuracy: Interval
    tokens: float
    by_seed: Mapping[int, float]
    spread: float

    def as_json(self) -> dict[str, Json]:
        """For a file; without a spread where it is unknown."""
        return {
            "accuracy": self.accuracy.as_json(),
            "tokens": self.tokens,
            "by_seed": {str(seed): share for seed, share in self.by_seed.items()},
            "spread": None if math.isnan(self.spread) else self.spread,
        }


@dataclass(frozen=True, slots=True)
class Lead:
    """How far one method is ahead of another at a budget.

    Attributes:
        difference: of accuracies, with its interval over problems.
        num_ahead: seeds in which it is ahead; of these, `num_seeds` have both.
    """

    difference: Interval
    num_ahead: int
    num_seeds: int

    def as_json(self) -> dict[str, Json]:
        """For a file."""
        seeds: dict[str, Json] = {"num_ahead": self.num_ahead, "num_seeds": self.num_seeds}
        return {"difference": self.difference.as_json(), **seeds}


def quality_of(found: Mapping[Place, Found]) -> Quality:
    """A method at a budget. Raises ValueError where nothing was searched."""
    by_seed = _by_seed(found)
    shares = [*by_seed.values()]
    return Quality(
        accuracy=bootstrap_mean([*_by_problem(found).values()], seed=0),
        tokens=fmean(one.tokens for one in found.values()),
        by_seed=by_seed,
        spread=_half_width(shares),
    )


def lead_of(first: Mapping[Place, Found], second: Mapping[Place, Found]) -> Lead | None:
    """How far the first is ahead where both searched; None where they share nothing."""
    shared = first.keys() & second.keys()
    if not shared:
        return None
    ours, theirs = ({place: of[place] for place in shared} for of in (first, second))
    of_ours, of_theirs = _by_problem(ours), _by_problem(theirs)
    seeds, other_seeds = _by_seed(ours), _by_seed(theirs)
    return Lead(
        bootstrap_difference([*of_ours.values()], [*of_theirs.values()], seed=0),
        sum(seeds[seed] > other_seeds[seed] for seed in seeds),
        len(seeds),
    )


def highest_from(searched: Searched, method: str) -> int | None:
    """The budget from which on no other method is right more often; None where one is to the end.

    Compared are means, at the budgets that the method was searched with.
    """
    start: int | None = None
    for budget in sorted(searched[method], reverse=True):
        if ahead_of(searched, method, budget):
            break
        start = budget
    return start


def ahead_of(searched: Searched, method: str, budget: int) -> list[str]:
    """The methods that are right more often at this budget."""
    leads = {
        other: lead_of(budgets[budget], searched[method][budget])
        for other, budgets in searched.items()
        if other != method and budget in budgets
    }
    return [other for other, lead in leads.items() if lead and lead.difference.value > 0]


def _by_problem(found: Mapping[Place, Found]) -> dict[str, float]:
    """Share of the seeds in which each problem is right, in the order of ids."""
    verdicts: defaultdict[str, list[bool]] = defaultdict(list)
    for (_, problem), one in found.items():
        verdicts[problem].append(one.is_correct)
    return {problem: fmean(verdicts[problem]) for problem in sorted(verdicts)}


def _by_seed(found: Mapping[Place, Found]) -> dict[int, float]:
    verdicts: defaultdict[int, list[bool]] = defaultdict(list)
    for (seed, _), one in found.items():
        verdicts[seed].append(one.is_correct)
    return {seed: fmean(verdicts[seed]) for seed in sorted(verdicts)}


def _half_width(shares: Sequence[float]) -> float:
    if len(shares) < 2:
        return math.nan
    quantile = float(student_t.ppf((1 + CONFIDENCE) / 2, len(shares) - 1))
    return quantile * stdev(shares) / math.sqrt(len(shares))
