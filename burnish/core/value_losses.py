"""Losses and metrics of a value head."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from burnish.core.masking import masked_variance


def clipped_value_loss(
    values: Float[Tensor, "B T"],
    old_values: Float[Tensor, "B T"],
    returns: Float[Tensor, "B T"],
    *,
    clip: float,
) -> Float[Tensor, "B T"]:
    """Pessimistic squared error, per token, to be minimised.

        L_t = max((V_t - R_t)^2, (clip(V_t, V_old_t - clip, V_old_t + clip) - R_t)^2) / 2

    ReFT's value loss (arXiv:2401.08967, section 3.2), after OpenAI's PPO code.

    Args:
        values: value head's output in training, in units of reward.
        old_values: its output when the batch was sampled. Constant: no gradient.
        returns: what it should predict. Constant: no gradient.
        clip: farthest useful move from `old_values`, in units of reward.
    """
    old_values, returns = old_values.detach(), returns.detach()
    clipped_values = values.clamp(old_values - clip, old_values + clip)
    return 0.5 * torch.maximum((values - returns).square(), (clipped_values - returns).square())


@torch.no_grad()
def explained_variance(
    values: Float[Tensor, "B T"], returns: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, ""]:
    """1 - Var(R - V) / Var(R) over the mask; a metric.

    1 is a perfect value head, 0 one no better than a constant, below 0 a worse one. Zero where the
    returns do not vary: there is nothing to explain.
    """
    total = masked_variance(returns, mask)
    unexplained = masked_variance(returns - values, mask)
    return torch.where(total > 0, 1.0 - unexplained / total, 0.0)
