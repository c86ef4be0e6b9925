"""What multiplies the gradient of every action: one class for each estimate of the group methods.

Each turns what the samples of a step were paid into one `[B, T]` tensor a micro-batch, without a
critic: a sample is compared with the others of its problem, or of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.advantages import group_normalised, leave_one_out, whiten_batches
from burnish.core.group_advantages import batch_scaled, group_centred, length_weighted


@dataclass(frozen=True, slots=True)
class Returns:
    """What the N samples of a step were paid, in the order of their micro-batches.

    Attributes:
        whole: R_i, reward of a sample less the KL that the reward pays for.
        to_go: R_it, what each action still leads to; a [B, T] tensor for each micro-batch.
        group: number of the sample's problem.
        lengths: actions of each sample.
        masks: True at actions; [B, T] for each micro-batch.
        greedy: reward of the greedy answer to the sample's problem; NaN where it was not asked for.
    """

    whole: Float[Tensor, "N"]
    to_go: Sequence[Float[Tensor, "B T"]]
    group: Int[Tensor, "N"]
    lengths: Int[Tensor, "N"]
    masks: Sequence[Bool[Tensor, "B T"]]
    greedy: Float[Tensor, "N"]

    def at_actions(self, values: Float[Tensor, "N"]) -> list[Float[Tensor, "B T"]]:
        """The value of a sample at each of its actions, zero elsewhere."""
        rows = values.split([len(mask) for mask in self.masks])
        return [
            torch.where(mask, row[:, None], 0.0) for mask, row in zip(self.masks, rows, strict=True)
        ]


class GroupNormalised(Config):
    """GRPO: less the mean of the group, by its deviation."""

    type: Literal["group_normalised"] = "group_normalised"
    """(R_i - mean_g) / (std_g + epsilon)"""
    epsilon: float = Field(default=1e-6, gt=0)
    """Added to the deviation; verl: 1e-6, TRL: 1e-4."""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        found = group_normalised(returns.whole, returns.group, epsilon=self.epsilon)
        return returns.at_actions(found)


class GroupCentred(Config):
    """Dr. GRPO: less the mean of the group."""

    type: Literal["group_centred"] = "group_centred"
    """R_i - mean_g"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        return returns.at_actions(group_centred(returns.whole, returns.group))


class BatchScaled(Config):
    """Lite PPO: less the mean of the group, by the deviation of the batch."""

    type: Literal["batch_scaled"] = "batch_scaled"
    """(R_i - mean_g) / (std + epsilon)"""
    epsilon: float = Field(default=1e-4, gt=0)
    """Added to the deviation; TRL: 1e-4."""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        found = batch_scaled(returns.whole, returns.group, epsilon=self.epsilon)
        return returns.at_actions(found)


class LeaveOneOut(Config):
    """RLOO: less the mean of the group's other samples."""

    type: Literal["leave_one_out"] = "leave_one_out"
    """R_i - mean_{j in g, j != i} R_j"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        return returns.at_actions(leave_one_out(returns.whole, returns.group))


class LengthWeighted(Config):
    """OPO: less the mean of the group in which a sample counts by its length."""

    type: Literal["length_weighted"] = "length_weighted"
    """R_i - sum_g n_j R_j / sum_g n_j"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        return returns.at_actions(length_weighted(returns.whole, returns.group, returns.lengths))


class GreedyBaseline(Config):
    """ReMax: less the reward of the greedy answer, which is one more answer to each problem."""

    type: Literal["greedy_baseline"] = "greedy_baseline"
    """R_i - r(greedy answer)"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        return returns.at_actions(returns.whole - returns.greedy)


class WhitenedToGo(Config):
    """REINFORCE++: what an action still leads to, whitened over all actions of the step."""

    type: Literal["whitened_to_go"] = "whitened_to_go"
    """whiten(R_it)"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        return whiten_batches(returns.to_go, returns.masks)


class WhitenedCentred(Config):
    """REINFORCE++-baseline: less the mean of the group, whitened over all actions of the step."""

    type: Literal["whitened_centred"] = "whitened_centred"
    """whiten(R_i - mean_g)"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        centred = group_centred(returns.whole, returns.group)
        return whiten_batches(returns.at_actions(centred), returns.masks)


class WhitenedOverOthers(Config):
    """PPO without a critic: what an action leads to, less the mean of the group's other samples.

    GAE at lambda = 1 with V(s) = mean_{j in g, j != i} R_j at every state of sample i, whitened.
    """

    type: Literal["whitened_over_others"] = "whitened_over_others"
    """whiten(R_it - mean_{j in g, j != i} R_j)"""

    def of(self, returns: Returns) -> list[Tensor]:
        """One tensor a micro-batch."""
        of_others = returns.whole - leave_one_out(returns.whole, returns.group)
        gained = [
            to_go - baseline
            for to_go, baseline in zip(returns.to_go, returns.at_actions(of_others), strict=True)
        ]
        return whiten_batches(gained, returns.masks)


AnyAdvantage: TypeAlias = Annotated[
    GroupNormalised
    | GroupCentred
    | BatchScaled
    | LeaveOneOut
    | LengthWeighted
    | GreedyBaseline
    | WhitenedToGo
    | WhitenedCentred
    | WhitenedOverOthers,
    Field(discriminator="type"),
]
