"""The loss of every action, before it is reduced: PPO's clip and what was put in its place.

`is_bounded` says where the loss keeps a ratio from mattering in full; its share is a metric.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.policy_losses import clipped_surrogate, is_clipped, reinforce
from burnish.core.ratio_losses import (
    capped_reinforce,
    gamma_weighted_reinforce,
    sequence_clipped_surrogate,
    sequence_log_ratio,
    soft_gated_surrogate,
)


class Clip(Config):
    """PPO's clip, token by token; clip-higher (DAPO) is a `clip_high` above `clip_low`."""

    type: Literal["clip"] = "clip"
    """-min(r_t A_t, clip(r_t, 1 - clip_low, 1 + clip_high) A_t)"""
    clip_low: float = Field(default=0.2, gt=0, lt=1)
    """epsilon_low: how far the ratio may usefully fall below 1."""
    clip_high: float = Field(default=0.2, gt=0)
    """epsilon_high: how far it may usefully rise above 1."""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T]; `mask` is not needed."""
        return clipped_surrogate(
            logp, old_logp, advantage, clip_low=self.clip_low, clip_high=self.clip_high
        )

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Where the clipped side is taken."""
        return is_clipped(
            logp, old_logp, advantage, clip_low=self.clip_low, clip_high=self.clip_high
        )


class SequenceClip(Config):
    """GSPO: PPO's clip with one ratio for the whole sequence."""

    type: Literal["sequence_clip"] = "sequence_clip"
    """-min(s_i A_i, clip(s_i, 1 - clip_low, 1 + clip_high) A_i), s_i = exp(mean_t log r_it)"""
    clip_low: float = Field(default=3e-4, gt=0, lt=1)
    """epsilon_low; the paper: 3e-4."""
    clip_high: float = Field(default=4e-4, gt=0)
    """epsilon_high; the paper: 4e-4."""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T], the same at all actions of a sequence."""
        return sequence_clipped_surrogate(
            logp, old_logp, advantage, mask, clip_low=self.clip_low, clip_high=self.clip_high
        )

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Sequences of which the clipped side is taken."""
        ratio = sequence_log_ratio(logp, old_logp, mask).expand_as(logp)
        return is_clipped(
            ratio,
            torch.zeros_like(ratio),
            advantage,
            clip_low=self.clip_low,
            clip_high=self.clip_high,
        )


class Capped(Config):
    """CISPO: REINFORCE, each token weighted by its ratio up to a cap."""

    type: Literal["capped"] = "capped"
    """-sg(min(r_t, max_ratio)) A_t log pi(a_t)"""
    max_ratio: float = Field(default=5.0, ge=1)
    """1 + epsilon_high; ScaleRL (arXiv:2510.13786): 5, the paper does not say."""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T]; `mask` is not needed."""
        return capped_reinforce(logp, old_logp, advantage, max_ratio=self.max_ratio)

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Ratios above the cap."""
        return (logp - old_logp).exp() > self.max_ratio


class Reinforce(Config):
    """REINFORCE: no ratio, so one update a batch."""

    type: Literal["reinforce"] = "reinforce"
    """-A_t log pi(a_t)"""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T]; `old_logp` and `mask` are not needed."""
        return reinforce(logp, advantage)

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Nowhere."""
        return torch.zeros_like(mask)


class SoftGate(Config):
    """SAPO: a sigmoid gate in place of the clip."""

    type: Literal["soft_gate"] = "soft_gate"
    """-A_t (4 / tau) sigmoid(tau (r_t - 1))"""
    gate_positive: float = Field(default=1.0, gt=0)
    """tau where the advantage is above 0."""
    gate_negative: float = Field(default=1.05, gt=0)
    """tau elsewhere."""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T]; `mask` is not needed."""
        return soft_gated_surrogate(
            logp,
            old_logp,
            advantage,
            gate_positive=self.gate_positive,
            gate_negative=self.gate_negative,
        )

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Nowhere: it has no edge."""
        return torch.zeros_like(mask)


class GammaWeight(Config):
    """VESPO: REINFORCE, each sequence weighted by a bump over its ratio."""

    type: Literal["gamma_weight"] = "gamma_weight"
    """-sg(w_i^k exp(lambda (1 - w_i))) A_it log pi(a_it), w_i = prod_t r_it"""
    shape_positive: float = Field(default=2.0, gt=0)
    """k where the advantage is at least 0."""
    rate_positive: float = Field(default=3.0, gt=0)
    """lambda where the advantage is at least 0."""
    shape_negative: float = Field(default=3.0, gt=0)
    """k where the advantage is below 0."""
    rate_negative: float = Field(default=2.0, gt=0)
    """lambda where the advantage is below 0."""

    def of(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """[B, T]."""
        return gamma_weighted_reinforce(
            logp,
            old_logp,
            advantage,
            mask,
            shape=(self.shape_positive, self.shape_negative),
            rate=(self.rate_positive, self.rate_negative),
        )

    def is_bounded(self, logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
        """Nowhere: it has no edge."""
        return torch.zeros_like(mask)


AnyLoss: TypeAlias = Annotated[
    Clip | SequenceClip | Capped | Reinforce | SoftGate | GammaWeight, Field(discriminator="type")
]
