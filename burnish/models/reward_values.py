"""What a reward model, or an ensemble of them, says of answers: one reward each.

An ensemble is asked for the mean less k standard deviations (Coste et al. 2023, arXiv:2310.02743):
where the members disagree, nobody has seen such answers, and a policy is not to go there. Rewards
of different models have different zeros and units; `Units` makes them comparable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import torch

from burnish.core.reward_losses import rating_probabilities
from burnish.errors import ConfigError, NonFiniteError
from burnish.models.batching import micro_batches
from burnish.models.reward_model import RewardModel
from burnish.models.token_batch import TokenBatch
from burnish.types import Example


@dataclass(frozen=True, slots=True)
class Units:
    """The zero and the unit of one source of rewards: mean and deviation on held-out answers."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, rewards: Sequence[float]) -> Units:
        """Of some rewards; the deviation is 1 where all are equal."""
        return cls(fmean(rewards), pstdev(rewards) or 1.0)

    def standard(self, reward: float) -> float:
        """z = (reward - mean) / deviation."""
        return (reward - self.mean) / self.deviation


@dataclass(frozen=True, slots=True)
class EnsembleReward:
    """What the members say of one answer.

    Attributes:
        mean: of their standardised rewards.
        deviation: their disagreement, the standard deviation over the members.
    """

    mean: float
    deviation: float

    def pessimistic(self, k: float) -> float:
        """mean - k deviation."""
        return self.mean - k * self.deviation


class RewardJudge:
    """A reward model that is asked."""

    def __init__(
        self,
        model: RewardModel,
        *,
        max_tokens: int,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """`weights`: of attributes; see `weighted_reward`. `max_tokens`: of a micro-batch."""
        self._model = model
        self._max_tokens = max_tokens
        self._weights = weights

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers that `outputs` gives."""
        return self._model.head.outputs

    def require_known(self, weights: Mapping[str, float], *, owner: str) -> None:
        """Raise ConfigError for weights of attributes that the model does not have."""
        unknown = sorted(weights.keys() - set(self.names))
        if unknown:
            raise ConfigError(
                f"weights names {unknown[0]!r}, but the reward model of {owner} knows "
                f"{', '.join(self.names)}"
            )

    def rewards(self, answers: Sequence[Example]) -> list[float]:
        """One number per answer, as `AnswerReader` made it; equal ones are judged once."""
        return [
            weighted_reward(values, self.names, self._weights) if len(values) > 1 else values[0]
            for values in self.outputs(answers)
        ]

    @torch.no_grad()
    def outputs(self, answers: Sequence[Example]) -> list[list[float]]:
        """The K numbers of each answer, in the units of the labels."""
        found: dict[Example, list[float]] = {}
        distinct = list(dict.fromkeys(answers))
        for part in micro_batches(distinct, max_tokens=self._max_tokens) if distinct else ():
            scores = self._model.scores(TokenBatch.collate(part).to(self._model.device))
            values = self._model.in_label_units(scores)
            if not bool(values.isfinite().all()):
                raise NonFiniteError(
                    "the reward model says something that is no number, so nothing can be paid by "
                    "it. Its weights are damaged, or bfloat16 is too coarse: try compute.dtype: "
                    "float32, or train it again with a lower learning rate."
                )
            found.update(zip(part, values.tolist(), strict=True))
        return [found[answer] for answer in answers]


class RewardEnsemble:
    """Several reward models, each in its own units."""

    def __init__(self, judges: Sequence[RewardJudge], units: Sequence[Units]) -> None:
        """`units`: of each judge, on held-out answers."""
        assert len(judges) == len(units) > 0
        self._judges = judges
        self._units = units

    def rewards(self, answers: Sequence[Example]) -> list[EnsembleReward]:
        """What the members say of each answer."""
        columns = [
            [units.standard(reward) for reward in judge.rewards(answers)]
            for judge, units in zip(self._judges, self._units, strict=True)
        ]
        return [EnsembleReward(fmean(said), pstdev(said)) for said in zip(*columns, strict=True)]


def weighted_reward(
    values: Sequence[float], names: Sequence[str], weights: Mapping[str, float] | None
) -> float:
    """sum_k w_k v_k, v in the units of the labels; without weights their sum."""
    if weights is None:
        return sum(values)
    return sum(weights.get(n, 0.0) * v for n, v in zip(names, values, strict=True))


@torch.no_grad()
def expected_grades(model: RewardModel, scores: Sequence[float]) -> list[float]:
    """E[s] = sum_j j P(s = j) of each score under an average rater; for ordinal ratings."""
    score = torch.tensor(scores, device=model.device)
    thresholds = model.scale.thresholds([""] * len(scores), model.head.raters)
    chances = rating_probabilities(score, thresholds)
    grades = torch.arange(chances.shape[1], device=chances.device, dtype=chances.dtype)
    return (chances * grades).sum(dim=1).tolist()
