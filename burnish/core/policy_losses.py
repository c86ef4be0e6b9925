"""Policy-gradient losses, one value per token, to be minimised. Masks and reductions: `masking`."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from burnish.core.masking import token_mean


def clipped_surrogate(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
) -> Float[Tensor, "B T"]:
    """PPO's pessimistic bound, per token, to be minimised.

        r_t = exp(logp_t - old_logp_t)
        L_t = -min(r_t A_t, clip(r_t, 1 - clip_low, 1 + clip_high) A_t)

    Equation 7 of Schulman et al. 2017 (arXiv:1707.06347).

    Args:
        logp: log-probability, in nats, of each sampled token under the policy in training.
        old_logp: the same under the policy that sampled it. Constant: no gradient.
        advantage: estimated gain of the token over the average one. Constant: no gradient.
    """
    ratio = torch.exp(logp - old_logp.detach())
    advantage = advantage.detach()
    clipped_ratio = ratio.clamp(1.0 - clip_low, 1.0 + clip_high)
    return -torch.minimum(ratio * advantage, clipped_ratio * advantage)


def reinforce(logp: Float[Tensor, "B T"], advantage: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """REINFORCE, per token, to be minimised: L_t = -A_t logp_t.

    Williams 1992, with a baseline where `advantage` has one. Only the gradient has a meaning.

    Args:
        logp: log-probability, in nats, of each sampled token under the policy in training.
        advantage: return, or return less a baseline. Constant: no gradient.
    """
    return -advantage.detach() * logp


def is_clipped(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
) -> Bool[Tensor, "B T"]:
    """Where `clipped_surrogate` takes the clipped side, so that the token has no gradient.

    A ratio past a bound in the direction that the advantage forbids anyway is not clipped.
    """
    ratio = torch.exp(logp - old_logp)
    too_high = (ratio > 1.0 + clip_high) & (advantage > 0)
    too_low = (ratio < 1.0 - clip_low) & (advantage < 0)
    return too_high | too_low


@torch.no_grad()
def clip_fraction(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
    num_tokens: int,
) -> Float[Tensor, ""]:
    """Share of the global batch's `num_tokens` actions that `is_clipped`; a metric."""
    clipped = is_clipped(logp, old_logp, advantage, clip_low=clip_low, clip_high=clip_high)
    return token_mean(clipped.to(logp.dtype), mask, num_tokens=num_tokens)
