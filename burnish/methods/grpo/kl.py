"""Where the policy pays for leaving the reference: in the reward of each action, or in the loss."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from burnish.config import Config


class KlInLoss(Config):
    """A term of the loss."""

    type: Literal["in_loss"] = "in_loss"
    """+ beta k(log pi - log pi_ref) at each action"""
    coef: float = Field(default=0.04, ge=0)
    """beta; DeepSeekMath: 0.04, R1: 0.001. 0: the KL is only measured."""
    estimator: Literal["k2", "k3", "weighted_k3"] = "k3"
    """k3: GRPO's; k2: the one whose gradient is that of the KL, while the policy is the one that
    sampled; weighted_k3: k3 by the ratio, whose gradient always is (DeepSeek-V3.2, TRL's
    default)."""


class KlInReward(Config):
    """A cost in the reward, with k1 of the policy that sampled."""

    type: Literal["in_reward"] = "in_reward"
    """- beta (log pi_old - log pi_ref) at each action"""
    coef: float = Field(default=0.05, ge=0)
    """beta. 0: the KL is only measured."""


AnyKl: TypeAlias = Annotated[KlInLoss | KlInReward, Field(discriminator="type")]
