"""From the losses of actions to the loss of a batch: what every sequence, or every token, weighs.

Every divisor is a count of the whole batch, so that cutting it into micro-batches changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.masking import constant_mean, sequence_mean, token_mean


@dataclass(frozen=True, slots=True)
class BatchSize:
    """What a batch of one update has: sequences, their actions, and the token limit of one."""

    num_sequences: int
    num_actions: int
    max_length: int


class SequenceMean(Config):
    """GRPO: mean over the tokens of a sequence, then over sequences."""

    type: Literal["sequence_mean"] = "sequence_mean"
    """A token of a long sequence weighs less."""

    def of(self, losses: Tensor, mask: Tensor, size: BatchSize) -> Tensor:
        """Of a micro-batch of that batch."""
        return sequence_mean(losses, mask, num_sequences=size.num_sequences)


class TokenMean(Config):
    """DAPO: mean over all tokens of the batch."""

    type: Literal["token_mean"] = "token_mean"
    """Every token weighs the same; a long sequence weighs more."""

    def of(self, losses: Tensor, mask: Tensor, size: BatchSize) -> Tensor:
        """Of a micro-batch of that batch."""
        return token_mean(losses, mask, num_tokens=size.num_actions)


class ConstantMean(Config):
    """Dr. GRPO: sum over tokens by the sequences times the token limit."""

    type: Literal["constant_mean"] = "constant_mean"
    """Every token weighs the same in every batch, whatever lengths were sampled."""

    def of(self, losses: Tensor, mask: Tensor, size: BatchSize) -> Tensor:
        """Of a micro-batch of that batch."""
        return constant_mean(losses, mask, divisor=size.num_sequences * size.max_length)


class SequenceSum(Config):
    """RLOO: sum over the tokens of a sequence, mean over sequences."""

    type: Literal["sequence_sum"] = "sequence_sum"
    """The gradient of the log-probability of the whole sequence, as in REINFORCE's theorem."""

    def of(self, losses: Tensor, mask: Tensor, size: BatchSize) -> Tensor:
        """Of a micro-batch of that batch."""
        return constant_mean(losses, mask, divisor=size.num_sequences)


AnyAggregation: TypeAlias = Annotated[
    SequenceMean | TokenMean | ConstantMean | SequenceSum, Field(discriminator="type")
]
