"""Best-of-n and self-consistency: whole solutions sampled side by side, then one of them chosen.

The samples are paths of one tree, where equal beginnings are shared; `visits` counts the samples
that run through a node. Best-of-n gives each solution one number, from the values of its steps
(process verifier) or of its end (outcome verifier: `last`). Self-consistency (arXiv:2203.11171)
values nothing: the vote over extracted answers is in `voting.py`. A weighted vote (Math-Shepherd,
arXiv:2312.08935, equation 7) does both: argmax_a sum_i 1[a_i = a] RM(S_i).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.search.asker import Asker
from burnish.search.asks import Asking, Continuation, End, Prefix
from burnish.search.solutions import best_finished, best_node
from burnish.search.tree import ROOT, Tree

Aggregation: TypeAlias = Literal["min", "product", "last", "mean"]


class SamplingConfig(Config):
    """How many whole solutions are sampled."""

    num_samples: int = Field(default=16, ge=1)
    """n: solutions a question"""
    samples_per_round: int = Field(default=4, ge=1)
    """solutions between two looks at the budget"""

    def is_over(self, tree: Tree) -> bool:
        """Whether all are sampled."""
        return tree.visits[ROOT] >= self.num_samples

    def best(self, tree: Tree) -> int | None:
        """The finished solution of greatest value; of equals the one sampled most; an unfinished
        one only where there is no other; None in an empty tree."""
        chosen = best_finished(tree)
        return best_node(tree) if chosen is None else chosen


class ValuedSamplingConfig(SamplingConfig):
    """Whole solutions, each with one number by a value model."""

    aggregate: Aggregation = "last"
    """a solution's number from those of its steps: the least, their product, the last, the mean"""
    low: float = 0.0
    """smallest value; others are clipped; a solution cut by the token limit is worth it"""
    high: float = 1.0
    """largest value; others are clipped"""

    def round(self, tree: Tree) -> Asking[None]:
        """A handful of solutions, all valued in one ask."""
        ask = Asker(tree)
        root = tree.prefix(ROOT)
        samples = yield from _sampled(self, tree, ask)
        asked = {i: self._valued_prefixes(root, steps) for i, steps in enumerate(samples)}
        answers = iter((yield from ask.value([p for prefixes in asked.values() for p in prefixes])))
        ask.commit()
        for i, steps in enumerate(samples):
            values = [min(max(next(answers), self.low), self.high) for _ in asked[i]]
            node = _add_sample(tree, steps, values if len(values) == len(steps) else [])
            tree.values[node] = aggregated(values, self.aggregate) if values else self.low

    def _valued_prefixes(self, root: Prefix, steps: Continuation) -> list[Prefix]:
        if steps[-1].end == End.CUT:
            return []
        first = len(steps) if self.aggregate == "last" else 1
        return [root.followed_by(*steps[:length]) for length in range(first, len(steps) + 1)]


class BestOfNConfig(ValuedSamplingConfig):
    """Best-of-n by a value model."""

    type: Literal["best_of_n"] = "best_of_n"
    """the search"""


class WeightedVoteConfig(ValuedSamplingConfig):
    """A vote of the samples, each of the weight that the value model gives its solution."""

    type: Literal["weighted_vote"] = "weighted_vote"
    """the search"""
    low: float = Field(default=0.0, ge=0)
    """smallest value; others are clipped; a weight cannot be negative"""


class SelfConsistencyConfig(SamplingConfig):
    """Samples without values, for a vote over their answers."""

    type: Literal["self_consistency"] = "self_consistency"
    """the search"""

    def round(self, tree: Tree) -> Asking[None]:
        """A handful of solutions."""
        ask = Asker(tree)
        samples = yield from _sampled(self, tree, ask)
        ask.commit()
        for steps in samples:
            _add_sample(tree, steps, [])


def aggregated(values: Sequence[float], how: Aggregation) -> float:
    """One number for a solution from the values of its steps. Raises ValueError without any."""
    if not values:
        raise ValueError("a solution without values has no aggregate")
    match how:
        case "min":
            return min(values)
        case "product":
            return math.prod(values)
        case "last":
            return values[-1]
        case "mean":
            return math.fsum(values) / len(values)


def _sampled(config: SamplingConfig, tree: Tree, ask: Asker) -> Asking[tuple[Continuation, ...]]:
    num = min(config.samples_per_round, config.num_samples - tree.visits[ROOT])
    (samples,) = yield from ask.propose([(tree.prefix(ROOT), num)], max_steps=None)
    return samples


def _add_sample(tree: Tree, steps: Continuation, values: Sequence[float]) -> int:
    """Add the path and count it; returns its last node."""
    node = ROOT
    tree.visit([ROOT])
    tree.is_expanded[ROOT] = 1
    for step, value in zip(steps, values or [math.nan] * len(steps), strict=True):
        node = tree.add(node, step, value)
        tree.visit([node])
        tree.is_expanded[node] = int(step.end == End.OPEN)
    return node
